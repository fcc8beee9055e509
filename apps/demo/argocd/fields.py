"""Field selection: the list's hand-kept choice of fields, and the stream's filter for any path.

Source: Argo CD's `pkg/apiclient/application/forwarder_overwrite.go` for the list;
the stream's filter is a generic one over JSON.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from apps.demo.agenda import moment
from apps.demo.argocd import rendering as documents
from apps.demo.world.applications import NAMESPACE, Application, OperationState
from apps.demo.world.resources import resources_of

ABSENT = object()
Getter = Callable[[Application], Any]


def _state(getter: Callable[[OperationState], Any]) -> Getter:
    return lambda application: ABSENT if application.state is None else getter(application.state)


def _spec(application: Application) -> dict[str, Any]:
    return {
        "source": documents.source_of(application),
        "destination": documents.destination_of(application),
        "project": application.project,
        "syncPolicy": documents.sync_policy_of(application),
    }


def _operation_sync(application: Application) -> Any:
    if application.operation is None:
        return ABSENT
    return documents.operation_document(application, application.operation)["sync"]


def _sync_result(application: Application) -> Any:
    if application.state is None or application.state.results is None:
        return ABSENT
    return documents.operation_state_document(application, application.state)["syncResult"]


def _finished(state: OperationState) -> str | None:
    return moment(state.finished_at) if state.finished_at else None


LISTABLE: dict[str, Getter] = {
    "metadata.name": lambda each: each.name,
    "metadata.namespace": lambda each: NAMESPACE,
    "metadata.annotations": documents.annotations_of,
    "metadata.labels": lambda each: None,
    "metadata.creationTimestamp": lambda each: moment(each.created_at),
    "metadata.deletionTimestamp": lambda each: moment(each.deleting_at) if each.deleting_at else None,
    "spec": _spec,
    "spec.destination": documents.destination_of,
    "spec.project": lambda each: each.project,
    "spec.source": documents.source_of,
    "spec.sources": lambda each: None,
    "spec.sourceHydrator": lambda each: None,
    "spec.syncPolicy": documents.sync_policy_of,
    "status.sourceHydrator": lambda each: {},
    "status.summary": documents.summary_document,
    "status.sync.status": lambda each: each.sync,
    "status.sync.revision": lambda each: each.revision,
    "status.health": documents.health_document,
    "status.resources": lambda each: (
        [documents.resource_document(resource, with_health=False) for resource in resources_of(each)] or None
    ),
    "status.operationState.startedAt": _state(lambda state: moment(state.started_at)),
    "status.operationState.finishedAt": _state(_finished),
    "status.operationState.phase": _state(lambda state: state.phase),
    "status.operationState.operation.sync": _sync_result,
    "operation.sync": _operation_sync,
}


def listed_fields(selection: str) -> tuple[str, ...] | None:
    """Those of `LISTABLE` that a list's `fields` parameter asks for; None when it asks for everything.

    Unknown names are ignored; a leading minus means everything listable but these.
    """
    if not selection:
        return None
    is_exclusion = selection.startswith("-")
    named = {name.removeprefix("items.") for name in selection.removeprefix("-").split(",")}
    return tuple(name for name in LISTABLE if (name in named) is not is_exclusion)


def listed_document(application: Application, fields: tuple[str, ...]) -> dict[str, Any]:
    """One item of a list with narrow fields."""
    document: dict[str, Any] = {}
    for name in fields:
        value = LISTABLE[name](application)
        if value is not ABSENT:
            _put(document, name.split("."), value)
    return document


def _put(document: dict[str, Any], path: list[str], value: Any) -> None:
    for step in path[:-1]:
        document = document.setdefault(step, {})
    document[path[-1]] = value


Tree = dict[str, "Tree"]


def tree_of(selection: str) -> Tree | None:
    """The paths of a stream's `fields` parameter as a tree; None when everything is wanted."""
    if not selection:
        return None
    tree: Tree = {}
    for path in selection.split(","):
        branch = tree
        for step in path.split("."):
            branch = branch.setdefault(step, {})
    return tree


def pruned(value: Any, tree: Tree | None) -> Any:
    """What a stream's filter leaves of a document: a path takes everything below it."""
    if not tree:
        return value
    if isinstance(value, list):
        return [pruned(each, tree) for each in value]
    if not isinstance(value, dict):
        return value
    return {name: pruned(value[name], tree[name]) for name in sorted(tree) if name in value}
