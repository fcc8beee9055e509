"""Streams to browsers, some of which are dead (F57), of people who may not listen any more, of a server that ends."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import signal
import socket
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.test import Client as Browser

from apps.accounts.models import Person, Role
from apps.accounts.seats import Seat
from apps.core import hints, hub
from apps.core.hub import Beat, Found, Hub, Wanted
from apps.core.topics import raise_topics
from stonesoup_portal.broker import broker
from stonesoup_portal.streams import Streams
from tests.faults.processes import until
from tests.faults.stage import is_sqlite
from tests.rows import source_row
from tests.streaming import Hearing, Web, heard, lines_closed, opened, session_cookie, web_process

pytestmark = pytest.mark.django_db(transaction=True)

LIVE, DEAD = 300, 200
OPEN_FILES_OF_THE_REST = 60


@pytest.fixture(scope="module")
def running(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    """A web process without a broker: the hub finds changes by itself."""
    with web_process(tmp_path_factory.mktemp("web")) as web:
        yield web


@pytest.fixture
def web(transactional_db: None, running: Web) -> Web:
    """The same for all, on the empty database of each test."""
    return running


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    """What a test opened is closed."""
    yield
    lines_closed()


def listening(web: Web, cookie: str, topics: str = "apps", *headers: str) -> Hearing:
    """A client that has its first versions, or its refusal."""
    client = Hearing(opened(web.port, cookie, topics, *headers))
    heard([client], lambda each: bool(each.at) or (" 200 " not in each.text[:20] and each.text))
    return client


def refused(web: Web, cookie: str, topics: str = "apps", *headers: str) -> int:
    """The status of a stream that is not given."""
    client = Hearing(opened(web.port, cookie, topics, *headers))
    heard([client], lambda each: each.text)
    return client.status


def test_500_clients_of_which_200_are_dead_delay_nobody_f57(
    tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F57: files are bounded, clients that read nothing delay nobody, and no stream holds a connection of the database.

    What is sent to them fits into the sockets' buffers; that their streams are cut is another test's.
    """
    (tmp_path / "broker").mkdir()
    with broker(tmp_path / "broker") as url, web_process(tmp_path / "web", PORTAL_BROKER_URL=url) as web:
        settings.CELERY_BROKER_URL = url
        cookies = [session_cookie(f"listener-{number}") for number in range(10)]
        few = [Hearing(opened(web.port, cookies[0])) for _ in range(5)]
        heard(few, lambda each: each.at)
        alone = max(seconds_until_all_heard(few, version) for version in (1, 2, 3))
        for number in range(DEAD):
            opened(web.port, cookies[number % 10])
        many = [Hearing(opened(web.port, cookies[number % 10])) for number in range(LIVE)]
        heard(many, lambda each: each.at)
        beside_the_dead = min(seconds_until_all_heard([*few, *many], version) for version in (4, 5, 6))
        assert beside_the_dead < max(1.0, 5 * alone)
        files = web.files()
        assert sum("socket" in each for each in files) >= LIVE + DEAD
        assert len(files) < LIVE + DEAD + len(few) + OPEN_FILES_OF_THE_REST
        if is_sqlite():
            assert sum("sqlite3" in each for each in files) <= 24, "page threads, door and hub, and no stream"
        began = time.monotonic()
        with urllib.request.urlopen(f"{web.url}/healthz", timeout=10) as answer:
            assert answer.status == 200
        assert time.monotonic() - began < 1.0
        lines_closed()
        until(lambda: len(web.files()) < OPEN_FILES_OF_THE_REST, 10)


class Versions:
    """What the hub reads; counted up by the test."""

    number = 1

    def __call__(self, wanted: Wanted) -> Found:
        return Found(dict.fromkeys(wanted.topics, self.number), frozenset(), Beat({}) if wanted.is_beat_due else None)


class Client:
    """The other end of one stream, without a socket; a dead one takes the head of the answer and nothing after it."""

    def __init__(self, is_dead: bool = False) -> None:
        self.is_dead = is_dead
        self.got = b""
        self.has_end = False
        self.news = asyncio.Event()

    async def receive(self) -> dict[str, Any]:
        """Never leaves by itself."""
        return await asyncio.Future()

    async def send(self, message: Any) -> None:
        """Takes what the stream sends, or never does."""
        if self.is_dead and message["type"] == "http.response.body":
            await asyncio.Future()
        self.got += message.get("body", b"")
        self.has_end = self.has_end or not message.get("more_body", True)
        self.news.set()

    async def hears(self, version: int) -> None:
        """Until it has been told of this version."""
        while b'{"apps":%d}' % version not in self.got:
            self.news.clear()
            await self.news.wait()


