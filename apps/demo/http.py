"""A small HTTP/1.1 server for many ports in one event loop: requests in, whole replies or streams out."""

from __future__ import annotations

import asyncio
import gzip
import socket
from collections import deque
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from email.utils import formatdate
from functools import cached_property
from http import HTTPStatus
from typing import Any, Protocol
from urllib.parse import parse_qs, unquote

import msgspec

HEAD_LIMIT = 64 * 1024
BODY_LIMIT = 8 * 1024 * 1024
LOG_LENGTH = 2_000
WORTH_GZIPPING = 20
CLOSING = 3.0
BACKLOG = 128


class MalformedRequestError(Exception):
    """What came in is not a request that this server reads."""


@dataclass(frozen=True)
class Request:
    """One request: `path` as it was sent, `query` decoded, header names in lower case."""

    method: str
    path: str
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    body: bytes = b""

    @cached_property
    def segments(self) -> tuple[str, ...]:
        """The path's segments, each decoded by itself, so that an encoded slash stays inside its segment."""
        return tuple(unquote(segment) for segment in self.path.strip("/").split("/"))

    def first(self, name: str, default: str = "") -> str:
        """The first value of a query parameter."""
        return self.query.get(name, [default])[0]

    @property
    def bearer(self) -> str:
        """The bearer token, or an empty string."""
        kind, _, token = self.headers.get("authorization", "").partition(" ")
        return token if kind.lower() == "bearer" else ""

    def document(self) -> Any:
        """The body read as JSON. Raises `msgspec.DecodeError`."""
        return msgspec.json.decode(self.body)

    def fields(self) -> dict[str, Any]:
        """The body read as a JSON object; none of anything else."""
        try:
            found = self.document()
        except msgspec.DecodeError:
            return {}
        return found if isinstance(found, dict) else {}


@dataclass(frozen=True)
class Reply:
    """A whole answer. `packed` is the body compressed beforehand, for big answers that are asked for often."""

    status: int = 200
    body: bytes = b""
    content_type: str | None = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    packed: bytes | None = None

    @classmethod
    def json(cls, value: Any, status: int = 200, **headers: str) -> Reply:
        """`value` as JSON; header names are given with underscores."""
        named = {name.replace("_", "-"): text for name, text in headers.items()}
        return cls(status, msgspec.json.encode(value), headers=named)

    @classmethod
    def text(cls, value: str, status: int = 200) -> Reply:
        """`value` as plain text."""
        return cls(status, value.encode(), "text/plain; charset=utf-8")


@dataclass(frozen=True)
class Stream:
    """An answer without end: each chunk is sent when it comes; an empty one only asks whether the client is there."""

    chunks: AsyncGenerator[bytes, None]
    content_type: str = "application/json"


class Upstream(Protocol):
    """What a server says: one of Argo CD, Alertmanager, Prometheus, the gateway, Kubernetes, the control."""

    gzips: bool

    def answer(self, request: Request) -> Reply | Stream:
        """The answer in good health."""
        ...

    def problem(self, status: int) -> Reply:
        """How this upstream words a 401, 403, 429 or 503."""
        ...

    def emptied(self, request: Request) -> Reply | Stream:
        """A complete and valid answer in which nothing is listed."""
        ...


class Misbehaviour(Protocol):
    """A fault that is switched on: it answers in the upstream's place."""

    kind: str

    def applies(self, request: Request) -> bool:
        """Whether this request is to suffer it."""
        ...

    async def answer(self, upstream: Upstream, request: Request, writer: asyncio.StreamWriter) -> bool:
        """Do it. Returns whether the connection may go on."""
        ...


class RequestLog:
    """How often each thing was asked for, and the last requests one by one."""

    def __init__(self) -> None:
        self.count = 0
        self.latest: deque[dict[str, Any]] = deque(maxlen=LOG_LENGTH)

    def note(self, request: Request, at: float) -> None:
        """Write one down; `at` in seconds of the loop's clock."""
        self.count += 1
        target = request.path if not request.query else f"{request.path}?{'&'.join(request.query)}"
        entry: dict[str, Any] = {"at": round(at, 3), "method": request.method, "path": target}
        if request.method != "GET":
            entry["body"] = request.body[:4_000].decode(errors="replace")
        self.latest.append(entry)

    def clear(self) -> None:
        """Start from nothing."""
        self.count = 0
        self.latest.clear()


