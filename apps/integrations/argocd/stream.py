"""Argo CD's stream of Applications."""

from __future__ import annotations

from collections.abc import Iterator
from types import TracebackType
from typing import Final, Self

from msgspec import Struct

from apps.core.errors import UpstreamError
from apps.core.structs import decoded
from apps.integrations.argocd import wire
from apps.integrations.argocd.values import ApplicationEvent
from apps.integrations.http import Stream, failure, kind_of_status, plain_line, words_of
from apps.integrations.http.body import cleaned
from apps.integrations.listing import Count, Unreadable

KEPT_UNREADABLE: Final = 100


class _Error(Struct):
    http_code: Count = 500
    message: str = ""


class _Result(Struct):
    application: wire.WireApplication
    type: str = ""


class _Line(Struct):
    result: _Result | None = None
    error: _Error | None = None


class ApplicationStream:
    """The events as they come; a context manager. `close` may be called by another thread and ends the iteration.

    On connect every Application that the account may get is replayed as ADDED. Nothing that happened while nobody was
    connected is told, and events may be dropped by a server that is overrun: list again on each connect and regularly.
    Iterating raises UpstreamError for an error that the server sends in band (`{"error": …}`), UpstreamUnavailable
    when nothing came for the idle timeout. Events that cannot be read are skipped, counted in `unreadable_count`, and
    the first hundred kept in `unreadable`.
    """

    def __init__(self, stream: Stream) -> None:
        self.unreadable: list[Unreadable] = []
        self.unreadable_count = 0
        self._stream = stream

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stream.__exit__(kind, error, trace)

    def close(self) -> None:
        """End it, from any thread."""
        self._stream.close()

    def __iter__(self) -> Iterator[ApplicationEvent]:
        for number, line in enumerate(self._stream):
            payload = _payload(line)
            if not payload:
                continue
            try:
                event = self._event(payload)
            except (ValueError, RecursionError) as error:  # msgspec's errors among them
                self._skip(number, str(error))
            else:
                if event is not None:
                    yield event

    def _event(self, payload: bytes) -> ApplicationEvent | None:
        told = decoded(cleaned(payload), _Line)
        if told.error is not None:
            raise _in_band(self._stream.source, told.error)
        if told.result is None:
            return None
        return ApplicationEvent(told.result.type, wire.whole_application(told.result.application))

    def _skip(self, number: int, reason: str) -> None:
        self.unreadable_count += 1
        if len(self.unreadable) < KEPT_UNREADABLE:
            self.unreadable.append(Unreadable(number, "", reason[:300]))


def _payload(line: bytes) -> bytes:
    """The JSON of a line, as a server-sent event or bare; b"" of a keep-alive (":") and of what else SSE has."""
    if line.startswith(b"data:"):
        return line[5:].strip()
    return line if line.startswith(b"{") else b""


def _in_band(source: str, error: _Error) -> UpstreamError:
    kind = kind_of_status(error.http_code, has_retry_after=False)
    told = plain_line(error.message)
    return failure(kind, source, f"the stream ended: {words_of(kind, error.http_code)}{': ' if told else ''}{told}")
