"""The fleets that the contracts are run on: the simulated one, and Debian's own Alertmanager and Prometheus."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml

from apps.demo.fleet import FleetOptions, start
from apps.integrations.alertmanager import AlertmanagerClient
from apps.integrations.prometheus import PrometheusClient
from apps.sources.fleetfile import FleetFile, fleet_file_load
from tests.contract import o11y
from tests.servers import alertmanager, prometheus

CLUSTERS = (
    "appsres05ue1",
    "stone-stg-host",
    "stone-stg-m01",
    "stone-stg-rh01",
    "appsrep05ue1",
    "stone-prd-host1",
    "stone-prd-m01",
    "stone-prd-rh01",
)
KEYS = {
    "demo": (
        "argocd/staging",
        "argocd/production",
        "alertmanager/appsre/0",
        "alertmanager/appsre/1",
        "prometheus/appsre",
        "alertmanager/rhobs/0",
        "prometheus/rhobs",
        *(f"kubernetes/{name}" for name in CLUSTERS),
    ),
    "debian": ("alertmanager/debian/0", "prometheus/debian"),
}
"""The sources of the fleets that are started here: tests are collected before any server runs."""
TENANTS = frozenset({"rhobs"})


class Gateway(NamedTuple):
    """An Observatorium tenant by its name there, and the clients of its two halves."""

    tenant: str
    metrics: PrometheusClient
    alerts: AlertmanagerClient


class Fleets:
    """Fleet files by the name of their fleet. Asking for one starts its servers, which end with `started`."""

    def __init__(self, started: ExitStack, folders: pytest.TempPathFactory, given: Path | None) -> None:
        self._started = started
        self._folders = folders
        self._paths = {given.name: given} if given else {}

    def path(self, name: str) -> Path:
        """Where the fleet file is."""
        if name not in self._paths:
            fleet = STARTED[name](self._folders.mktemp(name))
            self._paths[name] = self._started.enter_context(fleet)
        return self._paths[name]

    def file(self, name: str) -> FleetFile:
        """The fleet file as the portal reads it."""
        return fleet_file_load(path=self.path(name).absolute())


@contextlib.contextmanager
def demo(folder: Path) -> Iterator[Path]:
    """The simulated fleet, in which nothing happens by itself; what is begun takes a quarter of its time."""
    with start(FleetOptions(state=folder, is_still=True, speed=4)) as fleet:
        yield fleet.fleet_file


@contextlib.contextmanager
def debian(folder: Path) -> Iterator[Path]:
    """An Alertmanager that holds real alerts, and a Prometheus that evaluates real rules."""
    alerts, rules = o11y.alerts(), o11y.rule_files()
    for name in ("alertmanager", "prometheus"):
        (folder / name).mkdir()
    o11y.rules_write(folder / "prometheus", rules)
    with (
        alertmanager(folder / "alertmanager", o11y.ALERTMANAGER_CONFIG) as alerts_url,
        prometheus(folder / "prometheus", o11y.PROMETHEUS_CONFIG) as metrics_url,
    ):
        o11y.alerts_load(alerts_url, alerts)
        document = {
            "alertmanagers": [{"name": "debian", "members": [alerts_url]}],
            "prometheuses": [{"name": "debian", "url": metrics_url, "feeds": ["debian"]}],
        }
        path = folder / "fleet.yaml"
        path.write_text(yaml.safe_dump(document))
        yield path


STARTED: dict[str, Callable[[Path], AbstractContextManager[Path]]] = {"demo": demo, "debian": debian}
