"""What lies over the rows when they are shown: which sources and clusters cannot be trusted at this moment.

Rows keep their own tone; a source that goes stale rewrites none of them (decision 11). An overlay is made once a page.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property

from apps.core.clock import database_now
from apps.core.leases import BEAT, lease_end
from apps.fleet.models import Cluster
from apps.notes.models import Acknowledgement
from apps.notes.services import acknowledgements_on
from apps.sources.models import Source, SourceState
from apps.sources.standing import Standing

WATCHDOG_MISSING = "watchdog missing"
LEFT = "left the fleet file"


@dataclass(frozen=True)
class Overlay(Standing):
    """The sources at one moment, `now` (the database's), and what is doubtful because of them.

    `sources` holds those of the fleet file by key. The doubtful ones are name → reason: Argo CD instances whose
    Applications were not read lately, clusters that are lost or cannot be reached, groups of Alertmanagers whose
    silence proves nothing. The archived ones left the fleet file: their rows are not shown. `clusters` are those of
    the fleet file, in its order. `acknowledgements` are those that have not ended, by (kind, subject).
    """

    clusters: tuple[Cluster, ...] = ()
    doubtful_instances: Mapping[str, str] = field(default_factory=dict)
    doubtful_clusters: Mapping[str, str] = field(default_factory=dict)
    doubtful_alertmanagers: Mapping[str, str] = field(default_factory=dict)
    archived_instances: frozenset[str] = frozenset()
    archived_alertmanagers: frozenset[str] = frozenset()
    acknowledgements: Mapping[tuple[str, str], Acknowledgement] = field(default_factory=dict)

    def acknowledged(self, kind: str, subject: str) -> Acknowledgement | None:
        """That somebody is at the thing at this moment; its subject is the timeline's."""
        said = self.acknowledgements.get((kind, subject))
        return said if said and said.until > self.now else None

    def acknowledged_among(self, kind: str) -> list[str]:
        """The subjects of one kind that are acknowledged at this moment."""
        return [said.subject for said in self.acknowledgements.values() if said.kind == kind and said.until > self.now]

    @cached_property
    def distrusted_instances(self) -> Mapping[str, str]:
        """The doubtful Argo CD instances and the archived ones, which only the page of a single Application shows."""
        return {**{name: f"Argo CD {name} {LEFT}" for name in self.archived_instances}, **self.doubtful_instances}

    @cached_property
    def distrusted_alertmanagers(self) -> Mapping[str, str]:
        """The doubtful groups of Alertmanagers and the archived ones, as `distrusted_instances`."""
        gone = {name: f"Alertmanager {name} {LEFT}" for name in self.archived_alertmanagers}
        return {**gone, **self.doubtful_alertmanagers}

    @cached_property
    def places(self) -> tuple[tuple[str, str], ...]:
        """The clusters by name, each with its environment."""
        return tuple((cluster.name, cluster.environment) for cluster in self.clusters)

    @cached_property
    def are_alerts_known(self) -> bool:
        """Whether no alerts means that none fire."""
        return self._was_read(Source.Kind.ALERTMANAGER) and not self.doubtful_alertmanagers

    @cached_property
    def are_applications_known(self) -> bool:
        """Whether no Applications means that there are none."""
        return self._was_read(Source.Kind.ARGOCD) and not self.doubtful_instances

    def _was_read(self, kind: Source.Kind) -> bool:
        return any(source.kind == kind and source.succeeded_at for source in self.sources.values())


def overlay_now() -> Overlay:
    """The overlay of this moment. Five queries, however big the fleet: clock, schedule, sources, clusters, and what is
    acknowledged."""
    now, read_until = database_now(), lease_end(name=BEAT)
    sources, clusters = Source.objects.order_by("pk"), Cluster.objects.current()
    return replace(
        overlay_of(now=now, sources=sources, clusters=clusters, read_until=read_until),
        acknowledgements=acknowledgements_on(now),
    )


def overlay_of(
    *, now: datetime, sources: Iterable[Source], clusters: Iterable[Cluster], read_until: datetime | None = None
) -> Overlay:
    """The overlay of these rows at the moment `now`."""
    rows, clusters = list(sources), tuple(clusters)
    current = {source.key: source for source in rows if not source.is_archived}
    return Overlay(
        now=now,
        sources=current,
        read_until=read_until,
        clusters=clusters,
        doubtful_instances=_doubtful_instances(now, current.values()),
        doubtful_clusters=_doubtful_clusters(now, current, clusters),
        doubtful_alertmanagers=_doubtful_alertmanagers(now, current.values()),
        archived_instances=_archived(rows, {Source.Kind.ARGOCD, Source.Kind.ARGOCD_INVENTORY}),
        archived_alertmanagers=_archived(rows, {Source.Kind.ALERTMANAGER}),
    )


def source_doubt(source: Source, now: datetime) -> str:
    """Why what a source told is not certain at `now`, in words; "" while it is fresh."""
    told = f"; last read at {source.succeeded_at:%d %b %H:%M:%S} UTC" if source.succeeded_at else ""
    match source.state(now):
        case SourceState.FRESH:
            return ""
        case SourceState.NEVER:
            return f"{source.title} was never reached" + (f": {source.error_short}" if source.error else "")
        case SourceState.DOWN:
            return f"{source.title} is down: {source.error_short}{told}"
        case SourceState.STALE:
            return f"{source.title} is stale{told}"


def _doubtful_instances(now: datetime, sources: Iterable[Source]) -> dict[str, str]:
    doubts = {source.group: source_doubt(source, now) for source in sources if source.kind == Source.Kind.ARGOCD}
    return {instance: doubt for instance, doubt in doubts.items() if doubt}


def _doubtful_clusters(now: datetime, sources: Mapping[str, Source], clusters: Iterable[Cluster]) -> dict[str, str]:
    doubts = {
        cluster.name: _cluster_doubt(now, sources.get(f"kubernetes/{cluster.name}"), cluster) for cluster in clusters
    }
    return {name: doubt for name, doubt in doubts.items() if doubt}


def _cluster_doubt(now: datetime, source: Source | None, cluster: Cluster) -> str:
    """Lost; or not reached, as Argo CD says or as we see it once our last answer is stale: one miss is no doubt."""
    if cluster.lost_since:
        return f"{cluster.name} is lost since {cluster.lost_since:%d %b %H:%M} UTC"
    is_ours_still_good = source is not None and source.state(now) is SourceState.FRESH
    if cluster.unreached_since and not is_ours_still_good:
        return f"{cluster.name} cannot be reached since {cluster.unreached_since:%d %b %H:%M} UTC"
    return ""


def _doubtful_alertmanagers(now: datetime, sources: Iterable[Source]) -> dict[str, str]:
    """Groups of which no member is fresh, whose watchdog is missing, or whose Prometheus is not known (decision 6)."""
    members: dict[str, list[Source]] = {}
    feeders: dict[str, list[Source]] = {}
    for source in sources:
        if source.kind == Source.Kind.ALERTMANAGER:
            members.setdefault(source.group, []).append(source)
        for group in source.feeds:
            feeders.setdefault(group, []).append(source)
    doubts = {group: _group_doubt(now, of_group, feeders.get(group, [])) for group, of_group in members.items()}
    return {group: doubt for group, doubt in doubts.items() if doubt}


def _group_doubt(now: datetime, members: list[Source], feeders: list[Source]) -> str:
    fresh = [member for member in members if member.state(now) is SourceState.FRESH]
    if not fresh:
        return source_doubt(members[0], now)
    if all(WATCHDOG_MISSING in member.warnings for member in fresh):
        return "the watchdog alert is missing: no alerts does not mean that all is well"
    return next(
        (f"it is fed by {feeder.title}, and {doubt}" for feeder in feeders if (doubt := source_doubt(feeder, now))), ""
    )


def _archived(sources: Iterable[Source], kinds: set[Source.Kind]) -> frozenset[str]:
    """Groups that have rows of these kinds, all of which left the fleet file."""
    of_kinds = [source for source in sources if source.kind in kinds]
    current = {source.group for source in of_kinds if not source.is_archived}
    return frozenset({source.group for source in of_kinds} - current)
