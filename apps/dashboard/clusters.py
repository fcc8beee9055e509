"""The list of clusters, with what stands on each."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from django.db.models import Count, F
from django.http import HttpRequest, HttpResponse

from apps.alerts.models import Episode
from apps.core.addresses import page_address
from apps.core.ages import first_after
from apps.core.exports import Columns, exported
from apps.core.lists import Asked, Sort
from apps.core.live import CHANGES_AT
from apps.core.ranking import tone_counts
from apps.core.tones import Tone, strictest
from apps.core.verdict import Verdict
from apps.fleet.models import Cluster, ClusterRole
from apps.fleet.overlay import Overlay
from apps.fleet.shown import cluster_doubt, shown_verdict
from apps.fleet.standing import reachability, version_of
from apps.gitops.models import Application
from apps.notes.models import Acknowledgement, Subjects
from apps.sources.fleetfile import FleetFileInvalid, fleet_file_in_force
from apps.sources.models import Source

from .pictures import Picture, availabilities

NEEDING = tuple(tone for tone in Tone if tone.needs_somebody)
SORTS = ("place", "name", "tone")
DEFAULT_SORT = "place"
Counts = Mapping[Tone, int]
PERCENT = re.compile(r"(\d+) ?%")
SHORT_KINDS = {
    "APIServer": "API",
    "ClusterOperator": "operator",
    "ClusterServiceVersion": "installed operator",
    "ClusterVersion": "OpenShift",
    "ManagedCluster": "ACM",
    "MachineConfigPool": "pool",
    "MemberStatus": "member",
    "Node": "node",
    "SpaceProvisionerConfig": "capacity",
    "Subscription": "OLM",
    "ToolchainCluster": "connection",
    "ToolchainStatus": "host",
}
NOTHING: Counts = dict.fromkeys(Tone, 0)


@dataclass(frozen=True)
class ClusterRow:
    """One cluster as a row, with the tones of its alerts and Applications and, while it is lost, its clock.

    `is_doubtful` where its verdict stands on evidence that is not fresh: being lost is certain. Where its alerts or
    its Applications are not known, none of them is no good news.
    """

    cluster: Cluster
    verdict: Verdict
    source: Source | None
    alerts: Counts
    applications: Counts
    restore_by: datetime | None = None
    is_doubtful: bool = False
    reached: Picture | None = None
    are_alerts_known: bool = True
    are_applications_known: bool = True
    acknowledgement: Acknowledgement | None = None

    @property
    def headline(self) -> str:
        """What is wrong in it as a card has room for it: "node: memory pressure"; "" where its API's line says all."""
        tone, reason = self.verdict
        is_under_way = tone is Tone.BUSY and bool(self.upgrade)
        if not self.is_read or tone is Tone.WELL or is_under_way or (tone is Tone.UNKNOWN and self.is_doubtful):
            return ""
        subject, *rest = reason.split(" · ")[0].split(": ")
        kind = subject.split(" ")[0]
        return f"{SHORT_KINDS.get(kind, kind)}: {rest[0]}" if rest else subject

    @property
    def is_read(self) -> bool:
        """Whether its API answers us, as far as its row tells."""
        cluster = self.cluster
        is_shut = cluster.lost_since or cluster.unreached_since or cluster.cannot_read
        return cluster.has_credentials and not is_shut and self.answered_at is not None

    @property
    def upgrade(self) -> str:
        """The update under way in short, "upgrade 71 %"; "" where none is."""
        told = self.cluster.update_progress
        percent = PERCENT.search(told)
        return f"upgrade {percent[1]} %" if percent else "upgrade" if told else ""

    @property
    def is_old(self) -> bool:
        """Whether what is known of its inside may have changed since."""
        return self.is_doubtful or not self.is_read

    @property
    def answered_at(self) -> datetime | None:
        """When its API last answered; its row is written only when something changed."""
        answers = [self.cluster.reached_at, self.source.succeeded_at if self.source else None]
        return max((moment for moment in answers if moment), default=None)

    @property
    def alert_count(self) -> int:
        """How many alerts fire on it that need somebody."""
        return sum(self.alerts[tone] for tone in NEEDING)

    @property
    def application_count(self) -> int:
        """How many Applications are deployed to it."""
        return sum(self.applications.values())

    @property
    def unknown_count(self) -> int:
        """How many of its Applications are not known."""
        return self.applications[Tone.UNKNOWN]

    @property
    def broken_count(self) -> int:
        """How many of its Applications are known to need somebody."""
        return self.not_well_count - self.unknown_count

    @property
    def not_well_count(self) -> int:
        """How many of its Applications need somebody."""
        return sum(self.applications[tone] for tone in NEEDING)

    @property
    def worst(self) -> Tone:
        """The strictest of its own tone and those of its alerts and Applications."""
        return strictest([self.verdict.tone, self.worst_alert, self.worst_application])

    @property
    def worst_alert(self) -> Tone:
        """The tone of the worst of its alerts; unknown where there are none and they are not known."""
        none = Tone.WELL if self.are_alerts_known else Tone.UNKNOWN
        return next((tone for tone in NEEDING if self.alerts[tone]), none)

    @property
    def worst_application(self) -> Tone:
        """The tone of the worst of its Applications; unknown where there are none and they are not known."""
        none = Tone.WELL if self.application_count or self.are_applications_known else Tone.UNKNOWN
        return next((tone for tone in NEEDING if self.applications[tone]), none)


