"""The hub tells each stream what changed, once, however many came to listen and however slow they are."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable, Hashable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from apps.core import hub as hub_module
from apps.core.hub import Beat, Found, Hub, Listener, Wanted


class Away(Exception):
    """The database is away."""


class Database:
    """Versions that a test changes; counts what is asked."""

    def __init__(self) -> None:
        self.versions: dict[str, int] = {}
        self.lost: set[Hashable] = set()
        self.beat = Beat({"now": 1})
        self.asked: list[Wanted] = []
        self.threads: set[str] = set()
        self.failure: Exception | None = None

    def __call__(self, wanted: Wanted) -> Found:
        self.asked.append(wanted)
        self.threads.add(threading.current_thread().name)
        if self.failure:
            raise self.failure
        versions = {name: self.versions.get(name, 0) for name in wanted.topics}
        lost = frozenset(self.lost & (wanted.seats or set()))
        return Found(versions, lost, self.beat if wanted.is_beat_due else None)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two seconds are a twentieth of one here."""
    monkeypatch.setattr(hub_module, "READ_SECONDS", 0.05)
    monkeypatch.setattr(hub_module, "SOON_SECONDS", 0.005)
    monkeypatch.setattr(hub_module, "BEAT_SECONDS", 0.2)


@pytest.fixture
def database() -> Database:
    return Database()


@pytest.fixture
def executor() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1, thread_name_prefix="hub") as pool:
        yield pool


async def no_hints(_: Callable[[Iterable[str]], None]) -> None:
    """A broker that gives none."""


Scene = Callable[[Hub], Awaitable[None]]


@pytest.fixture
def played(database: Database, executor: ThreadPoolExecutor) -> Callable[..., None]:
    """Plays a scene with a hub in an event loop, from which everybody leaves at the end."""

    def play(scene: Scene, hints: Any = no_hints) -> None:
        async def whole() -> None:
            hub = Hub(database, executor, (Away,), hints)
            async with asyncio.timeout(10):
                await scene(hub)
                for listener in list(hub._listeners):
                    hub.leave(listener)
                if hub._task:
                    await hub._task

        asyncio.run(whole())

    return play


async def versions_told(listener: Listener) -> dict[str, int]:
    """The next message with versions."""
    while True:
        told = await listener.next()
        assert told is not None, "the stream ended"
        for line in told.splitlines():
            if line.startswith(b"data: {") and b"now" not in line:
                versions: dict[str, int] = json.loads(line.removeprefix(b"data: "))
                return versions


def test_who_comes_is_told_all_and_then_only_what_changed(database: Database, played: Callable[..., None]) -> None:
    database.versions = {"apps": 7}

    async def scene(hub: Hub) -> None:
        listener = hub.join(["apps", "alerts"], "ada")
        assert await versions_told(listener) == {"apps": 7, "alerts": 0}
        database.versions = {"apps": 8, "rules": 5}
        assert await versions_told(listener) == {"apps": 8}

    played(scene)


def test_what_was_not_taken_is_laid_together(database: Database, played: Callable[..., None]) -> None:
    """A client that does not read costs one message, however much happens."""

    async def scene(hub: Hub) -> None:
        listener = hub.join(["apps", "alerts"], "ada")
        await versions_told(listener)
        for number in range(1, 6):
            database.versions = {"apps": number, "alerts": 2 * number}
            await asyncio.sleep(0.1)
        assert await versions_told(listener) == {"apps": 5, "alerts": 10}

    played(scene)


def test_one_read_serves_all_in_one_thread(database: Database, played: Callable[..., None]) -> None:
    async def scene(hub: Hub) -> None:
        listeners = [hub.join([f"cluster:{number}", "apps"], number) for number in range(200)]
        for listener in listeners:
            await versions_told(listener)
        assert len(database.asked) <= 3
        assert len(database.asked[-1].topics) == 201

    played(scene)
    assert len(database.threads) == 1


