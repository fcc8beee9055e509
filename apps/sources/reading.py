"""The frame in which every collector reads its source: one read in flight, its outcome written down, back-off.

No connection of the database is held by this frame while an upstream is waited for (decision 7).
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from django.db import transaction

from apps.core.clock import database_now
from apps.core.connections import DATABASE_FAILURES, connection_let_go
from apps.core.errors import UpstreamDenied, UpstreamError, UpstreamThrottled, UpstreamUnverified
from apps.core.leases import lease_held
from apps.core.metrics import SOURCE_READS
from apps.core.text import clean
from apps.core.tones import Tone
from apps.core.topics import raise_topics
from apps.integrations.http import CallFacts
from apps.sources.catalog import SourceKind, SourceSpec, sources_of
from apps.sources.fleetfile.current import fleet_file_in_force
from apps.sources.fleetfile.schema import FleetFile
from apps.sources.lines import source_line
from apps.sources.models import CALLS_OF_A_READ, FAILURES_UNTIL_DOWN, Source, SourceState, short_error
from apps.timeline.models import Transition
from apps.timeline.services import transitions_note

BUG = "bug"
SOONEST_PROBE = 30.0
LATEST_PROBE = 300.0
LONGEST_RETRY_AFTER = 3600.0
CALLS_OF_A_CLUSTER = 12
LEASE_MARGIN = 20.0
SHOWN_COLUMNS = ("items", "unreadable", "unreadable_reason", "version", "note", "warnings", "error_kind", "error")

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ReadOutcome:
    """What one complete read of a source gave.

    `items` that were read, `unreadable` ones that were left out and why, the upstream's `version`, a `note` for people
    (dropped, may have lost its rights), `warnings` (short machine-readable texts), and the facts of the call.
    """

    items: int
    unreadable: int = 0
    unreadable_reason: str = ""
    version: str = ""
    note: str = ""
    warnings: tuple[str, ...] = ()
    facts: CallFacts | None = None


Read = Callable[[SourceSpec, FleetFile], ReadOutcome]


def source_read(*, key: str, read: Read) -> None:
    """Reads the source `key` by `read`, unless a read of it is in flight, it is backed off, or the file lacks it.

    An UpstreamError that `read` raises is written down and not raised. What else it raises is a bug: written down
    as one and raised. When the database fails, the round is skipped: that tells nothing of the source.
    """
    fleet = fleet_file_in_force()
    spec = next((spec for spec in sources_of(fleet) if spec.key == key), None)
    if spec is None:
        log.info("%s is not read: it left the fleet file", key)
        return
    try:
        with lease_held(name=f"read:{key}", seconds=read_budget(spec) + LEASE_MARGIN) as holder:
            if holder and not _is_backed_off(key):
                _read_and_record(key=key, read=lambda: read(spec, fleet))
    except DATABASE_FAILURES as error:
        log.warning("the read of %s is skipped, the database says: %s", key, error)


def read_budget(spec: SourceSpec) -> float:
    """Seconds that a whole read, of however many calls, may take; a collector of many calls keeps to it itself."""
    if spec.kind is SourceKind.RUNBOOKS:
        return spec.deadline
    calls = CALLS_OF_A_CLUSTER if spec.kind is SourceKind.KUBERNETES else CALLS_OF_A_READ
    return calls * spec.deadline


def source_succeeded(*, key: str, outcome: ReadOutcome) -> None:
    """Writes a success down on the source's row, with a line in the timeline where it was not read right before."""
    SOURCE_READS.labels(key, "ok").inc()
    with transaction.atomic():
        source = Source.objects.select_for_update().filter(key=key).first()
        if source is None:
            return
        now = database_now()
        changes = _success_columns(source, outcome, now)
        _record(source, changes, now, _lines_of_success(source, now))


def _lines_of_success(source: Source, now: datetime) -> list[Transition]:
    """That it is read for the first time, or again after it failed or after nobody read it: pictures stand on that."""
    if source.succeeded_at is None:
        before, seen_after = "never read", source.attempted_at
    elif source.failures:
        before, seen_after = "failing", source.attempted_at
    elif source.state(now) is SourceState.STALE:
        before, seen_after = "not read", source.succeeded_at
    else:
        return []
    return [source_line(source, before=before, after="ok", tone=Tone.WELL, now=now, seen_after=seen_after)]


def source_failed(*, key: str, error: UpstreamError) -> None:
    """Writes a failure down on the source's row and sets when it is asked again; what it told before is kept."""
    _failure_note(
        key=key,
        kind=error.kind,
        message=error.message,
        is_outage=not isinstance(error, UpstreamThrottled),
        least_delay=partial(_least_delay, error),
    )


