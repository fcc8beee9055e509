"""Reading a body under a cap, and making its JSON safe to decode."""

from __future__ import annotations

import http.client
import re
from typing import Final, TypeVar

import msgspec
import urllib3.exceptions
from urllib3 import BaseHTTPResponse

from apps.core import structs
from apps.core.errors import UpstreamBadReply, UpstreamError, UpstreamUnavailable
from apps.integrations.http.deadline import Watch
from apps.integrations.http.endpoint import MEBIBYTE
from apps.integrations.http.failures import TIMED_OUT, failure, meaning_of

T = TypeVar("T")

PIECE: Final = 64 * 1024
NOT_READ: Final = (urllib3.exceptions.HTTPError, http.client.HTTPException, OSError, ValueError)
"""All that reading from a connection can raise (ValueError: it was closed by another thread)."""

_ESCAPES = re.compile(rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\\.", re.DOTALL)
_SUSPECTS = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")
_REPLACEMENT = rb"\ufffd"


def read_body(raw: BaseHTTPResponse, *, watch: Watch, cap: int, source: str, deadline: float) -> bytes:
    """The decoded body, whole.

    Raises UpstreamUnavailable when the time is over, UpstreamBadReply when it is cut or larger than `cap`.
    """
    pieces, size = [], 0  # put together at the end: a text that grows is copied now and then, and takes twice its room
    try:
        while piece := raw.read1(PIECE, decode_content=True):
            pieces.append(piece)
            size += len(piece)
            if size > cap or raw.tell() > cap:
                raise failure(UpstreamBadReply, source, f"its answer is larger than {cap / MEBIBYTE:g} MiB")
    except NOT_READ as error:
        raise _cut_short(error, watch, source, deadline) from error
    if watch.is_over:
        raise too_slow(source, deadline)
    return b"".join(pieces)


def too_slow(source: str, deadline: float, *, never_sent: bool = False) -> UpstreamError:
    """The error for an exchange that its deadline ended."""
    return failure(UpstreamUnavailable, source, f"no complete answer within {deadline:g} s", never_sent=never_sent)


def _cut_short(error: BaseException, watch: Watch, source: str, deadline: float) -> UpstreamError:
    meaning = meaning_of(error)
    if watch.is_over or meaning == TIMED_OUT:
        return too_slow(source, deadline)
    kind, words = meaning
    return failure(UpstreamBadReply, source, words if kind is UpstreamBadReply else f"its answer broke off ({words})")


def cleaned(body: bytes) -> bytes:
    """The JSON text with what no database or page can hold (lone surrogates, NUL, bytes that are no UTF-8) replaced.

    Valid text comes back as it is. U+FFFD stands for each thing replaced.
    """
    if _SUSPECTS.search(body):
        body = _ESCAPES.sub(_safe_escape, body)
    try:
        body.decode()
    except UnicodeDecodeError:
        return body.decode("utf-8", "replace").encode()
    return body


def _safe_escape(match: re.Match[bytes]) -> bytes:
    text = match[0]
    if len(text) == 6 and (text == rb"\u0000" or text[2:4].lower() in _LONE):
        return _REPLACEMENT
    return text


_LONE: Final = {b"d8", b"d9", b"da", b"db", b"dc", b"dd", b"de", b"df"}


def decoded(body: bytes, kind: type[T], source: str) -> T:
    """The body as a value of this type. Raises UpstreamBadReply where it is not that."""
    try:
        return structs.decoded(cleaned(body), kind)
    except msgspec.ValidationError as error:
        raise failure(UpstreamBadReply, source, f"its answer has another shape than expected: {error}") from error
    except (ValueError, RecursionError) as error:  # malformed, out of range, or nested without end
        raise failure(UpstreamBadReply, source, f"its answer is not valid JSON: {error}") from error