EXPORTED: Columns[ClusterRow] = {
    "state": lambda row: row.verdict.tone,
    "reason": lambda row: row.verdict.reason,
    "name": lambda row: row.cluster.name,
    "role": lambda row: row.cluster.role,
    "environment": lambda row: row.cluster.environment,
    "ring": lambda row: row.cluster.ring,
    "reachable": lambda row: reachability(row.cluster),
    "last answer": lambda row: row.answered_at,
    "version": lambda row: version_of(row.cluster),
    "upgrade": lambda row: row.cluster.update_progress,
    "acknowledged by": lambda row: row.acknowledgement and row.acknowledgement.by,
    "acknowledged until": lambda row: row.acknowledgement and row.acknowledgement.until,
    "lost since": lambda row: row.cluster.lost_since,
    "restore by": lambda row: row.restore_by,
    "alerts that need somebody": lambda row: row.alert_count,
    "applications": lambda row: row.application_count,
    "applications that need somebody": lambda row: row.not_well_count,
    "link": lambda row: page_address("dashboard:cluster-show", row.cluster.name),
}


@dataclass(frozen=True)
class ClusterGroup:
    """Clusters of one environment; `title` is empty where the list is not in the fleet file's order."""

    title: str
    rows: list[ClusterRow]


@dataclass(frozen=True)
class Kept:
    """The clusters that an address asks for, in the order asked for, and what it asks."""

    shown: list[ClusterRow]
    counts: Counts
    sort: Sort
    environment: str
    environments: list[str]
    roles: tuple[str, ...]
    tones: tuple[str, ...]
    part: str


def clusters_kept(asked: Asked, overlay: Overlay) -> Kept:
    """Which clusters the address asks for; `counts` are by tone of those that all but the tones keep. Two queries."""
    clusters = overlay.clusters
    environments = list(dict.fromkeys(cluster.environment for cluster in clusters))
    environment = asked.choice("environment", filter(None, environments))
    roles, part = asked.choices("role", ClusterRole.values), asked.text("q", limit=100)
    kept = [
        cluster
        for cluster in clusters
        if environment in {"", cluster.environment}
        and (not roles or cluster.role in roles)
        and all(word in cluster.name.casefold() for word in part.casefold().split())
    ]
    rows = cluster_rows(kept, overlay)
    counts = tone_counts((row.verdict.tone, 1) for row in rows)
    tones = asked.choices("tone", [tone.value for tone in Tone])
    sort = asked.sort(SORTS, default=DEFAULT_SORT)
    shown = ordered([row for row in rows if not tones or row.verdict.tone in tones], sort, environments)
    return Kept(shown, counts, sort, environment, environments, roles, tones, part)


def clusters_listed(asked: Asked, overlay: Overlay) -> dict[str, Any]:
    """What the list's template shows of what the address asks for."""
    kept = clusters_kept(asked, overlay)
    page = asked.page(len(kept.shown))
    shown = kept.shown[page.rows]
    return {
        "title": "Clusters",
        CHANGES_AT: first_after(overlay.now, (row.restore_by for row in shown)),
        "groups": groups_of(with_pictures(shown, overlay), kept.sort),
        "page": page,
        "sort": kept.sort,
        "counts": kept.counts,
        "tones": kept.tones,
        "roles": kept.roles,
        "environment": kept.environment,
        "part": kept.part,
        "is_narrow": bool(kept.roles or kept.part or kept.tones),
        "total": len(overlay.clusters),
        "options": {"role": ClusterRole.choices, "environment": kept.environments},
        "problems": asked.problems,
    }


