"""What stands around an Application that is not well: which of its live resources are not healthy, and the events."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from apps.core.errors import UpstreamError
from apps.core.text import clean_all
from apps.integrations.argocd import ArgoCDClient, ResourceEvent, TreeNode

from .models import Application

MOST_NODES = 60
MOST_EVENTS = 60
LONGEST_PATH = 8
LONGEST_TEXT = 1000
WELL_HEALTH = frozenset({"", "Healthy"})
WORST_FIRST = ("Degraded", "Missing", "Unknown", "Progressing", "Suspended")
TELLING_FACTS = ("Status Reason", "Containers", "Restart Count")
NEVER = datetime.min.replace(tzinfo=UTC)


class Unhealthy(msgspec.Struct, frozen=True):
    """A live resource that is not healthy; `path` is what owns it, from the managed resource down."""

    kind: str
    namespace: str
    name: str
    health_status: str
    message: str = ""
    path: tuple[str, ...] = ()


class TreeAndEvents(msgspec.Struct, frozen=True):
    """What is kept, with the full counts beside it; an `…_error` says why there is none of it."""

    nodes: tuple[Unhealthy, ...] = ()
    node_count: int = 0
    unhealthy_count: int = 0
    nodes_error: str = ""
    events: tuple[ResourceEvent, ...] = ()
    event_count: int = 0
    events_error: str = ""


def around_read(client: ArgoCDClient, row: Application) -> dict[str, Any]:
    """Reads the tree and the events of one Application, as builtins to keep; what fails costs only itself."""
    where = {"namespace": row.namespace, "project": row.project}
    told = TreeAndEvents()
    try:
        nodes = client.resource_tree(row.name, **where).items
        unhealthy = unhealthy_of(nodes)
        told = msgspec.structs.replace(
            told, nodes=unhealthy[:MOST_NODES], node_count=len(nodes), unhealthy_count=len(unhealthy)
        )
    except UpstreamError as error:
        told = msgspec.structs.replace(told, nodes_error=error.message)
    try:
        events = events_in_order(client.events(row.name, **where).items)
        told = msgspec.structs.replace(told, events=events[:MOST_EVENTS], event_count=len(events))
    except UpstreamError as error:
        told = msgspec.structs.replace(told, events_error=error.message)
    kept: dict[str, Any] = clean_all(msgspec.to_builtins(told), LONGEST_TEXT)
    return kept


def unhealthy_of(nodes: Iterable[TreeNode]) -> tuple[Unhealthy, ...]:
    """The nodes that are not healthy, the worst first, and of those alike the deepest: there the cause is."""
    known = list(nodes)
    by_key = {key: node for node in known for key in (node.identity, node.uid)}
    found = [
        Unhealthy(
            kind=node.kind,
            namespace=node.namespace,
            name=node.name,
            health_status=node.health_status,
            message=message_of(node),
            path=path_to(node, by_key),
        )
        for node in known
        if node.health_status not in WELL_HEALTH
    ]
    return tuple(sorted(found, key=lambda each: (_weight(each), -len(each.path), each.kind, each.name)))


def message_of(node: TreeNode) -> str:
    """What is said of its health, and the facts beside it that tell why."""
    facts = dict(node.facts)
    told = [f"{name} {facts[name]}" for name in TELLING_FACTS if name in facts]
    return " · ".join(filter(None, [node.health_message, ", ".join(told)]))


def path_to(node: TreeNode, by_key: Mapping[str, TreeNode]) -> tuple[str, ...]:
    """What owns it, from the managed resource down; a circle, or what is not in the tree, ends it."""
    path: list[str] = []
    seen, here = {node.uid}, node
    while here.parents and len(path) < LONGEST_PATH:
        parent = by_key.get(here.parents[0])
        if parent is None or parent.uid in seen:
            break
        seen.add(parent.uid)
        path.append(f"{parent.kind} {parent.name}")
        here = parent
    return tuple(reversed(path))


def events_in_order(events: Iterable[ResourceEvent]) -> tuple[ResourceEvent, ...]:
    """Warnings first, then the newest."""
    newest = sorted(events, key=lambda event: event.last_at or NEVER, reverse=True)
    return tuple(sorted(newest, key=lambda event: event.type != "Warning"))


def _weight(each: Unhealthy) -> int:
    return WORST_FIRST.index(each.health_status) if each.health_status in WORST_FIRST else len(WORST_FIRST)
