"""Which cluster of the fleet an Application's destination is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from apps.sources.fleetfile.schema import ArgoCD, FleetFile

IN_CLUSTER_NAME = "in-cluster"
IN_CLUSTER_SERVER = "https://kubernetes.default.svc"


@dataclass(frozen=True)
class Destinations:
    """Names and addresses as one Argo CD instance uses them → names of clusters in the fleet file.

    `in_cluster` is the instance's own control plane, "" where the file names none. `environments` is cluster →
    environment; an Application whose cluster is not known is of the instance's `environment`.
    """

    clusters: dict[str, str] = field(default_factory=dict)
    environments: dict[str, str] = field(default_factory=dict)
    environment: str = ""

    def cluster_of(self, *, server: str, name: str) -> str:
        """The fleet's name of the cluster with this address or name, "" where none matches."""
        return self.clusters.get(_plain(server), "") or self.clusters.get(_plain(name), "")

    def environment_of(self, cluster: str) -> str:
        """The environment of an Application on `cluster`."""
        return self.environments.get(cluster) or self.environment


def destinations_of(*, fleet: FleetFile, instance: ArgoCD, connections: Iterable[tuple[str, str]] = ()) -> Destinations:
    """The joins of one Argo CD instance, by the fleet file first, then by its own cluster list.

    `connections` are (server, name) of the clusters that Argo CD knows: when one of the two matches a cluster of the
    fleet file, so does the other.
    """
    clusters: dict[str, str] = {}
    for cluster in fleet.clusters:
        addresses = [cluster.kubernetes.server] if cluster.kubernetes and cluster.kubernetes.server else []
        for alias in (cluster.name, *cluster.aliases, *addresses):
            clusters.setdefault(_plain(alias), cluster.name)
    own = instance.control_plane or ""
    clusters |= {IN_CLUSTER_NAME: own, _plain(IN_CLUSTER_SERVER): own}
    for server, name in connections:
        known = clusters.get(_plain(server), "") or clusters.get(_plain(name), "")
        if known:
            clusters.setdefault(_plain(server), known)
            clusters.setdefault(_plain(name), known)
    clusters.pop("", None)
    environments = {cluster.name: cluster.environment for cluster in fleet.clusters}
    return Destinations(clusters, environments, instance.environment or "")


def _plain(text: str) -> str:
    """A name as it is; an address with its host in lower case, its port told, and no slash at its end."""
    if "://" not in text:
        return text
    try:
        parts = urlsplit(text.rstrip("/"))
        port = parts.port or {"https": 443, "http": 80}.get(parts.scheme)
    except ValueError:
        return text
    return f"{parts.scheme}://{parts.hostname}:{port}{parts.path}"