@contextlib.asynccontextmanager
async def streams_of(versions: Versions, **times: float) -> AsyncIterator[Callable[[Client], asyncio.Task[None]]]:
    """What opens a stream for a client, in this event loop; all of them are ended with it."""
    streams = Streams(limit=1000, **times)
    seats = itertools.count()
    with ThreadPoolExecutor(1) as reader:
        vars(streams)["hub"] = Hub(versions, reader, (), lambda _: asyncio.sleep(60))

        async def let_in(_: Any) -> tuple[Seat, frozenset[str]]:
            return Seat(f"session-{next(seats)}", 1, Role.VIEWER, 1), frozenset({"apps"})

        vars(streams)["_let_in"] = let_in
        tasks: list[asyncio.Task[None]] = []

        def opened_for(client: Client) -> asyncio.Task[None]:
            tasks.append(asyncio.create_task(streams({}, client.receive, client.send)))
            return tasks[-1]

        yield opened_for
        streams.hub.end_all()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert len(streams.hub) == 0


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The hub reads twenty times a second."""
    monkeypatch.setattr(hub, "READ_SECONDS", 0.05)
    monkeypatch.setattr(hub, "SOON_SECONDS", 0.005)


@pytest.mark.usefixtures("quick")
def test_a_client_that_takes_nothing_is_waited_for_by_nobody_f57() -> None:
    """F57: while the portal still hopes for the dead ones, those that live hear of each change."""

    async def scene() -> None:
        versions = Versions()
        async with streams_of(versions, send_seconds=60.0) as opened_for:
            dead = [opened_for(Client(is_dead=True)) for _ in range(20)]
            live = [Client() for _ in range(5)]
            for client in live:
                opened_for(client)
            for number in (1, 2, 3):
                versions.number = number
                async with asyncio.timeout(5):
                    await asyncio.gather(*(client.hears(number) for client in live))
            assert not any(task.done() for task in dead)

    asyncio.run(scene())


@pytest.mark.usefixtures("quick")
def test_a_client_that_takes_nothing_is_cut_and_the_others_are_not_f57() -> None:
    """F57: its place is free again after `send_seconds`."""

    async def scene() -> None:
        versions = Versions()
        async with streams_of(versions, send_seconds=0.05) as opened_for:
            living = Client()
            stays = opened_for(living)
            dead = [opened_for(Client(is_dead=True)) for _ in range(20)]
            async with asyncio.timeout(5):
                await asyncio.gather(*dead)
                versions.number = 2
                await living.hears(2)
            assert not stays.done()

    asyncio.run(scene())


@pytest.mark.usefixtures("quick")
def test_a_stream_ends_properly_when_it_has_been_there_for_long() -> None:
    async def scene() -> None:
        async with streams_of(Versions(), life_seconds=0.2) as opened_for:
            client = Client()
            stream = opened_for(client)
            async with asyncio.timeout(5):
                await client.hears(1)
                await stream
            assert client.has_end

    asyncio.run(scene())


def seconds_until_all_heard(clients: list[Hearing], version: int) -> float:
    """From the commit of a change to the last client that heard of it."""
    began = time.monotonic()
    raise_topics(["apps"])
    heard(clients, lambda each: version in each.at)
    return max(client.at[version] for client in clients) - began


def test_a_change_is_told_without_a_broker_too(web: Web) -> None:
    client = listening(web, session_cookie())
    raise_topics(["apps", "alerts"])
    heard([client], lambda each: 1 in each.at, 5)
    assert "alerts" not in client.text, "of topics that nobody asked for nothing is said"


def test_a_heartbeat_tells_how_the_sources_stand(web: Web) -> None:
    source_row("argocd/production")
    client = listening(web, session_cookie())
    heard([client], lambda each: "event: beat" in each.text, 5)
    beat = next(line for line in client.text.splitlines() if line.startswith('data: {"now"'))
    told = json.loads(beat.removeprefix("data: "))
    assert set(told) == {"now", "standing", "until", "age"}
    assert told["until"] - told["now"] == pytest.approx(45, abs=10)
    assert "x-accel-buffering: no" in client.text.lower()
    assert "text/event-stream" in client.text


def test_the_digest_of_the_stream_is_that_of_the_pages(web: Web, viewer: Browser) -> None:
    """Else every page would ask again at every heartbeat."""
    source_row("argocd/production")
    client = listening(web, session_cookie())
    heard([client], lambda each: "event: beat" in each.text, 5)
    for path in ("/", "/apps/", "/sources/"):
        assert (
            json.loads(client.text.split("event: beat\ndata: ")[1].split("\n")[0])["standing"]
            in viewer.get(path).content.decode()
        )


def test_who_may_not_listen_any_more_is_cut_off_and_the_others_are_not(web: Web) -> None:
    cookies = {how: session_cookie(how) for how in ("signed-out", "disabled", "no-role", "another-role", "password")}
    stays = listening(web, session_cookie("stays"))
    leave = [listening(web, cookie) for cookie in cookies.values()]
    Session.objects.filter(session_key=cookies["signed-out"].partition("=")[2]).delete()
    User.objects.filter(username="disabled").update(is_active=False)
    Person.objects.filter(user__username="no-role").delete()
    Person.objects.filter(user__username="another-role").update(role=Role.RESPONDER)
    User.objects.filter(username="password").update(password="another")
    heard(leave, lambda each: each.has_ended, 8)
    assert [client.has_ended for client in leave] == [True] * 5
    raise_topics(["apps"])
    heard([stays], lambda each: 1 in each.at, 8)


def test_who_may_not_listen_is_told_so(web: Web) -> None:
    cookie = session_cookie()
    assert refused(web, "") == 401
    assert refused(web, "sessionid=nonsense") == 401
    assert refused(web, session_cookie("no-role", None)) == 403
    assert refused(web, cookie, "apps", "Sec-Fetch-Site: cross-site") == 403
    assert refused(web, cookie, "") == 400
    assert refused(web, cookie, ",".join(f"t{number}" for number in range(21))) == 400
    assert refused(web, cookie, "x" * 201) == 400
    assert refused(web, cookie, "a%00b") == 400
    assert refused(web, cookie, "apps", "Host: elsewhere.example") == 400


def test_only_get_is_answered(web: Web) -> None:
    with pytest.raises(urllib.error.HTTPError) as refusal:
        urllib.request.urlopen(urllib.request.Request(f"{web.url}/stream", method="POST", data=b"x"), timeout=5)
    assert refusal.value.code == 405
    refusal.value.close()


def test_a_process_gives_no_more_streams_than_it_may_and_ends_them_at_once_when_it_ends(tmp_path: Path) -> None:
    with web_process(tmp_path / "web", PORTAL_STREAMS="2") as web:
        cookie = session_cookie()
        first, second = listening(web, cookie), listening(web, cookie)
        third = Hearing(opened(web.port, cookie))
        heard([third], lambda each: each.text)
        assert third.status == 503
        assert "retry-after: 60" in third.text.lower()
        second.line.close()
        until(lambda: refused(web, cookie) == 200, 8)
        began = time.monotonic()
        web.process.send_signal(signal.SIGTERM)
        heard([first], lambda each: each.has_ended, 8)
        web.process.wait(8)
        assert time.monotonic() - began < 2.5, "three seconds is what it would wait for open streams"


@pytest.fixture
def no_sender() -> Iterator[None]:
    """No sender is kept from test to test."""
    hints.sender_to.cache_clear()
    yield
    hints.sender_to.cache_clear()


@pytest.mark.usefixtures("no_sender")
def test_a_broker_that_is_away_neither_slows_nor_fails_a_writer(
    settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.CELERY_BROKER_URL = "redis://127.0.0.1:1/0"
    began = time.monotonic()
    for _ in range(50):
        raise_topics(["apps"])
    assert time.monotonic() - began < 3.0
    assert caplog.text.count("the broker takes no hints") == 1


@pytest.mark.usefixtures("no_sender")
def test_a_broker_that_hangs_costs_one_short_wait(settings: Any, caplog: pytest.LogCaptureFixture) -> None:
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as silent:
        settings.CELERY_BROKER_URL = f"redis://127.0.0.1:{silent.getsockname()[1]}/0"
        began = time.monotonic()
        for _ in range(50):
            raise_topics(["apps"])
        assert time.monotonic() - began < 3.0
    assert caplog.text.count("the broker takes no hints") == 1
