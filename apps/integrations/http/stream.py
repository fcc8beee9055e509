"""An answer that has no end, line by line."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from types import TracebackType
from typing import Self

import requests

from apps.core.errors import UpstreamBadReply, UpstreamUnavailable
from apps.integrations.http.body import NOT_READ, PIECE
from apps.integrations.http.deadline import Watch
from apps.integrations.http.endpoint import MEBIBYTE
from apps.integrations.http.failures import TIMED_OUT, failure, meaning_of


class Stream:
    """Lines as they come, without their ends. Another thread may `close` it: the iteration then simply ends.

    Iterating raises UpstreamUnavailable when no byte came for `idle_timeout` seconds or the connection broke, and
    UpstreamBadReply for a line longer than `line_cap` bytes; it ends when the server ends its answer.
    """

    def __init__(
        self, response: requests.Response, watch: Watch, *, source: str, idle_timeout: float, line_cap: int
    ) -> None:
        self.source = source
        self._response = response
        self._watch = watch
        self._idle_timeout = idle_timeout
        self._line_cap = line_cap
        self._closed = threading.Event()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
        self._response.close()
        self._watch.done()

    def close(self) -> None:
        """End it, from any thread."""
        self._closed.set()
        self._watch.shut()

    def __iter__(self) -> Iterator[bytes]:
        rest = b""
        while piece := self._next_piece():
            *lines, rest = (rest + piece).split(b"\n")
            for line in lines:
                yield line.removesuffix(b"\r")
            if len(rest) > self._line_cap:
                raise failure(
                    UpstreamBadReply, self.source, f"sent a line longer than {self._line_cap / MEBIBYTE:g} MiB"
                )
        if rest and not self._closed.is_set():
            yield rest

    def _next_piece(self) -> bytes:
        try:
            piece: bytes = self._response.raw.read1(PIECE, decode_content=True)
        except NOT_READ as error:
            if self._closed.is_set():
                return b""
            raise failure(UpstreamUnavailable, self.source, self._end_words(error)) from error
        return b"" if self._closed.is_set() else piece

    def _end_words(self, error: Exception) -> str:
        meaning = meaning_of(error)
        if meaning == TIMED_OUT:
            return f"the stream is silent: nothing came for {self._idle_timeout:g} s"
        return f"the stream broke off: {meaning[1]}"
