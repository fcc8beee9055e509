"""What `make` hands on: paths as they were given, and no other project's settings."""

from __future__ import annotations

import os
import shlex
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (["run", "FLEET=my fleet/a.yaml", "STATE=my state"], ["my fleet/a.yaml", "my state"]),
        (["demo", "STATE=my state"], ["my state"]),
        (["account", "NAME=kim", "STATE=my state"], ["PORTAL_STATE=my state"]),
        (["portal-check", "FLEET=my fleet/a.yaml"], ["my fleet/a.yaml"]),
        (["run", "FLEET=a.yaml"], ["a.yaml", "state/run"]),
    ],
)
def test_a_path_with_spaces_is_one_word(command: list[str], words: list[str]) -> None:
    shown = subprocess.run(
        ["make", "--dry-run", *command], cwd=ROOT, capture_output=True, text=True, timeout=30, check=True
    )
    told = [word.lstrip("@") for word in shlex.split(shown.stdout.replace("\\\n", " "), comments=False)]
    assert set(words) <= set(told)


def test_settings_of_another_project_are_not_handed_on(tmp_path: Path) -> None:
    makefile = tmp_path / "Makefile"
    makefile.write_text(f"include {ROOT}/Makefile\ntold:\n\t@env\n")
    odd = {"DJANGO_SETTINGS_MODULE": "other.settings", "PROMETHEUS_MULTIPROC_DIR": "/nowhere", "PORT": "1"}
    shown = subprocess.run(
        ["make", "-f", str(makefile), "told"],
        cwd=tmp_path, env={**os.environ, **odd}, capture_output=True, text=True, timeout=30, check=True,
    )  # fmt: skip
    assert "PORT=1" in shown.stdout
    assert "other.settings" not in shown.stdout
    assert "/nowhere" not in shown.stdout
