"""Reading all that is shown of one Application: of those that somebody looks at or that are not well, a few at a time.

Never one GET for each Application of a list: while a repo-server fails, that would be thousands (decision 2).
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

import msgspec
from django.db import transaction
from django.db.models import F, Q

from apps.core.clock import database_now
from apps.core.connections import DATABASE_FAILURES, connection_let_go, short_patience
from apps.core.errors import UpstreamDenied, UpstreamError, UpstreamNotFound, UpstreamThrottled
from apps.core.leases import lease_held
from apps.core.text import clean, clean_all
from apps.core.tones import Tone
from apps.core.topics import raise_topics
from apps.integrations.argocd import ApplicationDetail as Told
from apps.integrations.argocd import ArgoCDClient, ResourceStatus
from apps.sources.clients import argocd_client
from apps.sources.fleetfile.current import fleet_file_in_force
from apps.sources.fleetfile.schema import FleetFile
from apps.sources.models import Source

from .around import around_read
from .commits import commits_read, commits_tried_since, commits_want
from .models import Application, ApplicationDetail
from .phases import failures_first

log = logging.getLogger(__name__)

PATIENCE_OF_A_PAGE = 0.5
AT_ONCE = 5
MOST_A_MINUTE = 30
LEASE_SECONDS = 120.0
READ_LATELY = timedelta(seconds=20)
READ_AGAIN = timedelta(minutes=10)
MOST_RESOURCES = 500
MOST_HISTORY = 20
MOST_IMAGES = 100
LONGEST_TEXT = 1000
MOST_SIBLINGS = 100
LONGEST_TOPIC = 200
LOOKED_LATELY = timedelta(minutes=15)


def ask_for_details(*, application: Application) -> None:
    """Asks for a read of the Application's details, unless one is asked for already or was made just now.

    A page calls it: where the database takes no write now, nothing is asked, and the page is shown all the same.
    """
    now = database_now()
    detail = ApplicationDetail.objects.filter(application=application).first()
    if detail and (_is_asked(detail) or (detail.read_at and now - detail.read_at < READ_LATELY)):
        return
    try:
        with short_patience(PATIENCE_OF_A_PAGE), transaction.atomic():
            ApplicationDetail.objects.update_or_create(application=application, defaults={"asked_at": now})
    except DATABASE_FAILURES as error:
        log.warning("the details of %s are not asked for, the database says: %s", application, error)


def _is_asked(detail: ApplicationDetail) -> bool:
    return detail.asked_at is not None and (detail.read_at is None or detail.asked_at > detail.read_at)


def details_read() -> None:
    """Reads the details of a few Applications of each instance of the fleet file that answers."""
    fleet = fleet_file_in_force()
    answering = set(Source.objects.filter(kind=Source.Kind.ARGOCD, failures=0).values_list("group", flat=True))
    for argocd in fleet.argocd:
        if argocd.name in answering:
            with lease_held(name=f"details:{argocd.name}", seconds=LEASE_SECONDS) as holder:
                if holder:
                    _instance_read(fleet, argocd.name)


def topic_of(application: Application) -> str:
    """The topic that is raised when the Application's details were read, which no list shows.

    By its name, which is the page's address too; one that is cut is another's as well, which costs a look for nothing.
    """
    return f"application:{quote(str(application))}"[:LONGEST_TOPIC]


def details_wanted(*, instance: str, now: datetime) -> list[Application]:
    """The next Applications to read, those asked for first; fewer where a minute's measure is nearly full."""
    room = min(AT_ONCE, room_left(instance=instance, now=now))
    if room <= 0:
        return []
    mine = Application.objects.filter(instance=instance).select_related("detail")
    asked = Q(detail__asked_at__isnull=False) & (Q(detail__read_at=None) | Q(detail__asked_at__gt=F("detail__read_at")))
    outdated = Q(detail__read_at=None) | Q(detail__read_at__lt=now - READ_AGAIN)
    moved_on = Q(detail__read_at__lt=F("operation_since"), operation_since__lte=now)
    not_well = ~Q(tone__in=[Tone.WELL, Tone.HELD]) & outdated
    first = list(mine.filter(asked).order_by("detail__asked_at")[:room])
    chosen = {row.pk for row in first}
    rest = mine.filter(not_well | moved_on).exclude(pk__in=chosen).order_by(F("detail__read_at").asc(nulls_first=True))
    return [*first, *rest[: room - len(first)]]


def room_left(*, instance: str, now: datetime) -> int:
    """How many more reads a minute's measure has room for: Applications and commits together."""
    minute_ago = now - timedelta(minutes=1)
    lately = ApplicationDetail.objects.filter(application__instance=instance, read_at__gt=minute_ago)
    return MOST_A_MINUTE - lately.count() - commits_tried_since(instance=instance, moment=minute_ago)


