"""What a cluster's API told, made into rows: one Found for each thing, with its verdict and without noise."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from apps.core.text import clean
from apps.core.tones import Tone
from apps.core.verdict import Verdict
from apps.core.verdict import cluster as verdicts
from apps.integrations.kubernetes import values

READY_WORDS = {"True": "Ready", "False": verdicts.NOT_READY, "Unknown": verdicts.NOT_READY}
MOST_CONDITIONS = 40
KINDS = (
    "APIServer",
    "Node",
    "ClusterVersion",
    "ClusterOperator",
    "MachineConfigPool",
    "ToolchainStatus",
    "MemberStatus",
    "ToolchainCluster",
    "SpaceProvisionerConfig",
    "ArgoCD",
    "Subscription",
    "ClusterServiceVersion",
    "ManagedCluster",
)


@dataclass(frozen=True)
class Found:
    """One thing in a cluster as its row will have it. `since` is None where the upstream does not tell."""

    kind: str
    name: str
    tone: str
    status: str
    reason: str
    since: datetime | None = None
    data: dict[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> tuple[str, str]:
        """(kind, name): its identity within its cluster."""
        return (self.kind, self.name)


def found(kind: str, name: str, verdict: Verdict, *, status: str, since: datetime | None = None, **data: Any) -> Found:
    """A Found with its texts capped to their columns."""
    return Found(kind, clean(name, 300), verdict.tone, clean(status, 200), clean(verdict.reason, 1000), since, data)


def node_found(node: values.Node) -> Found:
    """A node; its heartbeats are left out."""
    ready = condition_of(node.conditions, "Ready")
    expected = {"Ready": "True"} | dict.fromkeys(verdicts.NODE_PROBLEMS, "False")
    return found(
        "Node",
        node.name,
        verdicts.node_verdict(conditions=node.conditions, is_unschedulable=node.is_unschedulable),
        status=READY_WORDS.get(ready.status, ready.status) if ready else "Unknown",
        since=since_when(node.conditions, expected),
        roles=sorted(node.roles),
        version=node.kubelet_version,
        is_cordoned=node.is_unschedulable,
        cpu=node.cpu,
        memory=node.memory,
        pods=node.pods,
        conditions=conditions_data(node.conditions),
    )


def version_found(version: values.ClusterVersion) -> Found:
    """OpenShift's ClusterVersion."""
    expected = {"Failing": "False", "Available": "True", "Progressing": "False"}
    return found(
        "ClusterVersion",
        "version",
        verdicts.cluster_version_verdict(conditions=version.conditions),
        status=condition_word(version.conditions, ("Failing", "Progressing"), "Available"),
        since=since_when(version.conditions, expected),
        version=version.version,
        desired=version.desired,
        is_updating=version.is_updating,
        progress=clean(version.progress, 500),
        available_updates=list(version.available_updates[:50]),
        conditions=conditions_data(version.conditions),
    )


def operator_found(operator: values.ClusterOperator) -> Found:
    """A ClusterOperator."""
    return found(
        "ClusterOperator",
        operator.name,
        verdicts.operator_verdict(conditions=operator.conditions),
        status=condition_word(operator.conditions, ("Degraded", "Progressing"), "Available"),
        since=since_when(operator.conditions, {"Available": "True", "Degraded": "False", "Progressing": "False"}),
        version=operator.version,
        conditions=conditions_data(operator.conditions),
    )


def pool_found(pool: values.MachineConfigPool) -> Found:
    """A MachineConfigPool."""
    return found(
        "MachineConfigPool",
        pool.name,
        verdicts.pool_verdict(
            conditions=pool.conditions,
            machines=pool.machines,
            updated=pool.updated,
            degraded=pool.degraded,
            is_paused=pool.is_paused,
        ),
        status=condition_word(pool.conditions, ("Degraded", "Updating"), "Updated"),
        since=since_when(pool.conditions, {"Degraded": "False", "Updating": "False", "Updated": "True"}),
        machines=pool.machines,
        updated=pool.updated,
        ready=pool.ready,
        unavailable=pool.unavailable,
        degraded=pool.degraded,
        is_paused=pool.is_paused,
        conditions=conditions_data(pool.conditions),
    )


def toolchain_status_found(status: values.ToolchainStatus) -> Found:
    """The host operator's summary, with its members as parts."""
    parts = {**status.parts, **{f"member {member.cluster_name}": member.conditions for member in status.members}}
    return _toolchain_found("ToolchainStatus", status.name, status.conditions, parts)


def member_status_found(status: values.MemberStatus) -> Found:
    """The member operator's summary."""
    return _toolchain_found(
        "MemberStatus", status.name, status.conditions, status.parts, memory_usage=dict(status.memory_usage)
    )


def toolchain_cluster_found(cluster: values.ToolchainCluster) -> Found:
    """One remote cluster as this one sees it."""
    return found(
        "ToolchainCluster",
        cluster.name,
        verdicts.ready_verdict(conditions=cluster.conditions),
        status=ready_word(cluster.conditions),
        since=since_when(cluster.conditions, {"Ready": "True"}),
        api_endpoint=cluster.api_endpoint,
        conditions=conditions_data(cluster.conditions),
    )


