"""A simulated fleet for each test: it starts in a blink, and nothing happens in it by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from apps.demo.fleet import FleetOptions, RunningFleet, start

Begin = Callable[..., RunningFleet]


@pytest.fixture
def begin(tmp_path: Path) -> Iterator[Begin]:
    """Starts fleets with the options given, still ones unless told otherwise, and ends them after the test."""
    fleets: list[RunningFleet] = []

    def start_one(**options: Any) -> RunningFleet:
        state = tmp_path / f"fleet-{len(fleets)}"
        fleets.append(start(FleetOptions(**{"state": state, "is_still": True, **options})))
        return fleets[-1]

    yield start_one
    for fleet in fleets:
        fleet.stop()


@pytest.fixture
def fleet(begin: Begin) -> RunningFleet:
    """A still fleet of the usual size."""
    return begin()


class Caller:
    """Asks the servers of a fleet as an account that they know."""

    def __init__(self, fleet: RunningFleet) -> None:
        self._fleet = fleet

    def headers(self, server: str, account: str) -> dict[str, str]:
        """The Authorization that a server wants."""
        if server.startswith("observatorium"):
            return {"Authorization": f"Bearer {self.oauth_token()}"}
        token = self._fleet.tokens.get((server, account))
        return {"Authorization": f"Bearer {token}"} if token else {}

    def oauth_token(self) -> str:
        """A fresh token for the gateway."""
        server = "oauth2/rhobs"
        answer = requests.post(
            f"{self._fleet.urls[server]}/realms/rhobs/protocol/openid-connect/token",
            data={"grant_type": "client_credentials"},
            auth=("portal", self._fleet.tokens[server, "portal"]),
            timeout=5,
        )
        return str(answer.json()["access_token"])

    def get(self, server: str, path: str, *, account: str = "portal", **options: Any) -> requests.Response:
        """GET."""
        headers = self.headers(server, account) | options.pop("headers", {})
        return requests.get(self._fleet.urls[server] + path, headers=headers, timeout=10, **options)

    def post(self, server: str, path: str, document: Any, *, account: str = "portal") -> requests.Response:
        """POST of JSON."""
        headers = self.headers(server, account)
        return requests.post(self._fleet.urls[server] + path, json=document, headers=headers, timeout=10)

    def delete(self, server: str, path: str, *, account: str = "portal") -> requests.Response:
        """DELETE with the Content-Type that Argo CD insists on."""
        headers = self.headers(server, account) | {"Content-Type": "application/json"}
        return requests.delete(self._fleet.urls[server] + path, headers=headers, timeout=10)


@pytest.fixture
def ask(fleet: RunningFleet) -> Caller:
    """Asks the servers of `fleet`."""
    return Caller(fleet)
