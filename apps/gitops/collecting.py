"""Taking what an Argo CD instance told into the rows: the list says what exists, the stream says everything else.

One process writes for an instance at a time (the lease of `writing_lease`). What is the same as before is not written.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import Any, NamedTuple
from urllib.parse import quote

from django.db import transaction

from apps.core.clock import database_now
from apps.core.connections import connection_let_go
from apps.core.text import clean
from apps.core.tones import Tone
from apps.core.topics import raise_topics
from apps.integrations.argocd import Application as Told
from apps.integrations.argocd import ApplicationEvent, ArgoCDClient
from apps.integrations.http import CallFacts
from apps.integrations.listing import Unreadable
from apps.sources.fleetfile.schema import FleetFile
from apps.sources.models import Source
from apps.timeline.models import TONE, Kind, Transition
from apps.timeline.services import transitions_note

from .destinations import destinations_of
from .merging import BROKEN, COLUMNS, LIFE, Change, Surroundings, draft_of, key_of, row_judge, row_take
from .models import Application, ApplicationDetail, ClusterConnection, Project, SeenOperation
from .rights import Absence, absence_of
from .seen import seen_operation, seen_operations_note

Key = tuple[str, str]
RIGHTS_DOUBTED = "may have lost its rights"
NOT_LISTED = "not listed any more, and Argo CD does not confirm that it is gone"
NOT_READ = "what Argo CD tells of it now cannot be read"
DELETED, REPLAYED = "DELETED", "ADDED"
APPEARED = Change("seen", "", "appeared")
REMOVED = Change("seen", "", "removed")
ROWS_A_STATEMENT = 200


@dataclass(frozen=True, kw_only=True)
class Listed:
    """A complete answer of the list, asked for at `asked_at` by the database's clock.

    `items` by key; `absence` is what it lacks of what was known then.
    """

    asked_at: datetime
    items: Mapping[Key, Told]
    unreadable: tuple[Unreadable, ...] = ()
    absence: Absence = field(default_factory=Absence)
    known: int = 0
    facts: CallFacts | None = None

    @property
    def warnings(self) -> tuple[str, ...]:
        """For the source's row: RIGHTS_DOUBTED while something is missed that may only be hidden."""
        return (RIGHTS_DOUBTED,) if self.absence.doubted else ()

    @property
    def doubt(self) -> str:
        """That rights may be lost, for as long as it is so; else ""."""
        if not self.absence.doubted:
            return ""
        return (
            f"may have lost its rights: {len(self.absence.doubted)} of {self.known} Applications are not listed any"
            " more, and it does not confirm that they are gone; nothing of that is removed"
        )

    def without_drop(self) -> Listed:
        """The same answer once its drop has been told long enough."""
        return replace(self, absence=replace(self.absence, is_big=False))

    @property
    def drop(self) -> str:
        """That many went at once and are gone, to be told for one interval; else ""."""
        if self.absence.doubted or not self.absence.is_big:
            return ""
        return f"dropped from {self.known} to {len(self.items)} Applications at {self.asked_at:%H:%M:%S} UTC"


@dataclass(frozen=True, kw_only=True)
class Collected:
    """What taking an answer in came to. `wants_replay`: there are rows that only the stream's replay can complete."""

    total: int = 0
    created: int = 0
    changed: int = 0
    removed: int = 0
    wants_replay: bool = False


def writing_lease(instance: str) -> str:
    """The name of the lease that whoever writes an instance's Applications holds."""
    return f"follow:{instance}"


