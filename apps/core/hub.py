"""The hub: one per web process, tells each open stream which versions of its topics there are now.

Pure asyncio. Each listener has a slot in which what is new is laid together, never a queue: a client that does not read
costs as much as one that does, and delays nobody. The database is read by one function in one thread, for all listeners
at once, every two seconds and soon after a hint (decision 14), and only while somebody listens.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Coroutine, Hashable, Iterable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import Any

log = logging.getLogger(__name__)

READ_SECONDS = 2.0
SOON_SECONDS = 0.08
BEAT_SECONDS = 25.0
QUIET = b":\n\n"


@dataclass(frozen=True)
class Wanted:
    """What the hub wants to know: versions of topics, which of the seats are lost (None: not now), whether a beat."""

    topics: frozenset[str]
    seats: frozenset[Hashable] | None = None
    is_beat_due: bool = False


@dataclass(frozen=True)
class Beat:
    """What makes an open page age rightly, for all streams alike; `ends_in` is how long it holds, if it ends."""

    told: Mapping[str, object]
    ends_in: float | None = None


@dataclass(frozen=True)
class Found:
    """What the database says of what was wanted."""

    versions: Mapping[str, int]
    lost_seats: frozenset[Hashable] = frozenset()
    beat: Beat | None = None


Read = Callable[[Wanted], Found]
Hints = Callable[[Callable[[Iterable[str]], None]], Coroutine[Any, Any, None]]


class Listener:
    """One stream's place in the hub. `seat` is who listens, by which it is taken away again."""

    def __init__(self, topics: Iterable[str], seat: Hashable) -> None:
        self.topics, self.seat = frozenset(topics), seat
        self.is_greeted = self.has_ended = False
        self._versions: dict[str, int] = {}
        self._beat = b""
        self._is_new = asyncio.Event()

    def tell(self, versions: Mapping[str, int]) -> None:
        """Lays these versions over those that it has not taken yet."""
        self._versions.update(versions)
        self._is_new.set()

    def beat(self, text: bytes) -> None:
        """Leaves a heartbeat, in place of one that it has not taken yet."""
        self._beat = text
        self._is_new.set()

    def end(self) -> None:
        """Lets the stream end, whatever waits."""
        self.has_ended = True
        self._is_new.set()

    async def next(self) -> bytes | None:
        """The next thing to send, waited for; None once it has ended."""
        await self._is_new.wait()
        self._is_new.clear()
        if self.has_ended:
            return None
        versions, beat = self._versions, self._beat
        self._versions, self._beat = {}, b""
        return (b"data: %s\n\n" % compact(versions) if versions else b"") + beat


def compact(told: Mapping[str, object]) -> bytes:
    """JSON in as few bytes as may be."""
    return json.dumps(told, separators=(",", ":")).encode()


@dataclass
class Times:
    """When (monotonic) something is due."""

    beat: float = 0.0
    seats: float = 0.0


@dataclass
class Known:
    """What the hub read last."""

    versions: dict[str, int] = field(default_factory=dict)
    is_answered: bool = True


