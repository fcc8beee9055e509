"""Objects of the Toolchain operators (on hosts and members) and of the Argo CD operator (on control planes)."""

from __future__ import annotations

from datetime import timedelta

from apps.demo.kubernetes.objects import (
    CSV,
    HOST_NAMESPACE,
    MEMBER_NAMESPACE,
    NEXT_CSV,
    Document,
    condition,
    plain_object,
)
from apps.demo.world.clusters import Cluster
from apps.demo.world.world import World

API = "toolchain.dev.openshift.com/v1alpha1"
UNREACHABLE = "cluster is not reachable: connection timed out"


def members_of(world: World, host: Cluster) -> list[Cluster]:
    """The members of a host."""
    return [each for each in world.clusters.values() if each.host == host.name]


def _ready(cluster: Cluster, *, is_ready: bool, reason: str, message: str = "") -> Document:
    at = cluster.lost_at or cluster.since
    return {"conditions": [condition("Ready", is_ready, at, reason, message)]}


def _member_ready(member: Cluster) -> Document:
    if member.is_lost:
        return _ready(member, is_ready=False, reason="ToolchainClusterNotReady", message=UNREACHABLE)
    if member.unready_parts:
        message = f"components not ready: [{' '.join(member.unready_parts)}]"
        return _ready(member, is_ready=False, reason="ComponentsNotReady", message=message)
    return _ready(member, is_ready=True, reason="AllComponentsReady")


def toolchain_statuses(world: World, host: Cluster) -> list[Document]:
    """The host's summary."""
    members = members_of(world, host)
    unready = ["members"] if any(each.is_lost or each.unready_parts for each in members) else []
    message = f"components not ready: [{' '.join(unready)}]" if unready else ""
    reason = "ComponentsNotReady" if unready else "AllComponentsReady"
    summary = _ready(host, is_ready=not unready, reason=reason, message=message)["conditions"][0]
    lost = [each.lost_at for each in members if each.lost_at is not None]
    at = max(lost) if lost else host.since
    notified = condition("ToolchainStatusUnreadyNotificationCreated", False, host.since)
    status = {
        "conditions": [condition("Ready", not unready, at, reason, message) if lost else summary, notified],
        "hostOperator": {
            **_ready(host, is_ready=True, reason="DeploymentReady"),
            "deploymentName": "host-operator-controller-manager",
            "version": "3f1c2ab",
        },
        "hostRoutes": {
            **_ready(host, is_ready=True, reason="HostRoutesAvailable"),
            "proxyURL": f"https://api-toolchain-host-operator.apps.{host.name}.example.com",
        },
        "members": [_member_summary(each) for each in members],
        "metrics": {"userSignupsPerActivationAndDomain": {}},
        "registrationService": {
            "deployment": {**_ready(host, is_ready=True, reason="DeploymentReady"), "name": "registration-service"},
            "health": {"alive": "true", **_ready(host, is_ready=True, reason="RegServiceReady")},
            "registrationServiceResources": _ready(host, is_ready=True, reason="Deployed"),
        },
    }
    return [
        plain_object(host, API, "ToolchainStatus", "toolchain-status", namespace=HOST_NAMESPACE, spec={}, status=status)
    ]


def _member_summary(member: Cluster) -> Document:
    return {
        "apiEndpoint": member.server,
        "clusterName": f"member-{member.name}",
        "memberStatus": _member_ready(member),
        "spaceCount": member.spaces,
    }


def member_statuses(world: World, member: Cluster) -> list[Document]:
    """The member's own summary."""
    routes_ready = "routes" not in member.unready_parts
    routes_reason = "ToolchainRoutesAvailable" if routes_ready else "MemberToolchainRoutesUnavailable"
    status = {
        **_member_ready(member),
        "host": _ready(member, is_ready=True, reason="HostConnectionReady"),
        "memberOperator": {
            **_ready(member, is_ready=True, reason="DeploymentReady"),
            "deploymentName": "member-operator-controller-manager",
            "version": "9be41d7",
        },
        "resourceUsage": {"memoryUsagePerNodeRole": _memory(member)},
        "routes": {
            **_ready(member, is_ready=routes_ready, reason=routes_reason),
            "consoleURL": member.console,
        },
    }
    name = "toolchain-member-status"
    return [plain_object(member, API, "MemberStatus", name, namespace=MEMBER_NAMESPACE, spec={}, status=status)]


