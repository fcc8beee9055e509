"""What stands around an Application in Argo CD's JSON: the tree of its live resources, and Kubernetes' events."""

from __future__ import annotations

from msgspec import Raw, Struct

from apps.integrations.argocd.values import ResourceEvent, TreeNode
from apps.integrations.argocd.wire import WireHealth
from apps.integrations.listing import Count, read_time


class WireReference(Struct):
    uid: str | None = None
    group: str | None = None
    kind: str | None = None
    namespace: str | None = None
    name: str | None = None


class WireFact(Struct):
    name: str = ""
    value: str | None = None


class WireNode(Struct, rename="camel"):
    kind: str
    name: str
    group: str | None = None
    namespace: str | None = None
    uid: str | None = None
    parent_refs: list[WireReference] | None = None
    info: list[WireFact] | None = None
    health: WireHealth | None = None
    created_at: str | None = None


class WireTree(Struct):
    nodes: list[Raw] | None = None


class WireEventSource(Struct):
    component: str | None = None


class WireSeries(Struct, rename="camel"):
    count: Count | None = None
    last_observed_time: str | None = None


class WireEvent(Struct, rename="camel"):
    """`event_time` and `series` are the newer way, `count`, `first_timestamp` and `last_timestamp` the older one."""

    type: str | None = None
    reason: str | None = None
    message: str | None = None
    count: Count | None = None
    first_timestamp: str | None = None
    last_timestamp: str | None = None
    event_time: str | None = None
    series: WireSeries | None = None
    involved_object: WireReference | None = None
    source: WireEventSource | None = None


def tree_node(wire: WireNode) -> TreeNode:
    """One live resource; `uid` of what has none is made of what it is."""
    health = wire.health or WireHealth()
    return TreeNode(
        uid=wire.uid or _identity(wire.group, wire.kind, wire.namespace, wire.name),
        identity=_identity(wire.group, wire.kind, wire.namespace, wire.name),
        parents=tuple(
            ref.uid or _identity(ref.group, ref.kind, ref.namespace, ref.name) for ref in wire.parent_refs or ()
        ),
        kind=wire.kind,
        namespace=wire.namespace or "",
        name=wire.name,
        health_status=health.status or "",
        health_message=health.message or "",
        facts=tuple((fact.name, fact.value) for fact in wire.info or () if fact.value),
        created_at=read_time(wire.created_at),
    )


def resource_event(wire: WireEvent) -> ResourceEvent:
    """One event; one that was told once only counts as one."""
    involved, series = wire.involved_object or WireReference(), wire.series or WireSeries()
    times = (series.last_observed_time, wire.last_timestamp, wire.event_time, wire.first_timestamp)
    return ResourceEvent(
        type=wire.type or "",
        reason=wire.reason or "",
        message=wire.message or "",
        count=series.count or wire.count or 1,
        first_at=read_time(wire.first_timestamp or wire.event_time),
        last_at=next((moment for told in times if (moment := read_time(told))), None),
        kind=involved.kind or "",
        namespace=involved.namespace or "",
        name=involved.name or "",
        component=(wire.source or WireEventSource()).component or "",
    )


def _identity(group: str | None, kind: str | None, namespace: str | None, name: str | None) -> str:
    return "/".join(part or "" for part in (group, kind, namespace, name))
