"""A fleet file in force, and local servers in the place of upstreams."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django import Settings

from apps.sources import clients
from tests.fleet_in_force import FleetFileOfTest
from tests.integrations.wire_server import Script, WireServer
from tests.sources.answering import Serve


@pytest.fixture
def fleet_file(tmp_path: Path, settings: Settings, db: None) -> FleetFileOfTest:
    """Puts fleet files in force."""
    return FleetFileOfTest(tmp_path, settings)


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts a server that runs this script for each request and keeps its connections, as real ones do."""
    servers: list[WireServer] = []

    def start(script: Script, *, tls: ssl.SSLContext | None = None) -> WireServer:
        servers.append(WireServer(script, tls=tls, keeps_alive=True))
        return servers[-1]

    yield start
    for _, client in clients._clients.values():
        client.close()
    clients._clients.clear()
    for server in servers:
        server.stop()
