"""A local Argo CD, and a fleet file that names it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django import Settings

from apps.integrations.argocd import ArgoCDClient
from apps.sources.clients import argocd_client
from apps.sources.fleetfile.schema import FleetFile
from tests.fleet_in_force import FleetFileOfTest
from tests.gitops.argocd_server import ArgoCDServer, serving

FLEET = """
environments: [{{name: staging}}, {{name: production}}]
clusters:
  - {{name: control, role: control-plane, environment: staging}}
  - {{name: host1, role: host, environment: production, aliases: [host-by-name]}}
  - name: m01
    role: member
    host: host1
    environment: production
    aliases: ["https://api.m01.example.com:6443/"]
argocd:
  - {{name: production, url: "{url}", control_plane: control, environment: staging, deadline: 5s, connect_timeout: 1s}}
"""


@pytest.fixture
def argocd() -> Iterator[ArgoCDServer]:
    """A local Argo CD without Applications."""
    with serving() as server:
        yield server


@pytest.fixture
def fleet(tmp_path: Path, settings: Settings, db: None, argocd: ArgoCDServer) -> FleetFile:
    """The fleet file in force; its only Argo CD instance, `production`, is the local one."""
    return FleetFileOfTest(tmp_path, settings).put(FLEET.format(url=argocd.url))


@pytest.fixture
def client_of_argocd(fleet: FleetFile) -> ArgoCDClient:
    """The client of the local Argo CD."""
    return argocd_client(fleet, "argocd/production")
