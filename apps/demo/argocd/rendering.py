"""Documents of Argo CD: Applications, clusters, projects, sets, as they go over the wire."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

from apps.demo.agenda import moment
from apps.demo.catalogue import KUBERNETES_VERSION, REPOSITORY
from apps.demo.world.applications import (
    NAMESPACE,
    Application,
    ArgoInstance,
    Condition,
    Deployment,
    Operation,
    OperationState,
    Window,
)
from apps.demo.world.clusters import Cluster
from apps.demo.world.resources import Resource, resources_of

IN_CLUSTER = "https://kubernetes.default.svc"
SYNC_OPTIONS = ("CreateNamespace=true",)
BACKOFF = {"duration": "10s", "factor": 2, "maxDuration": "3m"}


def source_of(application: Application) -> dict[str, Any]:
    """`spec.source`."""
    return {"repoURL": REPOSITORY, "path": application.path, "targetRevision": "main"}


def destination_of(application: Application) -> dict[str, Any]:
    """`spec.destination`, by the server's URL."""
    is_own = application.cluster.role == "control-plane"
    return {"server": IN_CLUSTER if is_own else application.cluster.server, "namespace": application.namespace}


def sync_policy_of(application: Application) -> dict[str, Any]:
    """`spec.syncPolicy`."""
    policy: dict[str, Any] = {"syncOptions": list(SYNC_OPTIONS), "retry": retry_of(application)}
    if application.auto_sync:
        policy["automated"] = {"prune": application.auto_prune, "selfHeal": True}
    return policy


def retry_of(application: Application) -> dict[str, Any]:
    """The Application's own retry strategy."""
    return {"limit": application.retry_limit, "backoff": dict(BACKOFF)}


def metadata_of(instance: ArgoInstance, application: Application) -> dict[str, Any]:
    """`metadata`, without managedFields."""
    found: dict[str, Any] = {
        "name": application.name,
        "namespace": NAMESPACE,
        "uid": application.uid,
        "resourceVersion": str(application.resource_version),
        "generation": application.generation,
        "creationTimestamp": moment(application.created_at),
        "annotations": annotations_of(application),
        "finalizers": ["resources-finalizer.argocd.argoproj.io"],
    }
    if application.cluster.role != "control-plane":
        found["ownerReferences"] = [_owner(instance, application)]
    if application.deleting_at is not None:
        found |= {"deletionTimestamp": moment(application.deleting_at), "deletionGracePeriodSeconds": 0}
    return found


def annotations_of(application: Application) -> dict[str, str]:
    """`metadata.annotations`."""
    hydrate = {"argocd.argoproj.io/hydrate": application.hydrate} if application.hydrate else {}
    return {**hydrate, "argocd.argoproj.io/sync-wave": "1"}


def _owner(instance: ArgoInstance, application: Application) -> dict[str, Any]:
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "ApplicationSet",
        "name": application.set_name,
        "uid": stable_uid(instance.name, "ApplicationSet", application.set_name),
        "controller": True,
        "blockOwnerDeletion": True,
    }


def application_document(
    instance: ArgoInstance, application: Application, *, with_resource_health: bool = True
) -> dict[str, Any]:
    """The whole Application. A list does not infer the health of resources, a GET and the stream do."""
    document: dict[str, Any] = {
        "metadata": metadata_of(instance, application),
        "spec": {
            "source": source_of(application),
            "destination": destination_of(application),
            "project": application.project,
            "syncPolicy": sync_policy_of(application),
        },
        "status": _status(application, with_resource_health=with_resource_health),
    }
    if application.operation is not None:
        document["operation"] = operation_document(application, application.operation)
    return document


def _status(application: Application, *, with_resource_health: bool) -> dict[str, Any]:
    resources = resources_of(application)
    status: dict[str, Any] = {
        "resources": [resource_document(each, with_health=with_resource_health) for each in resources],
        "sync": sync_document(application),
        "health": health_document(application),
        "history": [_history_line(application, line) for line in application.history],
        "reconciledAt": moment(application.reconciled_at),
        "sourceType": "Kustomize",
        "summary": summary_document(application),
        "resourceHealthSource": "appTree",
        "controllerNamespace": NAMESPACE,
        "sourceHydrator": {},
    }
    if application.conditions:
        status["conditions"] = [_condition(each) for each in application.conditions]
    if application.state is not None:
        status["operationState"] = operation_state_document(application, application.state)
    return {name: value for name, value in status.items() if value != []}


