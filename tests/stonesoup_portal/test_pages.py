"""Pages as an ASGI application."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseBase
from django.urls import path

from stonesoup_portal.pages import Pages

SEEN_IN: list[str] = []


def told(request: HttpRequest) -> HttpResponse:
    """Says what came, and notes the thread in which it was made."""
    SEEN_IN.append(threading.current_thread().name)
    answer = HttpResponse(f"{request.method} {request.path} {request.body.decode()} {request.META['REMOTE_ADDR']}")
    answer.set_cookie("one", "1")
    answer.set_cookie("two", "2")
    return answer


def own_source(request: HttpRequest) -> HttpResponseBase:
    """A file, in pieces."""
    return FileResponse(Path(__file__).open("rb"))


def broken(request: HttpRequest) -> HttpResponse:
    """A bug."""
    raise ZeroDivisionError


urlpatterns = [path("told/", told), path("file/", own_source), path("broken/", broken)]


@pytest.fixture
def pages(settings: Any) -> Pages:
    settings.ROOT_URLCONF = __name__
    settings.MIDDLEWARE = []
    settings.ALLOWED_HOSTS = ["portal.example.com"]
    return Pages(1)


def asked(pages: Pages, path: str, *messages: dict[str, Any], method: str = "GET") -> list[dict[str, Any]]:
    """What is sent for a request whose body comes as these messages."""
    sent: list[dict[str, Any]] = []
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": b"",
        "headers": [(b"host", b"portal.example.com")],
        "client": ("127.0.0.1", 5000),
    }
    coming = iter(messages or [{"type": "http.request"}])

    async def receive() -> dict[str, Any]:
        return next(coming)

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    asyncio.run(pages(scope, receive, send))
    return sent


def parts(*bodies: bytes) -> Iterable[dict[str, Any]]:
    """A body in pieces."""
    return [{"type": "http.request", "body": body, "more_body": body is not bodies[-1]} for body in bodies]


def test_an_answer_goes_out_in_one_piece_with_its_cookies(pages: Pages) -> None:
    head, content = asked(pages, "/told/", *parts(b"a ", b"body"), method="POST")
    assert (head["status"], content["body"]) == (200, b"POST /told/ a body 127.0.0.1")
    assert [value.split(b";")[0] for name, value in head["headers"] if name == b"set-cookie"] == [b"one=1", b"two=2"]


def test_all_pages_are_made_in_the_threads_of_the_pool(pages: Pages) -> None:
    SEEN_IN.clear()
    for _ in range(3):
        asked(pages, "/told/")
    assert set(SEEN_IN) == {"page_0"}


def test_a_file_goes_out_whole(pages: Pages) -> None:
    head, content = asked(pages, "/file/")
    assert (head["status"], content["body"]) == (200, Path(__file__).read_bytes())


def test_who_goes_while_sending_gets_no_page_made(pages: Pages) -> None:
    SEEN_IN.clear()
    body = {"type": "http.request", "body": b"half", "more_body": True}
    assert asked(pages, "/told/", body, {"type": "http.disconnect"}, method="POST") == []
    assert SEEN_IN == []


def test_a_body_longer_than_any_form_is_refused_before_it_is_read(pages: Pages) -> None:
    most = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    assert most
    head, _ = asked(pages, "/told/", *parts(b"x" * most, b"x", b"never read"), method="POST")
    assert head["status"] == 413


def test_a_bug_is_a_500_and_the_next_page_is_made(pages: Pages) -> None:
    assert asked(pages, "/broken/")[0]["status"] == 500
    assert asked(pages, "/told/")[0]["status"] == 200
