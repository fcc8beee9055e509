"""Reading a cluster's API: Kubernetes' own types and those of OpenShift, Toolchain, OLM, ArgoCD and RHACM."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

from msgspec import Raw, Struct, field

from apps.core.errors import (
    UpstreamBadReply,
    UpstreamDenied,
    UpstreamError,
    UpstreamNotFound,
    UpstreamNotInstalled,
    UpstreamUnavailable,
)
from apps.integrations.http import Answer, Endpoint, Query, failure, kind_of_status, plain_line, words_of
from apps.integrations.kubernetes import wire
from apps.integrations.kubernetes.values import (
    ArgoCD,
    ClusterOperator,
    ClusterServiceVersion,
    ClusterVersion,
    MachineConfigPool,
    ManagedCluster,
    MemberStatus,
    Node,
    Readiness,
    SpaceProvisionerConfig,
    Subscription,
    ToolchainCluster,
    ToolchainStatus,
)
from apps.integrations.listing import Listing, read_items
from apps.integrations.upstream import UpstreamClient

T = TypeVar("T")
W = TypeVar("W")

HOST_NAMESPACE: Final = "toolchain-host-operator"
MEMBER_NAMESPACE: Final = "toolchain-member-operator"
PAGE: Final = 500
MOST_PAGES: Final = 200

CORE: Final = ("api", "v1")
CONFIG: Final = ("apis", "config.openshift.io", "v1")
MACHINES: Final = ("apis", "machineconfiguration.openshift.io", "v1")
TOOLCHAIN: Final = ("apis", "toolchain.dev.openshift.com", "v1alpha1")
ARGOPROJ: Final = ("apis", "argoproj.io", "v1beta1")
OLM: Final = ("apis", "operators.coreos.com", "v1alpha1")
ACM: Final = ("apis", "cluster.open-cluster-management.io", "v1")
REVIEWS: Final = ("apis", "authorization.k8s.io", "v1", "selfsubjectaccessreviews")


class PageExpired(UpstreamUnavailable):
    """What a list was in the middle of is not kept any more (410): its next page cannot be had."""


class _Version(Struct):
    version: str = field(default="", name="gitVersion")


class _Resource(Struct):
    name: str = ""


class _Served(Struct):
    resources: list[_Resource] = []


class _ReviewStatus(Struct, frozen=True):
    allowed: bool = False


class _Review(Struct):
    status: _ReviewStatus = _ReviewStatus()


class KubernetesClient(UpstreamClient):
    """One cluster. All methods raise UpstreamError, each kind as its class says.

    UpstreamNotInstalled is a type that this cluster does not serve, UpstreamNotFound an object that is not there.
    Who has no right to a type is refused with 403 whether it is served or not, since the API server asks for rights
    before it looks for a route: then its discovery is asked, which everybody who is signed in may read by default.
    Lists are read in pages of 500.
    """

    def __init__(self, endpoint: Endpoint, *, page_size: int = PAGE) -> None:
        super().__init__(endpoint, refine=_refusal)
        self._page_size = page_size

    def version(self) -> str:
        """The API server's version, as "v1.34.4"."""
        return self.http.get("version").decode(_Version).version

    def readyz(self) -> Readiness:
        """Whether the API server says that it is ready, by default to anybody; 500 tells which checks fail."""
        answer = self.http.call("GET", ("readyz",), headers={"Accept": "*/*"}, expected=(500,))
        text = answer.body.decode("utf-8", "replace")
        failing = tuple(plain_line(line[3:]) for line in text.splitlines() if line.startswith("[-]"))
        latency = self.last.latency if self.last else 0.0
        if answer.status == 200 and text.strip() == "ok":
            return Readiness(is_ready=True, latency=latency)
        if answer.status == 500 and failing:
            return Readiness(is_ready=False, latency=latency, failing=failing)
        raise self._no_readiness(answer)

    def nodes(self) -> Listing[Node]:
        """The cluster's nodes."""
        return self._list(CORE, "nodes", wire.WireNode, wire.node)

    def cluster_version(self) -> ClusterVersion:
        """OpenShift's version and how its update goes."""
        answer = self._get(CONFIG, "clusterversions", "version")
        return self._built(answer, wire.WireClusterVersion, wire.cluster_version)

    def cluster_operators(self) -> Listing[ClusterOperator]:
        """OpenShift's own operators."""
        return self._list(CONFIG, "clusteroperators", wire.WireOperator, wire.cluster_operator)

    def machine_config_pools(self) -> Listing[MachineConfigPool]:
        """The pools of machines that share one configuration."""
        return self._list(MACHINES, "machineconfigpools", wire.WirePool, wire.machine_config_pool)

    def toolchain_status(self, namespace: str = HOST_NAMESPACE) -> ToolchainStatus:
        """The host operator's summary of itself and its members."""
        answer = self._get(TOOLCHAIN, "toolchainstatuses", "toolchain-status", namespace=namespace)
        return self._built(answer, wire.WireToolchainStatus, wire.toolchain_status)

    def member_status(self, namespace: str = MEMBER_NAMESPACE) -> MemberStatus:
        """The member operator's summary of itself."""
        answer = self._get(TOOLCHAIN, "memberstatuses", "toolchain-member-status", namespace=namespace)
        return self._built(answer, wire.WireToolchainStatus, wire.member_status)

    def toolchain_clusters(self, namespace: str | None = None) -> Listing[ToolchainCluster]:
        """The clusters that this one is connected to: a host's members, a member's host."""
        return self._list(TOOLCHAIN, "toolchainclusters", wire.WireToolchainCluster, wire.toolchain_cluster, namespace)

    def space_provisioner_configs(self, namespace: str | None = None) -> Listing[SpaceProvisionerConfig]:
        """For each member of a host, whether it takes new spaces and how full it is."""
        return self._list(
            TOOLCHAIN, "spaceprovisionerconfigs", wire.WireProvisioner, wire.space_provisioner_config, namespace
        )

    def argocds(self, namespace: str | None = None) -> Listing[ArgoCD]:
        """The Argo CD instances that an operator runs here."""
        return self._list(ARGOPROJ, "argocds", wire.WireArgoCD, wire.argocd, namespace)

    def subscriptions(self, namespace: str | None = None) -> Listing[Subscription]:
        """OLM's subscriptions: which operators are wanted."""
        return self._list(OLM, "subscriptions", wire.WireSubscription, wire.subscription, namespace)

    def cluster_service_versions(self, namespace: str | None = None) -> Listing[ClusterServiceVersion]:
        """OLM's record of what is installed."""
        return self._list(
            OLM, "clusterserviceversions", wire.WireServiceVersion, wire.cluster_service_version, namespace
        )

    def managed_clusters(self) -> Listing[ManagedCluster]:
        """The clusters of a fleet manager's hub."""
        return self._list(ACM, "managedclusters", wire.WireManagedCluster, wire.managed_cluster)

    def may(self, verb: str, group: str, resource: str, *, namespace: str = "") -> bool:
        """Whether our account has this right (everywhere, without a namespace). The POST writes nothing."""
        wanted = {"verb": verb, "group": group, "resource": resource, "namespace": namespace}
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": {name: value for name, value in wanted.items() if value}},
        }
        return self.http.call("POST", REVIEWS, json=review).decode(_Review).status.allowed

    def _list(
        self,
        group: tuple[str, ...],
        plural: str,
        kind: type[W],
        build: Callable[[W], T],
        namespace: str | None = None,
    ) -> Listing[T]:
        try:
            raws = self._pages(group, plural, namespace)
        except PageExpired:
            raws = self._pages(group, plural, namespace)
        return read_items(raws, kind, build)

    def _get(
        self, group: tuple[str, ...], plural: str, *name: str, namespace: str | None = None, query: Query = ()
    ) -> Answer:
        """A list, or one object by its name."""
        place = ("namespaces", namespace) if namespace else ()
        try:
            return self.http.get(*group, *place, plural, *name, query=query)
        except UpstreamDenied as error:
            if self._serves(group, plural):
                raise
            raise failure(UpstreamNotInstalled, self.source, "does not serve this") from error

    def _serves(self, group: tuple[str, ...], plural: str) -> bool:
        """Whether the cluster has the type, as its discovery tells; True where that tells nothing."""
        if group == CORE:
            return True
        try:
            resources = self.http.get(*group).decode(_Served).resources
        except UpstreamNotFound:
            return False
        except UpstreamError:
            return True
        return any(each.name == plural for each in resources)

    def _pages(self, group: tuple[str, ...], plural: str, namespace: str | None) -> list[Raw]:
        """All items, page by page. A cluster that never comes to an end is a bad reply."""
        items: list[Raw] = []
        query = [("limit", str(self._page_size))]
        for _ in range(MOST_PAGES):
            page = self._get(group, plural, namespace=namespace, query=query).decode(wire.WireList)
            items += page.items or ()
            if not page.metadata.next_page:
                return items
            query = [("limit", str(self._page_size)), ("continue", page.metadata.next_page)]
        raise failure(UpstreamBadReply, self.source, f"its list has more than {MOST_PAGES} pages")

    def _built(self, answer: Answer, kind: type[W], build: Callable[[W], T]) -> T:
        """One object's value. What its free-form parts hold instead of what they should is a bad reply, too."""
        try:
            return build(answer.decode(kind))
        except (ValueError, AttributeError) as error:
            words = f"its answer has another shape than expected: {plain_line(str(error))}"
            raise failure(UpstreamBadReply, self.source, words) from error

    def _no_readiness(self, answer: Answer) -> UpstreamError:
        if answer.status == 200:
            return failure(UpstreamBadReply, self.source, "answered /readyz with something else than ok")
        kind = kind_of_status(answer.status, has_retry_after=False)
        return failure(kind, self.source, words_of(kind, answer.status))


def _refusal(answer: Answer, reason: str) -> type[UpstreamError] | None:
    """A type that is not installed is a 404 in plain text, or a Status with a sentence of its own.

    410 is a page of a list that has expired meanwhile: the list is to be begun anew.
    """
    if answer.status == 410:
        return PageExpired
    is_unknown_type = answer.media_type == "text/plain" or "could not find the requested resource" in reason
    return UpstreamNotInstalled if answer.status == 404 and is_unknown_type else None
