"""One cluster's page: whether it is reached, what its API tells, and what stands on it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import Q

from apps.alerts.listing import EpisodeRow, episode_rows
from apps.alerts.models import Episode
from apps.core.ages import first_after
from apps.core.live import CHANGES_AT
from apps.core.ranking import rank_of
from apps.core.tones import RANKS, Tone
from apps.fleet.models import Cluster, ClusterObject, ClusterRole
from apps.fleet.overlay import Overlay
from apps.fleet.shown import cluster_doubt
from apps.gitops.listing import application_rows
from apps.gitops.models import UNDOUBTED, Application, ClusterConnection
from apps.notes.models import Subjects
from apps.notes.showing import notes_panel
from apps.sources.models import SourceState
from apps.timeline.changes import Around, Change, changes_before
from apps.timeline.steps import Window

from .capacity import capacity_of
from .clusters import NEEDING, cluster_rows
from .drawn import Scope, drawn
from .pairing import own_conditions, pairings_of
from .pictures import cluster_pictures

DRAWN = timedelta(hours=24)
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


def cluster_shown(cluster: Cluster, overlay: Overlay) -> dict[str, Any]:
    """What the page's template shows of the cluster."""
    [row] = cluster_rows([cluster], overlay)
    return {
        "title": cluster.name,
        CHANGES_AT: first_after(overlay.now, [row.restore_by]),
        "row": row,
        **notes_panel(
            kind=Subjects.CLUSTER,
            subject=cluster.name,
            acknowledgement=row.acknowledgement,
            needs_somebody=row.verdict.tone.needs_somebody,
        ),
        "cluster": cluster,
        "doubt": cluster_doubt(cluster, overlay),
        **inside_of(cluster, overlay),
        "connections": connections_of(cluster, overlay),
        "alerts": alerts_on(cluster, overlay),
        "alerts_are_known": overlay.are_alerts_known,
        **applications_not_well(cluster, overlay),
        "changes": changes_on(cluster, overlay),
        "pictures": cluster_pictures(cluster, overlay),
        "drawn": drawn(Scope(Window(overlay.now - DRAWN, overlay.now), cluster=cluster.name), overlay),
    }


def inside_of(cluster: Cluster, overlay: Overlay) -> dict[str, Any]:
    """What its API told, and what its host or its members say beside that. Two queries."""
    neighbours = neighbours_of(cluster)
    objects = objects_by_cluster([cluster, *neighbours])
    own = objects[cluster.name]
    tables = tables_of(own)
    pairings = pairings_of(cluster, neighbours, objects, overlay)
    is_beside = cluster.role == ClusterRole.MEMBER and bool(pairings)
    conditions = [] if is_beside else own_conditions(own)
    well_conditions = [each for each in conditions if each.tone is Tone.WELL]
    return {
        "version": next((each for each in own if each.kind == "ClusterVersion"), None),
        "tables": tables,
        "capacity": capacity_of(own),
        "pairings": pairings,
        "odd_conditions": [each for each in conditions if each.tone is not Tone.WELL],
        "well_conditions": well_conditions,
        "some_are_right": bool(well_conditions) or any(not table.odd for table in tables),
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


def connections_of(cluster: Cluster, overlay: Overlay) -> list[Connection]:
    """How each Argo CD reaches the cluster. One query."""
    rows = ClusterConnection.objects.filter(cluster=cluster.name).exclude(instance__in=overlay.archived_instances)
    return [
        Connection(row, overlay.state_of(f"argocd-inventory/{row.instance}") is SourceState.FRESH)
        for row in rows.order_by("instance", "server", "name")
    ]


def alerts_on(cluster: Cluster, overlay: Overlay) -> list[EpisodeRow]:
    """Alerts that fire on the cluster, worst first."""
    firing = Episode.objects.firing().current(overlay).filter(cluster=cluster.name).with_shown_tone(overlay)
    ranked = firing.annotate(shown_rank=rank_of("shown_tone")).order_by("shown_rank", "-began_at", "pk")
    return episode_rows(ranked.prefetch_related("holdings")[:MOST_ALERTS], overlay)


def applications_not_well(cluster: Cluster, overlay: Overlay) -> dict[str, Any]:
    """{"applications": those on the cluster that need somebody, worst first, "doubted_count"}.

    While it is lost, those that are not known for that alone are counted: they have one cause.
    """
    deployed = Application.objects.current(overlay).filter(cluster=cluster.name).with_shown_tone(overlay)
    ranked = deployed.filter(Q(shown_tone__in=NEEDING)).annotate(shown_rank=rank_of("shown_tone"))
    told, doubted_count = ranked, 0
    if cluster.lost_since:
        own = Q(tone__in=UNDOUBTED)
        told, doubted_count = ranked.filter(own), ranked.exclude(own).count()
    rows = application_rows(told.order_by("shown_rank", "name", "pk")[:MOST_APPLICATIONS], overlay)
    return {"applications": rows, "doubted_count": doubted_count}


def changes_on(cluster: Cluster, overlay: Overlay) -> list[Change]:
    """What changed on the cluster, newest first."""
    return changes_before(overlay.now, Around(cluster=cluster.name), before=None)
