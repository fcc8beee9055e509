"""Real servers that tests start: Debian's PostgreSQL, Prometheus and Alertmanager, on free loopback ports.

What is missing is said loudly, and with CI=true it is a failure.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from stonesoup_portal.demonstration import free_loopback_port as free_port

START_SECONDS = 30.0


def left_out(reason: str) -> None:
    """Leaves the test out, which the closing summary tells; fails it with CI=true."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"LEFT OUT, which CI does not allow: {reason}")
    pytest.skip(f"LEFT OUT: {reason}")


def program(name: str, package: str) -> str:
    """The path of a program, or the test is left out."""
    found = shutil.which(name)
    if not found:
        left_out(f"{name} is not installed (Debian: apt-get install {package})")
    return found or ""


def wait_until_it_answers(url: str, process: subprocess.Popen[bytes]) -> None:
    """Returns when the URL answers 200; fails when the process ended or took too long."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        with contextlib.suppress(urllib.error.URLError, OSError), urllib.request.urlopen(url, timeout=2) as answer:
            if answer.status == 200:
                return
        assert process.poll() is None, f"{process.args!r} ended with {process.returncode}"
        time.sleep(0.05)
    pytest.fail(f"{url} did not answer within {START_SECONDS} s")


@contextlib.contextmanager
def running(command: list[str], folder: Path, ready_url: str) -> Iterator[None]:
    """A server process, from its first answer until it is ended by its own id."""
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        try:
            wait_until_it_answers(ready_url, process)
            yield
        finally:
            process.terminate()
            process.wait(20)


@contextlib.contextmanager
def alertmanager(folder: Path, config: str) -> Iterator[str]:
    """Debian's Alertmanager with this configuration; yields its URL."""
    command = program("prometheus-alertmanager", "prometheus-alertmanager")
    (folder / "alertmanager.yml").write_text(config)
    url = f"http://127.0.0.1:{free_port()}"
    listen = [f"--web.listen-address={url.removeprefix('http://')}", "--cluster.listen-address="]
    files = ["--config.file=alertmanager.yml", "--storage.path=data"]
    with running([command, *files, *listen], folder, f"{url}/-/ready"):
        yield url


@contextlib.contextmanager
def prometheus(folder: Path, config: str) -> Iterator[str]:
    """Debian's Prometheus with this configuration; yields its URL."""
    command = program("prometheus", "prometheus")
    (folder / "prometheus.yml").write_text(config)
    url = f"http://127.0.0.1:{free_port()}"
    listen = [f"--web.listen-address={url.removeprefix('http://')}", "--rules.alert.resend-delay=1s"]
    files = ["--config.file=prometheus.yml", "--storage.tsdb.path=data"]
    with running([command, *files, *listen], folder, f"{url}/-/ready"):
        yield url


def postgresql_programs() -> Path:
    """The folder of Debian's PostgreSQL programs, or the test is left out."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        left_out("PostgreSQL is not installed (Debian: apt-get install postgresql)")
    return found[-1].parent


def owner_of_postgresql() -> str | None:
    """PostgreSQL refuses to run as root: then it runs as Debian's postgres account."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam("postgres").pw_name
    except KeyError:
        left_out("PostgreSQL refuses to run as root, and there is no postgres account")
        return None


class PostgreSQL:
    """A throw-away server with one database, `portal`, whose data outlives its stops."""

    def __init__(self, folder: Path) -> None:
        self._programs, self._owner, self._folder = postgresql_programs(), owner_of_postgresql(), folder
        self._server: subprocess.Popen[bytes] | None = None
        self.port = free_port()
        if self._owner:
            shutil.chown(folder, self._owner)
        how = ["-U", "portal", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8"]
        self._run("initdb", "-D", str(folder / "data"), *how)

    @property
    def url(self) -> str:
        """For PORTAL_DATABASE_URL."""
        return f"postgresql://portal@127.0.0.1:{self.port}/portal"

    def start(self) -> None:
        """Returns when it takes connections."""
        settings = ["-c", "listen_addresses=127.0.0.1", "-c", f"port={self.port}", "-c", "fsync=off"]
        self._server = subprocess.Popen(
            [str(self._programs / "postgres"), "-D", str(self._folder / "data"), "-k", str(self._folder), *settings],
            user=self._owner, cwd=self._folder,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        self._wait_until_it_answers(self._server)

    def stop(self) -> None:
        """Cuts all connections and ends."""
        if self._server is not None:
            self._server.send_signal(signal.SIGINT)
            self._server.wait(20)
            self._server = None

    def make_database(self) -> None:
        """Makes the database."""
        self._run("createdb", "-h", "127.0.0.1", "-p", str(self.port), "-U", "portal", "portal")

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self._programs / program), *arguments]
        subprocess.run(command, check=True, capture_output=True, user=self._owner, cwd=self._folder)

    def _wait_until_it_answers(self, server: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + START_SECONDS
        ready = [str(self._programs / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        while subprocess.run(ready, check=False).returncode:
            assert server.poll() is None, "PostgreSQL ended while starting"
            assert time.monotonic() < deadline, "PostgreSQL did not start in time"
            time.sleep(0.1)


@contextlib.contextmanager
def postgresql_server() -> Iterator[PostgreSQL]:
    """A throw-away PostgreSQL server that runs, and can be stopped and started."""
    with tempfile.TemporaryDirectory(prefix="portal-postgresql-") as name:
        server = PostgreSQL(Path(name))
        try:
            server.start()
            server.make_database()
            yield server
        finally:
            server.stop()


@contextlib.contextmanager
def postgresql() -> Iterator[str]:
    """A throw-away PostgreSQL server; yields the URL of its database `portal`."""
    with postgresql_server() as server:
        yield server.url
