"""Which cluster of the fleet file is meant by a name, an alias or the address of an API."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from urllib.parse import urlsplit

from apps.sources.fleetfile.schema import FleetFile

IN_CLUSTER = frozenset({"in-cluster", "kubernetes.default.svc", "https://kubernetes.default.svc"})
PORTS = {"https": 443, "http": 80}


class ClusterNames:
    """The clusters of a fleet file by all that they are called: name, aliases, API address; letters of either case.

    An address is known by its host and port, and by its host alone where that is one cluster's only. `learnt` are
    more names, as (name, cluster): the fleet file's own come first.
    """

    def __init__(self, fleet: FleetFile, learnt: Iterable[tuple[str, str]] = ()) -> None:
        self._by_name: dict[str, str] = {}
        by_host: dict[str, set[str]] = {}
        for name, cluster in (*_names_of(fleet), *learnt):
            self._by_name.setdefault(_plain(name), cluster)
            if host := _host(name):
                by_host.setdefault(host, set()).add(cluster)
        self._by_host = {host: names.pop() for host, names in by_host.items() if len(names) == 1}

    def cluster_of(self, told: str) -> str:
        """The cluster's name in the fleet file, "" where none is called `told`."""
        return self._by_name.get(_plain(told)) or self._by_host.get(_host(told) or told.strip().casefold(), "")


def _names_of(fleet: FleetFile) -> Iterator[tuple[str, str]]:
    for cluster in fleet.clusters:
        yield cluster.name, cluster.name
        yield from ((alias, cluster.name) for alias in cluster.aliases)
        if cluster.kubernetes is not None and cluster.kubernetes.server:
            yield cluster.kubernetes.server, cluster.name


def _plain(name: str) -> str:
    """A name for comparison: an address as host:port, anything else without regard to case."""
    text = name.strip().casefold()
    try:
        parts = urlsplit(text)
        port = parts.port or PORTS.get(parts.scheme)
    except ValueError:
        return text
    return f"{parts.hostname}:{port}" if parts.scheme in PORTS and parts.hostname else text


def _host(name: str) -> str:
    """The host of an address, "" where `name` is none."""
    text = name.strip().casefold()
    try:
        parts = urlsplit(text)
    except ValueError:
        return ""
    return parts.hostname or "" if parts.scheme in PORTS else ""
