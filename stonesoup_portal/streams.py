"""Server-sent events: `/stream?topics=apps,alerts` says which versions there are, and the page fetches what changed.

An ASGI application of its own beside the pages' threads: whoever asks is let in once, in a thread, by Django's own
sessions; from then on an open stream holds no thread and no connection of the database (docs/adr/010-streams.md).
"""

from __future__ import annotations

import asyncio
import logging
import os
import random
import resource
import signal
import threading
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property, partial
from io import BytesIO
from types import FrameType
from typing import Any, cast

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import DisallowedHost
from django.core.handlers.asgi import ASGIRequest
from django.db import DatabaseError, close_old_connections
from django.http import HttpRequest, HttpResponse

from apps.accounts.seats import Seat, seat_of, seats_lost
from apps.accounts.walls import WallSeat, wall_seat_of, wall_seats_lost
from apps.core.connections import DATABASE_FAILURES
from apps.core.hints import hints_heard
from apps.core.hub import Beat, Found, Hub, Listener, Wanted
from apps.core.topics import versions_of
from apps.sources.standing import standing_now

log = logging.getLogger(__name__)

PATH = "/stream"
MOST_TOPICS, LONGEST_TOPIC = 20, 200
MOST_OF_A_SESSION = 100
FILES_FOR_THE_REST = 200
SEND_SECONDS = 30.0
LIFE_SECONDS = 30 * 60.0
DOORKEEPERS = 2
HEADERS = {
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-store, no-transform",
    "x-accel-buffering": "no",
    "x-content-type-options": "nosniff",
}

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class Refused(Exception):
    """The stream is not given, with this status and these words."""

    def __init__(self, status: int, words: str, **headers: str) -> None:
        super().__init__(words)
        self.status, self.words, self.headers = status, words, headers


class Streams:
    """The application: `limit` streams at a time in this process, made for one event loop."""

    def __init__(self, limit: int, *, send_seconds: float = SEND_SECONDS, life_seconds: float = LIFE_SECONDS) -> None:
        self.limit, self.send_seconds, self.life_seconds = limit, send_seconds, life_seconds
        self._of_session: Counter[str] = Counter()
        self._doorkeepers = ThreadPoolExecutor(DOORKEEPERS, thread_name_prefix="stream-door")

    @cached_property
    def hub(self) -> Hub:
        """The process's hub, made when the first stream comes, inside the event loop."""
        self._end_with_the_process()
        reader = ThreadPoolExecutor(1, thread_name_prefix="hub")
        return Hub(look, reader, DATABASE_FAILURES, partial(hints_heard, settings.CELERY_BROKER_URL))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One stream, from its request to its end."""
        try:
            seat, topics = await self._let_in(scope)
        except Refused as refused:
            await answer(send, refused)
            return
        self._of_session[seat.session] += 1
        listener = self.hub.join(topics, seat)
        try:
            await self._serve(listener, receive, send)
        finally:
            self.hub.leave(listener)
            self._of_session[seat.session] -= 1
            self._of_session += Counter()

    async def _let_in(self, scope: Scope) -> tuple[Seat | WallSeat, frozenset[str]]:
        """Who listens to what.

        Raises:
            Refused: not like this, not this one, or not one more.
        """
        if scope["method"] != "GET":
            raise Refused(405, "only GET", allow="GET")
        self._refuse_when_full(len(self.hub))
        request = ASGIRequest(dict(scope), BytesIO())
        topics = topics_asked(request)
        loop = asyncio.get_running_loop()
        seat = await loop.run_in_executor(self._doorkeepers, seat_for, request)
        topics_of_wall_only(seat, topics)
        self._refuse_when_full(len(self.hub), self._of_session[seat.session])
        return seat, topics

    def _refuse_when_full(self, open_streams: int, of_this_session: int = 0) -> None:
        if open_streams >= self.limit or of_this_session >= MOST_OF_A_SESSION:
            raise Refused(503, "too many streams: the page asks again by itself", **{"retry-after": "60"})

    async def _serve(self, listener: Listener, receive: Receive, send: Send) -> None:
        """Sends until the client leaves, does not take its bytes, has lost its right, or has been there for long.

        That it ends after a while, at a moment of its own, costs a living client one request and rids the process of
        those that only seem to be there.
        """
        leaving = asyncio.create_task(until_gone(receive, listener))
        leaving.add_done_callback(lambda task: task.cancelled() or task.exception())
        life = self.life_seconds * random.uniform(0.8, 1.2)  # noqa: S311  no secret
        ending = asyncio.get_running_loop().call_later(life, listener.end)
        try:
            await self._send(send, {"type": "http.response.start", "status": 200, "headers": wire(HEADERS)})
            await self._send(send, body(b"retry: 5000\n\n"))
            while (told := await listener.next()) is not None:
                await self._send(send, body(told))
            await self._send(send, body(b"", more=False))
        except (TimeoutError, OSError):  # it does not take what it is sent, or is gone: uvicorn cuts what is left open
            return
        finally:
            ending.cancel()
            leaving.cancel()

    async def _send(self, send: Send, message: MutableMapping[str, Any]) -> None:
        async with asyncio.timeout(self.send_seconds):
            await send(message)

    def _end_with_the_process(self) -> None:
        """Ends the streams at once when the server is asked to end, which would else wait for them.

        The server's own handler is called as before; it puts back what was there before it when it is done.
        """
        if threading.current_thread() is not threading.main_thread():
            return
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            before = signal.getsignal(number)
            if callable(before):
                signal.signal(number, partial(self._asked_to_end, loop, before))

    def _asked_to_end(
        self,
        loop: asyncio.AbstractEventLoop,
        before: Callable[[int, FrameType | None], Any],
        number: int,
        frame: FrameType | None,
    ) -> None:
        self.limit = 0
        loop.call_soon_threadsafe(self.hub.end_all)
        before(number, frame)


def stream_limit() -> int:
    """How many streams a process may hold: PORTAL_STREAMS, and never all files that it may open."""
    asked = int(os.environ.get("PORTAL_STREAMS", "1000"))
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return asked if files == resource.RLIM_INFINITY else max(0, min(asked, files - FILES_FOR_THE_REST))


def topics_asked(request: ASGIRequest) -> frozenset[str]:
    """The topics of the address.

    Raises:
        Refused: none, too many, or what cannot be a topic's name.
    """
    names = frozenset(name for name in request.GET.get("topics", "").split(",") if name)
    if not 0 < len(names) <= MOST_TOPICS or not all(is_name(name) for name in names):
        raise Refused(400, f"topics: 1 to {MOST_TOPICS} names")
    return names


def topics_of_wall_only(seat: Seat | WallSeat, topics: frozenset[str]) -> None:
    """Refused: a screen with a key of the Wall asks about one thing ("cluster:NAME"): the Wall says nothing of one."""
    if isinstance(seat, WallSeat) and any(":" in topic for topic in topics):
        raise Refused(403, "the Wall has no such topics")


def is_name(name: str) -> bool:
    """Whether this can be a topic's name."""
    return len(name) <= LONGEST_TOPIC and name.isprintable()