def applications_list(*, client: ArgoCDClient, instance: str) -> Listed:
    """Asks for the list, and settles what it lacks. Holds no connection of the database while it waits.

    Raises UpstreamError.
    """
    asked_at = database_now()
    connection_let_go()
    listing = client.applications()
    facts = client.last
    rows = Application.objects.filter(instance=instance).values_list("namespace", "name", "project")
    known = {(namespace, name): project for namespace, name, project in rows}
    connection_let_go()
    items = {key_of(told): told for told in listing.items}
    sought = _without_unreadable(known, listing.unreadable)
    return Listed(
        asked_at=asked_at,
        items=items,
        unreadable=listing.unreadable,
        absence=absence_of(client=client, known=sought, listed=items),
        known=len(known),
        facts=facts,
    )


def applications_reconcile(
    *, fleet: FleetFile, instance: str, listed: Listed, replayed: Mapping[Key, Told] | None = None
) -> Collected:
    """Brings the rows of an instance in line with the list; `replayed` is what the stream told of the listed ones.

    Rows that changed since the list was asked for know better and are left alone, and so is what was removed since.
    """
    around = surroundings_of(fleet=fleet, instance=instance)
    rows = {row.key: row for row in Application.objects.filter(instance=instance)}
    told = {key: (replayed or {}).get(key, item) for key, item in listed.items.items()}
    unknown = set(told) - set(rows)
    for key in _removed_since(instance, unknown, listed.asked_at) if rows else ():
        del told[key]
    touched = {key for key, row in rows.items() if row.seen_at and row.seen_at >= listed.asked_at}
    last_success = _last_success(instance)
    round_ = _Round(around, rows)
    for key in sorted(told.keys() - touched):
        round_.take(key, told[key], seen_after=last_success)
    for key in sorted(listed.absence.gone - touched):
        round_.remove(key, seen_after=last_success)
    for key in listed.absence.doubted - touched:
        round_.doubt(key, NOT_LISTED)
    for key in _unreadable_of(rows, listed) - touched:
        round_.doubt(key, NOT_READ)
    return round_.write()


def applications_apply(*, fleet: FleetFile, instance: str, events: Sequence[ApplicationEvent]) -> Collected:
    """Takes events of the stream into the rows, each in its turn, so that no operation between two others is lost.

    What a replay (ADDED) tells happened at some time since the source's last success.
    """
    around = surroundings_of(fleet=fleet, instance=instance)
    names = {key_of(event.application)[1] for event in events}
    rows = {row.key: row for row in Application.objects.filter(instance=instance, name__in=names)}
    last_success = _last_success(instance) if any(event.type == REPLAYED for event in events) else None
    round_ = _Round(around, rows)
    for event in events:
        key = key_of(event.application)
        if event.type == DELETED:
            round_.remove(key)
        else:
            round_.take(key, event.application, seen_after=last_success if event.type == REPLAYED else None)
    return round_.write()


def applications_judge(*, fleet: FleetFile, instance: str) -> Collected:
    """Judges anew what is not well: time alone turns busy into warning, and opens and closes sync windows."""
    around = surroundings_of(fleet=fleet, instance=instance)
    rows = Application.objects.filter(instance=instance).exclude(tone=Tone.WELL)
    round_ = _Round(around, {row.key: row for row in rows})
    for key in list(round_.rows):
        round_.judge(key)
    return round_.write()


def surroundings_of(*, fleet: FleetFile, instance: str) -> Surroundings:
    """What rows of an instance are made of beside what Argo CD tells of them. Three queries."""
    of_file = next(argocd for argocd in fleet.argocd if argocd.name == instance)
    connections = ClusterConnection.objects.filter(instance=instance).values_list("server", "name")
    return Surroundings(
        instance=instance,
        now=database_now(),
        destinations=destinations_of(fleet=fleet, instance=of_file, connections=connections),
        projects={project.name: project for project in Project.objects.filter(instance=instance)},
        drift_tolerance=fleet.portal.drift_tolerance,
    )


class _Standing(NamedTuple):
    """Where an Application stands, and in which tone of its own."""

    cluster: str
    environment: str
    tone: str

    @property
    def weight(self) -> str:
        """Broken, not known, or neither."""
        return "broken" if self.tone in BROKEN else "not known" if self.tone == Tone.UNKNOWN else ""


