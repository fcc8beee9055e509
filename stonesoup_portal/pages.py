"""Pages as an ASGI application: each is made from end to end in one thread of a small pool, and sent in one piece.

Django's own ASGI handler changes threads at every synchronous middleware and view; a bridge to WSGI goes to the event
loop and back for each piece of an answer (docs/adr/009-pages-in-threads.md).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from typing import Any, cast

from django.conf import settings
from django.core import signals
from django.core.handlers.asgi import ASGIHandler, get_script_prefix
from django.http import HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.urls import set_script_prefix

OF_REFUSALS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Connection": "close"}

Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


class Gone(Exception):
    """The client went before it had sent all."""


class TooLong(Exception):
    """The body is longer than any form of the portal."""


class Pages(ASGIHandler):
    """The application; `threads` keep their connections to the database."""

    def __init__(self, threads: int) -> None:
        super().__init__()
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="page")

    def load_middleware(self, is_async: bool = False) -> None:
        """The synchronous chain, whichever is asked for."""
        super().load_middleware(is_async=False)

    async def handle(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """One request, from its body to its answer."""
        try:
            body = await body_of(receive)
        except Gone:
            return
        except TooLong:
            await refuse(send, 413, "The request is too long.")
            return
        loop = asyncio.get_running_loop()
        answer, content = await loop.run_in_executor(self._threads, self._answer, scope, body)
        await send_whole(send, answer, content)

    def _answer(self, scope: dict[str, Any], body: bytes) -> tuple[HttpResponseBase, bytes]:
        """The answer with its content, in a thread of the pool; what Django does around a request is done here too."""
        set_script_prefix(get_script_prefix(scope))
        signals.request_started.send(sender=type(self), scope=scope)
        request, refusal = self.create_request(scope, BytesIO(body))
        answer = cast("HttpResponseBase", refusal if request is None else self.get_response(request))
        try:
            return answer, wholly(answer)
        finally:
            answer.close()


async def body_of(receive: Receive) -> bytes:
    """The request's body.

    Raises:
        Gone: the client went.
        TooLong: it is longer than Django would take.
    """
    body, most = bytearray(), settings.DATA_UPLOAD_MAX_MEMORY_SIZE or 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Gone
        body += message.get("body", b"")
        if len(body) > most:
            raise TooLong
        if not message.get("more_body", False):
            return bytes(body)


def wholly(answer: HttpResponseBase) -> bytes:
    """All of its content: the longest is a file of `static/`."""
    if isinstance(answer, StreamingHttpResponse):
        return b"".join(cast("Any", answer.streaming_content))
    return cast("HttpResponse", answer).content


async def send_whole(send: Send, answer: HttpResponseBase, content: bytes) -> None:
    """The head with the cookies, and the content."""
    headers = [(name.encode("ascii"), value.encode("latin1")) for name, value in answer.items()]
    headers += [(b"set-cookie", morsel.OutputString().encode("ascii")) for morsel in answer.cookies.values()]
    await send({"type": "http.response.start", "status": answer.status_code, "headers": headers})
    await send({"type": "http.response.body", "body": content})


async def refuse(send: Send, status: int, words: str) -> None:
    """A plain answer to what nobody looks at, after which the connection ends: what else comes on it is not read."""
    answer = HttpResponse(words, "text/plain", status=status, headers=OF_REFUSALS)
    await send_whole(send, answer, answer.content)
