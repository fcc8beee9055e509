"""The portal on a simulated fleet: its collectors' tasks, its pages, and the servers' faults."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.test import Client
from pytest_django import Settings

from apps.accounts.models import Role
from apps.demo.fleet import FleetOptions, RunningFleet, start
from tests.faults.stage import Stage
from tests.fleet_in_force import FleetFileOfTest


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[RunningFleet]:
    """A simulated fleet in which nothing happens by itself."""
    with start(FleetOptions(state=tmp_path / "demo", is_still=True)) as fleet:
        yield fleet


@pytest.fixture
def stage(
    demo: RunningFleet, tmp_path: Path, settings: Settings, signed_in: Callable[[Role | None], Client]
) -> Iterator[Stage]:
    """The fleet file of the simulated fleet in force, nothing read so far, and a viewer's browser."""
    settings.PORTAL_STATE = tmp_path / "state"
    made = Stage(demo, FleetFileOfTest(tmp_path, settings), signed_in(Role.VIEWER))
    yield made
    made.close()
