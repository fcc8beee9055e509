"""What is well of an Application: Synced, Healthy, compared without an error, and nothing under way or gone wrong."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from apps.core.text import clean
from apps.core.tones import Tone

from . import Verdict, strictest_verdict

SYNCED = "Synced"
OUT_OF_SYNC = "OutOfSync"
LEAD = "one or more objects failed to apply, reason: "
"""With which Argo CD begins the reason of every failed sync; a row has room for the reason itself."""
UNKNOWN_SYNC = "Unknown"
"""While a comparison fails: the revision that Argo CD tells beside it is the target's then (recorded of 3.6)."""
HEALTHY = "Healthy"
UNDER_WAY = frozenset({"Pending", "Running", "Terminating"})
GONE_WRONG = frozenset({"Failed", "Error"})
HARMFUL_WARNINGS = frozenset(
    {"OrphanedResourceWarning", "SharedResourceWarning", "RepeatedResourceWarning", "ExcludedResourceWarning"}
)
AUTO_SYNC_PATIENCE = timedelta(minutes=5)
OPERATION_PATIENCE = timedelta(minutes=30)
DELETION_PATIENCE = timedelta(minutes=30)
LONGEST_MESSAGE = 300
BLOCKED_BY_WINDOW = "blocked by sync window"
NOT_COMPARED = "Not known: comparison failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationFacts:
    """All that the verdict on an Application is made of; every word as Argo CD said it.

    `conditions` are (type, message). `conditions_known` is False while only the list of Applications was read, which
    cannot tell them. `window_closed` says why auto-sync may not sync now, "" where it may. Moments are aware; None
    where nobody told them, and then nothing counts as overdue: `operation_started_at` of one that is Pending is when
    it was asked for. `doubt` says why all of it may not hold any more.
    """

    now: datetime
    sync_status: str
    health_status: str
    sync_since: datetime | None = None
    health_message: str = ""
    conditions: tuple[tuple[str, str], ...] = ()
    conditions_known: bool = True
    auto_sync: bool = False
    window_closed: str = ""
    is_deleting: bool = False
    deleting_since: datetime | None = None
    operation_phase: str = ""
    operation_message: str = ""
    operation_started_at: datetime | None = None
    operation_is_dry_run: bool = False
    retry_count: int = 0
    drift_tolerance: timedelta = timedelta(days=7)
    doubt: str = ""

    def is_past(self, since: datetime | None, patience: timedelta) -> bool:
        """Whether what has stood since `since` has stood longer than `patience`."""
        return since is not None and self.now - since > patience


def application_verdict(facts: ApplicationFacts) -> Verdict:
    """The tone of an Application by itself, and why; the state of its source and its cluster is laid over it later."""
    findings = [*_of_operation(facts), *_of_conditions(facts), *_of_health(facts), *_of_sync(facts)]
    if facts.is_deleting:
        findings.insert(0, _of_deletion(facts))
    if facts.doubt:
        findings.insert(0, Verdict(Tone.UNKNOWN, facts.doubt))
    return strictest_verdict(findings or [Verdict(Tone.WELL, "Synced and Healthy")])


def _of_operation(facts: ApplicationFacts) -> Iterator[Verdict]:
    """A dry run that failed says nothing of the Application; a success of an operation is no proof of anything."""
    phase = facts.operation_phase
    if phase in UNDER_WAY:
        yield _of_operation_under_way(facts)
    elif phase in GONE_WRONG:
        if not facts.operation_is_dry_run:
            yield _of_operation_gone_wrong(facts)
    elif phase not in {"", "Succeeded"}:
        yield Verdict(Tone.UNKNOWN, f"operation phase '{phase}' is not known to the portal")


def _of_operation_under_way(facts: ApplicationFacts) -> Verdict:
    if BLOCKED_BY_WINDOW in facts.operation_message:
        return Verdict(Tone.HELD, _told("sync waits for its window", facts.operation_message))
    if facts.retry_count >= 1:
        return Verdict(Tone.WARNING, _told("sync fails and is tried again", facts.operation_message))
    if facts.is_past(facts.operation_started_at, OPERATION_PATIENCE):
        stands = "has not begun" if facts.operation_phase == "Pending" else "has run"
        return Verdict(Tone.WARNING, _told(f"sync {stands} for more than 30 minutes", facts.operation_message))
    return Verdict(Tone.BUSY, "sync is being ended" if facts.operation_phase == "Terminating" else "sync is running")