def sync_document(application: Application) -> dict[str, Any]:
    """`status.sync`."""
    compared = {"source": source_of(application), "destination": destination_of(application)}
    return {"status": application.sync, "comparedTo": compared, "revision": application.revision}


def health_document(application: Application) -> dict[str, Any]:
    """`status.health`."""
    message = {"message": application.health_message} if application.health_message else {}
    return {"status": application.health, **message, "lastTransitionTime": moment(application.health_since)}


def summary_document(application: Application) -> dict[str, Any]:
    """`status.summary`."""
    if not application.runs_workloads or application.health == "Missing":
        return {}
    tag = application.history[-1].revision[:7] if application.history else "latest"
    return {"images": [f"quay.io/redhat-appstudio/{application.set_name}:{tag}"]}


def _condition(condition: Condition) -> dict[str, Any]:
    return {"type": condition.type, "message": condition.message, "lastTransitionTime": moment(condition.at)}


def resource_document(resource: Resource, *, with_health: bool = True) -> dict[str, Any]:
    """One of `status.resources`."""
    found: dict[str, Any] = {name: text for name, text in resource.identity.items() if text}
    found["status"] = resource.status
    if with_health and resource.health:
        message = {"message": resource.health_message} if resource.health_message else {}
        found["health"] = {"status": resource.health, **message}
    if resource.requires_pruning:
        found["requiresPruning"] = True
    return found


def _initiated_by(username: str) -> dict[str, Any]:
    return {"username": username} if username else {"automated": True}


def _history_line(application: Application, line: Deployment) -> dict[str, Any]:
    return {
        "revision": line.revision,
        "deployedAt": moment(line.deployed_at),
        "id": line.id,
        "source": source_of(application),
        "deployStartedAt": moment(line.started_at),
        "initiatedBy": _initiated_by(line.username),
    }


def operation_document(application: Application, operation: Operation) -> dict[str, Any]:
    """`operation`, and `status.operationState.operation`."""
    sync: dict[str, Any] = {"revision": operation.revision}
    sync |= {"prune": True} if operation.prune else {}
    sync |= {"dryRun": True} if operation.dry_run else {}
    sync |= {"syncStrategy": operation.strategy} if operation.strategy else {}
    sync |= {"resources": operation.resources} if operation.resources else {}
    sync |= {"source": source_of(application)}
    sync |= {"syncOptions": list(operation.sync_options)} if operation.sync_options else {}
    found: dict[str, Any] = {"sync": sync, "initiatedBy": _initiated_by(operation.username)}
    found |= {"info": operation.infos} if operation.infos else {}
    return found | {"retry": operation.retry or retry_of(application)}


def operation_state_document(application: Application, state: OperationState) -> dict[str, Any]:
    """`status.operationState`."""
    found: dict[str, Any] = {"operation": operation_document(application, state.operation), "phase": state.phase}
    found |= {"message": state.message} if state.message else {}
    found |= {"syncResult": _sync_result(application, state)} if state.results is not None else {}
    found["startedAt"] = moment(state.started_at)
    found |= {"finishedAt": moment(state.finished_at)} if state.finished_at else {}
    return found | ({"retryCount": state.retry_count} if state.retry_count else {})


def _sync_result(application: Application, state: OperationState) -> dict[str, Any]:
    return {"resources": state.results, "revision": state.operation.revision, "source": source_of(application)}


