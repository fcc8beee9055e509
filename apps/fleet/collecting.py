"""Reading one cluster's API: whether it is ready, its versions, and everything that its role gives it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TypeVar

from apps.core.errors import UpstreamDenied, UpstreamNotFound, UpstreamNotInstalled, UpstreamUnavailable
from apps.core.tones import Tone
from apps.core.verdict import Verdict
from apps.fleet import objects
from apps.fleet.objects import Found
from apps.integrations.http import CallFacts
from apps.integrations.kubernetes import KubernetesClient, Readiness
from apps.integrations.listing import Listing
from apps.sources.fleetfile.schema import Cluster
from apps.sources.fleetfile.sections import Role

TOOLCHAIN_STATUS = "toolchain-status"
MEMBER_STATUS = "toolchain-member-status"

T = TypeVar("T")
Ask = Callable[[], Listing[Found]]


@dataclass
class Reading:
    """What one complete read of a cluster's API told.

    `complete` are the kinds whose every object is in `found`, or in `unreadable` as (kind, name, reason), the name ""
    where not even that could be told; a kind in `not_allowed` is in none of them and keeps its rows.
    """

    ready: Readiness
    kubernetes_version: str
    facts: CallFacts | None = None
    found: list[Found] = field(default_factory=list)
    complete: set[str] = field(default_factory=set)
    unreadable: list[tuple[str, str, str]] = field(default_factory=list)
    not_installed: list[str] = field(default_factory=list)
    not_allowed: list[str] = field(default_factory=list)
    denied: UpstreamDenied | None = None

    @property
    def openshift_version(self) -> str:
        """The version last completed; "" where it is no OpenShift."""
        return next((str(one.data["version"]) for one in self.found if one.kind == "ClusterVersion"), "")

    @property
    def update_progress(self) -> str:
        """What an update that is under way says of itself; "" without one."""
        updating = (one for one in self.found if one.kind == "ClusterVersion" and one.data["is_updating"])
        return next((str(one.data["progress"]) or "update under way" for one in updating), "")


def cluster_reading(*, client: KubernetesClient, cluster: Cluster, ready: Readiness, budget: float) -> Reading:
    """Everything below /readyz, in at most `budget` seconds and two calls more.

    A type that is not served, or that our account may not read, costs only itself. Raises UpstreamDenied when there is
    no type that it may read, and any other UpstreamError of any type: half a reading is none.
    """
    end = time.monotonic() + budget
    facts = client.last
    reading = Reading(ready=ready, kubernetes_version=client.version(), facts=facts)
    reading.found.append(_api_server(ready))
    for kind, ask in _asks(client, cluster):
        if time.monotonic() > end:
            raise UpstreamUnavailable(client.source, f"reading all of it took longer than {budget:.0f} s")
        _take(reading, kind, ask)
    if reading.denied and not reading.complete:
        raise reading.denied
    reading.complete.add("APIServer")
    return reading


def _take(reading: Reading, kind: str, ask: Ask) -> None:
    try:
        listing = ask()
    except UpstreamDenied as error:
        reading.not_allowed.append(kind)
        reading.denied = reading.denied or error
        return
    except UpstreamNotInstalled:
        reading.not_installed.append(kind)
        listing = Listing()
    except UpstreamNotFound:
        listing = Listing()
    if kind not in reading.not_installed:
        reading.complete.add(kind)
    reading.found += listing.items
    reading.unreadable += [(kind, item.name, item.reason) for item in listing.unreadable]


def _asks(client: KubernetesClient, cluster: Cluster) -> Iterator[tuple[str, Ask]]:
    """What a cluster of this role has, kind by kind."""
    yield "Node", lambda: _each(client.nodes(), objects.node_found)
    yield "ClusterVersion", lambda: Listing((objects.version_found(client.cluster_version()),))
    yield "ClusterOperator", lambda: _each(client.cluster_operators(), objects.operator_found)
    yield "MachineConfigPool", lambda: _each(client.machine_config_pools(), objects.pool_found)
    match cluster.role:
        case Role.HOST:
            yield from _asks_of_host(client)
        case Role.MEMBER:
            yield (
                "MemberStatus",
                lambda: _single(
                    "MemberStatus", MEMBER_STATUS, lambda: objects.member_status_found(client.member_status())
                ),
            )
            yield "ToolchainCluster", lambda: _each(client.toolchain_clusters(), objects.toolchain_cluster_found)
        case Role.CONTROL_PLANE:
            yield from _asks_of_control_plane(client, cluster)


def _asks_of_host(client: KubernetesClient) -> Iterator[tuple[str, Ask]]:
    yield (
        "ToolchainStatus",
        lambda: _single(
            "ToolchainStatus", TOOLCHAIN_STATUS, lambda: objects.toolchain_status_found(client.toolchain_status())
        ),
    )
    yield "ToolchainCluster", lambda: _each(client.toolchain_clusters(), objects.toolchain_cluster_found)
    yield (
        "SpaceProvisionerConfig",
        lambda: _each(client.space_provisioner_configs(), objects.provisioner_found),
    )


def _asks_of_control_plane(client: KubernetesClient, cluster: Cluster) -> Iterator[tuple[str, Ask]]:
    """Argo CD's operator only where the fleet file says where it is: OLM copies each CSV into every namespace."""
    operator = cluster.argocd_operator
    yield "ArgoCD", lambda: _each(client.argocds(operator.namespace if operator else None), objects.argocd_found)
    if operator and operator.subscription:
        namespace, _, name = operator.subscription.partition("/")
        installed: set[str] = set()

        def subscriptions() -> Listing[Found]:
            listing = client.subscriptions(namespace)
            wanted = tuple(one for one in listing.items if one.name == name)
            installed.update(one.installed_csv for one in wanted)
            rows = _each(Listing(wanted, listing.unreadable), objects.subscription_found)
            missing = _missing("Subscription", f"{namespace}/{name}", "the fleet file names it")
            return rows if wanted else Listing((missing,), listing.unreadable)

        def versions() -> Listing[Found]:
            listing = client.cluster_service_versions(namespace)
            wanted = tuple(one for one in listing.items if one.name in installed)
            return _each(Listing(wanted, listing.unreadable), objects.csv_found)

        yield "Subscription", subscriptions
        yield "ClusterServiceVersion", versions
    yield "ManagedCluster", lambda: _each(client.managed_clusters(), objects.managed_cluster_found)


def _each(listing: Listing[T], to_found: Callable[[T], Found]) -> Listing[Found]:
    return Listing(tuple(map(to_found, listing.items)), listing.unreadable)


def _single(kind: str, name: str, ask: Callable[[], Found]) -> Listing[Found]:
    """The one object of a type; where the type is served and the object is not there, nothing of it is known."""
    try:
        return Listing((ask(),))
    except UpstreamNotInstalled:
        raise
    except UpstreamNotFound:
        return Listing((_missing(kind, name, "its type is installed"),))


def _missing(kind: str, name: str, why: str) -> Found:
    verdict = Verdict(Tone.UNKNOWN, f"{why}, and the cluster does not have it")
    return objects.found(kind, name, verdict, status="Missing")


def _api_server(ready: Readiness) -> Found:
    failing = ", ".join(ready.failing[:5])
    verdict = (
        Verdict(Tone.WELL, "ready") if ready.is_ready else Verdict(Tone.WARNING, f"says it is not ready: {failing}")
    )
    return objects.found("APIServer", "readyz", verdict, status="Ready" if ready.is_ready else "NotReady")
