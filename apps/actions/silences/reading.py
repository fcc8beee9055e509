"""Reading the silences of a group back, from each of its members, to find out what became of a call."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from apps.core.clock import database_now
from apps.core.connections import connection_let_go
from apps.core.errors import UpstreamError
from apps.integrations.alertmanager import AlertmanagerClient, Silence
from apps.sources.clients import SourceNotConfigured, alertmanager_client
from apps.sources.fleetfile.schema import FleetFile
from apps.sources.models import Source

DEFAULT_DEADLINE = timedelta(seconds=10)
GOSSIPED = timedelta(seconds=1)
"""So long after one member took a silence the others know of it."""


@dataclass(frozen=True)
class MemberTold:
    """The silences that one member told. `is_whole`: each could be read. `started_at` is since when it has run, None
    where it does not tell."""

    key: str
    silences: tuple[Silence, ...]
    is_whole: bool = True
    started_at: datetime | None = None


def group_read_soon(group: str) -> None:
    """Has the group's members read in a moment, so that pages show what was done; not those that are backed off."""
    members = Source.objects.filter(kind=Source.Kind.ALERTMANAGER, group=group, is_archived=False, not_before=None)
    members.update(next_try_at=database_now() + GOSSIPED)


def deadline_of_group(fleet: FleetFile, group: str) -> timedelta:
    """How long one call to a member may take."""
    deadlines = {each.name: each.deadline for each in fleet.alertmanagers}
    deadlines |= {each.name: each.deadline for each in fleet.observatorium}
    return deadlines.get(group, DEFAULT_DEADLINE)


def members_told(fleet: FleetFile, group: str) -> list[MemberTold]:
    """What each member that answers tells. Waits for them one after the other."""
    members = Source.objects.filter(kind=Source.Kind.ALERTMANAGER, group=group, is_archived=False)
    keys = list(members.order_by("pk").values_list("key", flat=True))
    connection_let_go()
    return list(_told(fleet, keys))


def _told(fleet: FleetFile, keys: list[str]) -> Iterator[MemberTold]:
    for key in keys:
        try:
            client = alertmanager_client(fleet, key)
            listing = client.silences()
            yield MemberTold(key, listing.items, not listing.unreadable, _started_at(client))
        except (SourceNotConfigured, UpstreamError):
            continue


def _started_at(client: AlertmanagerClient) -> datetime | None:
    """None also where a proxy in front lets nothing through but alerts and silences."""
    try:
        return client.status().started_at
    except UpstreamError:
        return None