def cluster_document(instance: ArgoInstance, cluster: Cluster, *, at: str) -> dict[str, Any]:
    """One of the clusters of an instance; `at` is when it was last tried."""
    is_own = cluster is instance.control_plane
    count = sum(1 for each in instance.applications.values() if each.cluster is cluster)
    state = {"status": "Successful", "message": "", "attemptedAt": at}
    if count == 0:
        state = {**state, "status": "Unknown", "message": "Cluster has no applications and is not being monitored."}
    elif cluster.is_lost:
        message = f'Get "{cluster.server}/version?timeout=32s": dial tcp: connect: connection refused'
        state = {**state, "status": "Failed", "message": message}
    version = {} if count == 0 else {"serverVersion": KUBERNETES_VERSION}
    cache = {} if count == 0 else {"resourcesCount": 200 + 90 * count, "apisCount": 171, "lastCacheSyncTime": at}
    info = {"connectionState": state, **version, "cacheInfo": cache, "applicationsCount": count}
    return {
        "server": IN_CLUSTER if is_own else cluster.server,
        "name": "in-cluster" if is_own else cluster.name,
        "config": {"tlsClientConfig": {"insecure": False}},
        "connectionState": state,
        **version,
        "info": info,
        "labels": {f"appstudio.redhat.com/{cluster.role}-cluster": "true", "env": cluster.environment},
    }


def window_document(window: Window) -> dict[str, Any]:
    """A window as the project's own document has it."""
    found: dict[str, Any] = {"kind": window.kind, "schedule": window.schedule, "duration": window.duration}
    found |= {"applications": list(window.applications)}
    found |= {"manualSync": True} if window.manual_sync else {}
    found |= {"timeZone": window.time_zone}
    return found | ({"description": window.description} if window.description else {})


def project_document(instance: ArgoInstance, name: str) -> dict[str, Any]:
    """An AppProject."""
    windows = [window_document(each) for each in instance.projects[name]]
    spec: dict[str, Any] = {
        "sourceRepos": ["*"],
        "destinations": [{"server": "*", "namespace": "*"}],
        "clusterResourceWhitelist": [{"group": "*", "kind": "*"}],
    }
    return {
        "metadata": _plain_metadata(instance, "AppProject", name),
        "spec": spec | ({"syncWindows": windows} if windows else {}),
        "status": {},
    }


def set_document(instance: ArgoInstance, name: str, members: list[Application]) -> dict[str, Any]:
    """An ApplicationSet with its conditions and what it made."""
    first = members[0]
    template = {
        "metadata": {"name": f"{name}-{{{{nameNormalized}}}}", "annotations": {"argocd.argoproj.io/sync-wave": "1"}},
        "spec": {
            "source": source_of(first),
            "destination": {"server": "{{server}}", "namespace": first.namespace},
            "project": first.project,
            "syncPolicy": sync_policy_of(first),
        },
    }
    message = "All applications have been generated successfully"
    at = moment(instance.began_at - timedelta(days=20))
    conditions = [
        _set_condition("ErrorOccurred", "False", "ApplicationSetUpToDate", message, at),
        _set_condition("ParametersGenerated", "True", "ParametersGenerated", "Successfully generated parameters", at),
        _set_condition("ResourcesUpToDate", "True", "ApplicationSetUpToDate", message, at),
    ]
    return {
        "metadata": _plain_metadata(instance, "ApplicationSet", name),
        "spec": {
            "generators": [{"clusters": {"selector": {"matchLabels": {"env": instance.name}}}}],
            "template": template,
        },
        "status": {
            "conditions": conditions,
            "resources": [_set_resource(each) for each in members],
            "resourcesCount": len(members),
            "health": {"status": "Healthy", "message": message},
        },
    }


def _set_condition(type_: str, status: str, reason: str, message: str, at: str) -> dict[str, Any]:
    return {"type": type_, "message": message, "lastTransitionTime": at, "status": status, "reason": reason}


def _set_resource(application: Application) -> dict[str, Any]:
    identity = {"group": "argoproj.io", "version": "v1alpha1", "kind": "Application", "namespace": NAMESPACE}
    return {**identity, "name": application.name, "health": {}}


def _plain_metadata(instance: ArgoInstance, kind: str, name: str) -> dict[str, Any]:
    return {
        "name": name,
        "namespace": NAMESPACE,
        "uid": stable_uid(instance.name, kind, name),
        "resourceVersion": "812",
        "generation": 1,
        "creationTimestamp": moment(instance.began_at - timedelta(days=200)),
    }


def stable_uid(*parts: str) -> str:
    """A UUID that only depends on the parts."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, "/".join(parts)))
