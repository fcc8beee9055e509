"""Processes that one process starts, keeps alive and ends."""

from __future__ import annotations

import contextlib
import ctypes
import logging
import os
import signal
import subprocess
import time
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from threading import Event

log = logging.getLogger("portal")

GRACE_SECONDS = 15.0
RESTART_SECONDS = 2.0
AUTOGROUP_TRIES, AUTOGROUP_SECONDS = 10, 0.05
BARE = frozenset({"HOME", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "PATH", "TMPDIR", "TZ"})
LIBC = ctypes.CDLL(None)
PR_SET_PDEATHSIG = 1


class CannotStart(Exception):
    """The portal cannot be started; the message says why and what would mend it."""


def end_with_the_supervisor() -> None:
    """Run in a child before its program: has it told to end when the supervisor is gone, however that went (Linux)."""
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def begin_behind(niceness: int) -> None:
    """Run in a child before its program: as `end_with_the_supervisor`, and where processors are short it gives way.

    Linux weighs sessions against each other by what their `autogroup` says, not by the niceness of what runs in them.
    """
    end_with_the_supervisor()
    if not niceness:
        return
    os.nice(niceness)
    for _ in range(AUTOGROUP_TRIES):
        try:
            Path("/proc/self/autogroup").write_text(str(niceness), encoding="ascii")
        except BlockingIOError:
            time.sleep(AUTOGROUP_SECONDS)  # the kernel takes one such word of ordinary users in a tenth of a second
        except OSError:
            return
        else:
            return


@dataclass
class Child:
    """A process that the supervisor keeps alive; with a niceness it gives way to those without.

    One that outlives the others is ended by whoever started it, once they have ended.
    """

    name: str
    command: list[str]
    environment: dict[str, str]
    niceness: int = 0
    outlives_others: bool = False
    process: subprocess.Popen[bytes] | None = None
    started_at: float = field(default=0.0)

    def start(self) -> None:
        """Starts it in a session of its own, so that Ctrl-C reaches the supervisor alone."""
        self.started_at = time.monotonic()
        self.process = subprocess.Popen(
            self.command,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=partial(begin_behind, self.niceness),  # noqa: PLW1509  # no lock is taken in it
        )

    def has_died(self) -> bool:
        """Whether it has ended by itself."""
        return self.process is not None and self.process.poll() is not None

    def ended_with(self) -> str:
        """Its exit status, or the signal that ended it, in words."""
        status = self.process.poll() if self.process else None
        return f"signal {-status}" if status is not None and status < 0 else f"status {status}"

    def start_again(self) -> None:
        """Starts it anew, once what it had started itself (a worker's schedule) has ended with it."""
        self._kill_all()
        self.start()

    def ask_to_end(self) -> None:
        """SIGTERM, if it runs."""
        if self.process and self.process.poll() is None:
            self.process.terminate()

    def wait_or_kill(self, deadline: float) -> None:
        """Waits until `deadline` (monotonic); then ends it and whatever it started by force."""
        if self.process is None:
            return
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(max(0.0, deadline - time.monotonic()))
        self._kill_all()
        self.process.wait()

    def _kill_all(self) -> None:
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)


class Supervisor:
    """Keeps children alive until it is told to end."""

    def __init__(self) -> None:
        self.children: list[Child] = []
        self.ending = Event()

    def end_on_signals(self) -> None:
        """SIGTERM, SIGINT and SIGHUP ask for the end."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, lambda *_: self.ending.set())

    def add(self, name: str, command: list[str], environment: dict[str, str], niceness: int = 0) -> Child:
        """Starts a child and keeps it."""
        child = Child(name, command, environment, niceness)
        child.start()
        self.children.append(child)
        return child

    def watch(self) -> None:
        """Returns when the end is asked for; restarts what dies, not more often than every two seconds."""
        while not self.ending.wait(0.5):
            for child in self.children:
                if child.has_died() and time.monotonic() - child.started_at > RESTART_SECONDS:
                    log.warning("%s ended by itself (%s): starting it again", child.name, child.ended_with())
                    child.start_again()

    def end(self) -> None:
        """Asks all to end, waits, and ends by force what does not; what outlives the others is left."""
        ending = [child for child in reversed(self.children) if not child.outlives_others]
        for child in ending:
            child.ask_to_end()
        deadline = time.monotonic() + GRACE_SECONDS
        for child in ending:
            child.wait_or_kill(deadline)


def bare_environment() -> dict[str, str]:
    """What a child is told that needs no secret of the portal: where programs and temporary files are."""
    return {name: value for name, value in os.environ.items() if name in BARE}
