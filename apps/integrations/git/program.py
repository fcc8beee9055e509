"""Running the program git: no shell, no terminal, nothing of our environment, bounded memory, an end in any case."""

from __future__ import annotations

import contextlib
import os
import selectors
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

PIECE = 64 * 1024
LOOK_EVERY = 0.25
MOST_COMPLAINTS = 16 * 1024
MOST_MEMORY = 1024 * 1024 * 1024
"""Bytes that git, and each program that it starts, may address: a copy of 250 MB of files takes 152 MB of them, and 556
MB where git serves one file of that size to itself."""
# The limit has to be there before git is: a function run between fork and exec may hang in a process with threads.
LIMITED = """\
import os, resource, sys
most, program, *arguments = sys.argv[1:]
resource.setrlimit(resource.RLIMIT_AS, (int(most), int(most)))
os.execv(program, ["git", *arguments])
"""


class GitMissing(Exception):
    """The program git is not installed."""


class TimeUp(Exception):
    """It was ended, since it took too long."""


class TooMuch(Exception):
    """It was ended, since it told or fetched more than is taken."""


class Failed(Exception):
    """It ended by itself and badly, with `complaints` on its standard error."""

    def __init__(self, complaints: str) -> None:
        super().__init__(complaints)
        self.complaints = complaints


@dataclass(frozen=True)
class Told:
    """What it wrote."""

    output: bytes
    complaints: str


def git_run(
    arguments: Sequence[str],
    *,
    environment: Mapping[str, str],
    ends_at: float,
    most: int,
    given: bytes = b"",
    is_too_much: Callable[[], bool] = lambda: False,
) -> Told:
    """What git tells, of at most `most` bytes, `ends_at` by the monotonic clock at the latest.

    `is_too_much` is asked several times a second, and ends it by True. Raises the exceptions above.
    """
    told_environment = {**plain_environment(), **environment}
    program = shutil.which("git", path=told_environment["PATH"])
    if program is None:
        raise GitMissing
    with tempfile.TemporaryFile() as standard_input:
        standard_input.write(given)
        standard_input.seek(0)
        process = subprocess.Popen(  # a list of words, no shell
            [sys.executable, "-I", "-S", "-c", LIMITED, str(MOST_MEMORY), program, *arguments],
            stdin=standard_input,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd="/",
            env=told_environment,
            start_new_session=True,
        )
    with _ended(process):
        told = _heard(process, ends_at, most, is_too_much)
        if process.wait(timeout=max(0.1, ends_at - time.monotonic())):
            raise Failed(told.complaints)
    return told


def plain_environment() -> dict[str, str]:
    """All of our environment that git is told, and what keeps it from asking, and from looking for settings."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "LC_ALL": "C",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "",
        "GIT_LITERAL_PATHSPECS": "1",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_ALLOW_PROTOCOL": "none",
    }


@contextlib.contextmanager
def _ended(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """That nothing of it outlives the block: it and all that it started are one group."""
    try:
        yield
    except subprocess.TimeoutExpired as error:
        raise TimeUp from error
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        for pipe in (process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()


def _heard(process: subprocess.Popen[bytes], ends_at: float, most: int, is_too_much: Callable[[], bool]) -> Told:
    """All that it writes until it closes both of its outputs."""
    output, complaints, look_at = bytearray(), bytearray(), 0.0
    with selectors.DefaultSelector() as selector:
        selector.register(_pipe(process.stdout), selectors.EVENT_READ, output)
        selector.register(_pipe(process.stderr), selectors.EVENT_READ, complaints)
        while selector.get_map():
            now = time.monotonic()
            if now >= ends_at:
                raise TimeUp
            if now >= look_at:
                look_at = now + LOOK_EVERY
                if is_too_much():
                    raise TooMuch
            for key, _ in selector.select(min(LOOK_EVERY, ends_at - now)):
                piece = os.read(key.fd, PIECE)
                if not piece:
                    selector.unregister(key.fileobj)
                key.data.extend(piece)
            del complaints[:-MOST_COMPLAINTS]
            if len(output) > most:
                raise TooMuch
    return Told(bytes(output), complaints.decode("utf-8", "replace"))


def _pipe(pipe: object) -> int:
    return pipe.fileno()  # type: ignore[attr-defined,no-any-return]
