"""A member beside its host: what each of the two says of the member (domain: ToolchainStatus and MemberStatus)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from apps.core.tones import Tone
from apps.fleet.models import Cluster, ClusterObject, ClusterRole
from apps.fleet.naming import ClusterNames
from apps.fleet.overlay import Overlay
from apps.fleet.shown import cluster_doubt
from apps.sources.fleetfile import FleetFileInvalid, fleet_file_in_force

SUMMARIES = ("ToolchainStatus", "MemberStatus")
MEMBER_PART = "member "
MEMBER_NAME = "member-"
Objects = Mapping[str, Sequence[ClusterObject]]


@dataclass(frozen=True)
class Condition:
    """A condition of a part of a host or member, with the tone of what it says."""

    part: str
    type: str
    status: str
    reason: str
    message: str
    at: datetime | None

    @property
    def tone(self) -> Tone:
        """Well when True, a warning when False: the Toolchain's conditions say what should be, but for its notices."""
        if self.type.endswith("NotificationCreated"):
            return Tone.HELD if self.status == "True" else Tone.WELL
        return {"True": Tone.WELL, "False": Tone.WARNING}.get(self.status, Tone.UNKNOWN)


@dataclass(frozen=True)
class View:
    """What one cluster says of a member; `doubt` is why that may not be so any more, "" where it is fresh."""

    told_by: str
    doubt: str
    conditions: Sequence[Condition]
    connection: ClusterObject | None = None
    capacity: ClusterObject | None = None

    @property
    def is_empty(self) -> bool:
        """Whether it says nothing at all."""
        return not (self.conditions or self.connection or self.capacity)


@dataclass(frozen=True)
class Pairing:
    """A member beside its host: what each says of the member."""

    member: Cluster
    of_host: View
    of_itself: View


def conditions_of(objects: Iterable[ClusterObject]) -> list[Condition]:
    """The conditions of a host's or a member's summary and of each of its parts."""
    found: list[Condition] = []
    for each in objects:
        if each.kind in SUMMARIES:
            found += conditions_read(each.kind, each.data.get("conditions", []))
            for part, conditions in each.data.get("parts", {}).items():
                found += conditions_read(part, conditions)
    return found


def own_conditions(objects: Iterable[ClusterObject]) -> list[Condition]:
    """What a cluster says of itself and its parts, without what a host says of its members."""
    return [each for each in conditions_of(objects) if not each.part.startswith(MEMBER_PART)]


def conditions_read(part: str, told: Iterable[dict[str, Any]]) -> list[Condition]:
    """Conditions as they are kept in a row's data."""
    return [
        Condition(
            part=part,
            type=each["type"],
            status=each["status"],
            reason=each.get("reason") or "",
            message=each.get("message") or "",
            at=datetime.fromisoformat(each["at"]) if each.get("at") else None,
        )
        for each in told
    ]


def pairings_of(cluster: Cluster, neighbours: Sequence[Cluster], objects: Objects, overlay: Overlay) -> list[Pairing]:
    """Each member concerned (the cluster itself, or the members of the host that it is) beside its host."""
    is_member = cluster.role == ClusterRole.MEMBER
    hosts, members = (neighbours, [cluster]) if is_member else ([cluster], neighbours)
    return [
        Pairing(member, of_host, member_view(member, objects[member.name], overlay))
        for host in hosts
        for member, of_host in host_views(host, members, objects[host.name], overlay)
    ]


def host_views(
    host: Cluster, members: Sequence[Cluster], objects: Sequence[ClusterObject], overlay: Overlay
) -> list[tuple[Cluster, View]]:
    """What the host says of each member."""
    doubt, names = cluster_doubt(host, overlay), MemberNames(objects)
    connections = {names.member_of(each.name): each for each in objects if each.kind == "ToolchainCluster"}
    capacities = {
        names.member_of(each.data.get("toolchain_cluster") or each.name): each
        for each in objects
        if each.kind == "SpaceProvisionerConfig"
    }
    conditions: dict[str, list[Condition]] = {}
    for each in conditions_of(objects):
        if each.part.startswith(MEMBER_PART):
            conditions.setdefault(names.member_of(each.part.removeprefix(MEMBER_PART)), []).append(each)
    return [
        (
            member,
            View(
                host.name,
                doubt,
                conditions.get(member.name, []),
                connections.get(member.name),
                capacities.get(member.name),
            ),
        )
        for member in members
    ]


def member_view(member: Cluster, objects: Sequence[ClusterObject], overlay: Overlay) -> View:
    """What the member says of itself, and of its connection to the host."""
    connection = next((each for each in objects if each.kind == "ToolchainCluster"), None)
    return View(member.name, cluster_doubt(member, overlay), conditions_of(objects), connection)


class MemberNames:
    """The names that a host has for its members → the fleet file's, by their APIs' addresses, else by name."""

    def __init__(self, objects: Iterable[ClusterObject]) -> None:
        self._names = cluster_names()
        self._addresses = {
            each.name: each.data.get("api_endpoint") or "" for each in objects if each.kind == "ToolchainCluster"
        }

    def member_of(self, told: str) -> str:
        """The cluster's name in the fleet file; what was told, without its prefix, where none is called so."""
        plain = told.removeprefix(MEMBER_NAME)
        if self._names is None:
            return plain
        named = (self._names.cluster_of(each) for each in (self._addresses.get(told, ""), told, plain) if each)
        return next(filter(None, named), plain)


def cluster_names() -> ClusterNames | None:
    """All that clusters are called in the fleet file; None while there is no right one."""
    try:
        return ClusterNames(fleet_file_in_force())
    except FleetFileInvalid:
        return None
