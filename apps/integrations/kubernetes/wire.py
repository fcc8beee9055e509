"""The JSON of the resources that the portal reads of a cluster, and the values made of it.

Status is the controllers' to write: any of it may be missing or null while a resource is young.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

from msgspec import Raw, Struct, field

from apps.core.structs import converted
from apps.integrations.kubernetes.values import (
    ArgoCD,
    ClusterOperator,
    ClusterServiceVersion,
    ClusterVersion,
    Condition,
    MachineConfigPool,
    ManagedCluster,
    MemberStatus,
    MemberSummary,
    Node,
    SpaceProvisionerConfig,
    Subscription,
    ToolchainCluster,
    ToolchainStatus,
)
from apps.integrations.listing import Count, read_time

ROLE: Final = "node-role.kubernetes.io/"
QUANTITY: Final = re.compile(r"(\d{1,20}(?:\.\d{1,20})?)([numkMGTPE]|[KMGTPE]i|[eE]\d{1,2}|)")
SUFFIXES: Final = {
    "": 1.0,
    **{suffix: 1e-9 * 1000**power for power, suffix in enumerate("num")},
    **{suffix: 1000.0**power for power, suffix in enumerate("kMGTPE", 1)},
    **{f"{suffix}i": 1024.0**power for power, suffix in enumerate("KMGTPE", 1)},
}
ARGOCD_COMPONENTS: Final = (
    "applicationController",
    "applicationSetController",
    "notificationsController",
    "redis",
    "repo",
    "server",
    "sso",
)


class WireListMetadata(Struct, frozen=True):
    next_page: str | None = field(default=None, name="continue")


class WireList(Struct):
    items: list[Raw] | None = None
    metadata: WireListMetadata = WireListMetadata()


class WireMetadata(Struct, rename="camel"):
    name: str
    namespace: str | None = None
    labels: dict[str, str] | None = None
    deletion_timestamp: str | None = None


Quantity = str | int | float


class WireCondition(Struct, rename="camel"):
    type: str
    status: str = "Unknown"
    reason: str | None = None
    message: str | None = None
    last_transition_time: str | None = None


class WireConditions(Struct):
    """Any status of which only the conditions are read."""

    conditions: list[WireCondition] | None = None


class WireNodeSpec(Struct):
    unschedulable: bool | None = None


class WireNodeInfo(Struct, rename="camel"):
    kubelet_version: str | None = None


class WireNodeStatus(Struct, rename="camel"):
    conditions: list[WireCondition] | None = None
    node_info: WireNodeInfo | None = None
    allocatable: dict[str, Quantity] | None = None


class WireNode(Struct):
    metadata: WireMetadata
    spec: WireNodeSpec | None = None
    status: WireNodeStatus | None = None


class WireRelease(Struct):
    version: str = ""


class WireHistory(Struct, rename="camel"):
    version: str = ""
    state: str = ""
    started_time: str | None = None


class WireVersionStatus(Struct, rename="camel"):
    desired: WireRelease | None = None
    history: list[WireHistory] | None = None
    available_updates: list[WireRelease] | None = None
    conditions: list[WireCondition] | None = None


class WireClusterVersion(Struct):
    status: WireVersionStatus | None = None


class WireOperand(Struct):
    name: str = ""
    version: str = ""


class WireOperatorStatus(Struct):
    conditions: list[WireCondition] | None = None
    versions: list[WireOperand] | None = None


class WireOperator(Struct):
    metadata: WireMetadata
    status: WireOperatorStatus | None = None


class WirePoolSpec(Struct):
    paused: bool | None = None


class WirePoolStatus(Struct, rename="camel"):
    machine_count: Count = 0
    updated_machine_count: Count = 0
    ready_machine_count: Count = 0
    unavailable_machine_count: Count = 0
    degraded_machine_count: Count = 0
    conditions: list[WireCondition] | None = None


class WirePool(Struct):
    metadata: WireMetadata
    spec: WirePoolSpec | None = None
    status: WirePoolStatus | None = None


class WireMember(Struct, rename="camel"):
    cluster_name: str
    api_endpoint: str | None = None
    member_status: WireConditions | None = None


class WireToolchainStatus(Struct):
    metadata: WireMetadata
    status: dict[str, Any] | None = None


class WireClusterStatus(Struct, rename="camel"):
    api_endpoint: str | None = None
    conditions: list[WireCondition] | None = None


class WireToolchainCluster(Struct):
    metadata: WireMetadata
    status: WireClusterStatus | None = None


class WireProvisionerSpec(Struct, rename="camel"):
    toolchain_cluster: str | None = None
    enabled: bool | None = None


class WireCapacity(Struct, rename="camel"):
    space_count: Count | None = None
    memory_usage_percent_per_node_role: dict[str, Count] | None = None


class WireProvisionerStatus(Struct, rename="camel"):
    consumed_capacity: WireCapacity | None = None
    conditions: list[WireCondition] | None = None


class WireProvisioner(Struct):
    metadata: WireMetadata
    spec: WireProvisionerSpec | None = None
    status: WireProvisionerStatus | None = None


class WireArgoCD(Struct):
    metadata: WireMetadata
    status: dict[str, Any] | None = None


class WireSubscriptionSpec(Struct):
    channel: str | None = None


class WireSubscriptionStatus(Struct, rename="camel"):
    state: str | None = None
    installed_csv: str | None = field(default=None, name="installedCSV")
    current_csv: str | None = field(default=None, name="currentCSV")
    conditions: list[WireCondition] | None = None


class WireSubscription(Struct):
    metadata: WireMetadata
    spec: WireSubscriptionSpec | None = None
    status: WireSubscriptionStatus | None = None


class WireServiceVersionSpec(Struct):
    version: str | None = None


class WireServiceVersionStatus(Struct):
    phase: str | None = None
    reason: str | None = None
    message: str | None = None


class WireServiceVersion(Struct):
    metadata: WireMetadata
    spec: WireServiceVersionSpec | None = None
    status: WireServiceVersionStatus | None = None


class WireManagedSpec(Struct, rename="camel"):
    hub_accepts_client: bool | None = None


class WireClaim(Struct):
    name: str = ""
    value: str = ""


class WireManagedVersion(Struct):
    kubernetes: str | None = None


class WireManagedStatus(Struct, rename="camel"):
    conditions: list[WireCondition] | None = None
    version: WireManagedVersion | None = None
    cluster_claims: list[WireClaim] | None = None


class WireManagedCluster(Struct):
    metadata: WireMetadata
    spec: WireManagedSpec | None = None
    status: WireManagedStatus | None = None


def conditions(wires: Iterable[WireCondition] | None) -> tuple[Condition, ...]:
    return tuple(
        Condition(
            type=wire.type,
            status=wire.status,
            reason=wire.reason or "",
            message=wire.message or "",
            at=read_time(wire.last_transition_time),
        )
        for wire in wires or ()
    )


def node(wire: WireNode) -> Node:
    status = wire.status or WireNodeStatus()
    labels = wire.metadata.labels or {}
    return Node(
        name=wire.metadata.name,
        conditions=conditions(status.conditions),
        roles=tuple(sorted(label.removeprefix(ROLE) for label in labels if label.startswith(ROLE))),
        is_unschedulable=bool(wire.spec and wire.spec.unschedulable),
        kubelet_version=(status.node_info or WireNodeInfo()).kubelet_version or "",
        cpu=amount(status.allocatable, "cpu"),
        memory=whole(amount(status.allocatable, "memory")),
        pods=whole(amount(status.allocatable, "pods")),
    )


def amount(told: dict[str, Quantity] | None, resource: str) -> float | None:
    """A quantity ("62Gi", "15500m", "1e3") as a number; None where none is told, or one that cannot be.

    The kubernetes package's parse_quantity would do, but loading it costs every worker 50 MB.
    """
    match = QUANTITY.fullmatch(str((told or {}).get(resource, "")))
    if match is None:
        return None
    number, suffix = match.groups()
    if suffix[1:].isdigit():
        return float(number + suffix)
    return float(number) * SUFFIXES[suffix] if suffix in SUFFIXES else None


def whole(number: float | None) -> int | None:
    """Without parts; None stays."""
    return None if number is None else int(number)


def cluster_version(wire: WireClusterVersion) -> ClusterVersion:
    """Its history has the newest first; `Partial` is the update that is under way."""
    status = wire.status or WireVersionStatus()
    history = status.history or []
    told = conditions(status.conditions)
    progressing = next((c for c in told if c.type == "Progressing" and c.status == "True"), None)
    partial = history[0] if history and history[0].state == "Partial" else None
    return ClusterVersion(
        version=next((entry.version for entry in history if entry.state == "Completed"), ""),
        desired=status.desired.version if status.desired else "",
        conditions=told,
        available_updates=tuple(update.version for update in status.available_updates or ()),
        started_at=read_time(partial.started_time) if partial else None,
        is_updating=progressing is not None or partial is not None,
        progress=progressing.message if progressing else "",
    )


def cluster_operator(wire: WireOperator) -> ClusterOperator:
    status = wire.status or WireOperatorStatus()
    version = next((operand.version for operand in status.versions or () if operand.name == "operator"), "")
    return ClusterOperator(name=wire.metadata.name, version=version, conditions=conditions(status.conditions))


def machine_config_pool(wire: WirePool) -> MachineConfigPool:
    status = wire.status or WirePoolStatus()
    return MachineConfigPool(
        name=wire.metadata.name,
        machines=status.machine_count,
        updated=status.updated_machine_count,
        ready=status.ready_machine_count,
        unavailable=status.unavailable_machine_count,
        degraded=status.degraded_machine_count,
        is_paused=bool(wire.spec and wire.spec.paused),
        conditions=conditions(status.conditions),
    )


def toolchain_status(wire: WireToolchainStatus) -> ToolchainStatus:
    status = wire.status or {}
    members = converted(status.get("members") or [], list[WireMember])
    return ToolchainStatus(
        name=wire.metadata.name,
        conditions=_conditions_in(status),
        parts=dict(_parts(status)),
        members=tuple(_member(member) for member in members),
    )


def member_status(wire: WireToolchainStatus) -> MemberStatus:
    status = wire.status or {}
    usage = (status.get("resourceUsage") or {}).get("memoryUsagePerNodeRole") or {}
    return MemberStatus(
        name=wire.metadata.name,
        conditions=_conditions_in(status),
        parts=dict(_parts(status)),
        memory_usage=converted(usage, dict[str, Count]),
    )


def _member(wire: WireMember) -> MemberSummary:
    status = wire.member_status or WireConditions()
    return MemberSummary(
        cluster_name=wire.cluster_name,
        api_endpoint=wire.api_endpoint or "",
        conditions=conditions(status.conditions),
    )


def _conditions_in(status: dict[str, Any]) -> tuple[Condition, ...]:
    return conditions(converted(status.get("conditions") or [], list[WireCondition]))


def _parts(status: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, tuple[Condition, ...]]]:
    """Each component within a toolchain status that has conditions, by its path."""
    for name, inner in status.items():
        if isinstance(inner, dict):
            if "conditions" in inner:
                yield prefix + name, _conditions_in(inner)
            yield from _parts(inner, f"{prefix}{name}.")


def toolchain_cluster(wire: WireToolchainCluster) -> ToolchainCluster:
    status = wire.status or WireClusterStatus()
    return ToolchainCluster(
        name=wire.metadata.name,
        api_endpoint=status.api_endpoint or "",
        conditions=conditions(status.conditions),
    )


def space_provisioner_config(wire: WireProvisioner) -> SpaceProvisionerConfig:
    spec, status = wire.spec or WireProvisionerSpec(), wire.status or WireProvisionerStatus()
    used = status.consumed_capacity or WireCapacity()
    return SpaceProvisionerConfig(
        name=wire.metadata.name,
        toolchain_cluster=spec.toolchain_cluster or "",
        is_enabled=bool(spec.enabled),
        space_count=used.space_count,
        memory_usage=used.memory_usage_percent_per_node_role or {},
        conditions=conditions(status.conditions),
    )


def argocd(wire: WireArgoCD) -> ArgoCD:
    status = wire.status or {}
    return ArgoCD(
        namespace=wire.metadata.namespace or "",
        name=wire.metadata.name,
        phase=_text(status, "phase"),
        host=_text(status, "host"),
        components={name: _text(status, name) for name in ARGOCD_COMPONENTS if status.get(name)},
        conditions=_conditions_in(status),
    )


def _text(status: dict[str, Any], name: str) -> str:
    return converted(status.get(name) or "", str)


def subscription(wire: WireSubscription) -> Subscription:
    status = wire.status or WireSubscriptionStatus()
    return Subscription(
        namespace=wire.metadata.namespace or "",
        name=wire.metadata.name,
        state=status.state or "",
        channel=(wire.spec or WireSubscriptionSpec()).channel or "",
        installed_csv=status.installed_csv or "",
        current_csv=status.current_csv or "",
        conditions=conditions(status.conditions),
    )


def cluster_service_version(wire: WireServiceVersion) -> ClusterServiceVersion:
    status = wire.status or WireServiceVersionStatus()
    return ClusterServiceVersion(
        namespace=wire.metadata.namespace or "",
        name=wire.metadata.name,
        phase=status.phase or "",
        reason=status.reason or "",
        message=status.message or "",
        version=(wire.spec or WireServiceVersionSpec()).version or "",
    )


def managed_cluster(wire: WireManagedCluster) -> ManagedCluster:
    status = wire.status or WireManagedStatus()
    return ManagedCluster(
        name=wire.metadata.name,
        conditions=conditions(status.conditions),
        kubernetes_version=(status.version or WireManagedVersion()).kubernetes or "",
        is_accepted=bool(wire.spec and wire.spec.hub_accepts_client),
        is_deleting=bool(wire.metadata.deletion_timestamp),
        claims={claim.name: claim.value for claim in status.cluster_claims or ()},
    )