def clusters_exported(request: HttpRequest, overlay: Overlay) -> HttpResponse:
    """The clusters that the filters keep, in their order, as a file."""
    asked = Asked(request.GET)
    rows = clusters_kept(asked, overlay).shown
    return exported(request, name="clusters", columns=EXPORTED, rows=rows, now=overlay.now, asked=asked)


def cluster_rows(clusters: Iterable[Cluster], overlay: Overlay) -> list[ClusterRow]:
    """Each cluster as a row. Two queries, for alerts and Applications."""
    return counted_rows(clusters, overlay, alerts=alert_counts(overlay), applications=application_counts(overlay))


def with_pictures(rows: Iterable[ClusterRow], overlay: Overlay) -> list[ClusterRow]:
    """The rows with how each cluster was reached in the last day. One query."""
    shown = list(rows)
    pictures = availabilities([row.cluster for row in shown], overlay)
    return [replace(row, reached=pictures[row.cluster.name]) for row in shown]


def counted_rows(
    clusters: Iterable[Cluster], overlay: Overlay, *, alerts: Mapping[str, Counts], applications: Mapping[str, Counts]
) -> list[ClusterRow]:
    """Each cluster as a row, with what was counted by cluster and tone."""
    objective = recovery_time_objective()
    return [
        ClusterRow(
            cluster,
            shown_verdict(cluster, overlay),
            overlay.sources.get(f"kubernetes/{cluster.name}"),
            alerts.get(cluster.name, NOTHING),
            applications.get(cluster.name, NOTHING),
            cluster.lost_since + objective if cluster.lost_since and objective else None,
            not cluster.lost_since and bool(cluster_doubt(cluster, overlay)),
            are_alerts_known=overlay.are_alerts_known,
            are_applications_known=overlay.are_applications_known,
            acknowledgement=overlay.acknowledged(Subjects.CLUSTER, cluster.name),
        )
        for cluster in clusters
    ]


def ordered(rows: list[ClusterRow], sort: Sort, environments: list[str]) -> list[ClusterRow]:
    """The rows in the fleet file's order (environment after environment), by name, or worst first."""
    roles = {role: place for place, role in enumerate(ClusterRole.values)}
    if sort.field == "name":
        rows = sorted(rows, key=lambda row: row.cluster.name)
    elif sort.field == "tone":
        rows = sorted(rows, key=lambda row: row.verdict.tone.rank)
    else:
        rows = sorted(rows, key=lambda row: (environments.index(row.cluster.environment), roles[row.cluster.role]))
    return rows[::-1] if sort.is_descending else rows


def groups_of(rows: list[ClusterRow], sort: Sort) -> list[ClusterGroup]:
    """The rows by environment while they stand in that order, else all together."""
    if sort.field != DEFAULT_SORT:
        return [ClusterGroup("", rows)] if rows else []
    return [
        ClusterGroup(environment or "no environment", list(together))
        for environment, together in groupby(rows, key=lambda row: row.cluster.environment)
    ]


def alert_counts(overlay: Overlay) -> dict[str, Counts]:
    """How many alerts fire on each cluster, by tone. One query."""
    firing = Episode.objects.firing().current(overlay).with_shown_tone(overlay).exclude(cluster="").order_by()
    return by_cluster(firing.values_list("cluster", F("shown_tone")).annotate(Count("pk")))


def application_counts(overlay: Overlay) -> dict[str, Counts]:
    """How many Applications are deployed to each cluster, by tone. One query."""
    deployed = Application.objects.current(overlay).with_shown_tone(overlay).exclude(cluster="").order_by()
    return by_cluster(deployed.values_list("cluster", F("shown_tone")).annotate(Count("pk")))


def by_cluster(triples: Iterable[tuple[str, str, int]]) -> dict[str, Counts]:
    """(cluster, tone, count) as cluster → counts by tone."""
    found: dict[str, list[tuple[str, int]]] = {}
    for cluster, tone, count in triples:
        found.setdefault(cluster, []).append((tone, count))
    return {cluster: tone_counts(pairs) for cluster, pairs in found.items()}


def recovery_time_objective() -> timedelta | None:
    """Within which time a lost cluster is to be restored, as the fleet file says; None where it does not."""
    try:
        return fleet_file_in_force().portal.recovery_time_objective
    except FleetFileInvalid:
        return None
