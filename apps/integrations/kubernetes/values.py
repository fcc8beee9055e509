"""What a cluster's API tells, as frozen values with aware UTC datetimes."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct


class Condition(Struct, frozen=True):
    """A Kubernetes condition; status is True, False or Unknown. `at` is its lastTransitionTime."""

    type: str
    status: str
    reason: str = ""
    message: str = ""
    at: datetime | None = None


class Readiness(Struct, frozen=True):
    """What /readyz says: whether the API server is ready, how long it took in seconds, which checks fail."""

    is_ready: bool
    latency: float
    failing: tuple[str, ...] = ()


class Node(Struct, frozen=True):
    """A node: its conditions, roles, whether it is cordoned, its kubelet version, and what pods may use of it.

    `cpu` in cores, `memory` in bytes, `pods` in number: its allocatable; None where it does not tell.
    """

    name: str
    conditions: tuple[Condition, ...] = ()
    roles: tuple[str, ...] = ()
    is_unschedulable: bool = False
    kubelet_version: str = ""
    cpu: float | None = None
    memory: int | None = None
    pods: int | None = None


class ClusterVersion(Struct, frozen=True):
    """OpenShift's own version: the version last completed, the one wanted, whether an update is under way.

    `progress` is the Progressing condition's message ("Working towards 4.16.4: 604 of 891 done (67% complete)").
    """

    version: str
    desired: str
    conditions: tuple[Condition, ...] = ()
    available_updates: tuple[str, ...] = ()
    started_at: datetime | None = None
    is_updating: bool = False
    progress: str = ""


class ClusterOperator(Struct, frozen=True):
    """An OpenShift cluster operator with Available, Progressing, Degraded, Upgradeable conditions."""

    name: str
    version: str = ""
    conditions: tuple[Condition, ...] = ()


class MachineConfigPool(Struct, frozen=True):
    """A pool of machines that share one configuration."""

    name: str
    machines: int = 0
    updated: int = 0
    ready: int = 0
    unavailable: int = 0
    degraded: int = 0
    is_paused: bool = False
    conditions: tuple[Condition, ...] = ()


class MemberSummary(Struct, frozen=True):
    """How a ToolchainStatus (on the host) sees one member."""

    cluster_name: str
    api_endpoint: str = ""
    conditions: tuple[Condition, ...] = ()


class ToolchainStatus(Struct, frozen=True):
    """The host's summary; `parts` are its components with their conditions.

    Their names are paths in its status: hostOperator, hostRoutes, registrationService.deployment and so on.
    """

    name: str
    conditions: tuple[Condition, ...] = ()
    parts: dict[str, tuple[Condition, ...]] = {}
    members: tuple[MemberSummary, ...] = ()


class MemberStatus(Struct, frozen=True):
    """The member's summary; `parts` as in ToolchainStatus, `memory_usage` is percent per node role."""

    name: str
    conditions: tuple[Condition, ...] = ()
    parts: dict[str, tuple[Condition, ...]] = {}
    memory_usage: dict[str, int] = {}


class ToolchainCluster(Struct, frozen=True):
    """One remote cluster as this one sees it."""

    name: str
    api_endpoint: str = ""
    conditions: tuple[Condition, ...] = ()


class SpaceProvisionerConfig(Struct, frozen=True):
    """Whether a member takes new spaces, and how full it is."""

    name: str
    toolchain_cluster: str = ""
    is_enabled: bool = True
    space_count: int | None = None
    memory_usage: dict[str, int] = {}
    conditions: tuple[Condition, ...] = ()


class ArgoCD(Struct, frozen=True):
    """The ArgoCD resource of the operator; `components` are name → Pending, Running, Failed, Unknown (disabled)."""

    namespace: str
    name: str
    phase: str = ""
    host: str = ""
    components: dict[str, str] = {}
    conditions: tuple[Condition, ...] = ()


class Subscription(Struct, frozen=True):
    """An OLM Subscription; state is "", UpgradeFailed, UpgradeAvailable, UpgradePending or AtLatestKnown."""

    namespace: str
    name: str
    state: str = ""
    channel: str = ""
    installed_csv: str = ""
    current_csv: str = ""
    conditions: tuple[Condition, ...] = ()


class ClusterServiceVersion(Struct, frozen=True):
    """An installed operator's phase (Succeeded is well) with reason and message."""

    namespace: str
    name: str
    phase: str = ""
    reason: str = ""
    message: str = ""
    version: str = ""


class ManagedCluster(Struct, frozen=True):
    """A cluster as the fleet manager's hub knows it (RHACM, open-cluster-management)."""

    name: str
    conditions: tuple[Condition, ...] = ()
    kubernetes_version: str = ""
    is_accepted: bool = False
    is_deleting: bool = False
    claims: dict[str, str] = {}
