"""An organisation that signs its people in, and the portal's fleet file that names it."""

from __future__ import annotations

from pathlib import Path

import pytest
from pytest_django import Settings

from apps.accounts import renewing
from apps.sources.fleetfile.current import fleet_file_look_again
from tests.accounts.organisation import Organisation
from tests.integrations.conftest import Serve, serve

__all__ = ["serve"]


@pytest.fixture
def organisation(
    serve: Serve, tmp_path: Path, settings: Settings, db: None, monkeypatch: pytest.MonkeyPatch
) -> Organisation:
    """Answers properly unless the test bends it; its people's groups count by the rules of `ACCESS`."""
    monkeypatch.setattr(renewing, "_quiet_until", 0.0)
    found = Organisation(serve, tmp_path / "fleet.yaml")
    settings.PORTAL_FLEET = str(found.fleet_file)
    found.fleet_file_write()
    fleet_file_look_again()
    return found
