"""Limits on what comes before a request's body: its line and its headers.

uvicorn's reader in C has none, so that a head without end would fill the memory. A head that goes on for too long is
refused while it comes in (`BoundedHeads`, uvicorn's `--http`); one that came whole is judged by `refusal_of_head`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

LONGEST_HEAD = 32 * 1024
LONGEST_QUERY = 8 * 1024
TOO_LARGE = (431, "The headers are too long.")
TOO_LONG = (414, "The address is too long.")


def refusal_of_head(scope: Mapping[str, Any]) -> tuple[int, str] | None:
    """The status and the words with which this request is refused before anybody looks at it, or None."""
    address = len(scope.get("query_string", b"")) + len(scope.get("raw_path") or scope["path"])
    if address > LONGEST_QUERY:
        return TOO_LONG
    headers = sum(len(name) + len(value) for name, value in scope["headers"])
    return TOO_LARGE if headers > LONGEST_HEAD else None


class BoundedHeads(HttpToolsProtocol):
    """uvicorn's reader, which hangs up on a head that is longer than any that the portal takes."""

    _came = 0
    _is_in_head = True

    def data_received(self, data: bytes) -> None:
        """Counts what came since the head began."""
        self._came += len(data)
        super().data_received(data)
        if self._is_in_head and self._came > LONGEST_HEAD + LONGEST_QUERY and not self.transport.is_closing():
            self._hang_up()

    def on_headers_complete(self) -> None:
        """The head is whole."""
        self._is_in_head = False
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """What comes next is another head."""
        self._is_in_head, self._came = True, 0
        super().on_message_complete()

    def _hang_up(self) -> None:
        status, words = TOO_LARGE
        head = f"HTTP/1.1 {status} Request Header Fields Too Large\r\ncontent-type: text/plain\r\nconnection: close\r\n"
        self.transport.write(f"{head}content-length: {len(words)}\r\n\r\n{words}".encode("ascii"))
        self.transport.close()
