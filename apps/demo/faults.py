"""How a server misbehaves when it is told to: the faults that the control endpoint switches on."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass

from apps.demo.http import Reply, Request, Stream, Upstream, head, rendered, send, send_stream

SIGN_IN_PAGE = b"<!doctype html><html><head><title>Sign in</title></head><body><form>Sign in</form></body></html>"
MIB = 1024 * 1024


@dataclass
class Fault:
    """One fault. `path` limits it to what is at or below that path; `times` ends it after so many requests.

    retry_after: seconds told with 429 and 503. pause: seconds between two bytes of a slow answer. size: bytes of a
    huge body, decoded bytes of a bomb. to: where a redirect points. chunks: of a stream before it is cut.
    """

    kind: str
    path: str = ""
    times: int | None = None
    retry_after: int | None = None
    pause: float = 1.0
    size: int = 0
    to: str = "http://sign-in.example.com/login?next=/"
    chunks: int = 3

    def applies(self, request: Request) -> bool:
        """Whether this request is to suffer it; counts it when so."""
        place = self.path.rstrip("/")
        if self.times == 0 or not (request.path == place or request.path.startswith(f"{place}/")):
            return False
        if self.times is not None:
            self.times -= 1
        return True

    async def answer(self, upstream: Upstream, request: Request, writer: asyncio.StreamWriter) -> bool:
        """Answer wrongly. Returns whether the connection may go on."""
        if self.kind in REPLIES:
            return await _give(REPLIES[self.kind](self, upstream, request), writer)
        await MANNERS[self.kind](self, upstream, request, writer)
        return False


async def _give(answer: Reply | Stream, writer: asyncio.StreamWriter) -> bool:
    if isinstance(answer, Stream):
        await send_stream(writer, answer)
        return False
    await send(writer, answer)
    return True


def _problem(fault: Fault, upstream: Upstream, request: Request) -> Reply:
    reply = upstream.problem(int(fault.kind))
    if fault.retry_after is None:
        return reply
    headers = {**reply.headers, "Retry-After": str(fault.retry_after)}
    return Reply(reply.status, reply.body, reply.content_type, headers)


def _sign_in_page(fault: Fault, upstream: Upstream, request: Request) -> Reply:
    return Reply(200, SIGN_IN_PAGE, "text/html; charset=utf-8")


def _redirect(fault: Fault, upstream: Upstream, request: Request) -> Reply:
    return Reply(302, b"", None, {"Location": fault.to})


def _empty(fault: Fault, upstream: Upstream, request: Request) -> Reply | Stream:
    return upstream.emptied(request)


def _blank(fault: Fault, upstream: Upstream, request: Request) -> Reply:
    return Reply(200, b"")


REPLIES: dict[str, Callable[[Fault, Upstream, Request], Reply | Stream]] = {
    "401": _problem,
    "403": _problem,
    "429": _problem,
    "503": _problem,
    "html": _sign_in_page,
    "redirect": _redirect,
    "empty": _empty,
    "blank": _blank,
}


async def _hang(fault: Fault, upstream: Upstream, request: Request, writer: asyncio.StreamWriter) -> None:
    await writer.wait_closed()


async def _slow(fault: Fault, upstream: Upstream, request: Request, writer: asyncio.StreamWriter) -> None:
    reply = _whole(upstream.answer(request))
    headers, body = rendered(reply, packs=False)
    writer.write(head(reply.status, headers))
    for position in range(len(body)):
        writer.write(body[position : position + 1])
        await writer.drain()
        await asyncio.sleep(fault.pause)


async def _truncated(fault: Fault, upstream: Upstream, request: Request, writer: asyncio.StreamWriter) -> None:
    reply = _whole(upstream.answer(request))
    headers, body = rendered(reply, packs=False)
    writer.write(head(reply.status, headers) + body[: len(body) // 2])
    await writer.drain()


async def _huge(fault: Fault, upstream: Upstream, request: Request, writer: asyncio.StreamWriter) -> None:
    size = fault.size or 96 * MIB
    writer.write(head(200, {"Content-Type": "application/json", "Content-Length": str(size)}))
    for part in _spaces(size):
        writer.write(part)
        await writer.drain()


async def _bomb(fault: Fault, upstream: Upstream, request: Request, writer: asyncio.StreamWriter) -> None:
    body = await asyncio.to_thread(_packed_spaces, fault.size or 256 * MIB)
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip", "Content-Length": str(len(body))}
    writer.write(head(200, headers) + body)
    await writer.drain()


def _packed_spaces(size: int) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    parts = [packer.compress(part) for part in _spaces(size)]
    return b"".join([*parts, packer.flush()])


async def _cut_stream(fault: Fault, upstream: Upstream, request: Request, writer: asyncio.StreamWriter) -> None:
    answer = upstream.answer(request)
    if isinstance(answer, Stream):
        await send_stream(writer, answer, chunks=fault.chunks)
        writer.write(b'40\r\n{"result":{"type":')  # a chunk that is announced and does not come whole
        await writer.drain()
    else:
        await send(writer, answer)


def _whole(answer: Reply | Stream) -> Reply:
    return answer if isinstance(answer, Reply) else Reply(200, b'{"result":{}}\n' * 40)


def _spaces(size: int) -> Iterator[bytes]:
    for start in range(0, size, MIB):
        yield b" " * min(MIB, size - start)


MANNERS: dict[str, Callable[[Fault, Upstream, Request, asyncio.StreamWriter], Awaitable[None]]] = {
    "hang": _hang,
    "slow": _slow,
    "truncated": _truncated,
    "huge": _huge,
    "bomb": _bomb,
    "cut_stream": _cut_stream,
}

KINDS = frozenset({"none", "refuse", *REPLIES, *MANNERS})