def _memory(member: Cluster) -> dict[str, int]:
    return {"master": member.memory_percent // 2 + 8, "worker": member.memory_percent}


def clusters_of_host(world: World, host: Cluster) -> list[Document]:
    """The members as the host sees them."""
    return [_toolchain_cluster(host, each, "member", HOST_NAMESPACE) for each in members_of(world, host)]


def clusters_of_member(world: World, member: Cluster) -> list[Document]:
    """The host as a member sees it."""
    return [_toolchain_cluster(member, world.clusters[member.host], "host", MEMBER_NAMESPACE)]


def _toolchain_cluster(cluster: Cluster, remote: Cluster, role: str, namespace: str) -> Document:
    reason = "ClusterNotReachable" if remote.is_lost else "ClusterReady"
    message = UNREACHABLE if remote.is_lost else "/healthz responded with ok"
    ready = _ready(remote, is_ready=not remote.is_lost, reason=reason, message=message)
    name = f"{role}-{remote.name}"
    spec = {"secretRef": {"name": name}}
    status = {"apiEndpoint": remote.server, **ready}
    return plain_object(cluster, API, "ToolchainCluster", name, namespace=namespace, spec=spec, status=status)


def provisioner_configs(world: World, host: Cluster) -> list[Document]:
    """How full each member is, and whether it takes new spaces."""
    return [_provisioner_config(host, each) for each in members_of(world, host)]


def _provisioner_config(host: Cluster, member: Cluster) -> Document:
    is_full = member.memory_percent > 85
    reason = "ToolchainClusterNotReady" if member.is_lost else "InsufficientCapacity" if is_full else "AllChecksPassed"
    spec = {
        "capacityThresholds": {"maxMemoryUtilizationPercent": 85, "maxNumberOfSpaces": 1000},
        "enabled": True,
        "toolchainCluster": f"member-{member.name}",
    }
    status = {
        **_ready(member, is_ready=reason == "AllChecksPassed", reason=reason),
        "consumedCapacity": {"memoryUsagePercentPerNodeRole": _memory(member), "spaceCount": member.spaces},
    }
    kind = "SpaceProvisionerConfig"
    return plain_object(host, API, kind, member.name, namespace=HOST_NAMESPACE, spec=spec, status=status)


# --- the control plane --------------------------------------------------------------------------------------------


def argocds(world: World, cluster: Cluster) -> list[Document]:
    """The ArgoCD resource: every component runs, notifications are not switched on."""
    running = dict.fromkeys(
        ("applicationController", "applicationSetController", "redis", "repo", "server", "sso"), "Running"
    )
    status = {
        **running,
        "conditions": [condition("Reconciled", True, cluster.since, "Success")],
        "host": f"argocd-server-argocd.apps.{cluster.name}.example.com",
        "notificationsController": "Unknown",
        "phase": "Available",
    }
    spec = {"ha": {"enabled": True}}
    return [
        plain_object(cluster, "argoproj.io/v1beta1", "ArgoCD", "argocd", namespace="argocd", spec=spec, status=status)
    ]


def subscriptions(world: World, cluster: Cluster) -> list[Document]:
    """The operator's Subscription; on the production control plane an upgrade waits for approval."""
    waits = cluster.environment == "production"
    conditions = [condition("CatalogSourcesUnhealthy", False, cluster.since, "AllCatalogSourcesHealthy")]
    if waits:
        conditions.append(condition("InstallPlanPending", True, cluster.since, "RequiresApproval"))
    spec = {
        "channel": "gitops-1.8",
        "installPlanApproval": "Manual" if waits else "Automatic",
        "name": "openshift-gitops-operator",
        "source": "redhat-operators",
        "sourceNamespace": "openshift-marketplace",
    }
    status = {
        "conditions": conditions,
        "currentCSV": NEXT_CSV if waits else CSV,
        "installedCSV": CSV,
        "lastUpdated": conditions[0]["lastTransitionTime"],
        "state": "UpgradePending" if waits else "AtLatestKnown",
    }
    api, kind = "operators.coreos.com/v1alpha1", "Subscription"
    name = "openshift-gitops-operator"
    return [plain_object(cluster, api, kind, name, namespace="openshift-operators", spec=spec, status=status)]


def service_versions(world: World, cluster: Cluster) -> list[Document]:
    """The installed version of the operator."""
    status = {
        "message": "install strategy completed with no errors",
        "phase": "Succeeded",
        "reason": "InstallSucceeded",
    }
    api, kind = "operators.coreos.com/v1alpha1", "ClusterServiceVersion"
    spec = {"version": CSV.rpartition(".v")[2]}
    return [plain_object(cluster, api, kind, CSV, namespace="openshift-operators", spec=spec, status=status)]


def managed_clusters(world: World, hub: Cluster) -> list[Document]:
    """The clusters of its environment as the fleet manager's hub knows them."""
    return [_managed(hub, each) for each in world.clusters.values() if each.environment == hub.environment]


def _managed(hub: Cluster, cluster: Cluster) -> Document:
    joined = cluster.since + timedelta(hours=1)
    conditions = [
        condition(
            "HubAcceptedManagedCluster", True, joined, "HubClusterAdminAccepted", "Accepted by hub cluster admin"
        ),
        condition("ManagedClusterJoined", True, joined, "ManagedClusterJoined", "Managed cluster joined"),
        _availability(cluster),
    ]
    claims = {
        "id.openshift.io": cluster.name,
        "version.openshift.io": cluster.version,
        "platform.open-cluster-management.io": "AWS",
        "consoleurl.cluster.open-cluster-management.io": cluster.console,
    }
    status = {
        "allocatable": {"cpu": "93", "memory": "370Gi"},
        "capacity": {"cpu": "96", "memory": "384Gi"},
        "clusterClaims": [{"name": name, "value": value} for name, value in claims.items()],
        "conditions": conditions,
        "version": {"kubernetes": "v1.25.8"},
    }
    spec = {
        "hubAcceptsClient": True,
        "leaseDurationSeconds": 60,
        "managedClusterClientConfigs": [{"url": cluster.server}],
        "taints": [],
    }
    api = "cluster.open-cluster-management.io/v1"
    found = plain_object(hub, api, "ManagedCluster", cluster.name, spec=spec, status=status)
    found["metadata"]["labels"] = {"cloud": "Amazon", "environment": cluster.environment, "vendor": "OpenShift"}
    return found


def _availability(cluster: Cluster) -> Document:
    type_ = "ManagedClusterConditionAvailable"
    if cluster.lost_at is not None:
        message = "Registration agent stopped updating its lease."
        return condition(type_, "Unknown", cluster.lost_at, "ManagedClusterLeaseUpdateStopped", message)
    return condition(type_, True, cluster.since, "ManagedClusterAvailable", "Managed cluster is available")