def _of_operation_gone_wrong(facts: ApplicationFacts) -> Verdict:
    if facts.sync_status == OUT_OF_SYNC:
        return Verdict(Tone.CRITICAL, _told("sync failed", facts.operation_message))
    return Verdict(Tone.WARNING, _told("last sync failed", facts.operation_message))


def _of_conditions(facts: ApplicationFacts) -> Iterator[Verdict]:
    if not facts.conditions_known:
        yield Verdict(Tone.UNKNOWN, "its conditions have not been read yet")
    for kind, message in facts.conditions:
        if kind in {"ComparisonError", "InvalidSpecError"}:
            yield Verdict(Tone.UNKNOWN, _told(NOT_COMPARED, message))
        elif kind == "SyncError":
            tone = Tone.CRITICAL if facts.sync_status == OUT_OF_SYNC else Tone.WARNING
            yield Verdict(tone, _told(kind, message))
        elif kind == "DeletionError" or kind in HARMFUL_WARNINGS:
            yield Verdict(Tone.WARNING, _told(kind, message))
        elif not kind.endswith("Warning"):
            yield Verdict(Tone.UNKNOWN, _told(f"condition {kind}", message))


def _of_health(facts: ApplicationFacts) -> Iterator[Verdict]:
    """Healthy is evidence only beside a comparison that succeeded, which `_of_sync` and `_of_conditions` see to."""
    status = facts.health_status
    if status == "Degraded":
        yield Verdict(Tone.WARNING, _told(status, facts.health_message))
    elif status == "Missing":
        yield _of_missing(facts)
    elif status == "Suspended":
        yield Verdict(Tone.HELD, _told(status, facts.health_message))
    elif status == "Progressing":
        yield Verdict(Tone.BUSY, _told(status, facts.health_message))
    elif status in {"Unknown", ""}:
        yield Verdict(Tone.UNKNOWN, _told("health is not known", facts.health_message))
    elif status != HEALTHY:
        yield Verdict(Tone.UNKNOWN, f"health '{status}' is not known to the portal")


def _of_missing(facts: ApplicationFacts) -> Verdict:
    if not facts.operation_phase and not facts.auto_sync:
        return Verdict(Tone.UNKNOWN, "Missing: never synced, and auto-sync is off")
    return Verdict(Tone.WARNING, _told("Missing", facts.health_message))


def _of_sync(facts: ApplicationFacts) -> Iterator[Verdict]:
    if facts.sync_status == OUT_OF_SYNC:
        yield _of_drift(facts)
    elif facts.sync_status in {"Unknown", ""}:
        if not any(kind in {"ComparisonError", "InvalidSpecError"} for kind, _ in facts.conditions):
            yield Verdict(Tone.UNKNOWN, NOT_COMPARED)
    elif facts.sync_status != SYNCED:
        yield Verdict(Tone.UNKNOWN, f"sync status '{facts.sync_status}' is not known to the portal")


def _of_drift(facts: ApplicationFacts) -> Verdict:
    if facts.operation_phase in UNDER_WAY or facts.is_deleting:
        return Verdict(Tone.BUSY, OUT_OF_SYNC)
    if not facts.auto_sync:
        if facts.is_past(facts.sync_since, facts.drift_tolerance):
            return Verdict(Tone.WARNING, "OutOfSync for longer than is tolerated, auto-sync is off")
        return Verdict(Tone.HELD, "OutOfSync, auto-sync is off")
    if facts.window_closed:
        return Verdict(Tone.HELD, f"OutOfSync: {facts.window_closed}")
    if facts.is_past(facts.sync_since, AUTO_SYNC_PATIENCE):
        return Verdict(Tone.WARNING, "OutOfSync although auto-sync is on")
    return Verdict(Tone.BUSY, "OutOfSync: Argo CD will sync it")


def _of_deletion(facts: ApplicationFacts) -> Verdict:
    if facts.is_past(facts.deleting_since, DELETION_PATIENCE):
        return Verdict(Tone.WARNING, "has been deleting for more than 30 minutes")
    return Verdict(Tone.BUSY, "is being deleted")


def _told(what: str, message: str) -> str:
    """`what`, with what the upstream said about it on one line."""
    line = clean(" ".join(message.split()).replace(LEAD, ""), LONGEST_MESSAGE)
    return f"{what}: {line}" if line else what
