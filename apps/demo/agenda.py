"""The demo's own time: what is to happen, and when, in seconds since the fleet began.

The agenda's time runs with the clock (times `speed`) while `run` is awaited, and jumps in `advance`, so that a test
sees ten minutes of life in an instant. Two agendas with the same entries do the same things in the same order.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import Callable
from datetime import UTC, datetime

Action = Callable[[], None]


def moment(at: datetime) -> str:
    """RFC 3339 in UTC with seconds, as Kubernetes and Argo CD write times."""
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def fine_moment(at: datetime) -> str:
    """RFC 3339 in UTC with milliseconds, as Alertmanager writes times."""
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"


def wall_clock() -> datetime:
    """Now, aware, in UTC."""
    return datetime.now(UTC)


class Agenda:
    """Actions in the order of their time; equal times in the order in which they were entered."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._entries: list[tuple[float, int, Action]] = []
        self._numbers = itertools.count()
        self._woken = asyncio.Event()

    def after(self, delay: float, action: Action) -> None:
        """Do `action` once, `delay` seconds of the agenda's time from now."""
        heapq.heappush(self._entries, (self.seconds + max(delay, 0.0), next(self._numbers), action))
        self._woken.set()

    def every(self, first: float, interval: Callable[[], float], action: Action) -> None:
        """Do `action` after `first` seconds, then again and again, each time `interval()` seconds later."""

        def again() -> None:
            action()
            self.after(interval(), again)

        self.after(first, again)

    def advance(self, seconds: float) -> None:
        """Let `seconds` pass at once: everything due by then is done before this returns."""
        until = self.seconds + seconds
        while self._entries and self._entries[0][0] <= until:
            due, _, action = heapq.heappop(self._entries)
            self.seconds = max(self.seconds, due)
            action()
        self.seconds = max(self.seconds, until)

    async def run(self, *, speed: float) -> None:
        """Keep the agenda until cancelled, `speed` seconds of its time for each second of the clock."""
        loop = asyncio.get_running_loop()
        seen = loop.time()
        while True:
            self._woken.clear()
            now = loop.time()
            elapsed, seen = now - seen, now
            self.advance(elapsed * speed)
            await self._sleep_until_due(speed)

    async def _sleep_until_due(self, speed: float) -> None:
        """Until the next entry is due or a new one is made. (`wait_for` may swallow a cancellation in Python 3.11.)"""
        if not self._entries:
            await self._woken.wait()
            return
        wait = (self._entries[0][0] - self.seconds) / speed
        alarm = asyncio.get_running_loop().call_later(wait, self._woken.set)
        await self._woken.wait()
        alarm.cancel()