def provisioner_found(config: values.SpaceProvisionerConfig) -> Found:
    """Whether a member takes new spaces."""
    return found(
        "SpaceProvisionerConfig",
        config.name,
        verdicts.provisioner_verdict(conditions=config.conditions, is_enabled=config.is_enabled),
        status=ready_word(config.conditions) if config.is_enabled else "Disabled",
        since=since_when(config.conditions, {"Ready": "True"}),
        toolchain_cluster=config.toolchain_cluster,
        space_count=config.space_count,
        memory_usage=dict(config.memory_usage),
        conditions=conditions_data(config.conditions),
    )


def argocd_found(argocd: values.ArgoCD) -> Found:
    """The ArgoCD resource of the operator."""
    return found(
        "ArgoCD",
        f"{argocd.namespace}/{argocd.name}",
        verdicts.argocd_verdict(phase=argocd.phase, components=argocd.components),
        status=argocd.phase or "Unknown",
        host=argocd.host,
        components=dict(sorted(argocd.components.items())),
        conditions=conditions_data(argocd.conditions),
    )


def subscription_found(subscription: values.Subscription) -> Found:
    """An OLM Subscription."""
    return found(
        "Subscription",
        f"{subscription.namespace}/{subscription.name}",
        verdicts.subscription_verdict(state=subscription.state, conditions=subscription.conditions),
        status=subscription.state or "Unknown",
        channel=subscription.channel,
        installed_csv=subscription.installed_csv,
        current_csv=subscription.current_csv,
        conditions=conditions_data(subscription.conditions),
    )


def csv_found(csv: values.ClusterServiceVersion) -> Found:
    """An installed operator."""
    return found(
        "ClusterServiceVersion",
        f"{csv.namespace}/{csv.name}",
        verdicts.csv_verdict(phase=csv.phase, reason=csv.reason, message=csv.message),
        status=csv.phase or "Unknown",
        version=csv.version,
    )


def managed_cluster_found(cluster: values.ManagedCluster) -> Found:
    """A cluster as the fleet manager's hub knows it."""
    verdict = verdicts.managed_cluster_verdict(
        conditions=cluster.conditions, is_accepted=cluster.is_accepted, is_deleting=cluster.is_deleting
    )
    return found(
        "ManagedCluster",
        cluster.name,
        verdict,
        status=verdict.reason.partition(":")[0],
        since=since_when(cluster.conditions, {"ManagedClusterConditionAvailable": "True"}),
        version=cluster.kubernetes_version,
        claims=dict(sorted(cluster.claims.items())[:50]),
        conditions=conditions_data(cluster.conditions),
    )


def _toolchain_found(
    kind: str,
    name: str,
    conditions: tuple[values.Condition, ...],
    parts: Mapping[str, tuple[values.Condition, ...]],
    **data: Any,
) -> Found:
    return found(
        kind,
        name,
        verdicts.toolchain_verdict(conditions=conditions, parts=parts),
        status=ready_word(conditions),
        since=since_when(conditions, {"Ready": "True"}),
        parts={part: conditions_data(of_part) for part, of_part in sorted(parts.items())},
        conditions=conditions_data(conditions),
        **data,
    )


def conditions_data(conditions: Iterable[values.Condition]) -> list[dict[str, str | None]]:
    """Conditions as builtins, in the order of their types; `at` as ISO 8601 text or None."""
    listed = sorted(conditions, key=lambda condition: condition.type)[:MOST_CONDITIONS]
    return [
        {
            "type": condition.type,
            "status": condition.status,
            "reason": clean(condition.reason, 300),
            "message": clean(condition.message, 1000),
            "at": condition.at.isoformat() if condition.at else None,
        }
        for condition in listed
    ]


def condition_of(conditions: Iterable[values.Condition], type_: str) -> values.Condition | None:
    """The condition of this type, if it is told."""
    return next((condition for condition in conditions if condition.type == type_), None)


def condition_word(conditions: Iterable[values.Condition], loud: tuple[str, ...], well: str) -> str:
    """The first of the `loud` types that is True; else `well` or "Not <well>" by its own status, "Unknown" untold."""
    told = {condition.type: condition.status for condition in conditions}
    for type_ in loud:
        if told.get(type_) == "True":
            return type_
    return {"True": well, "False": f"Not {well}"}.get(told.get(well, ""), "Unknown")


def ready_word(conditions: Iterable[values.Condition]) -> str:
    """Ready, NotReady, or Unknown."""
    ready = condition_of(conditions, "Ready")
    return {"True": "Ready", "False": verdicts.NOT_READY}.get(ready.status, "Unknown") if ready else "Unknown"


def since_when(conditions: Iterable[values.Condition], expected: Mapping[str, str]) -> datetime | None:
    """Since when it is as it is: of the first condition that is not as expected, else of the one expected first."""
    told = {condition.type: condition for condition in conditions}
    odd = [told[type_] for type_, status in expected.items() if type_ in told and told[type_].status != status]
    decisive = odd or [told[type_] for type_ in expected if type_ in told]
    return decisive[0].at if decisive else None


def parts_of(everything: Iterable[Found]) -> list[verdicts.Part]:
    """The parts of a cluster's verdict, always in the same order: of KINDS, then of names."""
    ordered = sorted(everything, key=lambda one: (KINDS.index(one.kind), one.name))
    return [verdicts.Part(one.kind, one.name, Verdict(Tone(one.tone), one.reason), one.status) for one in ordered]
