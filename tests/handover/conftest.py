"""What tests of handovers share."""

from __future__ import annotations

from pathlib import Path

import pytest
from pytest_django import Settings

from tests.fleet_in_force import FleetFileOfTest


@pytest.fixture
def fleet_file(tmp_path: Path, settings: Settings, db: None) -> FleetFileOfTest:
    """A fleet file of the test's own."""
    return FleetFileOfTest(tmp_path, settings)
