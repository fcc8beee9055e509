"""The sources that a fleet file makes: each upstream endpoint that is read on its own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from apps.sources.fleetfile.schema import Cluster, FleetFile


class SourceKind(StrEnum):
    """What is read from a source; each kind has its own queue."""

    ARGOCD = "argocd"
    ARGOCD_INVENTORY = "argocd_inventory"
    ALERTMANAGER = "alertmanager"
    PROMETHEUS = "prometheus"
    KUBERNETES = "kubernetes"
    RUNBOOKS = "runbooks"


@dataclass(frozen=True, slots=True)
class SourceSpec:
    """A source as the fleet file has it.

    `key` is unique and lasting ("alertmanager/appsre/1"); `group` the name of the Argo CD instance, the HA cluster of
    Alertmanagers, the Prometheus, the Observatorium tenant, the cluster or the runbook source; `interval` in seconds,
    `deadline` of one request too (of runbooks: of the whole read); `environment` and `cluster` "" where the file names
    none.
    """

    key: str
    kind: SourceKind
    group: str
    title: str
    address: str
    environment: str
    cluster: str
    interval: float
    deadline: float
    is_unverified: bool


def sources_of(fleet: FleetFile) -> tuple[SourceSpec, ...]:
    """Every source of a fleet file, in the file's order, kind by kind."""
    kinds = (_argocd, _alertmanagers, _prometheuses, _observatorium, _clusters, _runbooks)
    return tuple(spec for kind in kinds for spec in kind(fleet))


def _argocd(fleet: FleetFile) -> Iterator[SourceSpec]:
    for instance in fleet.argocd:
        for kind, prefix, what in (
            (SourceKind.ARGOCD, "argocd", "Applications"),
            (SourceKind.ARGOCD_INVENTORY, "argocd-inventory", "inventory"),
        ):
            yield SourceSpec(
                key=f"{prefix}/{instance.name}",
                kind=kind,
                group=instance.name,
                title=f"Argo CD {instance.name}: {what}",
                address=instance.url,
                environment=instance.environment or "",
                cluster=instance.control_plane or "",
                interval=instance.interval.total_seconds(),
                deadline=instance.deadline.total_seconds(),
                is_unverified=instance.insecure_skip_verify,
            )


def _alertmanagers(fleet: FleetFile) -> Iterator[SourceSpec]:
    for group in fleet.alertmanagers:
        for index, member in enumerate(group.members):
            yield SourceSpec(
                key=f"alertmanager/{group.name}/{index}",
                kind=SourceKind.ALERTMANAGER,
                group=group.name,
                title=f"Alertmanager {group.name}" + (f", member {index}" if len(group.members) > 1 else ""),
                address=member,
                environment=group.environment or "",
                cluster=group.cluster or "",
                interval=group.interval.total_seconds(),
                deadline=group.deadline.total_seconds(),
                is_unverified=group.insecure_skip_verify,
            )


def _prometheuses(fleet: FleetFile) -> Iterator[SourceSpec]:
    for server in fleet.prometheuses:
        yield SourceSpec(
            key=f"prometheus/{server.name}",
            kind=SourceKind.PROMETHEUS,
            group=server.name,
            title=f"Prometheus {server.name}: rules",
            address=server.url,
            environment=server.environment or "",
            cluster=server.cluster or "",
            interval=server.interval.total_seconds(),
            deadline=server.deadline.total_seconds(),
            is_unverified=server.insecure_skip_verify,
        )


def _observatorium(fleet: FleetFile) -> Iterator[SourceSpec]:
    for tenant in fleet.observatorium:
        for is_read, kind, key, what, interval in (
            (tenant.alerts, SourceKind.ALERTMANAGER, f"alertmanager/{tenant.name}/0", "alerts", tenant.interval),
            (tenant.rules, SourceKind.PROMETHEUS, f"prometheus/{tenant.name}", "rules", tenant.rules_interval),
        ):
            if not is_read:
                continue
            yield SourceSpec(
                key=key,
                kind=kind,
                group=tenant.name,
                title=f"Observatorium {tenant.name}: {what}",
                address=tenant.url,
                environment=tenant.environment or "",
                cluster="",
                interval=interval.total_seconds(),
                deadline=tenant.deadline.total_seconds(),
                is_unverified=tenant.insecure_skip_verify,
            )


def _clusters(fleet: FleetFile) -> Iterator[SourceSpec]:
    for cluster in fleet.clusters:
        if cluster.kubernetes is not None:
            yield SourceSpec(
                key=f"kubernetes/{cluster.name}",
                kind=SourceKind.KUBERNETES,
                group=cluster.name,
                title=f"Kubernetes API of {cluster.name}",
                address=cluster.kubernetes.server or _whence(cluster),
                environment=cluster.environment,
                cluster=cluster.name,
                interval=cluster.kubernetes.interval.total_seconds(),
                deadline=cluster.kubernetes.deadline.total_seconds(),
                is_unverified=cluster.kubernetes.insecure_skip_verify,
            )


def _runbooks(fleet: FleetFile) -> Iterator[SourceSpec]:
    for source in fleet.runbooks:
        yield SourceSpec(
            key=f"runbooks/{source.name}",
            kind=SourceKind.RUNBOOKS,
            group=source.name,
            title=f"Runbooks {source.name}",
            address=source.address,
            environment="",
            cluster="",
            interval=source.interval.total_seconds(),
            deadline=source.deadline.total_seconds(),
            is_unverified=False,
        )


def _whence(cluster: Cluster) -> str:
    """Where the address of a cluster without `server` comes from, for people."""
    access = cluster.kubernetes
    if access is None or access.kubeconfig is None:
        return "the cluster that the portal runs in"
    return f"kubeconfig {access.kubeconfig.reference}" + (f", context {access.context}" if access.context else "")
