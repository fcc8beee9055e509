"""What Argo CD told of one Application, taken into its row; no queries here.

The stream tells everything (`is_complete`), the list only a part: what the list cannot tell is kept as it was, and
while the list shows that something changed which the stream has not told yet, `details_known` is off.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import msgspec

from apps.core.structs import converted
from apps.core.text import clean
from apps.core.tones import Tone
from apps.core.verdict.application import GONE_WRONG, OUT_OF_SYNC, UNKNOWN_SYNC, ApplicationFacts, application_verdict
from apps.integrations.argocd.values import Application as Told
from apps.integrations.argocd.values import Operation

from .destinations import Destinations
from .models import Application, Project
from .windows import window_closed

LIFE = "life"
BROKEN = frozenset({Tone.CRITICAL, Tone.WARNING})
MOST_LABELS = 60
MOST_CONDITIONS = 30
MOST_INFOS = 20
COLUMNS = [column.attname for column in Application._meta.concrete_fields if not column.primary_key]  # noqa: SLF001
DRAFT_COLUMNS = [name for name in COLUMNS if name != "seen_at"]


class Change(NamedTuple):
    """One field that changed, for the timeline. `at` is the upstream's moment where it told one."""

    field: str
    before: str
    after: str
    at: datetime | None = None
    by: str = ""


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What a row is made of beside what Argo CD told of the Application itself, at the moment `now`."""

    instance: str
    now: datetime
    destinations: Destinations
    projects: Mapping[str, Project]
    drift_tolerance: timedelta


def key_of(told: Told) -> tuple[str, str]:
    """The identity of a row for what was told: (namespace, name), fit for the columns."""
    return (clean(told.namespace, 253), clean(told.name, 253))


def row_take(row: Application, told: Told, around: Surroundings) -> list[Change]:
    """Takes what was told into the row and judges it anew; returns what changed in its state.

    A row that was never told of before (`name` empty) is filled; that is no change of state.
    """
    is_new = not row.name
    life = [] if is_new else _life_changes(row, told)
    if is_new or life:
        _begin_life(row, told)
    is_first_sight = row.conditions_since is None
    state = _state_take(row, told, around.now)
    changes = life if is_new or life else state
    row.doubt = ""
    _spec_take(row, told, around)
    row_judge(row, around, is_first_sight=is_first_sight)
    return changes


def row_judge(row: Application, around: Surroundings, *, is_first_sight: bool = False) -> None:
    """Sets tone and reason by what the row holds now: they change with time and with windows too.

    At first sight, until the stream has told of it once, it is in its tone since Argo CD says; so is trouble that was
    of another kind or not known for a while, as when its cluster was lost.
    """
    verdict = application_verdict(facts_of(row, around))
    if row.tone != verdict.tone or row.tone_since is None:
        was_in_trouble = verdict.tone in BROKEN and row.tone in {*BROKEN, Tone.UNKNOWN} and not is_first_sight
        told = _told_since(row, around.now) if is_first_sight or was_in_trouble else around.now
        row.tone_since = told if was_in_trouble else max(told, row.tone_since or told)
        row.tone = verdict.tone.value
    row.reason = clean(verdict.reason, 1000)


def _told_since(row: Application, now: datetime) -> datetime:
    """Since when a row that is seen in full for the first time is as it is, by Argo CD's word: the last of its moments.

    Argo CD does not tell since when an Application is OutOfSync: such a one is so since it was seen.
    """
    if row.sync_status == OUT_OF_SYNC and row.operation_phase not in GONE_WRONG:
        return now
    told = (row.health_since, row.operation_since, row.conditions_since if row.conditions else None)
    return max((moment for moment in told if moment and moment < now), default=now)


def facts_of(row: Application, around: Surroundings) -> ApplicationFacts:
    """The facts that the verdict on a row is made of."""
    operation = operation_of(row) or Operation(phase="")
    return ApplicationFacts(
        now=around.now,
        sync_status=row.sync_status,
        sync_since=row.sync_since,
        health_status=row.health_status,
        health_message=row.health_message,
        conditions=tuple((condition["type"], condition["message"]) for condition in row.conditions),
        conditions_known=row.details_known,
        auto_sync=row.auto_sync,
        window_closed=window_closed(row, around.projects.get(row.project), around.now),
        is_deleting=row.is_deleting,
        deleting_since=row.deleting_since,
        operation_phase=operation.phase,
        operation_message=operation.message,
        operation_started_at=operation.started_at or row.operation_since,
        operation_is_dry_run=operation.dry_run,
        retry_count=operation.retry_count,
        drift_tolerance=around.drift_tolerance,
        doubt=row.doubt,
    )


def operation_of(row: Application) -> Operation | None:
    """The running or last operation that the row holds, as a value."""
    return converted(row.operation, Operation) if row.operation else None


def _life_changes(row: Application, told: Told) -> list[Change]:
    """A new `uid` under the same name is a new life; the list, which has none, tells it by the moment of creation."""
    if told.is_complete and told.uid and row.uid:
        is_reborn = clean(told.uid, 100) != row.uid
    else:
        is_reborn = bool(row.created_at and told.created_at and told.created_at != row.created_at)
    return [Change(LIFE, row.uid, clean(told.uid, 100), told.created_at)] if is_reborn else []


def _begin_life(row: Application, told: Told) -> None:
    """Empties the row but for who it is."""
    empty = Application(pk=row.pk, instance=row.instance)
    empty.namespace, empty.name = key_of(told)
    for column in COLUMNS:
        setattr(row, column, getattr(empty, column))


def _spec_take(row: Application, told: Told, around: Surroundings) -> None:
    """What is asked for rather than so: source, destination and its place in the fleet, policy."""
    row.project = clean(told.project, 253)
    row.destination = clean(told.destination_server or told.destination_name, 500)
    row.destination_namespace = clean(told.destination_namespace, 253)
    row.cluster = around.destinations.cluster_of(server=told.destination_server, name=told.destination_name)
    row.environment = around.destinations.environment_of(row.cluster)
    row.repo_url = clean(told.repo_url, 1000)
    row.path = clean(told.path or told.chart, 1000)
    row.target_revision = clean(told.target_revision, 300)
    row.labels = {clean(key, 317): clean(text, 300) for key, text in list(told.labels.items())[:MOST_LABELS]}
    row.auto_sync, row.self_heal, row.auto_prune = told.auto_sync, told.self_heal, told.auto_prune
    if told.is_deleting != row.is_deleting:
        row.is_deleting, row.deleting_since = told.is_deleting, around.now if told.is_deleting else None
    row.created_at = told.created_at
    if told.is_complete:
        row.uid, row.set_name = clean(told.uid, 100), clean(told.set_name, 253)


def _state_take(row: Application, told: Told, now: datetime) -> list[Change]:
    changes = [*_sync_take(row, told, now), *_health_take(row, told, now), *_operation_take(row, told, now)]
    if told.is_complete:
        row.details_known = True
        changes += _conditions_take(row, told, now)
    elif changes:
        row.details_known = False
    return changes


def _sync_take(row: Application, told: Told, now: datetime) -> list[Change]:
    changes = []
    status, revision = clean(told.sync_status, 50), clean(told.sync_revision, 300)
    if status != row.sync_status or row.sync_since is None:
        changes.append(Change("sync", row.sync_status, status))
        row.sync_status, row.sync_since = status, now
    is_target = status == UNKNOWN_SYNC and revision in {"", clean(told.target_revision, 300)}
    is_untold = is_target or (not revision and not told.is_complete)
    if not is_untold and (revision != row.sync_revision or row.revision_since is None):
        changes.append(Change("revision", row.sync_revision, revision))
        row.sync_revision, row.revision_since = revision, now
    return changes


def _health_take(row: Application, told: Told, now: datetime) -> list[Change]:
    status, before = clean(told.health_status, 50), row.health_status
    row.health_message = clean(told.health_message, 1000)
    if status == before and row.health_since is not None:
        row.health_since = told.health_since or row.health_since
        return []
    row.health_status, row.health_since = status, told.health_since or now
    return [Change("health", before, status, told.health_since)]


def _conditions_take(row: Application, told: Told, now: datetime) -> list[Change]:
    """Only conditions that come or go are changes of state: messages vary with each attempt."""
    by_type = sorted(told.conditions, key=lambda condition: (condition.type, condition.message))[:MOST_CONDITIONS]
    row.conditions = [
        {
            "type": clean(condition.type, 100),
            "message": clean(condition.message, 2000),
            "at": condition.at.isoformat() if condition.at else None,
        }
        for condition in by_type
    ]
    before, kinds = row.condition_types, sorted({condition["type"] for condition in row.conditions})
    after = clean(f" {' '.join(kinds)} ", 500) if kinds else ""
    if after == before and row.conditions_since is not None:
        return []
    at = max((condition.at for condition in told.conditions if condition.at), default=None)
    row.condition_types, row.conditions_since = after, at or now
    return [Change("condition", before.strip(), after.strip(), at)] if after != before else []


def _operation_take(row: Application, told: Told, now: datetime) -> list[Change]:
    before = operation_of(row)
    after = _cleaned(told.operation)
    if not told.is_complete:
        after = _with_what_is_known(before, after)
    if after == before:
        return []
    row.operation = msgspec.to_builtins(after)
    row.operation_phase = after.phase if after else ""
    if before and after and (before.phase, before.started_at) == (after.phase, after.started_at):
        return []
    at = (after.finished_at or after.started_at) if after else None
    row.operation_since = at or now
    by = after.initiated_by if after else ""
    return [Change("operation", before.phase if before else "", _operation_words(after), at, by)]


def _with_what_is_known(known: Operation | None, listed: Operation | None) -> Operation | None:
    """The operation that a list told, with what the stream told of the same one before."""
    if known is None or listed is None or known.started_at != listed.started_at:
        return listed
    if known.phase == listed.phase:
        return known
    return msgspec.structs.replace(known, phase=listed.phase, finished_at=listed.finished_at, message="")


def _cleaned(operation: Operation | None) -> Operation | None:
    if operation is None:
        return None
    return msgspec.structs.replace(
        operation,
        phase=clean(operation.phase, 50),
        message=clean(operation.message, 2000),
        initiated_by=clean(operation.initiated_by, 200),
        revision=clean(operation.revision, 300),
        infos=tuple((clean(name, 200), clean(value, 500)) for name, value in operation.infos[:MOST_INFOS]),
    )


def _operation_words(operation: Operation | None) -> str:
    if operation is None:
        return ""
    words = f"{operation.phase} (dry run)" if operation.dry_run else operation.phase
    return f"{words}: {operation.message}" if operation.phase in GONE_WRONG and operation.message else words


def draft_of(row: Application) -> dict[str, Any]:
    """What the row holds, to compare with later; `seen_at` left out."""
    values = row.__dict__
    return {column: values[column] for column in DRAFT_COLUMNS}
