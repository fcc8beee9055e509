"""Keeping the rows of sources in line with the fleet file, and saying which are due."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, OuterRef, Q, Subquery

from apps.core.clock import database_now
from apps.core.text import clean
from apps.core.tones import Tone
from apps.core.topics import raise_topics
from apps.sources.catalog import SourceKind, SourceSpec, sources_of
from apps.sources.fleetfile.current import FleetFileStatus, fleet_file_status
from apps.sources.fleetfile.schema import FleetFile
from apps.sources.lines import source_line
from apps.sources.models import FleetFileState, Source
from apps.timeline.models import Transition
from apps.timeline.services import transitions_note

Columns = dict[str, object]
GOLDEN_RATIO = 0.6180339887498949
"""Its multiples, without what stands before the point, lie evenly, however many there are."""


def sources_align(*, fleet: FleetFile) -> None:
    """Brings the sources' rows in line with the fleet file, and the row that tells how the file itself stands.

    What left the file is archived, never deleted. A source that is new, or changed, is due at once. Nothing is written
    when nothing changed.
    """
    wanted = {spec.key: _columns_of(spec, fleet) for spec in sources_of(fleet)}
    fleet_file_state_align(status=fleet_file_status())
    if not _differs(wanted):
        return
    with transaction.atomic():
        _write(wanted, {source.key: source for source in Source.objects.select_for_update().order_by("pk")})
        raise_topics(["sources"])


def sources_claim_due(*, limit: int) -> list[tuple[str, str]]:
    """(key, kind) of at most `limit` sources that are due, the longest due first; each claimed until it is due again.

    A claim is a compare-and-set of `next_try_at`, so that of two who claim at once one gets the source.
    """
    now = database_now()
    due = Source.objects.filter(Q(next_try_at=None) | Q(next_try_at__lte=now), is_archived=False)
    claimed = []
    of_group = Source.objects.filter(kind=OuterRef("kind"), group=OuterRef("group"), is_archived=False).order_by("pk")
    rows = due.order_by(F("next_try_at").asc(nulls_first=True), "pk").values_list(
        "pk", "key", "kind", "interval", "next_try_at", Subquery(of_group.values("pk")[:1])
    )
    for pk, key, kind, interval, next_try, first_of_group in rows[:limit]:
        later = now + timedelta(seconds=seconds_until_next(first_of_group, interval, now))
        if Source.objects.filter(pk=pk, next_try_at=next_try).update(next_try_at=later):
            claimed.append((key, kind))
    return claimed


def seconds_until_next(group: int, interval: float, now: datetime) -> float:
    """How long a source that is read now waits for its next read: half an interval to a whole one.

    Each group of sources (its number is the first one's primary key) has a moment of its own within the interval, so
    that a hundred clusters, due together when the portal starts, do not go on being read, and written down, all in the
    same second of each half minute. Members of one Alertmanager are read together, as they are told from each other.
    """
    left = (group * GOLDEN_RATIO % 1 * interval - now.timestamp()) % interval or interval
    return left if left >= interval / 2 else (left + interval) / 2


def archived_groups(kind: SourceKind) -> frozenset[str]:
    """Groups of which every source of this kind has left the fleet file. One query."""
    rows = list(Source.objects.filter(kind=kind).values_list("group", "is_archived"))
    return frozenset({group for group, _ in rows} - {group for group, is_archived in rows if not is_archived})


def fleet_file_state_align(*, status: FleetFileStatus) -> None:
    """Writes down how the fleet file stands in this process, if that changed.

    A file newly in force ends every back-off: it may have mended what failed.
    """
    row = FleetFileState.objects.filter(pk=1).first() or FleetFileState(pk=1)
    problems = [{"path": problem.path, "message": clean(problem.message, 500)} for problem in status.problems]
    if row.digest == status.digest and row.problems == problems:
        return
    with transaction.atomic():
        if row.digest != status.digest:
            row.loaded_at = database_now()
            Source.objects.exclude(not_before=None).update(not_before=None, next_try_at=None)
        row.refused_at = database_now() if problems else None
        row.digest, row.problems = status.digest, problems
        row.save()
        raise_topics(["sources"])


def _columns_of(spec: SourceSpec, fleet: FleetFile) -> Columns:
    return {
        "kind": spec.kind.value,
        "group": spec.group,
        "title": clean(spec.title, 200),
        "address": clean(spec.address, 500),
        "environment": spec.environment,
        "cluster": spec.cluster,
        "interval": spec.interval,
        "is_unverified": spec.is_unverified,
        "feeds": _feeds(spec, fleet),
        "is_archived": False,
    }


def _feeds(spec: SourceSpec, fleet: FleetFile) -> list[str]:
    if spec.kind is not SourceKind.PROMETHEUS:
        return []
    return [group for server in fleet.prometheuses if server.name == spec.group for group in server.feeds]


def _differs(wanted: Mapping[str, Columns]) -> bool:
    """Whether any row would change; looked at without a lock, since it almost never does."""
    rows = {source.key: source for source in Source.objects.all()}
    return any(key not in rows or _changes(rows[key], columns) for key, columns in wanted.items()) or any(
        key not in wanted and not row.is_archived for key, row in rows.items()
    )


def _changes(row: Source, columns: Columns) -> Columns:
    return {column: value for column, value in columns.items() if getattr(row, column) != value}


def _write(wanted: Mapping[str, Columns], rows: Mapping[str, Source]) -> None:
    for key, columns in wanted.items():
        row = rows.get(key)
        if row is None:
            Source.objects.create(key=key, **columns)
        elif changes := _changes(row, columns):
            Source.objects.filter(pk=row.pk).update(**changes, not_before=None, next_try_at=None)
    gone = [row for key, row in rows.items() if key not in wanted and not row.is_archived]
    Source.objects.filter(pk__in=[row.pk for row in gone]).update(is_archived=True)
    transitions_note(_line_of_archived(row) for row in gone)


def _line_of_archived(row: Source) -> Transition:
    before = "failing" if row.failures else "ok"
    return source_line(row, before=before, after="left the fleet file", tone=Tone.UNKNOWN, now=database_now())
