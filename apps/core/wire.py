"""What goes over the wire: texts are sent gzipped to whoever takes that; what many share is squeezed once for all.

A shared text has gaps, which each answer fills: who asked, and when. It is squeezed piece by piece, each piece without
knowledge of those before it (a full flush), so that the pieces can be joined with what fills the gaps. It also keeps
secrets apart: the length of an answer tells nothing of a token in a gap by what else stands in the page (BREACH).
"""

from __future__ import annotations

import re
import secrets
import struct
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import patch_vary_headers

GZIP_HEAD_WITH_NAME = b"\x1f\x8b\x08\x08\x00\x00\x00\x00\x00\xff"
LONGEST_NAME = 100
LAST_BLOCK = b"\x03\x00"
IDLE_LINES = re.compile(r"\n+(?=</?(?:t[rdh]|tbody|thead|option|optgroup)[ >])")
LEVEL = 6
LEAST_BYTES = 600
TEXTS = ("text/html", "text/css", "text/csv", "text/plain", "text/javascript", "application/json", "image/svg+xml")
NOT_AT_ALL = re.compile(r"\s*q\s*=\s*0(?:\.0*)?\s*")


def without_idle_lines(html: str) -> str:
    """The page without the line breaks between parts of tables and lists of choices, where nobody sees them.

    Each would be a node of the document: a fifth of a list's. What stands in a text or an attribute is never touched,
    since its "<" is escaped.
    """
    return IDLE_LINES.sub("", html)


@dataclass(frozen=True)
class Piece:
    """A part of a text, as it is and squeezed; the latter is made when it is first asked for, and kept."""

    raw: bytes

    @cached_property
    def squeezed(self) -> bytes:
        """Blocks of deflate that end on a byte and refer to nothing before them."""
        squeezing = zlib.compressobj(LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
        return squeezing.compress(self.raw) + squeezing.flush(zlib.Z_FULL_FLUSH)


class SharedText:
    """A text with gaps where its `marks` stand."""

    def __init__(self, text: str, marks: Iterable[str] = ()) -> None:
        between = "|".join(re.escape(mark) for mark in marks)
        told = re.split(f"({between})", text) if between else [text]
        self._pieces = [Piece(part.encode()) for part in told[::2]]
        self.marks = tuple(told[1::2])

    def filled(self, words: Mapping[str, str]) -> Iterator[Piece]:
        """The pieces of the whole text; `words` are what each mark stands for."""
        yield self._pieces[0]
        fillings = {mark: Piece(words[mark].encode()) for mark in set(self.marks)}
        for mark, piece in zip(self.marks, self._pieces[1:], strict=True):
            yield from (fillings[mark], piece)


def text_answer(request: HttpRequest, pieces: Iterable[Piece]) -> HttpResponse:
    """The pieces as one page, gzipped for a browser that takes it."""
    together = list(pieces)
    raw = b"".join(piece.raw for piece in together)
    if not takes_gzip(request) or len(raw) < LEAST_BYTES:
        return HttpResponse(raw)
    answer = HttpResponse(gzip_file(raw, b"".join(piece.squeezed for piece in together)))
    answer["Content-Encoding"] = "gzip"
    return answer


def gzip_file(raw: bytes, squeezed: bytes) -> bytes:
    """RFC 1952: a head, the squeezed bytes, and the check sum and length of what they were made of.

    The head has a file name of a length by chance, so that an answer's length tells little of what is in it.
    """
    head = GZIP_HEAD_WITH_NAME + b"-" * secrets.randbelow(LONGEST_NAME) + b"\0"
    return head + squeezed + LAST_BLOCK + struct.pack("<II", zlib.crc32(raw), len(raw) & 0xFFFFFFFF)


def takes_gzip(request: HttpRequest) -> bool:
    """Whether the browser says so."""
    told = (part.partition(";") for part in request.headers.get("Accept-Encoding", "").lower().split(","))
    return any(name.strip() in {"gzip", "*"} and not NOT_AT_ALL.fullmatch(weight) for name, _, weight in told)


def texts_gzipped(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Middleware: gzips texts that are not yet. Streams are left alone: an event must not wait in a buffer."""

    def gzipped(request: HttpRequest) -> HttpResponseBase:
        answer = get_response(request)
        if isinstance(answer, HttpResponse) and is_text(answer):
            patch_vary_headers(answer, ["Accept-Encoding"])
            if is_worth_it(answer) and takes_gzip(request):
                answer.content = gzip_file(answer.content, Piece(answer.content).squeezed)
                answer["Content-Encoding"] = "gzip"
                answer["Content-Length"] = str(len(answer.content))
        return answer

    return gzipped


def is_text(answer: HttpResponse) -> bool:
    """Whether it is of a kind that gets smaller."""
    return answer.headers.get("Content-Type", "").partition(";")[0].strip().lower() in TEXTS


def is_worth_it(answer: HttpResponse) -> bool:
    """Whether it is long enough, and as it was written."""
    return len(answer.content) >= LEAST_BYTES and not answer.has_header("Content-Encoding")
