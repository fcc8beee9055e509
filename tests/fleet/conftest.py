"""A fleet file in force, and local servers."""

from __future__ import annotations

from pathlib import Path

import pytest
from pytest_django import Settings

from tests.fleet_in_force import FleetFileOfTest
from tests.integrations.conftest import serve

__all__ = ["serve"]


@pytest.fixture
def fleet_file(tmp_path: Path, settings: Settings, db: None) -> FleetFileOfTest:
    """Puts fleet files in force."""
    return FleetFileOfTest(tmp_path, settings)
