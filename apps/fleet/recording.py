"""Writing down what one complete reading of a cluster told: only what differs from the rows that are there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from apps.core.text import clean
from apps.core.verdict.cluster import ClusterFacts
from apps.fleet.collecting import Reading
from apps.fleet.lines import object_lines, removal_line
from apps.fleet.models import Cluster, ClusterObject
from apps.fleet.objects import Found, parts_of
from apps.fleet.standing import Change, cluster_change

OBJECT_COLUMNS = ("tone", "status", "reason", "since", "data")
LATENCY_WORTH_TELLING = 0.1

Key = tuple[str, str]


def cluster_record_reading(*, name: str, reading: Reading) -> bool:
    """Writes the reading of the cluster `name` down, with its transitions; whether anything differed."""
    return cluster_change(name=name, change=lambda row, now: _take_in(row, reading, now))


def _take_in(row: Cluster, reading: Reading, now: datetime) -> Change:
    present = {(one.kind, one.name): one for one in ClusterObject.objects.filter(cluster=row.name)}
    before = {key: _found_of(one) for key, one in present.items()}
    after = {found.key: _with_since(found, before.get(found.key), now) for found in reading.found}
    gone = [key for key in before if key not in after and _is_gone(key, reading)]
    _set_columns(row, reading, now)
    stands = {key: found for key, found in before.items() if key not in gone} | after
    lines = object_lines(row, before, after.values(), now) + [removal_line(row, before[key], now) for key in gone]
    return Change(
        ClusterFacts(
            not_allowed=tuple(row.not_allowed),
            unreadable=[f"{kind} {named}".rstrip() for kind, named, _ in reading.unreadable],
            parts=parts_of(stands.values()),
        ),
        lines,
        _write(row.name, present, before, after, gone),
        _sinces(stands.values()),
    )


def _sinces(stands: Iterable[Found]) -> dict[str, datetime]:
    """By tone, since when the first of the parts that are in it has been so."""
    sinces: dict[str, datetime] = {}
    for found in stands:
        if found.since is not None:
            sinces[found.tone] = min(found.since, sinces.get(found.tone, found.since))
    return sinces


def _set_columns(row: Cluster, reading: Reading, now: datetime) -> None:
    if row.unreached_since or row.cannot_read or row.reached_at is None:
        row.reached_at = now
    row.unreached_since = row.lost_since = None
    row.cannot_read = ""
    row.kubernetes_version = clean(reading.kubernetes_version, 100)
    row.openshift_version = clean(reading.openshift_version, 100)
    row.update_progress = clean(reading.update_progress, 500)
    row.not_installed, row.not_allowed = sorted(reading.not_installed), sorted(reading.not_allowed)
    if row.latency is None or is_worth_telling(row.latency, reading.ready.latency):
        row.latency = round(reading.ready.latency, 3)


def is_worth_telling(before: float, now: float) -> bool:
    """Whether a latency (seconds) became more than twice or less than half of what is told, by a tenth at least."""
    return abs(before - now) > max(LATENCY_WORTH_TELLING, min(before, now))


def _is_gone(key: Key, reading: Reading) -> bool:
    """Whether a row without an object may go: its kind was read whole, and it is not among what was unreadable."""
    kind, name = key
    if kind in reading.not_allowed:
        return False
    return not any(of_kind == kind and named in {name, ""} for of_kind, named, _ in reading.unreadable)


def _with_since(found: Found, before: Found | None, now: datetime) -> Found:
    """With a `since`: the upstream's, else the one it had while it stays as it is, else now."""
    if found.since is not None:
        return found
    is_same = before is not None and (before.tone, before.status) == (found.tone, found.status)
    return replace(found, since=before.since if before is not None and is_same else now)


def _found_of(row: ClusterObject) -> Found:
    return Found(row.kind, row.name, row.tone, row.status, row.reason, row.since, row.data)


def _write(
    cluster: str,
    present: Mapping[Key, ClusterObject],
    before: Mapping[Key, Found],
    after: Mapping[Key, Found],
    gone: list[Key],
) -> bool:
    new = [found for key, found in after.items() if key not in before]
    changed = [key for key, found in after.items() if key in before and before[key] != found]
    for key in changed:
        for column in OBJECT_COLUMNS:
            setattr(present[key], column, getattr(after[key], column))
    if new:
        ClusterObject.objects.bulk_create([_row_of(cluster, found) for found in new], batch_size=500)
    if changed:
        ClusterObject.objects.bulk_update([present[key] for key in changed], OBJECT_COLUMNS, batch_size=100)
    if gone:
        ClusterObject.objects.filter(pk__in=[present[key].pk for key in gone]).delete()
    return bool(new or changed or gone)


def _row_of(cluster: str, found: Found) -> ClusterObject:
    return ClusterObject(
        cluster=cluster,
        kind=found.kind,
        name=found.name,
        tone=found.tone,
        status=found.status,
        reason=found.reason,
        since=found.since,
        data=found.data,
    )
