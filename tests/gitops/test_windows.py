"""Window states as Argo CD has them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from apps.gitops.models import Application, Project
from apps.gitops.windows import WindowState, glob_matches, window_closed, window_state
from apps.integrations.argocd import wire

NOW = datetime(2026, 11, 24, 12, 4, 23, tzinfo=UTC)  # a Tuesday


def window(**changes: object) -> dict[str, object]:
    return {"kind": "deny", "schedule": "* * * * *", "duration": "24h", "applications": ["*"], **changes}


def state(*windows: dict[str, object], now: datetime = NOW, **fields: str) -> WindowState:
    names = {"name": "backup-m01", "destination": "https://m01:6443", "destination_namespace": "backup", **fields}
    return window_state(Application(**names), Project(name="default", sync_windows=list(windows)), now)


def test_without_windows_it_is_open_and_says_nothing() -> None:
    assert state() == WindowState(is_open=True)
    assert window_state(Application(name="a"), None, NOW) == WindowState(is_open=True)


def test_a_deny_window_that_starts_each_minute_for_a_day_never_opens() -> None:
    # recordings: syncwindows_deny_active, canSync false
    told = state(window(description="release freeze"))
    assert told == WindowState(False, "a deny window is active (release freeze)", None, allows_manual=False)


def test_an_allow_window_that_is_not_active_closes_auto_sync_and_leaves_a_manual_one() -> None:
    # recordings: syncwindows_allow_inactive, canSync true
    told = state(window(kind="allow", schedule="0 3 1 1 *", duration="1h", manual_sync=True, time_zone="Europe/Prague"))
    assert (told.is_open, told.allows_manual) == (False, True)
    assert told.changes_at == datetime(2027, 1, 1, 2, 0, tzinfo=UTC)


def test_deny_beats_allow() -> None:
    told = state(window(kind="allow"), window(kind="deny", schedule="0 12 * * *", duration="1h"))
    assert told.is_open is False
    assert told.changes_at == datetime(2026, 11, 24, 13, 0, tzinfo=UTC)


def test_after_the_deny_window_the_inactive_allow_still_closes() -> None:
    told = state(
        window(kind="deny", schedule="0 12 * * *", duration="1h"),
        window(kind="allow", schedule="0 15 * * *", duration="30m"),
    )
    assert told.changes_at == datetime(2026, 11, 24, 15, 0, tzinfo=UTC)


def test_every_active_deny_window_must_permit_a_manual_sync() -> None:
    assert state(window(manual_sync=True)).allows_manual is True
    assert state(window(manual_sync=True), window()).allows_manual is False


@pytest.mark.parametrize(("minute", "is_open"), [(59, True), (60, False), (61, False), (119, False), (120, True)])
def test_a_window_is_active_from_its_start_until_its_duration_has_passed(minute: int, is_open: bool) -> None:
    hour_of_deny = window(schedule="0 13 * * *", duration="1h")
    assert state(hour_of_deny, now=NOW.replace(minute=0, second=0) + timedelta(minutes=minute)).is_open is is_open


def test_a_schedule_runs_in_the_time_zone_of_its_window() -> None:
    at_eight = window(schedule="0 8 * * *", duration="1h")
    assert state(at_eight, now=NOW.replace(hour=8)).is_open is False
    assert state(at_eight | {"time_zone": "America/New_York"}, now=NOW.replace(hour=8)).is_open is True
    assert state(at_eight | {"time_zone": "America/New_York"}, now=NOW.replace(hour=13)).is_open is False


def test_a_window_names_applications_namespaces_or_clusters() -> None:
    assert state(window(applications=["other-*"])).is_open is True
    assert state(window(applications=["other-*"], namespaces=["back*"])).is_open is False
    assert state(window(applications=[], clusters=["https://m0?:6443"])).is_open is False
    assert state(window(applications=[])).is_open is True


def test_the_and_operator_wants_one_of_each_list() -> None:
    both = window(applications=["other-*"], namespaces=["backup"], use_and_operator=True)
    assert state(both).is_open is True
    assert state(both, name="other-m01").is_open is False


@pytest.mark.parametrize(
    ("pattern", "text", "matches"),
    [
        ("*", "a/b", True),
        ("{a,b}-*", "b-1", True),
        ("{a,b}-*", "c-1", False),
        ("a?", "ab", True),
        ("A*", "ab", False),
        ("{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}", "zzzzzzzz", False),
    ],
)
def test_globs_match_as_in_argo_cd(pattern: str, text: str, matches: bool) -> None:
    assert glob_matches(pattern, text) is matches


@pytest.mark.parametrize(
    "wrong",
    [
        {"schedule": "every day"},
        {"schedule": "* * * * * *"},
        {"schedule": "0 0 L * *"},
        {"schedule": "61 * * * *"},
        {"duration": "a while"},
        {"duration": ""},
        {"time_zone": "Mars/Olympus"},
        {"time_zone": "../../etc/passwd"},
    ],
)
def test_what_cannot_be_read_leaves_the_state_unknown(wrong: dict[str, str]) -> None:
    told = state(window(**wrong))
    assert told.is_open is None
    assert told.allows_manual is None
    assert "a window's" in told.reason


def test_auto_sync_is_closed_only_where_that_is_certain() -> None:
    application = Application(name="a", destination_namespace="n")
    closed = Project(sync_windows=[window()])
    assert window_closed(application, closed, NOW) == "a deny window is active"
    assert window_closed(application, Project(sync_windows=[window(schedule="?!")]), NOW) == ""
    assert window_closed(application, None, NOW) == ""


@pytest.mark.parametrize(
    ("recording", "project"),
    [
        ("syncwindows_open", "default"),
        ("syncwindows_deny_active", "frozen"),
        ("syncwindows_allow_inactive", "windowed"),
    ],
)
def test_the_state_agrees_with_what_a_real_argo_cd_said_of_the_same_windows(recording: str, project: str) -> None:
    projects = {item["metadata"]["name"]: item for item in recorded("projects")["json"]["items"]}
    windows = wire.project(msgspec.convert(projects[project], wire.WireProject)).sync_windows
    answer = recorded(recording)
    told, at = answer["json"], parsedate_to_datetime(answer["headers"]["Date"])
    mine = window_state(Application(name="any"), Project(sync_windows=msgspec.to_builtins(windows)), at)
    assert mine.allows_manual is told["canSync"]
    assert mine.is_open is not ("deny" in str(told.get("activeWindows")) or "allow" in str(told.get("assignedWindows")))


def recorded(name: str) -> dict[str, Any]:
    path = Path(__file__).parents[1] / "recordings" / "argocd" / "3.6" / f"{name}.json"
    answer: dict[str, Any] = json.loads(path.read_text())["response"]
    return answer
