"""Kubernetes objects of a cluster, rendered from its state."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from apps.demo.agenda import moment
from apps.demo.argocd.rendering import stable_uid
from apps.demo.catalogue import KUBERNETES_VERSION, OPERATORS
from apps.demo.world.clusters import Cluster, Node
from apps.demo.world.world import World

Document = dict[str, Any]
HOST_NAMESPACE = "toolchain-host-operator"
MEMBER_NAMESPACE = "toolchain-member-operator"
CSV = "openshift-gitops-operator.v1.8.3"
NEXT_CSV = "openshift-gitops-operator.v1.8.4"


def condition(type_: str, status: bool | str, at: datetime, reason: str = "", message: str = "") -> Document:
    """A condition; status True, False or Unknown."""
    return {
        "lastTransitionTime": moment(at),
        "message": message,
        "reason": reason,
        "status": str(status),
        "type": type_,
    }


def plain_object(
    cluster: Cluster, api: str, kind: str, name: str, *, namespace: str = "", spec: Document, status: Document
) -> Document:
    """An object with its metadata, without managedFields."""
    metadata = {
        "creationTimestamp": moment(cluster.since),
        "generation": 1,
        "name": name,
        **({"namespace": namespace} if namespace else {}),
        "resourceVersion": str(1_000 + cluster.resource_version),
        "uid": stable_uid(cluster.name, kind, namespace, name),
    }
    return {"apiVersion": api, "kind": kind, "metadata": metadata, "spec": spec, "status": status}


# --- core -------------------------------------------------------------------------------------------------------


def nodes(world: World, cluster: Cluster) -> list[Document]:
    """Nodes, by name; items of a core list carry no kind."""
    beat = world.now().replace(second=0, microsecond=0)
    return [_node(cluster, node, beat) for node in sorted(cluster.nodes, key=lambda each: each.name)]


def _node(cluster: Cluster, node: Node, beat: datetime) -> Document:
    spec: Document = {"unschedulable": True} if node.is_cordoned else {}
    taint = "unschedulable" if node.is_cordoned else "unreachable" if node.ready != "True" else ""
    if taint:
        spec["taints"] = [{"key": f"node.kubernetes.io/{taint}", "effect": "NoSchedule"}]
    return {
        "metadata": {
            "name": node.name,
            "uid": stable_uid(cluster.name, "Node", node.name),
            "resourceVersion": str(1_000 + cluster.resource_version),
            "creationTimestamp": moment(cluster.since),
            "labels": {"kubernetes.io/os": "linux", f"node-role.kubernetes.io/{node.role}": ""},
            "annotations": {"node.alpha.kubernetes.io/ttl": "0"},
        },
        "spec": spec,
        "status": {
            "capacity": {"cpu": "16", "memory": "64Gi", "pods": "250"},
            "allocatable": {"cpu": "15500m", "memory": "62Gi", "pods": "250"},
            "conditions": [_node_condition(node, beat, type_) for type_ in NODE_CONDITIONS],
            "daemonEndpoints": {"kubeletEndpoint": {"Port": 10_250}},
            "nodeInfo": _node_info(cluster, node),
        },
    }


NODE_CONDITIONS = ("MemoryPressure", "DiskPressure", "PIDPressure", "Ready")
CALM = {"DiskPressure": "KubeletHasNoDiskPressure", "PIDPressure": "KubeletHasSufficientPID"}


def _node_condition(node: Node, beat: datetime, type_: str) -> Document:
    status, reason, message = "False", CALM.get(type_, "KubeletHasSufficientMemory"), ""
    if type_ == "Ready":
        status, reason, message = _readiness(node)
    elif node.ready == "Unknown":
        status, reason, message = "Unknown", "NodeStatusUnknown", "Kubelet stopped posting node status."
    elif type_ == "MemoryPressure" and node.is_under_memory_pressure:
        status, reason, message = "True", "KubeletHasInsufficientMemory", "kubelet has insufficient memory available"
    found = {
        "type": type_,
        "status": status,
        "lastHeartbeatTime": moment(node.since if node.ready == "Unknown" else beat),
        "lastTransitionTime": moment(node.since),
        "reason": reason,
    }
    return {**found, "message": message} if message else found


def _readiness(node: Node) -> tuple[str, str, str]:
    match node.ready:
        case "True":
            return "True", "KubeletReady", "kubelet is posting ready status"
        case "False":
            return "False", "KubeletNotReady", "container runtime is down"
    return "Unknown", "NodeStatusUnknown", "Kubelet stopped posting node status."


def _node_info(cluster: Cluster, node: Node) -> Document:
    return {
        "machineID": stable_uid(cluster.name, node.name).replace("-", ""),
        "systemUUID": stable_uid(cluster.name, node.name, "system"),
        "bootID": stable_uid(cluster.name, node.name, "boot"),
        "kernelVersion": "4.18.0-372.57.1.el8_6.x86_64",
        "osImage": "Red Hat Enterprise Linux CoreOS 412",
        "containerRuntimeVersion": "cri-o://1.25.3",
        "kubeletVersion": KUBERNETES_VERSION,
        "kubeProxyVersion": KUBERNETES_VERSION,
        "operatingSystem": "linux",
        "architecture": "amd64",
    }


# --- OpenShift --------------------------------------------------------------------------------------------------


def cluster_versions(world: World, cluster: Cluster) -> list[Document]:
    """The one ClusterVersion."""
    done = cluster.since + timedelta(days=60)
    began = world.began_at - timedelta(minutes=48)
    progress = f"Cluster version is {cluster.version}"
    history = [_version_line(cluster.version, done, done + timedelta(hours=1))]
    if cluster.upgrade_percent is not None:
        steps = round(829 * cluster.upgrade_percent / 100)
        progress = (
            f"Working towards {cluster.desired_version}: {steps} of 829 done ({cluster.upgrade_percent:.0f}% complete)"
        )
        history.insert(0, _version_line(cluster.desired_version, began, None))
    since = began if cluster.is_upgrading else done
    status = {
        "availableUpdates": None,
        "conditions": [
            condition("Available", True, done, message=f"Done applying {cluster.version}"),
            condition("Failing", False, done),
            condition("Progressing", cluster.is_upgrading, since, message=progress),
            condition("Upgradeable", True, done),
            condition("RetrievedUpdates", True, done),
        ],
        "desired": {"image": "quay.io/openshift-release-dev/ocp-release", "version": cluster.desired_version},
        "history": history,
        "observedGeneration": 1,
        "versionHash": stable_uid(cluster.desired_version)[:11],
    }
    spec = {"channel": "stable-4.12", "clusterID": stable_uid(cluster.name, "id")}
    return [plain_object(cluster, "config.openshift.io/v1", "ClusterVersion", "version", spec=spec, status=status)]


def _version_line(version: str, started: datetime, completed: datetime | None) -> Document:
    return {
        "completionTime": moment(completed) if completed else None,
        "image": "",
        "startedTime": moment(started),
        "state": "Completed" if completed else "Partial",
        "verified": True,
        "version": version,
    }


def cluster_operators(world: World, cluster: Cluster) -> list[Document]:
    """About thirty ClusterOperators."""
    return [_operator(world, cluster, name, position) for position, name in enumerate(OPERATORS)]


def _operator(world: World, cluster: Cluster, name: str, position: int) -> Document:
    at = cluster.since + timedelta(days=60)
    wrong = cluster.degraded_operators.get(name, "")
    share = 100 * position / len(OPERATORS)
    is_done = cluster.upgrade_percent is not None and share < cluster.upgrade_percent
    is_next = cluster.upgrade_percent is not None and not is_done and share < cluster.upgrade_percent + 4
    moving = f"Working towards {cluster.desired_version}" if is_next else ""
    reason = "AsExpected"
    degraded_at = world.began_at - timedelta(minutes=21) if wrong else at
    conditions = [
        condition("Available", True, at, reason),
        condition("Progressing", is_next, at, "Upgrading" if is_next else reason, moving),
        condition("Degraded", bool(wrong), degraded_at, wrong.split(":")[0] if wrong else reason, wrong),
        condition("Upgradeable", True, at, reason),
    ]
    version = cluster.desired_version if is_done else cluster.version
    status = {"conditions": conditions, "versions": [{"name": "operator", "version": version}]}
    return plain_object(cluster, "config.openshift.io/v1", "ClusterOperator", name, spec={}, status=status)


def machine_config_pools(world: World, cluster: Cluster) -> list[Document]:
    """The pools of the control plane's machines and of the workers."""
    return [_pool(cluster, "master", "control-plane"), _pool(cluster, "worker", "worker")]


def _pool(cluster: Cluster, name: str, role: str) -> Document:
    at = cluster.since + timedelta(days=60)
    members = [each for each in cluster.nodes if each.role == role]
    unavailable = sum(1 for each in members if each.ready != "True" or each.is_cordoned)
    is_updating = cluster.is_upgrading and unavailable > 0
    updated = len(members) - (unavailable if is_updating else 0)
    status = {
        "conditions": [
            condition("Updated", not is_updating, at),
            condition("Updating", is_updating, at),
            condition("Degraded", False, at),
            condition("NodeDegraded", False, at),
            condition("RenderDegraded", False, at),
        ],
        "degradedMachineCount": 0,
        "machineCount": len(members),
        "readyMachineCount": len(members) - unavailable,
        "unavailableMachineCount": unavailable,
        "updatedMachineCount": updated,
    }
    api = "machineconfiguration.openshift.io/v1"
    return plain_object(cluster, api, "MachineConfigPool", name, spec={"paused": False}, status=status)


Render = Callable[[World, Cluster], list[Document]]