NOWHERE = _Standing("", "", "")


class _Round:
    """The rows that one answer is about, what changes in them, and the one transaction that writes it."""

    def __init__(self, around: Surroundings, rows: dict[Key, Application]) -> None:
        self.around = around
        self.rows = rows
        self._before: dict[Key, dict[str, Any]] = {}
        self._changes: list[tuple[Application, Change, str, datetime | None]] = []
        self._removed: list[Application] = []
        self._gone: list[tuple[Application, _Standing]] = []
        self._created: set[Key] = set()
        self._reborn: set[int] = set()
        self._seen: list[SeenOperation] = []

    def take(self, key: Key, told: Told, *, seen_after: datetime | None = None) -> None:
        """Takes what was told of one Application; what changed did so after `seen_after`, if that is given."""
        row = self._drafted(key)
        is_new, operation = not row.name, row.operation
        changes = row_take(row, told, self.around)
        if row.operation is not operation and (seen := seen_operation(row, self.around.now)):
            self._seen.append(seen)
        if is_new:
            self._created.add(key)
            changes = [APPEARED]
        if row.pk and any(change.field == LIFE for change in changes):
            self._reborn.add(row.pk)
        self._changes += [(row, change, row.tone, seen_after) for change in changes]

    def judge(self, key: Key) -> None:
        """Judges one row anew by what it holds."""
        row_judge(self._drafted(key), self.around)

    def doubt(self, key: Key, reason: str) -> None:
        """Says of a row, if it is there, that what is known of it may not hold any more."""
        if key in self.rows:
            self._drafted(key).doubt = reason
            self.judge(key)

    def remove(self, key: Key, *, seen_after: datetime | None = None) -> None:
        """Removes a row, if it is there."""
        row = self.rows.pop(key, None)
        before = self._before.pop(key, None)
        self._created.discard(key)
        if row is not None and row.pk:
            self._removed.append(row)
            self._gone.append((row, _standing_of(before or draft_of(row))))
            self._changes.append((row, REMOVED, "", seen_after))

    def write(self) -> Collected:
        """Writes the difference, its lines in the timeline, and raises the topics; nothing where nothing changed."""
        changed = [key for key, before in self._before.items() if draft_of(self.rows[key]) != before]
        touched = [self.rows[key] for key in changed]
        if touched or self._removed or self._seen:
            with transaction.atomic():
                self._write_rows(touched)
                seen_operations_note(self._seen)
                transitions_note([*self._lines(), *self._tone_lines(changed)])
                raise_topics(_topics([*touched, *self._removed]))
        return Collected(
            total=len(self.rows),
            created=len(self._created),
            changed=len(set(changed) - self._created),
            removed=len(self._removed),
            wants_replay=any(not row.details_known for row in self.rows.values()),
        )

    def _drafted(self, key: Key) -> Application:
        """The row of `key`, an empty one where there is none, with what it held at first kept aside."""
        row = self.rows.get(key)
        if row is None:
            row = self.rows[key] = Application(instance=self.around.instance)
        if key not in self._before:
            self._before[key] = draft_of(row)
        return row

    def _write_rows(self, touched: list[Application]) -> None:
        if self._removed:
            Application.objects.filter(pk__in=[row.pk for row in self._removed]).delete()
        if self._reborn:
            ApplicationDetail.objects.filter(application__in=self._reborn).delete()
        for row in touched:
            row.pk, row.seen_at = None, self.around.now
        Application.objects.bulk_create(
            touched,
            batch_size=ROWS_A_STATEMENT,
            update_conflicts=True,
            unique_fields=["instance", "namespace", "name"],
            update_fields=COLUMNS,
        )

    def _lines(self) -> list[Transition]:
        return [
            _line(row, change, tone, self.around.now, seen_after)
            for row, change, tone, seen_after in self._changes
            if not (change is APPEARED and self._is_first_sight)
        ]

    @cached_property
    def _is_first_sight(self) -> bool:
        """First sight of a whole instance is no news."""
        key = f"argocd/{self.around.instance}"
        return not Source.objects.filter(key=key, succeeded_at__isnull=False).exists()

    def _tone_lines(self, changed: Iterable[Key]) -> list[Transition]:
        """What the picture of broken Applications is made of: one that begins or ceases to be broken or not known."""
        moves = [(row, before, NOWHERE) for row, before in self._gone]
        for key in changed:
            before = NOWHERE if key in self._created else _standing_of(self._before[key])
            if not (key in self._created and self._is_first_sight):
                moves.append((self.rows[key], before, _standing_of(draft_of(self.rows[key]))))
        return [line for move in moves for line in _lines_of_move(*move, self.around.now)]


