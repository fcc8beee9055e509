"""One cluster's page: whether it is reached, what its API tells, and what stands on it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q

from apps.alerts.listing import EpisodeRow, episode_rows, member_counts
from apps.alerts.models import Episode
from apps.core.ranking import rank_of
from apps.core.tones import RANKS, Tone
from apps.fleet.models import Cluster, ClusterObject, ClusterRole
from apps.fleet.naming import ClusterNames
from apps.fleet.overlay import Overlay
from apps.fleet.shown import cluster_doubt
from apps.gitops.listing import ApplicationRow, application_rows
from apps.gitops.models import Application, ClusterConnection
from apps.sources.fleetfile import FleetFileInvalid, fleet_file_in_force
from apps.sources.models import SourceState
from apps.timeline.changes import CHANGES_READ, Change, changes_told
from apps.timeline.models import Transition

from .clusters import NEEDING, cluster_rows

MOST_ALERTS = 50
MOST_APPLICATIONS = 50
TABLES = (
    ("Node", "Nodes"),
    ("ClusterOperator", "Cluster operators"),
    ("MachineConfigPool", "Machine config pools"),
    ("ArgoCD", "Argo CD instances"),
    ("Subscription", "OLM subscriptions"),
    ("ClusterServiceVersion", "Installed operators"),
    ("ManagedCluster", "Clusters of the fleet manager"),
)
OWN_VIEWS = ("ToolchainStatus", "MemberStatus")
VIEWS_OF_OTHERS = ("ToolchainCluster", "SpaceProvisionerConfig")
MEMBER_PART = "member "


@dataclass(frozen=True)
class Table:
    """The things of one kind: `odd` are not well, worst first; `well` the others."""

    kind: str
    title: str
    odd: list[ClusterObject]
    well: list[ClusterObject]

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self.odd) + len(self.well)


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
        """Well when True, a warning when False: the Toolchain's conditions all say what should be."""
        return {"True": Tone.WELL, "False": Tone.WARNING}.get(self.status, Tone.UNKNOWN)


@dataclass(frozen=True)
class Connection:
    """How one Argo CD reaches the cluster, and whether what it told of that is fresh."""

    row: ClusterConnection
    is_fresh: bool

    @property
    def tone(self) -> Tone:
        """Unknown is Argo CD's word for a cluster that it does not watch: no evidence either way."""
        if self.row.status == "Failed":
            return Tone.WARNING
        return Tone.WELL if self.row.status == "Successful" and self.is_fresh else Tone.UNKNOWN


@dataclass(frozen=True)
class View:
    """What one cluster says of itself or of another one, in conditions; `told_by` is that cluster."""

    told_by: str
    conditions: list[Condition]
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


def cluster_shown(cluster: Cluster, overlay: Overlay) -> dict[str, Any]:
    """What the page's template shows of the cluster."""
    [row] = cluster_rows([cluster], overlay)
    neighbours = neighbours_of(cluster)
    objects = objects_by_cluster([cluster, *neighbours])
    own = objects[cluster.name]
    pairings = pairings_of(cluster, neighbours, objects)
    return {
        "title": cluster.name,
        "row": row,
        "cluster": cluster,
        "doubt": cluster_doubt(cluster, overlay),
        "version": next((each for each in own if each.kind == "ClusterVersion"), None),
        "tables": tables_of(own),
        "conditions": own_conditions(own),
        "conditions_are_beside": cluster.role == ClusterRole.MEMBER and bool(pairings),
        "pairings": pairings,
        "connections": connections_of(cluster, overlay),
        "alerts": alerts_on(cluster, overlay),
        "alerts_are_known": bool(member_counts(overlay)) and not overlay.doubtful_alertmanagers,
        "applications": applications_not_well(cluster, overlay),
        "changes": changes_on(cluster),
    }


def neighbours_of(cluster: Cluster) -> list[Cluster]:
    """A member's host; a host's members. One query."""
    if cluster.role == ClusterRole.MEMBER:
        return list(Cluster.objects.current().filter(name=cluster.host)) if cluster.host else []
    if cluster.role == ClusterRole.HOST:
        return list(Cluster.objects.current().filter(host=cluster.name))
    return []


def objects_by_cluster(clusters: Iterable[Cluster]) -> dict[str, list[ClusterObject]]:
    """Cluster → the things in it. One query."""
    names = [cluster.name for cluster in clusters]
    found: dict[str, list[ClusterObject]] = {name: [] for name in names}
    for each in ClusterObject.objects.filter(cluster__in=names).order_by("kind", "name"):
        found[each.cluster].append(each)
    return found


def tables_of(objects: Sequence[ClusterObject]) -> list[Table]:
    """The tables that have something in them, in their order."""
    tables = []
    for kind, title in TABLES:
        of_kind = [each for each in objects if each.kind == kind]
        odd = [each for each in of_kind if each.tone != Tone.WELL]
        odd.sort(key=lambda each: RANKS.get(Tone(each.tone), Tone.UNKNOWN.rank))
        if of_kind:
            tables.append(Table(kind, title, odd, [each for each in of_kind if each.tone == Tone.WELL]))
    return tables


