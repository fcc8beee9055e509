"""Where a silence lies: the cluster and the environment to which its matchers bind it, "" where they bind to none."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from apps.accounts.scopes import Place
from apps.core.matchers import LabelMatcher
from apps.fleet.naming import ClusterNames
from apps.sources.fleetfile.schema import FleetFile

from .preview import Hidden


def place_of(fleet: FleetFile, matchers: Iterable[LabelMatcher], hidden: Iterable[Hidden]) -> Place:
    """What the matchers on one value of a label bind it to, unless it hides an alert now that lies elsewhere.

    (Which of an alert's labels names its cluster is decided by the first that it has: a later one binds only where the
    matchers say that an alert has none of those before it.)
    """
    told = {each.name: each.value for each in matchers if each.operator == "="}
    alerts = list(hidden)
    cluster = _cluster(fleet, told)
    if cluster and {each.cluster for each in alerts} - {cluster}:
        cluster = ""
    environment = _environment(fleet, told) or _environment_of(fleet, cluster)
    if environment and {each.environment for each in alerts} - {environment}:
        cluster = environment = ""
    return Place(cluster=cluster, environment=environment)


def _bound(labels: Iterable[str], told: Mapping[str, str]) -> str:
    """The value of the first of these labels that can decide; "" where a label before it may."""
    return next((told.get(name, "") for name in labels if told.get(name) != ""), "")


def _cluster(fleet: FleetFile, told: dict[str, str]) -> str:
    named = _bound(fleet.alerts.cluster_labels, told)
    return ClusterNames(fleet).cluster_of(named) if named else ""


def _environment(fleet: FleetFile, told: dict[str, str]) -> str:
    named = _bound(fleet.alerts.environment_labels, told).casefold()
    for environment in fleet.environments:
        if named and named in {name.casefold() for name in (environment.name, *environment.aliases)}:
            return environment.name
    return ""


def _environment_of(fleet: FleetFile, cluster: str) -> str:
    return next((each.environment for each in fleet.clusters if each.name == cluster), "")
