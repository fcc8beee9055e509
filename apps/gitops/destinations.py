"""Which cluster of the fleet an Application's destination is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from apps.fleet.naming import ClusterNames, is_in_cluster
from apps.sources.fleetfile.schema import ArgoCD, FleetFile


@dataclass(frozen=True)
class Destinations:
    """Names and addresses as one Argo CD instance uses them → names of clusters in the fleet file.

    `own` is the cluster that the instance runs on, "" where that is not known. `environments` is cluster →
    environment; an Application whose cluster is not known is of the instance's `environment`.
    """

    names: ClusterNames
    own: str
    environments: Mapping[str, str]
    environment: str

    def cluster_of(self, *, server: str, name: str) -> str:
        """The fleet's name of the cluster with this address or name, "" where none matches."""
        if self.own and (is_in_cluster(server) or is_in_cluster(name)):
            return self.own
        return next((found for told in (server, name) if told and (found := self._named(told))), "")

    def environment_of(self, cluster: str) -> str:
        """The environment of an Application on `cluster`."""
        return self.environments.get(cluster) or self.environment

    def _named(self, told: str) -> str:
        return "" if is_in_cluster(told) else self.names.cluster_of(told)


def destinations_of(*, fleet: FleetFile, instance: ArgoCD, connections: Iterable[tuple[str, str]] = ()) -> Destinations:
    """The joins of one Argo CD instance, by the fleet file first, then by its own cluster list.

    `connections` are (server, name) of the clusters that Argo CD knows: when one of the two matches a cluster of the
    fleet file, so does the other.
    """
    environments = {cluster.name: cluster.environment for cluster in fleet.clusters}
    by_file = Destinations(ClusterNames(fleet), instance.control_plane or "", environments, instance.environment or "")
    own, learnt = by_file.own, list[tuple[str, str]]()
    for server, name in connections:
        known = by_file.cluster_of(server=server, name=name)
        if known and is_in_cluster(server):
            own = own or known
        if known:
            learnt += [(told, known) for told in (server, name) if told and not is_in_cluster(told)]
    return Destinations(ClusterNames(fleet, learnt), own, environments, by_file.environment)
