"""A cluster's lines in the timeline."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from apps.core.text import clean
from apps.fleet.models import Cluster
from apps.fleet.objects import Found
from apps.timeline.models import Kind, Transition

FIELD_OF_KIND = {
    "Node": "node",
    "ClusterOperator": "operator",
    "MachineConfigPool": "pool",
    "ArgoCD": "argocd",
    "Subscription": "subscription",
    "ClusterServiceVersion": "csv",
    "ManagedCluster": "managed",
    "ToolchainCluster": "toolchain/ToolchainCluster",
    "SpaceProvisionerConfig": "toolchain/SpaceProvisionerConfig",
}
FIELD_OF_SINGLE = {
    "APIServer": "readyz",
    "ClusterVersion": "update",
    "ToolchainStatus": "toolchain/ToolchainStatus",
    "MemberStatus": "toolchain/MemberStatus",
}


def cluster_line(
    cluster: Cluster, field: str, *, before: str, after: str, tone: str, now: datetime, at: datetime | None = None
) -> Transition:
    """One change of a cluster, seen at `now`; `at` is the upstream's moment where it tells one."""
    return Transition(
        kind=Kind.CLUSTER,
        subject=cluster.name,
        title=cluster.name,
        cluster=cluster.name,
        environment=cluster.environment,
        field=clean(field, 100),
        before=before,
        after=after,
        tone=tone,
        source=f"kubernetes/{cluster.name}" if cluster.has_credentials else "",
        at=at,
        seen_at=now,
        link=f"/clusters/{cluster.name}/",
    )


def object_lines(
    cluster: Cluster, before: Mapping[tuple[str, str], Found], after: Iterable[Found], now: datetime
) -> list[Transition]:
    """A line for each object whose tone or status changed or that is new; none for a kind that was not known yet."""
    known_kinds = {kind for kind, _ in before}
    return [
        _object_line(cluster, before.get(found.key), found, now)
        for found in after
        if found.kind in known_kinds and _is_told(before.get(found.key), found)
    ]


def removal_line(cluster: Cluster, gone: Found, now: datetime) -> Transition:
    """An object that is no longer there."""
    return cluster_line(cluster, field_of(gone), before=told_as(gone), after="removed", tone="", now=now)


def field_of(found: Found) -> str:
    """The timeline's word for an object: "node/<name>", "operator/<name>", "toolchain/ToolchainStatus", …"""
    single = FIELD_OF_SINGLE.get(found.kind)
    return single or f"{FIELD_OF_KIND.get(found.kind, found.kind)}/{found.name}"


def told_as(found: Found) -> str:
    """How an object stands, for people: its own word, and the reason where it is not well."""
    return found.status if found.tone == "well" or not found.reason else f"{found.status}: {found.reason}"


def _is_told(before: Found | None, after: Found) -> bool:
    return before is None or (before.tone, before.status) != (after.tone, after.status)


def _object_line(cluster: Cluster, before: Found | None, after: Found, now: datetime) -> Transition:
    return cluster_line(
        cluster,
        field_of(after),
        before=told_as(before) if before else "",
        after=told_as(after),
        tone=after.tone,
        now=now,
        at=after.since,
    )
