"""Which cluster of the fleet file is meant by a name, an alias or the address of an API."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple
from urllib.parse import urlsplit

from apps.sources.fleetfile.schema import FleetFile

OWN_HOSTS = frozenset(
    {"in-cluster", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local"}
)
PORTS = {"https": 443, "http": 80}


class _Called(NamedTuple):
    """What something is called, for comparison: an address or a name, which is a host alone. `port` as it was told."""

    host: str
    port: int | None = None
    path: str = ""
    default_port: int | None = None

    @property
    def whole(self) -> tuple[str, int | None, str]:
        """The same for addresses that lead to one place."""
        return (self.host, self.port or self.default_port, self.path)


class ClusterNames:
    """The clusters of a fleet file by all that they are called: name, aliases, API address; letters of either case.

    An address is known by host, port and path. Where one side tells no port, the host will do if it is one cluster's
    only: several clusters can stand behind the ports or the paths of one host. `learnt` are more names, as (name,
    cluster): the fleet file's own come first.
    """

    def __init__(self, fleet: FleetFile, learnt: Iterable[tuple[str, str]] = ()) -> None:
        self._by_whole: dict[tuple[str, int | None, str], str] = {}
        by_host: dict[str, set[str]] = {}
        by_portless: dict[str, set[str]] = {}
        for name, cluster in (*_names_of(fleet), *learnt):
            called = _called(name)
            self._by_whole.setdefault(called.whole, cluster)
            if not called.path:
                by_host.setdefault(called.host, set()).add(cluster)
            if not called.path and called.port is None:
                by_portless.setdefault(called.host, set()).add(cluster)
        self._by_host, self._by_portless = _of_one_only(by_host), _of_one_only(by_portless)

    def cluster_of(self, told: str) -> str:
        """The cluster's name in the fleet file, "" where none is called `told`."""
        called = _called(told)
        if found := self._by_whole.get(called.whole):
            return found
        if called.path:
            return ""
        return (self._by_host if called.port is None else self._by_portless).get(called.host, "")


def is_in_cluster(told: str) -> bool:
    """Whether this is what Argo CD calls the cluster that it runs on itself, by name or by address."""
    called = _called(told)
    return called.host in OWN_HOSTS and not called.path


def _of_one_only(clusters: dict[str, set[str]]) -> dict[str, str]:
    return {host: next(iter(names)) for host, names in clusters.items() if len(names) == 1}


def _names_of(fleet: FleetFile) -> Iterator[tuple[str, str]]:
    for cluster in fleet.clusters:
        yield cluster.name, cluster.name
        yield from ((alias, cluster.name) for alias in cluster.aliases)
        if cluster.kubernetes is not None and cluster.kubernetes.server:
            yield cluster.kubernetes.server, cluster.name


def _called(name: str) -> _Called:
    text = name.strip().casefold()
    try:
        parts = urlsplit(text if "://" in text else f"//{text}")
        host, port = parts.hostname, parts.port
    except ValueError:
        return _Called(text)
    if not host or parts.query or parts.fragment or "@" in parts.netloc or parts.scheme not in {"", *PORTS}:
        return _Called(text)
    return _Called(host, port, parts.path.rstrip("/"), PORTS.get(parts.scheme))
