"""`manage.py demo_fleet` as a process: it says when it is there, and ends when it is told to."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import requests
import yaml
from django.core.management import CommandError, call_command

ROOT = Path(__file__).parent.parent.parent


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_serves_until_it_is_told_to_end(tmp_path: Path, number: signal.Signals) -> None:
    fleet_file = tmp_path / "fleet.yaml"
    command = [sys.executable, "manage.py", "demo_fleet", "--still", "--clusters", "6", "--applications", "30"]
    process = subprocess.Popen(
        [*command, "--alerts", "5", "--state", str(tmp_path / "state"), "--fleet-file", str(fleet_file)],
        cwd=ROOT,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "stonesoup_portal.settings.test"},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    with process.stdout:
        line = process.stdout.readline()
        assert "14 servers listen" in line
        document = yaml.safe_load(fleet_file.read_text())
        assert requests.get(document["argocd"][0]["url"] + "/api/version", timeout=5).status_code == 200
        process.send_signal(number)
        assert process.wait(10) == 0
        assert process.stdout.read() == ""


def test_counts_that_make_no_fleet_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="at least 6 clusters"):
        call_command("demo_fleet", clusters=2, state=tmp_path)


def test_a_speed_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="speed"):
        call_command("demo_fleet", speed=0.0, state=tmp_path)
