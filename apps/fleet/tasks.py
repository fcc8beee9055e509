"""Collecting from clusters."""

from __future__ import annotations

from celery import shared_task

from apps.core.errors import (
    UpstreamDenied,
    UpstreamError,
    UpstreamThrottled,
    UpstreamUnavailable,
    UpstreamUntrusted,
)
from apps.fleet.collecting import Reading, cluster_reading
from apps.fleet.recording import cluster_record_reading
from apps.fleet.services import cluster_record_answering, cluster_record_unreached, cluster_record_unreadable
from apps.integrations.kubernetes import KubernetesClient, Readiness
from apps.sources.catalog import SourceSpec
from apps.sources.clients import kubernetes_client
from apps.sources.fleetfile.schema import Cluster, FleetFile
from apps.sources.reading import ReadOutcome, read_budget, source_read


@shared_task(name="fleet.read_cluster")
def read_cluster(key: str) -> None:
    """Reads the API of the cluster of the source "kubernetes/<cluster>"."""
    source_read(key=key, read=_read)


def _read(spec: SourceSpec, fleet: FleetFile) -> ReadOutcome:
    cluster = next(cluster for cluster in fleet.clusters if cluster.name == spec.cluster)
    try:
        client = kubernetes_client(fleet, spec.key)
        ready = _ready(client, spec)
        reading = _rest(client, cluster, ready, spec)
    except (UpstreamDenied, UpstreamUntrusted) as error:
        cluster_record_unreadable(name=spec.cluster, message=error.message)
        raise
    cluster_record_reading(name=spec.cluster, reading=reading)
    return _outcome(reading)


def _rest(client: KubernetesClient, cluster: Cluster, ready: Readiness, spec: SourceSpec) -> Reading:
    """All else of an API that has just answered: that it is not lost is certain, whatever comes of it."""
    try:
        return cluster_reading(
            client=client, cluster=cluster, ready=ready, budget=read_budget(spec) - 2 * spec.deadline
        )
    except (UpstreamDenied, UpstreamUntrusted):
        raise
    except UpstreamError as error:
        cluster_record_answering(name=spec.cluster, message=error.message)
        raise


def _ready(client: KubernetesClient, spec: SourceSpec) -> Readiness:
    """Whether it is ready; that it does not answer here at all is what makes a cluster unreached."""
    try:
        return client.readyz()
    except (UpstreamThrottled, UpstreamUntrusted):
        raise
    except UpstreamUnavailable as error:
        cluster_record_unreached(name=spec.cluster, message=error.message)
        raise


def _outcome(reading: Reading) -> ReadOutcome:
    denied = ", ".join(sorted(reading.not_allowed))
    return ReadOutcome(
        items=len(reading.found),
        unreadable=len(reading.unreadable),
        unreadable_reason="; ".join(f"{kind} {name}: {reason}" for kind, name, reason in reading.unreadable[:3]),
        version=reading.openshift_version or reading.kubernetes_version,
        note=f"our account may not read {denied}" if denied else "",
        facts=reading.facts,
    )
