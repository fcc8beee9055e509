"""The portal behind uvicorn, on the database of the test, with streams; and clients of them."""

from __future__ import annotations

import contextlib
import json
import select
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.conf import settings
from django.test import Client

from apps.accounts.models import Role
from stonesoup_portal.supervisor import web_command
from tests.conftest import BACKEND, person_with
from tests.faults.processes import ROOT, environment, static_files_of
from tests.servers import free_port, wait_until_it_answers

LINES: list[socket.socket] = []


def lines_closed() -> None:
    """Closes every connection that `opened` made."""
    while LINES:
        LINES.pop().close()


@dataclass
class Web:
    """A web process."""

    port: int
    process: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.port}"

    def files(self) -> list[str]:
        """What it has open."""
        folder = Path(f"/proc/{self.process.pid}/fd")
        with contextlib.suppress(FileNotFoundError):
            return [str(each.readlink()) for each in folder.iterdir()]
        return []


@contextlib.contextmanager
def web_process(state: Path, *, is_seen: bool = False, port: int = 0, **more: str) -> Iterator[Web]:
    """The portal's web process, as the supervisor starts it; ended by its own id. Only one that is seen has pages."""
    state.mkdir(parents=True, exist_ok=True)
    (state / "secret-key").write_text(settings.SECRET_KEY)
    told = environment(state, state / "none.yaml", **{"PORTAL_BROKER_URL": "memory://", **more})
    if is_seen:
        static_files_of(told)
    port = port or free_port()
    with (state / "web.log").open("wb") as log:
        process = subprocess.Popen(
            web_command(port), env=told, cwd=ROOT, stdout=log, stderr=log, stdin=subprocess.DEVNULL
        )
        try:
            wait_until_it_answers(f"http://127.0.0.1:{port}/healthz", process)
            yield Web(port, process)
        finally:
            process.kill()
            process.wait(20)


def session_cookie(name: str = "a-listener", role: Role | None = Role.VIEWER) -> str:
    """The Cookie header of somebody who has just signed in."""
    client = Client()
    client.force_login(person_with(name, role), backend=BACKEND)
    return f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}"


def opened(port: int, cookie: str, topics: str = "apps", *headers: str) -> socket.socket:
    """A connection on which a stream was asked for, and nothing is read."""
    line = socket.create_connection(("127.0.0.1", port), timeout=20)
    LINES.append(line)
    asked = [f"GET /stream?topics={topics} HTTP/1.1", f"Host: 127.0.0.1:{port}", f"Cookie: {cookie}", *headers]
    line.sendall("\r\n".join([*asked, "", ""]).encode())
    return line


@dataclass
class Hearing:
    """One client that reads its stream; `at` is when each version came."""

    line: socket.socket
    text: str = ""
    has_ended: bool = False
    at: dict[int, float] = field(default_factory=dict)

    @property
    def status(self) -> int:
        """The answer's status, once it is there."""
        return int(self.text.split(" ", 2)[1])

    def take(self) -> None:
        """Takes what is there."""
        got = self.line.recv(65536)
        self.has_ended = self.has_ended or not got or got.endswith(b"0\r\n\r\n")
        self.text += got.decode()
        for line in self.text.splitlines():
            if line.startswith('data: {"apps"'):
                self.at.setdefault(json.loads(line.removeprefix("data: "))["apps"], time.monotonic())


def heard(clients: list[Hearing], is_done: Any, seconds: float = 20.0) -> None:
    """Reads for all of them until it is done for each; fails when that takes too long."""
    end = time.monotonic() + seconds
    waiting = {client.line.fileno(): client for client in clients if not is_done(client)}
    poll = select.poll()
    for number in waiting:
        poll.register(number, select.POLLIN)
    while waiting:
        left = end - time.monotonic()
        assert left > 0, f"{len(waiting)} of {len(clients)} wait still: {next(iter(waiting.values())).text!r}"
        for number, _ in poll.poll(left * 1000):
            client = waiting[number]
            client.take()
            if is_done(client) or client.has_ended:
                poll.unregister(number)
                del waiting[number]
