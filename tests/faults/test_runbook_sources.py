"""Runbooks on the simulated fleet: its alerts find theirs, and no source of them holds up anything else."""

from __future__ import annotations

import shutil
from pathlib import Path

from apps.alerts.models import Episode, Rule
from apps.runbooks.finding import Finding, runbooks_found
from apps.runbooks.models import Runbook
from apps.sources.fleetfile.current import fleet_file_in_force
from tests.faults.stage import Stage


def test_rules_of_the_fleet_have_their_runbook_but_for_a_few(stage: Stage) -> None:
    stage.read()
    told = dict(Rule.objects.values_list("name", "annotations__runbook_url"))
    found = runbooks_found(fleet_file_in_force(), told.values())
    states = {name: found[url].state for name, url in told.items()}
    assert states["BuildServiceDown"] is Finding.FOUND
    assert states["ArgoCDSyncAlert"] is Finding.WITHOUT
    assert states["ClusterUpgradeOngoing"] is Finding.EMPTY
    assert states["ProbeAlert"] is Finding.DEAD
    assert set(states.values()) == {Finding.FOUND, Finding.WITHOUT, Finding.EMPTY, Finding.DEAD}
    firing = runbooks_found(
        fleet_file_in_force(), Episode.objects.exclude(runbook_url="").values_list("runbook_url", flat=True)
    )
    assert Finding.FOUND in {each.state for each in firing.values()}


def test_runbooks_that_are_gone_leave_all_else_as_it_is_and_their_copy_too(stage: Stage, tmp_path: Path) -> None:
    stage.read()
    count = Runbook.objects.count()
    assert count > 8
    shutil.rmtree(tmp_path / "demo" / "sop")
    stage.read()
    assert stage.source("runbooks/sop").error.startswith("there is no such repository")
    assert stage.source("prometheus/appsre").error == ""
    assert Runbook.objects.count() == count
    assert "there is no such repository" in stage.text("/sources/")
