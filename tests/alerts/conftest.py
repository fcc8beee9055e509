"""The world that alerts are read from in tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from apps.sources.fleetfile.current import FleetFileStatus
from tests.alerts.wire import World


@pytest.fixture
def world(db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setattr("apps.sources.services.fleet_file_status", lambda: FleetFileStatus("fleet.yaml"))
    made = World()
    monkeypatch.setattr("apps.sources.reading.fleet_file_in_force", lambda: made.fleet)
    yield made
    made.close()
