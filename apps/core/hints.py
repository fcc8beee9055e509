"""Hints that topics were raised: the broker's channel from whoever writes to the hub of each web process.

A hint may come twice, late or never (decision 14): the hub reads the versions by itself every two seconds. So a broker
that is away costs the writer next to nothing, and a broker that is none of Redis' kind is not asked at all.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Callable, Iterable
from functools import cache
from threading import Lock
from typing import Any

import redis
import redis.asyncio
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

log = logging.getLogger(__name__)

CHANNEL = "portal:topics"
SCHEMES = ("redis://", "rediss://", "unix://")
SEND_SECONDS = 0.3
PAUSE_SECONDS = 5.0
FAILURES = (redis.RedisError, OSError, ValueError)

Tell = Callable[[Iterable[str]], None]


class Sender:
    """Sends hints; after a failure none for a while, so that a broker that is away holds nobody up."""

    def __init__(self, url: str) -> None:
        self._broker = redis.Redis.from_url(
            url,
            socket_timeout=SEND_SECONDS,
            socket_connect_timeout=SEND_SECONDS,
            retry=Retry(NoBackoff(), 0),
        )
        self._silent_until = 0.0
        self._failed = False
        self._lock = Lock()

    def send(self, names: list[str]) -> None:
        """Sends one hint, or nothing while the broker is given a rest."""
        with self._lock:
            if time.monotonic() < self._silent_until:
                return
        try:
            self._broker.publish(CHANNEL, json.dumps(names))
        except FAILURES as error:
            self._rest(error)
        else:
            self._failed = False

    def _rest(self, error: Exception) -> None:
        with self._lock:
            self._silent_until = time.monotonic() + PAUSE_SECONDS
        if not self._failed:
            log.warning("the broker takes no hints (pages find changes by themselves, a little later): %s", error)
        self._failed = True


@cache
def sender_to(url: str) -> Sender:
    """The sender of this process to the broker at `url`."""
    return Sender(url)


def hint_send(names: list[str]) -> None:
    """Tells the web processes that these topics were raised, if the broker can."""
    url = settings.CELERY_BROKER_URL
    if url.startswith(SCHEMES):
        sender_to(url).send(names)


async def hints_heard(url: str, tell: Tell) -> None:
    """Tells each hint's topics until it is cancelled; a broker that is away is tried again every few seconds."""
    if not url.startswith(SCHEMES):
        return
    has_failed = False
    while True:
        began = time.monotonic()
        try:
            await listen(url, tell)
        except FAILURES as error:
            has_failed = has_failed and time.monotonic() - began < PAUSE_SECONDS
            if not has_failed:
                log.warning("the broker gives no hints (versions are read every two seconds anyway): %s", error)
            has_failed = True
        await asyncio.sleep(PAUSE_SECONDS)


async def listen(url: str, tell: Tell) -> None:
    """Tells each hint's topics as long as the broker is there."""
    async with redis.asyncio.from_url(url, socket_connect_timeout=2, socket_keepalive=True) as broker:
        channel = broker.pubsub()
        await channel.subscribe(CHANNEL)
        async for message in channel.listen():
            tell(names_in(message))


def names_in(message: dict[str, Any]) -> list[str]:
    """The topics that a message of the broker names; none of what is no hint."""
    if message.get("type") != "message":
        return []
    try:
        names = json.loads(message["data"])
    except (ValueError, KeyError):
        return []
    return [name for name in names if isinstance(name, str)] if isinstance(names, list) else []
