"""A cluster's own API, read only. (`config` stands apart: the package that it needs is large.)"""

from apps.integrations.kubernetes.client import KubernetesClient
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
    Readiness,
    SpaceProvisionerConfig,
    Subscription,
    ToolchainCluster,
    ToolchainStatus,
)

__all__ = [
    "ArgoCD",
    "ClusterOperator",
    "ClusterServiceVersion",
    "ClusterVersion",
    "Condition",
    "KubernetesClient",
    "MachineConfigPool",
    "ManagedCluster",
    "MemberStatus",
    "MemberSummary",
    "Node",
    "Readiness",
    "SpaceProvisionerConfig",
    "Subscription",
    "ToolchainCluster",
    "ToolchainStatus",
]
