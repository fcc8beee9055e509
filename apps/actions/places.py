"""Which places a change reaches before others, by the fleet file: environments in their order, rings within them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from apps.fleet.models import Cluster
from apps.gitops.models import Application
from apps.sources.fleetfile.schema import FleetFile


@dataclass(frozen=True)
class Places:
    """`rings` is cluster → its ring's place in its environment's order, of those that have one."""

    environments: Sequence[str]
    rings: Mapping[str, int]

    def environments_until(self, environment: str) -> Sequence[str]:
        """Those that a change reaches before this one, and this one; only itself where it is not in the file."""
        if environment not in self.environments:
            return [environment]
        return self.environments[: self.environments.index(environment) + 1]

    def is_before(self, one: Application, other: Application) -> bool:
        """Whether a change reaches `one` for certain before `other`."""
        if one.environment != other.environment:
            return one.environment in self.environments_until(other.environment)
        ring, other_ring = self.rings.get(one.cluster), self.rings.get(other.cluster)
        return ring is not None and other_ring is not None and ring < other_ring


def places_of(fleet: FleetFile, clusters: Iterable[Cluster]) -> Places:
    """The places of this fleet file with its clusters' rows."""
    orders = {environment.name: list(environment.rings) for environment in fleet.environments}
    rings = {
        cluster.name: orders[cluster.environment].index(cluster.ring)
        for cluster in clusters
        if cluster.ring is not None and cluster.ring in orders.get(cluster.environment, [])
    }
    return Places(list(orders), rings)