def test_nobody_listens_nothing_is_read(database: Database, played: Callable[..., None]) -> None:
    async def scene(hub: Hub) -> None:
        listener = hub.join(["apps"], "ada")
        await versions_told(listener)
        hub.leave(listener)
        await asyncio.sleep(0.15)
        reads = len(database.asked)
        await asyncio.sleep(0.2)
        assert len(database.asked) == reads
        assert await versions_told(hub.join(["apps"], "ada")) == {"apps": 0}, "and the next one is served again"

    played(scene)


def test_a_hint_makes_it_read_soon_and_one_of_no_interest_does_not(
    database: Database, played: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub_module, "READ_SECONDS", 60.0)
    monkeypatch.setattr(hub_module, "BEAT_SECONDS", 60.0)

    async def scene(hub: Hub) -> None:
        listener = hub.join(["apps"], "ada")
        await versions_told(listener)
        await asyncio.sleep(0.05)
        reads = len(database.asked)
        database.versions = {"apps": 1}
        hub.hint(["alerts"])
        await asyncio.sleep(0.05)
        assert len(database.asked) == reads
        for _ in range(50):
            hub.hint(["apps"])
        assert await versions_told(listener) == {"apps": 1}
        assert len(database.asked) == reads + 1, "hints that come together are one"
        hub.leave(listener)
        hub._soon.set()

    played(scene)


def test_who_may_not_listen_any_more_is_ended_and_the_others_go_on(
    database: Database, played: Callable[..., None]
) -> None:
    async def scene(hub: Hub) -> None:
        gone, stays = hub.join(["apps"], "gone"), hub.join(["apps"], "stays")
        await versions_told(gone)
        await versions_told(stays)
        database.lost = {"gone"}
        while await gone.next() is not None:
            pass
        database.versions = {"apps": 1}
        assert await versions_told(stays) == {"apps": 1}

    played(scene)


def test_a_database_that_is_away_ends_nothing_and_is_said_once(
    database: Database, played: Callable[..., None], caplog: pytest.LogCaptureFixture
) -> None:
    async def scene(hub: Hub) -> None:
        listener = hub.join(["apps"], "ada")
        await versions_told(listener)
        database.failure = Away("no route")
        await asyncio.sleep(0.4)
        assert await listener.next() == b":\n\n", "a comment, so that no proxy cuts the line"
        database.failure, database.versions = None, {"apps": 3}
        assert await versions_told(listener) == {"apps": 3}

    played(scene)
    assert caplog.text.count("no route") == 1


def test_a_bug_in_reading_is_logged_and_the_next_read_serves(
    database: Database, played: Callable[..., None], caplog: pytest.LogCaptureFixture
) -> None:
    async def scene(hub: Hub) -> None:
        database.failure = ZeroDivisionError()
        listener = hub.join(["apps"], "ada")
        await asyncio.sleep(0.15)
        database.failure = None
        assert await versions_told(listener) == {"apps": 0}

    played(scene)
    assert "the hub could not read" in caplog.text


def test_heartbeats_go_to_all_and_come_early_when_what_they_said_ends(
    database: Database, played: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub_module, "BEAT_SECONDS", 60.0)
    database.beat = Beat({"now": 1, "standing": "a1"}, ends_in=0.1)

    async def scene(hub: Hub) -> None:
        listener = hub.join(["apps"], "ada")
        texts = b"".join([await listener.next() or b"" for _ in range(3)])
        assert texts.count(b'event: beat\ndata: {"now":1,"standing":"a1"}\n\n') >= 2

    played(scene)


def test_the_hints_end_with_the_last_listener(played: Callable[..., None]) -> None:
    seen: list[str] = []

    async def hints(_: Callable[[Iterable[str]], None]) -> None:
        seen.append("began")
        try:
            await asyncio.sleep(60)
        finally:
            seen.append("ended")

    async def scene(hub: Hub) -> None:
        await versions_told(hub.join(["apps"], "ada"))

    played(scene, hints)
    assert seen == ["began", "ended"]


def test_all_can_be_ended_at_once(played: Callable[..., None]) -> None:
    async def scene(hub: Hub) -> None:
        listeners = [hub.join(["apps"], number) for number in range(5)]
        hub.end_all()
        assert [await listener.next() for listener in listeners] == [None] * 5

    played(scene)
