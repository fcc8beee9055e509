"""Answers are gzipped for whoever takes that, shared ones once for all, and streams never."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator

import pytest
from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.test import Client, RequestFactory

from apps.core import wire
from apps.core.wire import SharedText, is_text, takes_gzip, text_answer, texts_gzipped, without_idle_lines

LONG = "<p>The same again and again, ünïcode too.</p>\n" * 100


def asking(accepted: str = "gzip, deflate, br") -> object:
    return RequestFactory().get("/", headers={"Accept-Encoding": accepted})


@pytest.mark.parametrize("told", ["gzip", "br, gzip", "deflate,GZIP;q=0.5", "*", "gzip ; q=1.0", "gzip;q=0.001, br"])
def test_a_browser_that_takes_gzip(told: str) -> None:
    assert takes_gzip(asking(told))  # type: ignore[arg-type]


@pytest.mark.parametrize("told", ["", "br", "identity", "gzip;q=0", "gzip; q=0.0, br", "x-gzip-like", "deflate"])
def test_a_browser_that_does_not(told: str) -> None:
    assert not takes_gzip(asking(told))  # type: ignore[arg-type]


def test_a_shared_text_is_the_same_gzipped_or_not_with_its_gaps_filled() -> None:
    shared = SharedText(f"{LONG}[who]{LONG}[when]{LONG}[who]", ["[who]", "[when]", "[nowhere]"])
    words = {"[who]": "véra" * 200, "[when]": "", "[nowhere]": "never"}
    expected = f"{LONG}{'véra' * 200}{LONG}{LONG}{'véra' * 200}".encode()
    plain = text_answer(asking("br"), shared.filled(words))  # type: ignore[arg-type]
    squeezed = text_answer(asking(), shared.filled(words))  # type: ignore[arg-type]
    assert plain.content == expected
    assert not plain.has_header("Content-Encoding")
    assert squeezed["Content-Encoding"] == "gzip"
    assert gzip.decompress(squeezed.content) == expected
    assert len(squeezed.content) < len(expected) / 5


def test_what_many_share_is_squeezed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []

    def counting(*given: int) -> object:
        made.append(1)
        return zlib_compressobj(*given)

    zlib_compressobj = zlib.compressobj
    monkeypatch.setattr(wire.zlib, "compressobj", counting)
    shared = SharedText(f"{LONG}[who]{LONG}", ["[who]"])
    for name in ("vera", "remy", "ada"):
        text_answer(asking(), shared.filled({"[who]": name}))  # type: ignore[arg-type]
    assert len(made) == 2 + 3


def test_a_secret_in_a_gap_is_squeezed_without_the_page_around_it() -> None:
    """What stands in the page does not make an answer shorter when it is like the token (BREACH)."""
    token = "s3cr3t-t0k3n-0123456789abcdef" * 4
    lengths = set()
    for guess in (token, token[::-1], "another guess altogether" * 5):
        pieces = list(SharedText(f"{LONG}{guess}[token]", ["[token]"]).filled({"[token]": token}))
        lengths.add(len(b"".join(piece.squeezed for piece in pieces)) - len(pieces[0].squeezed))
    assert len(lengths) == 1


def test_line_breaks_that_nobody_sees_are_left_out_and_no_others() -> None:
    table = "<table>\n<thead>\n<tr>\n<td>a\nb\n</td>\n<th>c</th>\n</tr></thead></table>\n<p>\n<b>x</b>\n<i>y</i>"
    expected = "<table><thead><tr><td>a\nb</td><th>c</th></tr></thead></table>\n<p>\n<b>x</b>\n<i>y</i>"
    assert without_idle_lines(table) == expected
    texts = '<pre>&lt;td>\n&lt;tr></pre><a title="x\n&lt;td>">\n<time>1</time>\n<tribe>'
    assert without_idle_lines(texts) == texts


def answered(answer: HttpResponseBase, accepted: str = "gzip") -> HttpResponseBase:
    return texts_gzipped(lambda _: answer)(asking(accepted))  # type: ignore[arg-type]


def test_texts_are_gzipped_by_the_way_and_say_what_they_depend_on() -> None:
    answer = answered(HttpResponse(LONG, headers={"Content-Length": "1"}))
    assert isinstance(answer, HttpResponse)
    assert gzip.decompress(answer.content).decode() == LONG
    assert answer["Content-Length"] == str(len(answer.content))
    assert answer["Vary"] == "Accept-Encoding"
    plain = answered(HttpResponse(LONG), "br")
    assert isinstance(plain, HttpResponse)
    assert (plain.content.decode(), plain["Vary"]) == (LONG, "Accept-Encoding")


@pytest.mark.parametrize("kind", ["text/csv; charset=utf-8", "application/json", "text/plain", "Text/HTML"])
def test_files_and_figures_are_texts_too(kind: str) -> None:
    assert is_text(HttpResponse(LONG, content_type=kind))


def test_what_is_short_or_no_text_is_left_as_it_is() -> None:
    for answer in (
        HttpResponse("short"),
        HttpResponse(b"\0" * 5000, content_type="image/png"),
        HttpResponse(status=204),
    ):
        before = answer.content
        assert not answered(answer).has_header("Content-Encoding")
        assert answer.content == before


def test_a_stream_is_never_gzipped() -> None:
    def events() -> Iterator[bytes]:
        yield b"event: topics\ndata: 1\n\n" * 100

    answer = answered(StreamingHttpResponse(events(), content_type="text/event-stream"))
    assert not answer.has_header("Content-Encoding")
    assert isinstance(answer, StreamingHttpResponse)
    assert next(iter(answer)).startswith(b"event")


def test_equal_answers_differ_in_length() -> None:
    lengths = {len(answered(HttpResponse(LONG)).content) for _ in range(20)}  # type: ignore[attr-defined]
    assert len(lengths) > 3


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/", "/alerts/", "/apps/", "/clusters/", "/sources/"])
def test_every_page_arrives_gzipped_and_whole(viewer: Client, path: str) -> None:
    plain = viewer.get(f"{path}?environment=all")
    squeezed = viewer.get(f"{path}?environment=all", headers={"Accept-Encoding": "gzip"})
    assert squeezed["Content-Encoding"] == "gzip"
    assert {"Accept-Encoding", "HX-Request"} <= set(squeezed["Vary"].split(", "))
    text = gzip.decompress(squeezed.content)
    assert text.endswith(b"</html>\n")
    assert len(text) == pytest.approx(len(plain.content), abs=20)


@pytest.mark.django_db
def test_the_page_of_signing_in_arrives_gzipped_too(client: Client) -> None:
    answer = client.get("/accounts/sign-in/", headers={"Accept-Encoding": "gzip"})
    assert b"<h1>Sign in</h1>" in gzip.decompress(answer.content)