class Server:
    """One upstream on one port of 127.0.0.1, which it keeps for itself even while it refuses connections."""

    def __init__(
        self, name: str, upstream: Upstream, *, on_request: Callable[[Request, str], None] = lambda request, fault: None
    ) -> None:
        """`on_request` is told each request, with the kind of fault that answers it, before the answer is made."""
        self._on_request = on_request
        self.name = name
        self.upstream = upstream
        self.log = RequestLog()
        self.fault: Misbehaviour | None = None
        self.port = 0
        self._guard: socket.socket | None = None
        self._listening: socket.socket | None = None
        self._conversations: set[asyncio.Task[None]] = set()
        self._connections: set[socket.socket] = set()
        self._writers: set[asyncio.StreamWriter] = set()

    @property
    def url(self) -> str:
        """The base URL, without a slash at its end."""
        return f"http://127.0.0.1:{self.port}"

    def claim(self, port: int = 0) -> None:
        """Take the port (0: any free one) without listening on it yet. Raises OSError when it is taken."""
        self._guard = _bound(port)
        self.port = int(self._guard.getsockname()[1])

    def listen(self) -> None:
        """Accept connections from now on; does nothing when it does already. For the loop's own thread."""
        if self._listening is None:
            self._listening = _bound(self.port)
            self._listening.listen(BACKLOG)
            asyncio.get_running_loop().add_reader(self._listening, self._accept, self._listening)

    def refuse(self) -> None:
        """From now on connections are refused, and those that stand are cut. For the loop's own thread."""
        if self._listening is not None:
            asyncio.get_running_loop().remove_reader(self._listening)
            self._listening.close()
            self._listening = None
        self.cut()

    def cut(self) -> None:
        """Cut the connections that stand; new ones are accepted. For the loop's own thread."""
        for writer in self._writers:
            writer.transport.abort()
        for connection in self._connections:
            with suppress(OSError):  # the client was quicker
                connection.shutdown(socket.SHUT_RDWR)

    async def close(self) -> None:
        """Give up everything, the port too, and wait for the conversations to end."""
        self.refuse()
        if self._conversations:
            await asyncio.wait(self._conversations, timeout=CLOSING)
        if self._guard is not None:
            self._guard.close()
            self._guard = None

    def _accept(self, listening: socket.socket) -> None:
        try:
            connection, _ = listening.accept()
        except OSError:  # the client has gone again
            return
        connection.setblocking(False)
        self._connections.add(connection)
        task = asyncio.get_running_loop().create_task(self._converse(connection))
        self._conversations.add(task)
        task.add_done_callback(self._conversations.discard)

    async def _converse(self, connection: socket.socket) -> None:
        reader, writer = await asyncio.open_connection(sock=connection, limit=HEAD_LIMIT)
        self._connections.discard(connection)
        self._writers.add(writer)
        try:
            while (request := await read_request(reader)) is not None:
                if not await self._answer(request, writer, gone=reader.at_eof):
                    break
        except MalformedRequestError:
            await send(writer, Reply.text("400 Bad Request", 400))
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client went away, or the connection was cut on purpose
        finally:
            self._writers.discard(writer)
            writer.close()

    async def _answer(self, request: Request, writer: asyncio.StreamWriter, *, gone: Callable[[], bool]) -> bool:
        self.log.note(request, asyncio.get_running_loop().time())
        fault = self.fault if self.fault is not None and self.fault.applies(request) else None
        self._on_request(request, fault.kind if fault else "")
        if fault is not None:
            return await fault.answer(self.upstream, request, writer)
        answer = self.upstream.answer(request)
        if isinstance(answer, Stream):
            await send_stream(writer, answer, gone=gone)
            return False
        await send(writer, answer, packs=self.upstream.gzips and wants_gzip(request))
        return request.headers.get("connection", "").lower() != "close"


def _bound(port: int) -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    sock.setblocking(False)
    sock.bind(("127.0.0.1", port))
    return sock


async def read_request(reader: asyncio.StreamReader) -> Request | None:
    """The next request, or None when the client has closed. Raises `MalformedRequestError`."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as error:
        if error.partial:
            raise
        return None
    except asyncio.LimitOverrunError as error:
        raise MalformedRequestError from error
    first, *lines = head.decode("latin-1").split("\r\n")
    try:
        method, target, _ = first.split(" ")
        headers = {name.lower(): value.strip() for name, value in (line.split(":", 1) for line in lines if line)}
        length = int(headers.get("content-length", "0"))
    except ValueError as error:
        raise MalformedRequestError from error
    if not 0 <= length <= BODY_LIMIT or "transfer-encoding" in headers:
        raise MalformedRequestError
    path, _, query = target.partition("?")
    body = await reader.readexactly(length) if length else b""
    return Request(method, path, parse_qs(query, keep_blank_values=True), headers, body)


def wants_gzip(request: Request) -> bool:
    """Whether the client reads gzip."""
    return "gzip" in request.headers.get("accept-encoding", "")


def head(status: int, headers: Mapping[str, str]) -> bytes:
    """The status line and headers, up to and with the empty line."""
    reason = HTTPStatus(status).phrase
    named = {"Date": formatdate(usegmt=True), **headers}
    return (f"HTTP/1.1 {status} {reason}\r\n" + "".join(f"{k}: {v}\r\n" for k, v in named.items()) + "\r\n").encode()


def rendered(reply: Reply, *, packs: bool) -> tuple[dict[str, str], bytes]:
    """The headers and the body as they go over the wire; with `packs` compressed, when there is something to gain."""
    headers = dict(reply.headers)
    if reply.content_type is not None:
        headers["Content-Type"] = reply.content_type
    body = reply.body
    if packs and (reply.packed is not None or len(body) > WORTH_GZIPPING):
        body = reply.packed if reply.packed is not None else gzip.compress(body, compresslevel=1)
        headers["Content-Encoding"] = "gzip"
    headers["Content-Length"] = str(len(body))
    return headers, body


async def send(writer: asyncio.StreamWriter, reply: Reply, *, packs: bool = False) -> None:
    """Send a whole reply."""
    headers, body = rendered(reply, packs=packs)
    writer.write(head(reply.status, headers) + body)
    await writer.drain()


async def send_stream(
    writer: asyncio.StreamWriter, stream: Stream, *, chunks: int = -1, gone: Callable[[], bool] = lambda: False
) -> None:
    """Send a stream until the client is gone, or `chunks` of them are sent, unless that is negative."""
    writer.write(head(200, {"Content-Type": stream.content_type, "Transfer-Encoding": "chunked"}))
    async with aclosing(stream.chunks) as source:
        async for chunk in source:
            if gone():
                return
            if chunk:
                writer.write(f"{len(chunk):x}\r\n".encode() + chunk + b"\r\n")
                await writer.drain()
                chunks -= 1
            if chunks == 0:
                return
    writer.write(b"0\r\n\r\n")
    await writer.drain()
