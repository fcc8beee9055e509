"""What is well of an Application, case by case."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from apps.core.tones import Tone
from apps.core.verdict import Verdict
from apps.core.verdict.application import ApplicationFacts, application_verdict

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def verdict(**facts: Any) -> Verdict:
    return application_verdict(
        ApplicationFacts(**{"now": NOW, "sync_status": "Synced", "health_status": "Healthy", **facts})
    )


def ago(**time: int) -> datetime:
    return NOW - timedelta(**time)


def test_synced_and_healthy_with_nothing_else_is_well() -> None:
    assert verdict() == Verdict(Tone.WELL, "Synced and Healthy")
    assert verdict(operation_phase="Succeeded", auto_sync=True).tone is Tone.WELL


@pytest.mark.parametrize(
    ("facts", "tone", "reason"),
    [
        # Healthy beside a comparison that failed is no evidence (recordings: applications_repo_server_failing).
        (
            {"sync_status": "Unknown", "conditions": (("ComparisonError", "no\n  repo-server"),)},
            Tone.UNKNOWN,
            "Not known: comparison failed: no repo-server",
        ),
        ({"sync_status": "Unknown"}, Tone.UNKNOWN, "Not known: comparison failed"),
        ({"sync_status": ""}, Tone.UNKNOWN, "Not known: comparison failed"),
        (
            {"conditions": (("InvalidSpecError", "no such project"),)},
            Tone.UNKNOWN,
            "Not known: comparison failed: no such project",
        ),
        ({"conditions_known": False}, Tone.UNKNOWN, "its conditions have not been read yet"),
        ({"sync_status": "Odd"}, Tone.UNKNOWN, "sync status 'Odd' is not known to the portal"),
        ({"health_status": "Odd"}, Tone.UNKNOWN, "health 'Odd' is not known to the portal"),
        ({"health_status": ""}, Tone.UNKNOWN, "health is not known"),
        ({"operation_phase": "Odd"}, Tone.UNKNOWN, "operation phase 'Odd' is not known to the portal"),
        ({"conditions": (("OddError", "x"),)}, Tone.UNKNOWN, "condition OddError: x"),
        ({"health_status": "Degraded", "health_message": "0 of 1"}, Tone.WARNING, "Degraded: 0 of 1"),
        ({"health_status": "Missing"}, Tone.UNKNOWN, "Missing: never synced, and auto-sync is off"),
        ({"health_status": "Missing", "auto_sync": True}, Tone.WARNING, "Missing"),
        ({"health_status": "Missing", "operation_phase": "Succeeded"}, Tone.WARNING, "Missing"),
        ({"health_status": "Suspended"}, Tone.HELD, "Suspended"),
        ({"health_status": "Progressing"}, Tone.BUSY, "Progressing"),
        ({"conditions": (("SharedResourceWarning", "x"),)}, Tone.WARNING, "SharedResourceWarning: x"),
        ({"conditions": (("SyncError", "x"),)}, Tone.WARNING, "SyncError: x"),
        ({"conditions": (("DeletionError", "x"),)}, Tone.WARNING, "DeletionError: x"),
    ],
)
def test_what_is_not_well_says_why(facts: dict[str, Any], tone: Tone, reason: str) -> None:
    assert verdict(**facts) == Verdict(tone, reason)


def test_a_warning_that_harms_nothing_leaves_it_well() -> None:
    assert verdict(conditions=(("SomeNewWarning", "x"),)).tone is Tone.WELL


@pytest.mark.parametrize(
    ("facts", "tone", "reason"),
    [
        ({"auto_sync": True, "sync_since": ago(minutes=4)}, Tone.BUSY, "OutOfSync: Argo CD will sync it"),
        ({"auto_sync": True}, Tone.BUSY, "OutOfSync: Argo CD will sync it"),
        ({"auto_sync": True, "sync_since": ago(minutes=6)}, Tone.WARNING, "OutOfSync although auto-sync is on"),
        (
            {"auto_sync": True, "sync_since": ago(hours=9), "window_closed": "a deny window is active"},
            Tone.HELD,
            "OutOfSync: a deny window is active",
        ),
        ({"sync_since": ago(days=6)}, Tone.HELD, "OutOfSync, auto-sync is off"),
        ({"sync_since": ago(days=8)}, Tone.WARNING, "OutOfSync for longer than is tolerated, auto-sync is off"),
        (
            {"operation_phase": "Failed", "operation_message": "no image"},
            Tone.CRITICAL,
            "sync failed: no image · OutOfSync, auto-sync is off",
        ),
        ({"conditions": (("SyncError", "x"),)}, Tone.CRITICAL, "SyncError: x · OutOfSync, auto-sync is off"),
        ({"operation_phase": "Running"}, Tone.BUSY, "sync is running · OutOfSync"),
        ({"is_deleting": True}, Tone.BUSY, "is being deleted · OutOfSync"),
    ],
)
def test_drift_is_held_busy_or_wrong(facts: dict[str, Any], tone: Tone, reason: str) -> None:
    assert verdict(sync_status="OutOfSync", **facts) == Verdict(tone, reason)


@pytest.mark.parametrize(
    ("facts", "tone", "reason"),
    [
        ({"operation_phase": "Pending"}, Tone.BUSY, "sync is running"),
        ({"operation_phase": "Terminating"}, Tone.BUSY, "sync is being ended"),
        ({"operation_phase": "Running", "operation_started_at": ago(minutes=29)}, Tone.BUSY, "sync is running"),
        (
            {"operation_phase": "Running", "operation_started_at": ago(minutes=31)},
            Tone.WARNING,
            "sync has run for more than 30 minutes",
        ),
        ({"operation_phase": "Running", "retry_count": 1}, Tone.WARNING, "sync fails and is tried again"),
        (
            {"operation_phase": "Running", "operation_message": "Sync operation blocked by sync window"},
            Tone.HELD,
            "sync waits for its window: Sync operation blocked by sync window",
        ),
        ({"operation_phase": "Failed"}, Tone.WARNING, "last sync failed"),
        ({"operation_phase": "Error"}, Tone.WARNING, "last sync failed"),
        ({"operation_phase": "Failed", "operation_is_dry_run": True}, Tone.WELL, "Synced and Healthy"),
    ],
)
def test_an_operation_under_way_or_gone_wrong_shows(facts: dict[str, Any], tone: Tone, reason: str) -> None:
    assert verdict(**facts) == Verdict(tone, reason)


def test_a_moment_in_the_future_is_never_overdue() -> None:
    # F23
    assert verdict(operation_phase="Running", operation_started_at=NOW + timedelta(days=1)).tone is Tone.BUSY


def test_deleting_for_long_is_a_warning() -> None:
    assert verdict(is_deleting=True, deleting_since=ago(minutes=31)).tone is Tone.WARNING
    assert verdict(is_deleting=True, deleting_since=ago(minutes=1)).tone is Tone.BUSY


def test_the_worse_finding_wins_and_one_more_stands_behind_it() -> None:
    told = verdict(
        health_status="Degraded",
        conditions=(("ComparisonError", "y"),),
        sync_status="Unknown",
        operation_phase="Running",
    )
    assert told == Verdict(Tone.WARNING, "Degraded · Not known: comparison failed: y")


def test_a_huge_message_is_cut() -> None:
    assert len(verdict(health_status="Degraded", health_message="x" * 100_000).reason) < 400


def test_what_is_in_doubt_is_not_known_however_well_it_was() -> None:
    assert verdict(doubt="not listed any more") == Verdict(Tone.UNKNOWN, "not listed any more")
