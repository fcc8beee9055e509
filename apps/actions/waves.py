"""In which order a bulk goes: wave after wave, so that what goes wrong goes wrong where it costs least."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from apps.fleet.models import Cluster, ClusterRole
from apps.fleet.overlay import Overlay
from apps.gitops.models import Application
from apps.sources.fleetfile.schema import FleetFile

ROLES_IN_ORDER: Mapping[str, int] = {ClusterRole.CONTROL_PLANE: 0, ClusterRole.HOST: 1, ClusterRole.MEMBER: 2}
ROLES_TOGETHER: Mapping[str, int] = {**ROLES_IN_ORDER, ClusterRole.MEMBER: 1}
ROLES_CALLED = {
    ClusterRole.CONTROL_PLANE: "control planes",
    ClusterRole.HOST: "hosts",
    ClusterRole.MEMBER: "members",
}

Rank = tuple[bool, int, int, int]


@dataclass(frozen=True)
class Wave:
    """Applications that may be synced together, in their order. `number` counts from 1; `words` says where they are."""

    number: int
    words: str
    applications: tuple[Application, ...]


def waves_of(
    applications: Iterable[Application], fleet: FleetFile, overlay: Overlay, *, hosts_first: bool = True
) -> list[Wave]:
    """The waves of a bulk: by environment, ring and role of the cluster (with `hosts_first`: host before members).

    Environments and rings go in the fleet file's order, those that it does not list after those that it does.
    Applications of no cluster that the portal knows come last. Within a wave: by cluster, then by name. No query.
    """
    clusters = {cluster.name: cluster for cluster in overlay.clusters}
    ranked = _Ranked(fleet, clusters, ROLES_IN_ORDER if hosts_first else ROLES_TOGETHER)
    ordered = sorted(applications, key=lambda row: (ranked.rank(row), row.cluster, row.name, row.instance))
    found = [(rank, tuple(rows)) for rank, rows in groupby(ordered, key=ranked.rank)]
    return [Wave(number, _words(rows, clusters), rows) for number, (_, rows) in enumerate(found, start=1)]


class _Ranked:
    """Where each Application's wave stands among the others."""

    def __init__(self, fleet: FleetFile, clusters: dict[str, Cluster], roles: Mapping[str, int]) -> None:
        self._clusters, self._roles = clusters, roles
        self._environments = [environment.name for environment in fleet.environments]
        self._rings = {environment.name: list(environment.rings) for environment in fleet.environments}

    def rank(self, row: Application) -> Rank:
        """Sorts as the waves go."""
        cluster = self._clusters.get(row.cluster)
        if cluster is None:
            return (True, _place(row.environment, self._environments), 0, 0)
        place = _place(cluster.environment, self._environments)
        return (False, place, self._ring(cluster), self._roles.get(cluster.role, len(self._roles)))

    def _ring(self, cluster: Cluster) -> int:
        """Before all rings where it has none; a ring that the file does not list after those that it lists."""
        rings = self._rings.get(cluster.environment, [])
        if cluster.ring is None:
            return -1
        return rings.index(cluster.ring) if cluster.ring in rings else len(rings) + cluster.ring


def _place(word: str, order: list[str]) -> int:
    return order.index(word) if word in order else len(order)


def _words(rows: Sequence[Application], clusters: dict[str, Cluster]) -> str:
    """Of one wave, whose clusters differ in their role at most."""
    cluster = clusters.get(rows[0].cluster)
    if cluster is None:
        return " · ".join([rows[0].environment or "no environment", "no known cluster"])
    there = {clusters[row.cluster].role for row in rows}
    roles = " and ".join(called for role, called in ROLES_CALLED.items() if role in there)
    ring = f"ring {cluster.ring}" if cluster.ring is not None else ""
    parts = [cluster.environment or "no environment", ring, roles]
    return " · ".join(part for part in parts if part)
