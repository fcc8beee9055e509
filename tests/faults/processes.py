"""Real processes of the portal on the database of the test."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from django.db import connection

from stonesoup_portal.broker import broker
from stonesoup_portal.supervisor import worker_command
from tests.faults.stage import Stage, is_sqlite

ROOT = Path(__file__).resolve().parents[2]
THREADS = 6


def environment(state: Path, fleet_file: Path, **more: str) -> dict[str, str]:
    """For a process with the embedded settings, on the database of this test."""
    state.mkdir(parents=True, exist_ok=True)
    own = {
        "DJANGO_SETTINGS_MODULE": "stonesoup_portal.settings.embedded",
        "PORTAL_STATE": str(state),
        "PORTAL_FLEET": str(fleet_file),
        "PYTHONPATH": str(ROOT),
        **database_of_test(state),
    }
    return {**os.environ, **own, **more}


def static_files_of(env: dict[str, str]) -> None:
    """What pages link to, collected as the supervisor does: for a process that makes pages."""
    from stonesoup_portal.supervisor import COLLECT_STATIC, MANAGE

    subprocess.run([*MANAGE, *COLLECT_STATIC], env=env, check=True, stdin=subprocess.DEVNULL)


@contextmanager
def worker(stage: Stage, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A worker with the schedule inside and a broker of its own, as `make run` starts them."""
    folder.mkdir()
    with broker(folder) as url, (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            worker_command(folder, THREADS), env=environment(folder, stage.file.path, PORTAL_BROKER_URL=url),
            stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=ROOT, start_new_session=True,
        )  # fmt: skip
        try:
            yield process
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # the schedule is a child of the worker
            process.wait(10)


def database_of_test(state: Path) -> dict[str, str]:
    """SQLite follows a link; PostgreSQL's is named by a URL."""
    settings = connection.settings_dict
    if is_sqlite():
        link = state / "portal.sqlite3"
        if not link.is_symlink():
            link.symlink_to(settings["NAME"])
        return {}
    return {"PORTAL_DATABASE_URL": "postgresql://{USER}@{HOST}:{PORT}/{NAME}".format(**settings)}


def python(code: str, *arguments: str, env: dict[str, str], before: tuple[str, ...] = ()) -> str:
    """What a Python program printed that ran to its end; `before` is what it is started by."""
    done = subprocess.run(
        [*before, sys.executable, "-c", code, *arguments],
        env=env, capture_output=True, text=True, timeout=60, check=False, cwd=ROOT, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def until(is_so: Callable[[], bool], seconds: float = 60.0) -> None:
    """Waits until it is so; fails when it does not become so in time."""
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.05)
