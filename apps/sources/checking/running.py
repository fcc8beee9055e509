"""Trying every source at the same time, each by the probe of its kind."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from apps.core.errors import UpstreamError
from apps.integrations.alertmanager import AlertmanagerClient
from apps.integrations.argocd import ArgoCDClient
from apps.integrations.kubernetes import KubernetesClient
from apps.integrations.prometheus import PrometheusClient
from apps.integrations.upstream import UpstreamClient
from apps.sources.catalog import SourceKind, SourceSpec, sources_of
from apps.sources.checking import probes
from apps.sources.checking.places import place_of
from apps.sources.checking.results import Fault, Findings, SourceCheck
from apps.sources.checking.runbooks import runbooks_check
from apps.sources.clients import alertmanager_client, argocd_client, kubernetes_client, prometheus_client
from apps.sources.fleetfile.schema import FleetFile

MOST_AT_ONCE = 16
CLIENTS: Mapping[SourceKind, Callable[[FleetFile, str], UpstreamClient]] = {
    SourceKind.ARGOCD: argocd_client,
    SourceKind.ARGOCD_INVENTORY: argocd_client,
    SourceKind.ALERTMANAGER: alertmanager_client,
    SourceKind.PROMETHEUS: prometheus_client,
    SourceKind.KUBERNETES: kubernetes_client,
}


def sources_check(*, fleet: FleetFile) -> Iterator[SourceCheck]:
    """Every source of a fleet file, tried once; in the catalog's order, each as soon as it is known."""
    specs = sources_of(fleet)
    with ThreadPoolExecutor(max_workers=min(MOST_AT_ONCE, len(specs) or 1)) as pool:
        yield from pool.map(partial(_check, fleet), specs)


def _check(fleet: FleetFile, spec: SourceSpec) -> SourceCheck:
    place = place_of(fleet, spec)
    if spec.kind is SourceKind.RUNBOOKS:
        return runbooks_check(fleet, spec, place)
    try:
        client = CLIENTS[spec.kind](fleet, spec.key)
    except UpstreamError as error:  # a kubeconfig that cannot be used
        return SourceCheck(spec, (), (Fault(error.message, place.mend(error)),), (), None, None)
    found = Findings(client, place.mend)
    _probe(fleet, spec, client, found)
    return found.result(spec)


def _probe(fleet: FleetFile, spec: SourceSpec, client: UpstreamClient, found: Findings) -> None:
    if isinstance(client, KubernetesClient):
        probes.kubernetes_probe(client, found)
    elif isinstance(client, PrometheusClient):
        probes.prometheus_probe(client, found)
    elif isinstance(client, AlertmanagerClient):
        _probe_alertmanager(fleet, spec, client, found)
    elif isinstance(client, ArgoCDClient):
        is_inventory = spec.kind is SourceKind.ARGOCD_INVENTORY
        (probes.argocd_inventory_probe if is_inventory else probes.argocd_probe)(client, found)


def _probe_alertmanager(fleet: FleetFile, spec: SourceSpec, client: AlertmanagerClient, found: Findings) -> None:
    watchdogs = {group.name: group.watchdog for group in fleet.alertmanagers}
    watchdogs |= {tenant.name: tenant.watchdog for tenant in fleet.observatorium}
    members = sum((other.kind, other.group) == (spec.kind, spec.group) for other in sources_of(fleet))
    probes.alertmanager_probe(client, found, members=members, watchdog=watchdogs[spec.group] or ())
