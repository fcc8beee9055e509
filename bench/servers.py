"""The processes that a benchmark starts: the simulated fleet alone, or the whole portal on it."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import requests

ROOT = Path(__file__).resolve().parents[1]
MANAGE = [sys.executable, str(ROOT / "manage.py")]


@dataclass(frozen=True)
class Size:
    """How large a fleet is."""

    clusters: int = 0
    applications: int = 0
    alerts: int = 0

    def options(self) -> list[str]:
        """As options of demo_fleet and of the supervisor; nothing for the default fleet."""
        counts = {"clusters": self.clusters, "applications": self.applications, "alerts": self.alerts}
        return [f"--{name}={count}" for name, count in counts.items() if count]


LARGE = Size(clusters=100, applications=5000, alerts=2000)
HUGE = Size(clusters=100, applications=5000, alerts=10_000)
DEFAULT = Size()


@dataclass(frozen=True)
class Fleet:
    """A running simulated fleet: its fleet file, and its control endpoint."""

    file: Path
    control: str

    def ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """What the control endpoint answers."""
        answer = requests.request(method, self.control + path, json=body or {}, timeout=60)
        answer.raise_for_status()
        return answer.json()

    def requests_received(self) -> int:
        """By all of its servers together, since it started."""
        return sum(server["requests"] for server in self.ask("GET", "/servers"))


@contextlib.contextmanager
def fleet_running(state: Path, size: Size, *, still: bool) -> Iterator[Fleet]:
    """The simulated fleet alone."""
    file = state / "fleet.yaml"
    life = ["--still"] if still else []
    command = [*MANAGE, "demo_fleet", "--seed=1", f"--fleet-file={file}", f"--state={state}", *life, *size.options()]
    environment = {**os.environ, "PORTAL_STATE": str(state)}
    process, printed = started(command, environment, state)
    try:
        yield Fleet(file, control_in(first_line(process, printed, "control http")))
    finally:
        end(process)


@dataclass(frozen=True)
class Portal:
    """A running portal on a simulated fleet."""

    url: str
    fleet: Fleet
    state: Path
    process: subprocess.Popen[bytes]

    def children(self, *, with_demo: bool = False) -> list[psutil.Process]:
        """Its processes, the supervisor first; the simulated fleet and its provider are none of the portal's."""
        own = psutil.Process(self.process.pid)
        family = [own, *own.children(recursive=True)]
        return family if with_demo else [each for each in family if not is_of_demo(each.cmdline())]

    def collectors(self) -> list[psutil.Process]:
        """The processes that read upstreams."""
        return [each for each in self.children() if {"celery", "portal_follow"} & set(each.cmdline())]


def is_of_demo(command: list[str]) -> bool:
    """Whether a process is what the demo runs beside the portal."""
    return "demo_fleet" in command or any(word.endswith("demo_provider/provider.mjs") for word in command)


@contextlib.contextmanager
def portal_running(
    state: Path, size: Size, *, port: int, database_url: str = "", still: bool = False
) -> Iterator[Portal]:
    """The whole portal, on SQLite or on the PostgreSQL given; on a fleet that lives, or stands still."""
    command = [sys.executable, "-m", "stonesoup_portal.supervisor", "--demo", f"--port={port}", f"--state={state}"]
    environment = {**os.environ, "PORTAL_DATABASE_URL": database_url}
    life = ["--still"] if still else []
    process, printed = started([*command, *life, *size.options()], environment, state)
    try:
        fleet = Fleet(state / "demo" / "fleet.yaml", control_in(first_line(process, printed, "control http")))
        url = re.findall(r"http://\S+", first_line(process, printed, "portal is at"))[0]
        yield Portal(url, fleet, state, process)
    finally:
        end(process)


@contextlib.contextmanager
def paused(portal: Portal) -> Iterator[None]:
    """The collectors stand still meanwhile, none of them in the middle of writing, for which all others would wait."""
    processes = portal.collectors()
    suspend(processes)
    while is_locked(portal.state / "portal.sqlite3"):
        resume(processes)
        time.sleep(0.1)
        suspend(processes)
    try:
        yield
    finally:
        resume(processes)


def suspend(processes: list[psutil.Process]) -> None:
    """Stops each where it is."""
    for process in processes:
        process.suspend()


def resume(processes: list[psutil.Process]) -> None:
    """Lets each go on."""
    for process in processes:
        process.resume()


def is_locked(database: Path) -> bool:
    """Whether somebody writes to this SQLite database; not where there is none (PostgreSQL)."""
    if not database.exists():
        return False
    try:
        with contextlib.closing(sqlite3.connect(database, timeout=0.2, isolation_level=None)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("ROLLBACK")
    except sqlite3.OperationalError:
        return True
    return False


def started(command: list[str], environment: dict[str, str], state: Path) -> tuple[subprocess.Popen[bytes], Path]:
    """A process and the file that takes what it prints."""
    state.mkdir(parents=True, exist_ok=True)
    printed = state / "printed"
    with printed.open("wb") as file:
        return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=file, stderr=file), printed


def first_line(process: subprocess.Popen[bytes], printed: Path, text: str) -> str:
    """The first line with that text of what a process prints; raises when the process ends before."""
    while True:
        has_ended = process.poll() is not None
        for line in printed.read_text().splitlines():
            if text in line:
                return line
        if has_ended:
            raise RuntimeError(f"{process.args!r} ended without saying {text!r}:\n{printed.read_text()}")
        time.sleep(0.05)


def control_in(line: str) -> str:
    """The control endpoint's address in the line that demo_fleet prints."""
    return re.findall(r"http://127\.0\.0\.1:\d+", line)[-1]


def end(process: subprocess.Popen[bytes]) -> None:
    """Ends it and waits."""
    process.send_signal(signal.SIGTERM)
    process.wait(60)


def pss_megabytes(processes: list[psutil.Process]) -> float:
    """Proportional set size of the processes together."""
    return sum(process.memory_full_info().pss for process in processes) / 1e6
