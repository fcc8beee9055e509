"""What is let go of with time, and what stays."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User

from apps.alerts.models import AlertGraph, Episode
from apps.core.clock import database_now
from apps.handover.models import EarlierText, Handover
from apps.notes import pruning
from apps.notes.models import Acknowledgement, Note
from apps.runbooks.models import CoverageDay, Tick, UndoneTick
from stonesoup_portal.pruning import prune_what_is_old
from tests.fleet_in_force import FleetFileOfTest
from tests.handover.conftest import fleet_file  # noqa: F401  (the fixture)
from tests.notes.people import person
from tests.rows import ago, cluster_row, episode_row

pytestmark = pytest.mark.database
NUMBERS = dict.fromkeys(
    ("rules", "with_runbook", "without", "empty", "dead", "not_configured", "not_known", "slo_rules", "slo_without"), 1
)


@pytest.fixture(autouse=True)
def fleet(fleet_file: FleetFileOfTest) -> None:  # noqa: F811
    """One that keeps thirty days."""
    fleet_file.put("portal: {retention: 30d}\n")


@pytest.fixture
def remy(db: None) -> User:
    return person()


def said(subject: str, days: int, kind: str = "alert") -> None:
    """A note and an ended acknowledgement of so many days ago."""
    told = {"kind": kind, "subject": subject, "title": subject, "by": "remy", "at": ago(days=days)}
    Note.objects.create(text="x", **told)
    Acknowledgement.objects.create(until=ago(days=days), ended_at=ago(days=days), **told)


def subjects() -> list[list[str]]:
    return [sorted(model.objects.values_list("subject", flat=True)) for model in (Note, Acknowledgement)]


def test_what_was_said_goes_with_the_timeline_once_its_thing_needs_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pruning, "PRUNE_BATCH", 2)
    episode_row(fingerprint="f1", began_at=ago(days=60))
    cluster_row("m01", tone="critical")
    for subject in ("appsre/f1", "appsre/over", "appsre/gone"):
        said(subject, days=31)
    said("appsre/lately", days=29)
    said("m01", days=31, kind="cluster")
    prune_what_is_old()
    left = ["appsre/f1", "appsre/lately", "m01"]
    assert subjects() == [left, left]


def test_an_acknowledgement_that_has_not_ended_stays() -> None:
    said("appsre/over", days=31)
    Acknowledgement.objects.update(ended_at=None)
    prune_what_is_old()
    assert subjects() == [[], ["appsre/over"]]


def test_handovers_are_kept_for_a_year_with_what_they_said_before() -> None:
    for days in (366, 364):
        at = ago(days=days)
        row = Handover.objects.create(from_at=at, until_at=at + timedelta(hours=8), text=f"{days}", by="remy", at=at)
        EarlierText.objects.create(handover=row, revision=1, text="x", by="remy", at=at)
    prune_what_is_old()
    assert [row.text for row in Handover.objects.all()] == ["364"]
    assert EarlierText.objects.count() == 1


def test_days_of_coverage_are_kept_for_two_years_and_the_last_one_in_any_case() -> None:
    today = database_now().date()
    for days in (800, 740):
        CoverageDay.objects.create(day=today - timedelta(days=days), **NUMBERS)
    prune_what_is_old()
    assert [(today - row.day).days for row in CoverageDay.objects.all()] == [740]
    CoverageDay.objects.create(day=today - timedelta(days=700), **NUMBERS)
    prune_what_is_old()
    assert [(today - row.day).days for row in CoverageDay.objects.all()] == [700]


def test_ticks_and_graphs_go_with_their_alert() -> None:
    for days in (31, 29):
        episode = episode_row(fingerprint=f"f{days}", began_at=ago(days=days, hours=1), ended_at=ago(days=days))
        told = {
            "episode": episode,
            "source": "sop",
            "path": "a.md",
            "step": "s",
            "person": "remy",
            "at": ago(days=days),
        }
        Tick.objects.create(**told)
        UndoneTick.objects.create(undone_by="zoe", undone_at=ago(days=days), **told)
        AlertGraph.objects.create(episode=episode)
    prune_what_is_old()
    assert [each.fingerprint for each in Episode.objects.all()] == ["f29"]
    assert [model.objects.count() for model in (Tick, UndoneTick, AlertGraph)] == [1, 1, 1]
