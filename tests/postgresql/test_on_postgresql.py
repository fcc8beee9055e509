"""What must hold on both databases, on a real PostgreSQL server; and that server stopped and started again (F33)."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from apps.demo.fleet import FleetOptions, start
from apps.demo.world.world import World
from tests.faults.processes import static_files_of
from tests.servers import PostgreSQL, postgresql_server

ROOT = Path(__file__).resolve().parents[2]
MARK = "pytest.mark.database"
FEWEST_TESTS = 1500
LONGEST = 1800
TAIL = 6_000
READABLE_AGAIN = 15.0
KEY = "alertmanager/appsre/0"
SLOW_AND_SAID_ELSEWHERE = "not ten_thousand"


@pytest.fixture(scope="module")
def server() -> Iterator[PostgreSQL]:
    with postgresql_server() as running:
        yield running


def test_what_is_marked_database_holds_on_postgresql(server: PostgreSQL) -> None:
    quiet = ["-q", "-p", "no:cacheprovider", "--no-header", "-m", "database"]
    marked = [str(path) for path in sorted((ROOT / "tests").rglob("test_*.py")) if MARK in path.read_text()]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *quiet, "-k", SLOW_AND_SAID_ELSEWHERE, *marked],
        env={**os.environ, "PORTAL_DATABASE_URL": server.url}, cwd=ROOT,
        capture_output=True, text=True, timeout=LONGEST, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-TAIL:] + done.stderr[-TAIL:]
    passed = re.search(r"(\d+) passed", done.stdout)
    assert passed
    assert int(passed[1]) >= FEWEST_TESTS


class PortalProcess:
    """A portal in a process of its own (portal.py) that is told what to do."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def told(self) -> dict[str, Any]:
        """The next thing that it says."""
        assert self._process.stdout
        while line := self._process.stdout.readline():
            if line.startswith("{"):
                said: dict[str, Any] = json.loads(line)
                return said
            sys.stdout.write(line)  # its log
        pytest.fail(f"the portal ended with {self._process.wait(10)}")

    def do(self, verb: str, subject: str = "") -> dict[str, Any]:
        """What comes of it."""
        assert self._process.stdin
        self._process.stdin.write(f"{verb} {subject}\n")
        self._process.stdin.flush()
        return self.told()


@contextmanager
def portal_on(server: PostgreSQL, fleet_file: Path, folder: Path) -> Iterator[PortalProcess]:
    env = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "stonesoup_portal.settings.embedded",
        "PORTAL_STATE": str(folder / "state"),
        "PORTAL_FLEET": str(fleet_file),
        "PORTAL_DATABASE_URL": server.url,
    }
    static_files_of(env)
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.postgresql.portal"], env=env, cwd=ROOT,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True,
        )  # fmt: skip
        try:
            yield PortalProcess(process)
        finally:
            process.kill()
            process.communicate()


def until(is_so: Callable[[], bool], seconds: float) -> float:
    """How long it took until it was so; fails when it took longer."""
    began = time.monotonic()
    while not is_so():
        assert time.monotonic() - began < seconds, "it did not come to that"
        time.sleep(0.2)
    return time.monotonic() - began


def test_f33_pages_and_collectors_stand_a_server_that_stops_and_heal_when_it_is_back(
    server: PostgreSQL, tmp_path: Path
) -> None:
    options = FleetOptions(state=tmp_path / "demo", is_still=True)
    with start(options) as demo, portal_on(server, demo.fleet_file, tmp_path) as portal:
        assert portal.told() == {"ready": True}
        name = next(iter(demo.world.argocds["production"].applications.values())).name
        until(lambda: portal.do("health", name)["health"] is not None, READABLE_AGAIN)
        portal.do("read", KEY)
        known = portal.do("episodes")["count"]
        assert portal.do("page", "/")["status"] == 200

        server.stop()
        answer = portal.do("page", "/")
        assert (answer["status"], answer["retry_after"]) == (503, "5")
        assert "cannot reach its database" in answer["body"]
        assert "Traceback" not in answer["body"]
        assert answer["seconds"] < 10, "it waits for what is not there"
        assert portal.do("page", "/readyz")["status"] == 503
        portal.do("read", KEY)
        demo.call(partial(happen_meanwhile, demo.world, name))

        server.start()
        until(lambda: portal.do("page", "/")["status"] == 200, READABLE_AGAIN)
        portal.do("read", KEY)
        assert portal.do("episodes")["count"] == known + 1, "one round after, all is as it should be"
        until(lambda: portal.do("health", name)["health"] == "Degraded", READABLE_AGAIN)
        until(lambda: portal.do("page", "/readyz")["status"] == 200, READABLE_AGAIN)


def happen_meanwhile(world: World, name: str) -> None:
    """An alert rises, and an Application is Degraded."""
    world.alert_fire("ArgoCDSyncAlert", labels={"name": "while the database was away"})
    world.application_change(world.application("production", name), health="Degraded")