def _instance_read(fleet: FleetFile, instance: str) -> None:
    """What somebody waits for comes first: Applications asked for, then commits, then those that are not well."""
    client, now = argocd_client(fleet, f"argocd/{instance}"), database_now()
    rows = details_wanted(instance=instance, now=now)
    asked = [row for row in rows if _is_awaited(row)]
    if not all(_row_read(client, row) for row in asked):
        return
    room = room_left(instance=instance, now=now)
    room -= commits_read(client=client, instance=instance, most=min(AT_ONCE, room))
    for row in [row for row in rows if row not in asked][: max(0, room)]:
        if not _row_read(client, row):
            return


def _is_awaited(row: Application) -> bool:
    detail = getattr(row, "detail", None)
    return detail is not None and _is_asked(detail)


def _row_read(client: ArgoCDClient, row: Application) -> bool:
    """Reads one Application; False where the server itself fails, so that no more is asked of it now."""
    connection_let_go()
    try:
        told = client.application(row.name, namespace=row.namespace, project=row.project)
    except UpstreamError as error:
        _failed(row, error)
        return isinstance(error, (UpstreamNotFound, UpstreamDenied))
    around = around_read(client, row) if _wants_around(row) else None
    is_there = detail_write(row=row, data=_kept(told), around=around)
    if is_there and _is_awaited(row):
        commits_want(_revisions_of(row, told))
    return True


def _wants_around(row: Application) -> bool:
    """Tree and events are read where something is wrong and somebody looked lately."""
    detail = getattr(row, "detail", None)
    asked_at = detail.asked_at if detail else None
    return row.tone != Tone.WELL and asked_at is not None and database_now() - asked_at < LOOKED_LATELY


def _revisions_of(row: Application, told: Told) -> Iterator[tuple[Application, str]]:
    """The commits that its page names: what it is compared with, its history, and what the others of its set run."""
    yield row, told.application.sync_revision
    for entry in reversed(told.history[-MOST_HISTORY:]):
        yield row, entry.revision
    others = Application.objects.siblings_of(row)
    seen = {told.application.sync_revision}
    for other in others.exclude(sync_revision__in=["", *seen]).order_by("-revision_since")[:MOST_SIBLINGS]:
        if other.sync_revision not in seen:
            seen.add(other.sync_revision)
            yield other, other.sync_revision


def detail_write(*, row: Application, data: dict[str, Any], around: dict[str, Any] | None = None) -> bool:
    """Keeps what was read, and tells the pages if it differs from before; False where the Application is gone."""
    return _write(row, {"data": data, "error": "", **({"around": around} if around is not None else {})})


def _failed(row: Application, error: UpstreamError) -> None:
    """A read that failed counts as read, so that it is not made again at once; one too many is made later."""
    if not isinstance(error, UpstreamThrottled):
        _write(row, {"error": clean(error.message, 500)})


def _write(row: Application, columns: dict[str, Any]) -> bool:
    """Writes the columns that differ, and when they were read, if the Application is still there."""
    now = database_now()
    with transaction.atomic():
        if not Application.objects.select_for_update().filter(pk=row.pk).first():
            return False
        kept = ApplicationDetail.objects.get_or_create(application=row)[0]
        differing = {name: value for name, value in columns.items() if getattr(kept, name) != value}
        moments = {"read_at": now, **({"around_read_at": now} if "around" in columns else {})}
        ApplicationDetail.objects.filter(pk=kept.pk).update(**moments, **differing)
        if differing or kept.read_at is None or _is_asked(kept):
            raise_topics([topic_of(row)])
    return True


def _kept(told: Told) -> dict[str, Any]:
    """ApplicationDetail as builtins, its lists cut to what a page can show, with their full counts beside it.

    Not when it was compared: that changes with each comparison, and pages would be told of nothing.
    """
    cut = msgspec.structs.replace(
        told,
        resources=_worst_first(told.resources),
        operation_resources=tuple(each.resource for each in failures_first(told.operation_resources)[:MOST_RESOURCES]),
        history=told.history[-MOST_HISTORY:],
        images=told.images[:MOST_IMAGES],
        external_urls=told.external_urls[:MOST_IMAGES],
        reconciled_at=None,
    )
    plain: dict[str, Any] = clean_all(msgspec.to_builtins(cut), LONGEST_TEXT)
    return {
        **plain,
        "resource_count": len(told.resources),
        "operation_resource_count": len(told.operation_resources),
    }


def _worst_first(resources: tuple[ResourceStatus, ...]) -> tuple[ResourceStatus, ...]:
    """As many as are kept, those that are not in order before the rest."""
    return tuple(sorted(resources, key=_is_in_order)[:MOST_RESOURCES])


def _is_in_order(resource: ResourceStatus) -> bool:
    return (resource.hook or resource.status in {"", "Synced"}) and resource.health_status in {"", "Healthy"}
