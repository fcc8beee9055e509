"""What each answer tells the browser, and which requests are refused before anybody looks at them."""

from __future__ import annotations

import http.client
import json
import logging
import socket
from collections.abc import Iterator
from contextlib import closing
from http.cookies import SimpleCookie
from typing import Any

import pytest
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import CsrfViewMiddleware, get_token
from django.test import Client, RequestFactory
from pytest_django import Settings

from apps.core import reports
from stonesoup_portal.heads import LONGEST_HEAD, LONGEST_QUERY
from stonesoup_portal.supervisor import web_command
from tests.stonesoup_portal import production
from tests.streaming import Web, web_process

POLICY = (
    "base-uri 'none'; connect-src 'self'; default-src 'none'; font-src 'self'; form-action 'self'; "
    "frame-ancestors 'none'; img-src 'self' data:; manifest-src 'self'; object-src 'none'; report-uri /csp-report/; "
    "script-src 'self'; style-src 'self'"
)
REPORT = {
    "csp-report": {
        "document-uri": "https://portal.example.com/apps/?q=token-of-somebody#x",
        "effective-directive": "script-src-elem",
        "blocked-uri": "https://mallory:pw@evil.example/x.js?token-of-somebody",
        "source-file": "https://portal.example.com/apps/?token-of-somebody",
        "line-number": 7,
    }
}