def seat_for(request: ASGIRequest) -> Seat | WallSeat:
    """Who asks, by the same rules as for a page; in a thread of its own, whose connection is given back.

    A key of the Wall counts where nobody is signed in who may see anything.

    Raises:
        Refused: wrong host, no TLS where it must be, another site's page, nobody, or somebody without a role.
    """
    try:
        refuse_strangers(request)
        seat = seat_or_wall(request)
    except PermissionError as error:
        raise Refused(403, str(error)) from error
    except DatabaseError as error:
        raise Refused(503, "the database does not answer", **{"retry-after": "5"}) from error
    finally:
        close_old_connections()
    if seat is None:
        raise Refused(401, "sign in first")
    return seat


def seat_or_wall(request: ASGIRequest) -> Seat | WallSeat | None:
    """The seat of who is signed in, else that of the screen's key. PermissionError for somebody without a role."""
    try:
        return seat_of(request) or wall_seat_of(request)
    except PermissionError:
        if seat := wall_seat_of(request):
            return seat
        raise


def refuse_strangers(request: ASGIRequest) -> None:
    """What Django's middleware refuses for pages.

    Raises:
        Refused: wrong host, no TLS where it must be, or another site's page.
    """
    try:
        request.get_host()
    except DisallowedHost as error:
        raise Refused(400, "not a host of this portal") from error
    if settings.SECURE_SSL_REDIRECT and not request.is_secure():
        raise Refused(403, "only over TLS")
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in {"same-origin", "none"}:
        raise Refused(403, "only for the portal's own pages")


def look(wanted: Wanted) -> Found:
    """What the hub wants to know, read in its thread, whose connection is then given back."""
    try:
        beat = beat_now() if wanted.is_beat_due else None
        seats = cast("Iterable[Seat | WallSeat]", wanted.seats or ())
        return Found(versions_of(wanted.topics), lost_of(seats), beat)
    finally:
        close_old_connections()


def lost_of(seats: Iterable[Seat | WallSeat]) -> frozenset[Seat | WallSeat]:
    """Those that have lost their right. No query without seats."""
    some = list(seats)
    walls = [seat for seat in some if isinstance(seat, WallSeat)]
    people = [seat for seat in some if isinstance(seat, Seat)]
    return seats_lost(people) | wall_seats_lost(walls)


def beat_now() -> Beat:
    """The heartbeat of this moment: the clock, how the sources stand and until when that holds, the evidence's age."""
    standing = standing_now(is_brief=True)
    until, age = standing.valid_until, standing.oldest_fresh_age
    told: dict[str, object] = {"now": round(standing.now.timestamp(), 3), "standing": standing.digest}
    if until is not None:
        told["until"] = round(until.timestamp(), 3)
    if age is not None:
        told["age"] = round(age.total_seconds(), 1)
    return Beat(told, None if until is None else (until - standing.now).total_seconds())


@login_not_required
def no_stream(request: HttpRequest) -> HttpResponse:
    """What a server of plain WSGI answers: there is no stream here, and the page asks every ten seconds."""
    return HttpResponse(status=204)


async def until_gone(receive: Receive, listener: Listener) -> None:
    """Ends the listener when its client has gone."""
    while (await receive())["type"] != "http.disconnect":
        pass
    listener.end()


async def answer(send: Send, refused: Refused) -> None:
    """A short answer in plain words."""
    headers = {"content-type": "text/plain; charset=utf-8", "cache-control": "no-store", **refused.headers}
    await send({"type": "http.response.start", "status": refused.status, "headers": wire(headers)})
    await send(body(refused.words.encode(), more=False))


def wire(headers: dict[str, str]) -> list[tuple[bytes, bytes]]:
    """Headers as ASGI wants them."""
    return [(name.encode(), value.encode()) for name, value in headers.items()]


def body(text: bytes, *, more: bool = True) -> dict[str, Any]:
    """A piece of the body."""
    return {"type": "http.response.body", "body": text, "more_body": more}
