"""What tests of runbook sources share."""

from __future__ import annotations

from pathlib import Path

import pytest
from pytest_django import Settings

from tests.fleet_in_force import FleetFileOfTest
from tests.git_repositories import Repository
from tests.runbooks.source_stage import SourceStage


@pytest.fixture
def stage(db: None, tmp_path: Path, settings: Settings) -> SourceStage:
    """Runbook sources in force, with a state folder of the test's own."""
    settings.PORTAL_STATE = tmp_path / "state"
    return SourceStage(FleetFileOfTest(tmp_path, settings))


@pytest.fixture
def upstream(tmp_path: Path) -> Repository:
    """A Git repository without a commit."""
    return Repository(tmp_path / "repositories" / "sop")
