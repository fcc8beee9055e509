"""What the contracts are run on: each source of the fleet file that `--fleet` names, or of two fleets started here.

A contract asks for the client of one kind (`argocd`, `alertmanager` …) and is run once for each source of that kind.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from apps.integrations.alertmanager import AlertmanagerClient
from apps.integrations.argocd import ArgoCDClient
from apps.integrations.kubernetes import KubernetesClient
from apps.integrations.prometheus import PrometheusClient
from apps.sources.catalog import SourceKind, sources_of
from apps.sources.clients import alertmanager_client, argocd_client, kubernetes_client, prometheus_client
from apps.sources.fleetfile import FleetFile, FleetFileInvalid, fleet_file_load
from tests.contract.fleets import KEYS, TENANTS, Fleets, Gateway

KINDS = {
    "argocd": "Argo CD",
    "one_argocd": "Argo CD",
    "alertmanager": "Alertmanager",
    "own_alertmanager": "Alertmanager that is not behind Observatorium",
    "hidden_alertmanager": "Alertmanager behind Observatorium",
    "prometheus": "Prometheus",
    "gateway": "Observatorium tenant",
    "kubernetes": "Kubernetes API",
}


class Chosen(NamedTuple):
    """A source of one of the fleets."""

    fleet: str
    key: str


def pytest_configure(config: pytest.Config) -> None:
    """A fleet file of somebody's own may ask for certificates not to be checked."""
    if config.getoption("--fleet"):
        config.addinivalue_line("filterwarnings", "ignore::urllib3.exceptions.InsecureRequestWarning")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One run for each source of the kind that a contract asks for."""
    given: Path | None = metafunc.config.getoption("--fleet")
    if "fleet_name" in metafunc.fixturenames:
        metafunc.parametrize("fleet_name", [given.name] if given else list(KEYS))
    for kind in KINDS:
        if kind in metafunc.fixturenames:
            metafunc.parametrize(kind, list(sources_under_contract(kind, given)), indirect=True)


def sources_under_contract(kind: str, given: Path | None) -> Iterator[Any]:
    """The sources of a kind as parameters of a test; where there is none, one that is skipped and says why."""
    chosen = chosen_of(given) if given else [Chosen(fleet, key) for fleet, keys in KEYS.items() for key in keys]
    tenants = frozenset(tenant.name for tenant in loaded(given).observatorium) if given else TENANTS
    of_kind = [each for each in chosen if is_of_kind(each.key, kind, tenants)]
    for fleet, key in of_kind[:1] if kind == "one_argocd" else of_kind:
        yield pytest.param(Chosen(fleet, key), id=f"{fleet}-{key}")
    if not of_kind:
        yield pytest.param(None, id="none", marks=pytest.mark.skip(f"{given or 'no fleet'} names no {KINDS[kind]}"))


def chosen_of(given: Path) -> list[Chosen]:
    """The sources of a fleet file; an Argo CD's inventory has the same server as its Applications."""
    specs = sources_of(loaded(given))
    return [Chosen(given.name, spec.key) for spec in specs if spec.kind is not SourceKind.ARGOCD_INVENTORY]


@lru_cache(maxsize=1)
def loaded(given: Path) -> FleetFile:
    """The fleet file of --fleet."""
    try:
        return fleet_file_load(path=given)
    except FleetFileInvalid as error:
        raise pytest.UsageError(str(error)) from error


def is_of_kind(key: str, kind: str, tenants: Iterable[str]) -> bool:
    """Whether the source `key` is one that the fixture `kind` is a client of."""
    prefix, name = key.split("/")[:2]
    match kind:
        case "own_alertmanager":
            return prefix == "alertmanager" and name not in tenants
        case "hidden_alertmanager":
            return prefix == "alertmanager" and name in tenants
        case "gateway":
            return prefix == "prometheus" and name in tenants
    return prefix == kind.removeprefix("one_")


@pytest.fixture(autouse=True)
def only_loopback(request: pytest.FixtureRequest) -> None:
    """The servers that somebody names with --fleet may be anywhere."""
    if request.config.getoption("--fleet") is None:
        request.getfixturevalue("only_loopback")


@pytest.fixture(scope="session")
def fleets(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleets]:
    """The fleets by name, each started when it is first asked for."""
    with ExitStack() as started:
        yield Fleets(started, tmp_path_factory, request.config.getoption("--fleet"))


@pytest.fixture
def argocd(request: pytest.FixtureRequest, fleets: Fleets) -> ArgoCDClient:
    """An Argo CD."""
    return argocd_client(fleets.file(request.param.fleet), request.param.key)


@pytest.fixture
def one_argocd(request: pytest.FixtureRequest, fleets: Fleets) -> ArgoCDClient:
    """The first Argo CD only, for what takes long."""
    return argocd_client(fleets.file(request.param.fleet), request.param.key)


@pytest.fixture
def alertmanager(request: pytest.FixtureRequest, fleets: Fleets) -> AlertmanagerClient:
    """An Alertmanager, its own or behind Observatorium."""
    return alertmanager_client(fleets.file(request.param.fleet), request.param.key)


@pytest.fixture
def own_alertmanager(request: pytest.FixtureRequest, fleets: Fleets) -> AlertmanagerClient:
    """An Alertmanager that is asked directly."""
    return alertmanager_client(fleets.file(request.param.fleet), request.param.key)


@pytest.fixture
def hidden_alertmanager(request: pytest.FixtureRequest, fleets: Fleets) -> AlertmanagerClient:
    """An Alertmanager behind Observatorium."""
    return alertmanager_client(fleets.file(request.param.fleet), request.param.key)


@pytest.fixture
def prometheus(request: pytest.FixtureRequest, fleets: Fleets) -> PrometheusClient:
    """A Prometheus, a Thanos or the metrics of an Observatorium tenant."""
    return prometheus_client(fleets.file(request.param.fleet), request.param.key)


@pytest.fixture
def gateway(request: pytest.FixtureRequest, fleets: Fleets) -> Gateway:
    """An Observatorium tenant."""
    fleet, key = fleets.file(request.param.fleet), request.param.key
    name = key.partition("/")[2]
    tenant = next(each.tenant for each in fleet.observatorium if each.name == name)
    return Gateway(tenant, prometheus_client(fleet, key), alertmanager_client(fleet, f"alertmanager/{name}/0"))


@pytest.fixture
def kubernetes(request: pytest.FixtureRequest, fleets: Fleets) -> KubernetesClient:
    """A cluster's API."""
    return kubernetes_client(fleets.file(request.param.fleet), request.param.key)
