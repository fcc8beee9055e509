"""The marked tests, run once more on PostgreSQL in a process of their own that gives way to the others."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from tests.servers import postgresql_server

ROOT = Path(__file__).resolve().parents[2]
SLOW_AND_SAID_ELSEWHERE = "not ten_thousand"
QUIET = ["-q", "-p", "no:cacheprovider", "--no-header", "-m", "database", "-k", SLOW_AND_SAID_ELSEWHERE]
NICENESS = 5
ENDING_SECONDS = 20.0


class MarkedRun:
    """The run, on a server of its own; `wait` tells its exit status and what it printed."""

    def __init__(self) -> None:
        self._holding = ExitStack()
        try:
            server = self._holding.enter_context(postgresql_server())
            self._printed = self._holding.enter_context(tempfile.TemporaryFile("w+"))  # noqa: SIM115  # the stack closes it
            self._process = subprocess.Popen(
                [sys.executable, "-m", "pytest", *QUIET],
                env={**os.environ, "PORTAL_DATABASE_URL": server.url}, cwd=ROOT,
                stdin=subprocess.DEVNULL, stdout=self._printed, stderr=subprocess.STDOUT,
                preexec_fn=lambda: os.nice(NICENESS),  # noqa: PLW1509  # no lock is taken in it
            )  # fmt: skip
        except BaseException:
            self._holding.close()
            raise

    def wait(self, seconds: float) -> tuple[int, str]:
        """Its exit status and all that it printed. subprocess.TimeoutExpired if it takes longer."""
        status = self._process.wait(seconds)
        self._printed.seek(0)
        return status, self._printed.read()

    def end(self) -> None:
        """Ends it, if it runs, with whatever it started, and its server."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(ENDING_SECONDS)
        self._process.kill()
        self._process.wait()
        self._holding.close()