def conditions_of(objects: Sequence[ClusterObject]) -> list[Condition]:
    """The conditions of a host's or a member's summary and of each of its parts."""
    found: list[Condition] = []
    for each in objects:
        if each.kind in OWN_VIEWS:
            found += conditions_read(each.kind, each.data.get("conditions", []))
            for part, conditions in each.data.get("parts", {}).items():
                found += conditions_read(part, conditions)
    return found


def own_conditions(objects: Sequence[ClusterObject]) -> list[Condition]:
    """What it says of itself and its parts, without what a host says of its members."""
    return [each for each in conditions_of(objects) if not each.part.startswith(MEMBER_PART)]


def connections_of(cluster: Cluster, overlay: Overlay) -> list[Connection]:
    """How each Argo CD reaches the cluster. One query."""
    rows = ClusterConnection.objects.filter(cluster=cluster.name).exclude(instance__in=overlay.archived_instances)
    return [
        Connection(row, overlay.state_of(f"argocd-inventory/{row.instance}") is SourceState.FRESH)
        for row in rows.order_by("instance", "server", "name")
    ]


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


def pairings_of(
    cluster: Cluster, neighbours: Sequence[Cluster], objects: dict[str, list[ClusterObject]]
) -> list[Pairing]:
    """Each member concerned (the cluster itself, or the members of the host that it is) beside its host's view."""
    if cluster.role == ClusterRole.MEMBER:
        pairs = [(cluster, host) for host in neighbours]
    else:
        pairs = [(member, cluster) for member in neighbours]
    names = cluster_names()
    return [
        Pairing(member, host_view(host, member, objects[host.name], names), member_view(member, objects[member.name]))
        for member, host in pairs
    ]


def host_view(host: Cluster, member: Cluster, objects: Sequence[ClusterObject], names: ClusterNames | None) -> View:
    """What the host says of the member."""
    connections = [each for each in objects if each.kind == "ToolchainCluster" and is_about(each, member, names)]
    called = {member.name, *(each.name for each in connections)}
    capacities = [
        each
        for each in objects
        if each.kind == "SpaceProvisionerConfig" and called & {each.name, each.data.get("toolchain_cluster")}
    ]
    conditions = [
        each
        for each in conditions_of(objects)
        if each.part.startswith(MEMBER_PART) and each.part.removeprefix(MEMBER_PART) in called
    ]
    return View(host.name, conditions, next(iter(connections), None), next(iter(capacities), None))


def member_view(member: Cluster, objects: Sequence[ClusterObject]) -> View:
    """What the member says of itself, and of its connection to the host."""
    connection = next((each for each in objects if each.kind == "ToolchainCluster"), None)
    return View(member.name, conditions_of(objects), connection)


def is_about(connection: ClusterObject, member: Cluster, names: ClusterNames | None) -> bool:
    """Whether a ToolchainCluster of the host is this member: by its API's address, else by its name."""
    if connection.name == member.name or names is None:
        return connection.name == member.name
    told = [connection.data.get("api_endpoint", ""), connection.name, connection.name.removeprefix("member-")]
    return member.name in {names.cluster_of(each) for each in told if each}


def cluster_names() -> ClusterNames | None:
    """All that clusters are called in the fleet file; None while there is no right one."""
    try:
        return ClusterNames(fleet_file_in_force())
    except FleetFileInvalid:
        return None


def alerts_on(cluster: Cluster, overlay: Overlay) -> list[EpisodeRow]:
    """Alerts that fire on the cluster, worst first."""
    firing = Episode.objects.firing().current(overlay).filter(cluster=cluster.name).with_shown_tone(overlay)
    ranked = firing.annotate(shown_rank=rank_of("shown_tone")).order_by("shown_rank", "-began_at", "pk")
    return episode_rows(ranked.prefetch_related("holdings")[:MOST_ALERTS], overlay)


def applications_not_well(cluster: Cluster, overlay: Overlay) -> list[ApplicationRow]:
    """Applications on the cluster that need somebody, worst first."""
    deployed = Application.objects.current(overlay).filter(cluster=cluster.name).with_shown_tone(overlay)
    ranked = deployed.filter(Q(shown_tone__in=NEEDING)).annotate(shown_rank=rank_of("shown_tone"))
    return application_rows(ranked.order_by("shown_rank", "name", "pk")[:MOST_APPLICATIONS], overlay)


def changes_on(cluster: Cluster) -> list[Change]:
    """What changed on the cluster, newest first."""
    lines = Transition.objects.filter(cluster=cluster.name).order_by("-seen_at", "-pk")
    return changes_told(lines[:CHANGES_READ])