def _read_and_record(*, key: str, read: Callable[[], ReadOutcome]) -> None:
    connection_let_go()
    try:
        outcome = read()
    except UpstreamError as error:
        source_failed(key=key, error=error)
    except DATABASE_FAILURES:
        raise
    except Exception as error:  # whatever a bug raises must show on Sources too; it is raised again
        log.exception("reading %s met a bug", key)
        _failure_note(key=key, kind=BUG, message=f"a bug of the portal: {type(error).__name__}; its log has more")
        raise
    else:
        source_succeeded(key=key, outcome=outcome)


def _is_backed_off(key: str) -> bool:
    return Source.objects.filter(key=key, not_before__gt=database_now()).exists()


def _failure_note(
    *, key: str, kind: str, message: str, is_outage: bool = True, least_delay: Callable[[Source], float] = lambda _: 0.0
) -> None:
    SOURCE_READS.labels(key, kind).inc()
    with transaction.atomic():
        source = Source.objects.select_for_update().filter(key=key).first()
        if source is None:
            return
        now = database_now()
        failures = source.failures + 1 if is_outage else source.failures
        delay = max(backoff_seconds(max(failures, 1), source.interval), least_delay(source))
        next_try = now + timedelta(seconds=delay)
        changes: dict[str, object] = {
            "attempted_at": now,
            "failures": failures,
            "failing_since": (source.failing_since or now) if failures else None,
            "error_kind": kind,
            "error": clean(message, 500),
            "next_try_at": next_try,
            "not_before": next_try,
        }
        begins = is_outage and not source.failures
        before = "ok" if source.succeeded_at else "never read"
        after = f"failing: {short_error(message)}"
        line = source_line(
            source, before=before, after=after, tone=Tone.WARNING, now=now, seen_after=source.attempted_at
        )
        _record(source, changes, now, [line] if begins else [])


def _least_delay(error: UpstreamError, source: Source) -> float:
    """Seconds before which asking again is pointless or unwanted, as the source stood before this failure: of a refusal
    that may pass by itself only the second in a row is one."""
    asked_for = min(error.retry_after or 0.0, LONGEST_RETRY_AFTER)
    may_pass = isinstance(error, UpstreamUnverified) and source.error_kind != error.kind
    return max(LATEST_PROBE, asked_for) if isinstance(error, UpstreamDenied) and not may_pass else asked_for


def backoff_seconds(failures: int, interval: float) -> float:
    """How long to wait after the n-th failure in a row: random in a window that doubles, 30 s to 5 min once down."""
    floor = SOONEST_PROBE if failures >= FAILURES_UNTIL_DOWN else min(interval, SOONEST_PROBE)
    return random.uniform(floor, min(LATEST_PROBE, floor * 2 ** min(failures, 10)))  # noqa: S311 (no secret)


def _success_columns(source: Source, outcome: ReadOutcome, now: datetime) -> dict[str, object]:
    next_try = now + timedelta(seconds=source.interval)
    facts = outcome.facts
    return {
        "attempted_at": now,
        "succeeded_at": now,
        "first_read_at": source.first_read_at if source.succeeded_at else now,
        "next_try_at": min(source.next_try_at or next_try, next_try),
        "not_before": None,
        "failing_since": None,
        "failures": 0,
        "error_kind": "",
        "error": "",
        "items": outcome.items,
        "unreadable": outcome.unreadable,
        "unreadable_reason": clean(outcome.unreadable_reason, 500),
        "version": clean(outcome.version, 100) or source.version,
        "note": clean(outcome.note, 500),
        "warnings": [clean(warning, 300) for warning in outcome.warnings],
        "latency": facts.latency if facts else source.latency,
        "wire_bytes": facts.wire_bytes if facts else source.wire_bytes,
        "skew": facts.skew if facts else source.skew,
    }


def _record(source: Source, changes: dict[str, object], now: datetime, lines: list[Transition]) -> None:
    """Writes the columns that changed; raises the topic when something changed that a page shows beside the age."""
    shown_before = [source.state(now), *(getattr(source, column) for column in SHOWN_COLUMNS)]
    changed = {column: value for column, value in changes.items() if getattr(source, column) != value}
    for column, value in changed.items():
        setattr(source, column, value)
    Source.objects.filter(pk=source.pk).update(**changed)
    transitions_note(lines)
    if lines or shown_before != [source.state(now), *(getattr(source, column) for column in SHOWN_COLUMNS)]:
        raise_topics(["sources"])