@pytest.fixture(autouse=True)
def fresh_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reports, "GATE", reports.Gate())


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/", "/sources/", "/actions/", "/actions/new/", "/search/?q=x", "/no-such-page/"])
def test_no_answer_with_data_is_kept_framed_or_sniffed(viewer: Client, path: str) -> None:
    answer = viewer.get(path)
    assert {"no-store", "private"} <= set(answer["Cache-Control"].split(", "))
    told = {name: answer[name] for name in ("X-Frame-Options", "X-Content-Type-Options", "Referrer-Policy")}
    assert told == {"X-Frame-Options": "DENY", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin"}
    assert answer["Cross-Origin-Opener-Policy"] == answer["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "; ".join(sorted(answer["Content-Security-Policy"].split("; "))) == POLICY
    assert "Access-Control-Allow-Origin" not in answer


def test_a_static_file_may_be_kept_and_is_for_no_other_site(client: Client) -> None:
    answer = client.get("/static/favicon.svg")
    assert answer.status_code == 200
    assert "no-store" not in answer["Cache-Control"]
    assert "Access-Control-Allow-Origin" not in answer
    answer.close()


def cookies_made() -> SimpleCookie:
    """Those of a page that has a form and keeps something in the session."""

    def page(request: HttpRequest) -> HttpResponse:
        request.session["kept"] = get_token(request)
        return HttpResponse()

    answer = SessionMiddleware(CsrfViewMiddleware(page))(RequestFactory().get("/", secure=True))
    assert isinstance(answer, HttpResponse)
    return answer.cookies


@pytest.mark.django_db
def test_over_https_cookies_are_bound_to_the_host_and_http_is_not_spoken(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    production.put_in_force(settings, monkeypatch)
    answer = production.browser().get("/healthz")
    assert answer["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains; preload"
    made = cookies_made()
    assert set(made) == {"__Host-portal-session", "__Host-portal-csrf"}
    for morsel in made.values():
        assert (morsel["secure"], morsel["httponly"], morsel["samesite"]) == (True, True, "Lax")
        assert (morsel["path"], morsel["domain"]) == ("/", "")
    plain = Client(SERVER_NAME=production.HOST).get("/")
    assert (plain.status_code, plain["Location"]) == (301, f"https://{production.HOST}/")


@pytest.mark.parametrize("host", ["evil.example", "portal.example.com.evil.example", "portal.example.com:x", ""])
def test_a_host_that_is_not_allowed_gets_a_plain_400(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    production.put_in_force(settings, monkeypatch)
    for path in ("/", "/accounts/sign-in/", "/csp-report/"):
        answer = production.browser(HTTP_HOST=host).get(path)
        assert answer.status_code == 400
        assert "evil" not in answer.content.decode()


def test_a_report_is_one_line_of_the_log_without_what_may_be_secret(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        answer = client.post("/csp-report/", json.dumps(REPORT), content_type="application/csp-report")
    assert answer.status_code == 204
    told = "script-src-elem kept https://evil.example/x.js from https://portal.example.com/apps/"
    assert caplog.messages == [f"a browser reports: {told}, by https://portal.example.com/apps/:7"]


def test_reports_need_no_token_of_a_form() -> None:
    client = Client(enforce_csrf_checks=True)
    assert client.post("/csp-report/", json.dumps(REPORT), content_type="application/csp-report").status_code == 204
    assert client.get("/csp-report/").status_code == 405


def test_many_reports_fill_no_log(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        for _ in range(50):
            assert (
                client.post("/csp-report/", json.dumps(REPORT), content_type="application/csp-report").status_code
                == 204
            )
    assert len(caplog.messages) == reports.WRITTEN_A_MINUTE + 1
    assert "the rest is not written" in caplog.messages[-1]


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"", 400), (b"\xff", 400), (b"[" * 10_000, 400), (b'{"csp-report": 7}', 400), (b"x" * 16_385, 413)],
)
def test_what_is_no_report_is_refused(client: Client, body: bytes, status: int) -> None:
    assert client.post("/csp-report/", body, content_type="application/csp-report").status_code == status


@pytest.fixture(scope="module")
def web(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    with web_process(tmp_path_factory.mktemp("web"), is_seen=True) as web:
        yield web


def asked(web: Web, path: str, *, method: str = "GET", body: bytes | None = None, **headers: str) -> tuple[int, str]:
    """Status and body."""
    with closing(http.client.HTTPConnection("127.0.0.1", web.port, timeout=10)) as line:
        line.request(method, path, body, headers)
        answer = line.getresponse()
        return answer.status, answer.read().decode()


def test_a_query_or_a_head_that_is_too_long_is_refused_in_plain_words(transactional_db: None, web: Web) -> None:
    for path in ("/healthz", "/stream"):
        assert asked(web, f"{path}?q={'x' * LONGEST_QUERY}") == (414, "The address is too long.")
        assert asked(web, path, cookie="x" * LONGEST_HEAD) == (431, "The headers are too long.")
    assert asked(web, "/healthz?q=x")[0] == 200


def test_a_body_that_is_too_long_is_refused_in_plain_words(transactional_db: None, web: Web) -> None:
    told = asked(web, "/csp-report/", method="POST", body=b"x" * 300_000)
    assert told == (413, "The request is too long.")


def answered(web: Web, *pieces: bytes) -> bytes:
    """What comes back until the server hangs up."""
    with closing(socket.create_connection(("127.0.0.1", web.port), timeout=10)) as line:
        try:
            for piece in pieces:
                line.sendall(piece)
        except OSError:
            return b"hung up"
        told = b""
        while piece := line.recv(65536):
            told += piece
        return told


@pytest.mark.parametrize("began", [b"GET /", b"GET / HTTP/1.1\r\nhost: 127.0.0.1\r\nx: ", b"GET / HTTP/1.1\r\n"])
def test_a_head_without_an_end_is_hung_up_on(transactional_db: None, web: Web, began: bytes) -> None:
    told = answered(web, began + b"x" * (LONGEST_HEAD + LONGEST_QUERY))
    assert told.startswith((b"HTTP/1.1 431 ", b"HTTP/1.1 400 "))
    assert asked(web, "/healthz")[0] == 200


def test_many_requests_on_one_line_are_each_measured_alone(transactional_db: None, web: Web) -> None:
    one = b"GET /healthz HTTP/1.1\r\nhost: 127.0.0.1\r\nx: " + b"x" * 20_000 + b"\r\n"
    told = answered(web, one + b"\r\n", one + b"\r\n", one + b"\r\n", one + b"connection: close\r\n\r\n")
    assert told.count(b"HTTP/1.1 200 OK") == 4


def test_the_strangest_bytes_get_a_400_or_no_answer(transactional_db: None, web: Web) -> None:
    for words in (
        b"\x00\x01\x02\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: evil.example\r\n\r\n",
        b"GET http:// HTTP/9.9\r\n\r\n",
    ):
        assert b"400 Bad Request" in answered(web, words.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n"))


def test_the_web_process_is_started_with_these_limits() -> None:
    command = web_command(8000)
    at: Any = command.index("--http")
    assert command[at + 1] == "stonesoup_portal.heads:BoundedHeads"