class Hub:
    """Listeners, and the one task that reads for all of them while there are any.

    `read` may block: it runs in `executor`. What it raises of `bearable` is a database that is away: streams stay open,
    nothing is said, and reading goes on. `hints` calls back with the topics that somebody has just raised.
    """

    def __init__(self, read: Read, executor: Executor, bearable: tuple[type[Exception], ...], hints: Hints) -> None:
        self._read, self._executor, self._bearable, self._hints = read, executor, bearable, hints
        self._listeners: set[Listener] = set()
        self._by_topic: defaultdict[str, set[Listener]] = defaultdict(set)
        self._known, self._due = Known(), Times()
        self._soon = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        return len(self._listeners)

    def join(self, topics: Iterable[str], seat: Hashable) -> Listener:
        """A new listener, which is told all its topics' versions shortly."""
        listener = Listener(topics, seat)
        self._listeners.add(listener)
        for topic in listener.topics:
            self._by_topic[topic].add(listener)
        self._soon.set()
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._work())
        return listener

    def leave(self, listener: Listener) -> None:
        """Forgets a listener."""
        self._listeners.discard(listener)
        for topic in listener.topics:
            self._by_topic[topic].discard(listener)
            if not self._by_topic[topic]:
                del self._by_topic[topic]

    def hint(self, topics: Iterable[str]) -> None:
        """Reads soon if anybody wants one of these."""
        if any(topic in self._by_topic for topic in topics):
            self._soon.set()

    def end_all(self) -> None:
        """Lets every stream end."""
        for listener in self._listeners:
            listener.end()

    def seats(self) -> frozenset[Hashable]:
        """Who listens."""
        return frozenset(listener.seat for listener in self._listeners)

    async def _work(self) -> None:
        """Reads and tells until nobody listens any more."""
        self._known, self._due = Known(), Times(seats=time.monotonic() + READ_SECONDS)
        hints = asyncio.create_task(self._hints(self.hint))
        try:
            while self._listeners:
                await self._pause()
                await self._round()
        finally:
            hints.cancel()

    async def _pause(self) -> None:
        """Until the next read is due; after a hint or a new listener a moment, in which others may come."""
        due = min(READ_SECONDS, max(0.0, self._due.beat - time.monotonic()))
        if await came_true_within(self._soon.wait(), due):
            await asyncio.sleep(SOON_SECONDS)
        self._soon.clear()

    async def _round(self) -> None:
        wanted = self._wanted()
        if not wanted.topics:
            return
        try:
            found = await asyncio.get_running_loop().run_in_executor(self._executor, self._read, wanted)
        except self._bearable as error:
            self._say_once(error)
            self._due.beat = time.monotonic() + READ_SECONDS
            self._beat_all(QUIET)
            return
        except Exception:  # a bug must not end everybody's stream for good; the next round meets it again
            log.exception("the hub could not read")
            await asyncio.sleep(READ_SECONDS)
            return
        self._known.is_answered = True
        self._tell(found)

    def _wanted(self) -> Wanted:
        """A heartbeat is wanted when it is due for all, and for who has just come."""
        now = time.monotonic()
        is_seats_due = now >= self._due.seats
        is_beat_due = now >= self._due.beat or any(not listener.is_greeted for listener in self._listeners)
        if is_seats_due:
            self._due.seats = now + READ_SECONDS
        return Wanted(frozenset(self._by_topic), self.seats() if is_seats_due else None, is_beat_due)

    def _say_once(self, error: Exception) -> None:
        if self._known.is_answered:
            log.warning("streams are told nothing, the database says: %s", error)
        self._known.is_answered = False

    def _tell(self, found: Found) -> None:
        for listener in [each for each in self._listeners if each.seat in found.lost_seats]:
            listener.end()
        self._tell_changes(found.versions)
        beat = b"event: beat\ndata: %s\n\n" % compact(found.beat.told) if found.beat else b""
        self._greet(found.versions, beat)
        if found.beat and time.monotonic() >= self._due.beat:
            ends_in = found.beat.ends_in
            wait = BEAT_SECONDS if ends_in is None else min(BEAT_SECONDS, max(READ_SECONDS, ends_in))
            self._due.beat = time.monotonic() + wait
            self._beat_all(beat)

    def _tell_changes(self, versions: Mapping[str, int]) -> None:
        before, self._known.versions = self._known.versions, dict(versions)
        changed = {name: version for name, version in versions.items() if before.get(name) != version}
        for listener in {each for name in changed for each in self._by_topic.get(name, ())}:
            if listener.is_greeted:
                listener.tell({name: changed[name] for name in listener.topics & changed.keys()})

    def _greet(self, versions: Mapping[str, int], beat: bytes) -> None:
        """Tells who came since the last read; who came while it was under way waits for the next."""
        for listener in self._listeners:
            if not listener.is_greeted and beat and listener.topics <= versions.keys():
                listener.is_greeted = True
                listener.tell({name: versions[name] for name in listener.topics})
                listener.beat(beat)

    def _beat_all(self, text: bytes) -> None:
        for listener in self._listeners:
            listener.beat(text)


async def came_true_within(what: Awaitable[Any], seconds: float) -> bool:
    """Whether it came within so many seconds."""
    try:
        async with asyncio.timeout(seconds):
            await what
    except TimeoutError:
        return False
    return True