def _line(row: Application, change: Change, tone: str, now: datetime, seen_after: datetime | None) -> Transition:
    path = (row.instance, row.namespace, row.name)
    return Transition(
        at=change.at,
        seen_at=now,
        seen_after=seen_after,
        kind=Kind.APPLICATION,
        subject=clean("/".join(path), 400),
        title=row.name,
        cluster=row.cluster,
        application=clean("/".join(path), 300),
        environment=row.environment,
        field=change.field,
        before=change.before,
        after=change.after,
        tone=tone,
        source=f"argocd/{row.instance}",
        by=change.by,
        link=clean(f"/apps/{'/'.join(quote(part, safe='') for part in path)}/", 500),
    )


def _standing_of(draft: Mapping[str, Any]) -> _Standing:
    return _Standing(draft["cluster"], draft["environment"], draft["tone"])


def _lines_of_move(row: Application, before: _Standing, after: _Standing, now: datetime) -> Iterator[Transition]:
    """A line where its weight changes; one that moved goes from where it was and appears where it is."""
    is_moved = NOWHERE not in {before, after} and before[:2] != after[:2]
    for was, stands in [(before, NOWHERE), (NOWHERE, after)] if is_moved else [(before, after)]:
        if was.weight != stands.weight:
            line = _line(row, Change(TONE, was.tone, stands.tone), stands.tone, now, None)
            line.cluster, line.environment, _ = was if stands == NOWHERE else stands
            yield line


def _topics(rows: Iterable[Application]) -> set[str]:
    topics = {"apps"}
    for row in rows:
        topics |= {f"apps:{row.environment}"} if row.environment else set()
        topics |= {f"cluster:{row.cluster}"} if row.cluster else set()
    return topics


def _without_unreadable(known: Mapping[Key, str], unreadable: Sequence[Unreadable]) -> dict[Key, str]:
    """What may be missed in a list: what could not be read is there, and one without a name could be any."""
    names = {item.name for item in unreadable}
    return {} if "" in names else {key: project for key, project in known.items() if key[1] not in names}


def _unreadable_of(rows: Iterable[Key], listed: Listed) -> set[Key]:
    """The rows whose item in the list could not be read."""
    names = {item.name for item in listed.unreadable}
    return {key for key in rows if key[1] in names and key not in listed.items}


def _removed_since(instance: str, keys: Iterable[Key], moment: datetime) -> set[Key]:
    """Those of `keys` that the timeline saw removed at or after `moment`."""
    subjects = {clean(f"{instance}/{namespace}/{name}", 400): (namespace, name) for namespace, name in keys}
    if not subjects:
        return set()
    removed = Transition.objects.filter(
        kind=Kind.APPLICATION, field=REMOVED.field, after=REMOVED.after, seen_at__gte=moment
    ).values_list("subject", flat=True)
    return {subjects[subject] for subject in removed if subject in subjects}


def _last_success(instance: str) -> datetime | None:
    return Source.objects.filter(key=f"argocd/{instance}").values_list("succeeded_at", flat=True).first()
