"""The fleet file in force: taken in when it changes, kept out when it is wrong."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import override_settings

from apps.sources.fleetfile import (
    FleetFileInvalid,
    current,
    fleet_file_in_force,
    fleet_file_look_again,
    fleet_file_status,
)
from apps.sources.fleetfile.current import FleetFileKeeper

GOOD = "argocd: [{{name: {name}, url: 'https://a'}}]\n"


@pytest.fixture
def file(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "fleet.yaml"
    path.write_text(GOOD.format(name="first"))
    with override_settings(PORTAL_FLEET=str(path)):
        yield path


def name_in_force() -> str:
    return fleet_file_in_force().argocd[0].name


def test_a_changed_file_is_taken_in(file: Path) -> None:
    assert name_in_force() == "first"
    before = fleet_file_status()
    file.write_text(GOOD.format(name="second"))
    fleet_file_look_again()
    assert name_in_force() == "second"
    assert fleet_file_status().digest != before.digest


def test_a_wrong_file_is_kept_out_and_its_mistakes_are_told(file: Path) -> None:
    assert name_in_force() == "first"
    digest = fleet_file_status().digest
    file.write_text(GOOD.format(name="second") + "argo: []\n")
    fleet_file_look_again()
    assert name_in_force() == "first"
    status = fleet_file_status()
    assert status.digest == digest
    assert [str(problem) for problem in status.problems] == ["argo: unknown key 'argo' (did you mean 'argocd'?)"]
    assert status.refused_at is not None


def test_its_mistakes_are_gone_when_it_is_mended_or_put_back(file: Path) -> None:
    name_in_force()
    for text in (GOOD.format(name="first"), GOOD.format(name="third")):
        file.write_text("argocd: 3")
        fleet_file_look_again()
        assert fleet_file_status().problems
        file.write_text(text)
        fleet_file_look_again()
        assert fleet_file_status().problems == ()
        assert fleet_file_status().refused_at is None
    assert name_in_force() == "third"


def test_a_file_that_vanished_stays_in_force_and_is_told(file: Path) -> None:
    assert name_in_force() == "first"
    file.unlink()
    fleet_file_look_again()
    assert name_in_force() == "first"
    assert [problem.message for problem in fleet_file_status().problems] == [
        "cannot be read: No such file or directory"
    ]


def test_nothing_starts_with_a_wrong_file(file: Path) -> None:
    file.write_text("argocd: 3")
    with pytest.raises(FleetFileInvalid, match=r"fleet\.yaml:1: argocd: must be a list"):
        fleet_file_in_force()
    assert fleet_file_status().digest == ""
    file.write_text(GOOD.format(name="mended"))
    fleet_file_look_again()
    assert name_in_force() == "mended"


def test_a_secret_that_appears_mends_a_file_that_did_not_change(file: Path) -> None:
    file.write_text("argocd: [{name: a, url: 'https://a', token: 'file:token'}]")
    with pytest.raises(FleetFileInvalid, match="does not exist"):
        fleet_file_in_force()
    (file.parent / "token").write_text("t")
    fleet_file_look_again()
    assert name_in_force() == "a"


@pytest.mark.usefixtures("file")
def test_it_is_looked_at_again_only_when_it_is_time(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(current.time, "monotonic", lambda: now[0])
    looks = []
    monkeypatch.setattr(FleetFileKeeper, "_look", lambda _: looks.append(now[0]))
    keeper = FleetFileKeeper(Path("fleet.yaml"))
    for moment in (100.0, 100.5, 101.9, 102.0, 103.9, 104.0):
        now[0] = moment
        with pytest.raises(FleetFileInvalid):
            keeper.fleet()
    assert looks == [100.0, 102.0, 104.0]


def test_without_a_file_it_says_how_to_name_one() -> None:
    with override_settings(PORTAL_FLEET=""), pytest.raises(FleetFileInvalid, match="names no fleet file"):
        fleet_file_in_force()


def test_many_threads_see_one_file(file: Path) -> None:
    found: list[object] = []
    threads = [threading.Thread(target=lambda: found.append(fleet_file_in_force())) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({id(fleet) for fleet in found}) == 1
    assert len(found) == 20
