"""Argo CD, read only."""

from apps.integrations.argocd.client import ArgoCDClient
from apps.integrations.argocd.stream import ApplicationStream
from apps.integrations.argocd.values import (
    Application,
    ApplicationDetail,
    ApplicationEvent,
    ApplicationSet,
    ClusterConnection,
    Condition,
    HistoryEntry,
    Operation,
    Project,
    ResourceEvent,
    ResourceStatus,
    RevisionMetadata,
    SetCondition,
    SyncWindow,
    TreeNode,
    UserInfo,
    WindowState,
)

__all__ = [
    "Application",
    "ApplicationDetail",
    "ApplicationEvent",
    "ApplicationSet",
    "ApplicationStream",
    "ArgoCDClient",
    "ClusterConnection",
    "Condition",
    "HistoryEntry",
    "Operation",
    "Project",
    "ResourceEvent",
    "ResourceStatus",
    "RevisionMetadata",
    "SetCondition",
    "SyncWindow",
    "TreeNode",
    "UserInfo",
    "WindowState",
]
