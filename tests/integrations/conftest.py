"""A local server per test, over plain TCP or TLS."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator

import pytest

from apps.integrations.http import Endpoint, HttpClient
from tests.integrations.wire_server import Script, WireServer

Serve = Callable[..., WireServer]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts a server that runs this script for each request."""
    servers: list[WireServer] = []

    def start(script: Script, *, tls: ssl.SSLContext | None = None, keeps_alive: bool = False) -> WireServer:
        servers.append(WireServer(script, tls=tls, keeps_alive=keeps_alive))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


@pytest.fixture
def client() -> Iterator[Callable[..., HttpClient]]:
    """Makes a client of a server, with the endpoint's options."""
    clients: list[HttpClient] = []

    def make(server: WireServer, **options: object) -> HttpClient:
        endpoint = Endpoint(**{"source": "test/one", "url": server.url, "deadline": 5.0, **options})  # type: ignore[arg-type]
        clients.append(HttpClient(endpoint))
        return clients[-1]

    yield make
    for made in clients:
        made.close()
