"""The resource tree, events and resource actions of an Application."""

from __future__ import annotations

from typing import Any

from apps.demo.agenda import moment
from apps.demo.argocd.rendering import stable_uid
from apps.demo.http import Reply
from apps.demo.world.applications import NAMESPACE, Application, ArgoInstance
from apps.demo.world.resources import Resource, resources_of


def tree_document(application: Application) -> dict[str, Any]:
    """The live resources with their children: a Deployment's ReplicaSet and Pods."""
    nodes = []
    for resource in resources_of(application):
        if resource.health != "Missing":
            nodes.append(_node(application, resource))
            nodes.extend(_children(application, resource))
    return {"nodes": nodes}


def _node(application: Application, resource: Resource) -> dict[str, Any]:
    found: dict[str, Any] = {name: text for name, text in resource.identity.items() if text}
    found["uid"] = stable_uid(application.uid, resource.kind, resource.name)
    found["resourceVersion"] = str(application.resource_version)
    if resource.health:
        message = {"message": resource.health_message} if resource.health_message else {}
        found["health"] = {"status": resource.health, **message}
    return found | {"createdAt": moment(application.created_at)}


def _children(application: Application, resource: Resource) -> list[dict[str, Any]]:
    if resource.kind != "Deployment":
        return []
    replicas = Resource("apps", "v1", "ReplicaSet", resource.namespace, f"{resource.name}-7d9c5b6f4", health="Healthy")
    parent = _child(application, replicas, of=resource)
    pod_health = "Healthy" if application.health in {"Healthy", "Suspended"} else application.health
    pods = [
        Resource("", "v1", "Pod", resource.namespace, f"{replicas.name}-{end}", health=health)
        for end, health in (("k2x8v", "Healthy"), ("p7rzq", pod_health))
    ]
    return [parent, *(_child(application, pod, of=replicas) for pod in pods)]


def _child(application: Application, resource: Resource, *, of: Resource) -> dict[str, Any]:
    reference = {name: text for name, text in of.identity.items() if text}
    reference["uid"] = stable_uid(application.uid, of.kind, of.name)
    return {**_node(application, resource), "parentRefs": [reference]}


def events_document(instance: ArgoInstance, application: Application) -> dict[str, Any]:
    """Kubernetes events of the Application; an empty list is null."""
    items = [_event(application, "ResourceUpdated", f"Updated sync status: Unknown -> {application.sync}")]
    if application.state is not None:
        message = application.state.message or "initiated automated sync"
        items.append(_event(application, "OperationStarted", message))
        if application.state.phase in {"Failed", "Error"}:
            told = f"Sync operation to {application.state.operation.revision} failed: {application.state.message}"
            items.append(_event(application, "OperationCompleted", told, kind="Warning"))
    return {"metadata": {"resourceVersion": str(instance.resource_version)}, "items": items}


def _event(application: Application, reason: str, message: str, *, kind: str = "Normal") -> dict[str, Any]:
    at = moment(application.reconciled_at)
    involved = {
        "kind": "Application",
        "namespace": NAMESPACE,
        "name": application.name,
        "uid": application.uid,
        "apiVersion": "argoproj.io/v1alpha1",
        "resourceVersion": str(application.resource_version),
    }
    return {
        "metadata": {
            "name": f"{application.name}.{stable_uid(application.uid, reason)[:16]}",
            "namespace": NAMESPACE,
            "uid": stable_uid(application.uid, reason, at),
            "resourceVersion": str(application.resource_version),
            "creationTimestamp": at,
            "annotations": {"dest-namespace": application.namespace, "dest-server": application.cluster.server},
        },
        "involvedObject": involved,
        "reason": reason,
        "message": message,
        "source": {"component": "argocd-application-controller"},
        "firstTimestamp": at,
        "lastTimestamp": at,
        "count": 1,
        "type": kind,
        "eventTime": None,
    }


def actions_document() -> Reply:
    """What may be done to a Deployment."""
    names = (("pause", "pause-circle"), ("restart", "redo"))
    actions: list[dict[str, Any]] = [{"name": name, "iconClass": f"fa fa-fw fa-{icon}"} for name, icon in names]
    return Reply.json(
        {"actions": [*actions, {"name": "resume", "disabled": True, "iconClass": "fa fa-fw fa-play-circle"}]}
    )
