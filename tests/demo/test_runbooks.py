"""The simulated fleet's runbooks: of nearly every rule, in a repository that says who changed what."""

from __future__ import annotations

import struct
import subprocess
import zlib
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from apps.demo.catalogue import RULES
from apps.demo.fleet import FleetOptions, start
from apps.demo.runbooks import PICTURE, picture, runbooks_write
from apps.demo.world.building import Counts
from apps.integrations.git import GitCopy, GitRemote
from apps.runbooks.rendering.places import PREFIX, anchor_of
from apps.sources.fleetfile import fleet_file_load
from tests.servers import program

BEGAN_AT = datetime(2026, 5, 1, 12, tzinfo=UTC)


def headings(page: Path) -> set[str]:
    """The anchors of a page's headings."""
    lines = page.read_text().splitlines()
    return {anchor_of(line.lstrip("#")).removeprefix(PREFIX) for line in lines if line.startswith("#")}


def test_every_link_of_a_rule_leads_to_a_page_and_a_heading_but_one_and_some_rules_have_none(tmp_path: Path) -> None:
    runbooks_write(tmp_path / "sop", BEGAN_AT)
    dead = []
    for rule in RULES.values():
        path, _, fragment = (rule.runbook or "").partition("#")
        page = tmp_path / "sop" / path
        if path and not page.is_file():
            dead.append(rule.name)
        elif fragment:
            assert fragment in headings(page), (rule.name, fragment)
    assert dead == ["ProbeAlert"]
    assert [rule.name for rule in RULES.values() if rule.runbook == ""] == ["ClusterUpgradeOngoing"]
    assert sum(rule.runbook is None for rule in RULES.values()) >= 3


def test_the_pages_are_commits_of_several_weeks_and_made_anew_at_each_start(tmp_path: Path) -> None:
    program("git", "git")
    for _ in range(2):
        runbooks_write(tmp_path / "sop", BEGAN_AT)
    remote = GitRemote(source="runbooks/sop", url=f"file://{tmp_path / 'sop'}", branch="main")
    copy = GitCopy.refreshed(remote, tmp_path / "copy", seconds=20)
    changes = copy.changes(["o11y/pods.md", "README.md", "sre/argocd-repo-server.md"])
    assert {path: (change.at.date().isoformat(), change.by) for path, change in changes.items()} == {
        "o11y/pods.md": ("2026-04-19", "Robin Runbook"),
        "README.md": ("2026-04-29", "Sasha Site"),
        "sre/argocd-repo-server.md": ("2026-01-31", "Robin Runbook"),
    }
    assert PICTURE in {entry.path for entry in copy.entries()}


def test_relative_links_and_images_of_the_pages_lead_somewhere(tmp_path: Path) -> None:
    runbooks_write(tmp_path / "sop", BEGAN_AT)
    for page in (tmp_path / "sop").rglob("*.md"):
        for part in page.read_text().split("](")[1:]:
            assert (page.parent / part.partition(")")[0]).is_file(), (page, part[:60])


def test_the_picture_is_a_png_of_its_size() -> None:
    content = picture()
    assert content.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", content[16:24])
    length = struct.unpack(">I", content[33:37])[0]
    assert len(zlib.decompress(content[41 : 41 + length])) == height * (width * 3 + 1)


def test_without_git_the_pages_are_read_from_a_folder_and_that_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    told = runbooks_write(tmp_path / "sop", BEGAN_AT)
    assert "git is not installed" in told.remark
    assert told.fleet_file_parts["runbooks"][0]["folder"] == str(tmp_path / "sop")
    assert (tmp_path / "sop" / "README.md").is_file()


def test_the_fleet_file_names_them(tmp_path: Path) -> None:
    with start(FleetOptions(state=tmp_path, counts=Counts(6, 10, 2), is_still=True)) as fleet:
        source = fleet_file_load(path=fleet.fleet_file).runbooks[0]
        assert source.address == f"file://{tmp_path / 'sop'}"
        assert yaml.safe_load(fleet.fleet_file.read_text())["runbook_values"] == {"cluster": "source_cluster"}
        tip = subprocess.check_output(["git", "-C", str(tmp_path / "sop"), "rev-parse", "main"], text=True)
        assert len(tip.strip()) == 40
