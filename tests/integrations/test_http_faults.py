"""What the HTTP layer does when an upstream misbehaves. F numbers are the cases of the faults' list."""

from __future__ import annotations

import gzip
import threading
import time
import zlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import psutil
import pytest

from apps.core.errors import (
    UpstreamBadReply,
    UpstreamDenied,
    UpstreamError,
    UpstreamNotFound,
    UpstreamRejected,
    UpstreamThrottled,
    UpstreamUnavailable,
)
from apps.integrations.http import Endpoint, HttpClient
from apps.integrations.listing import Count
from tests.integrations.conftest import Serve
from tests.integrations.wire_server import Asked, Peer, Script, WireServer, head, reply

Make = Callable[..., HttpClient]
MEBIBYTE = 1024 * 1024


def raised(call: Callable[[], object]) -> UpstreamError:
    with pytest.raises(UpstreamError) as caught:
        call()
    return caught.value


def say(*pieces: bytes | str) -> Script:
    """A script that sends these bytes and closes."""
    return lambda peer, asked: peer.send(*pieces)


def took(call: Callable[[], object]) -> tuple[UpstreamError, float]:
    began = time.monotonic()
    return raised(call), time.monotonic() - began


def test_f4_a_server_that_hangs_after_accepting_costs_the_deadline_and_no_more(serve: Serve, client: Make) -> None:
    error, seconds = took(lambda: client(serve(lambda peer, asked: peer.hang()), deadline=0.4).get("x"))
    assert type(error) is UpstreamUnavailable
    assert error.message == "no complete answer within 0.4 s"
    assert 0.3 < seconds < 1.5


def test_f5_a_body_of_one_byte_at_a_time_ends_at_the_total_deadline(serve: Serve, client: Make) -> None:
    def script(peer: Peer, asked: Asked) -> None:
        peer.send(head(Content_Type="application/json"))
        peer.drip(b"[" + b" " * 1000, pause=0.05)

    error, seconds = took(lambda: client(serve(script), deadline=0.5).get("x"))
    assert type(error) is UpstreamUnavailable
    assert 0.4 < seconds < 1.5


def test_f5_headers_of_one_byte_at_a_time_end_at_the_total_deadline(serve: Serve, client: Make) -> None:
    def script(peer: Peer, asked: Asked) -> None:
        peer.drip((head() + "X-More: y\r\n" * 100).encode(), pause=0.05)

    error, seconds = took(lambda: client(serve(script), deadline=0.5).get("x"))
    assert type(error) is UpstreamUnavailable
    assert error.message == "no complete answer within 0.5 s"
    assert 0.4 < seconds < 1.5


def test_f5_the_deadline_holds_on_a_connection_that_is_used_again(serve: Serve, client: Make) -> None:
    def script(peer: Peer, asked: Asked) -> None:
        if asked.path == "/slow":
            peer.drip(head().encode(), pause=0.05)
        reply({})(peer, asked)

    server = serve(script, keeps_alive=True)
    http = client(server, deadline=0.4)
    http.get("quick")
    http.get("quick")
    error, seconds = took(lambda: http.get("slow"))
    assert server.connections == 1
    assert type(error) is UpstreamUnavailable
    assert seconds < 1.5
    assert http.get("quick").decode(dict[str, Any]) == {}


def test_f6_a_stream_on_which_nothing_comes_is_silent(serve: Serve, client: Make) -> None:
    def script(peer: Peer, asked: Asked) -> None:
        peer.send(head(), "one\n")
        peer.hang()

    with client(serve(script)).stream("watch", idle_timeout=0.3) as stream:
        lines = iter(stream)
        assert next(lines) == b"one"
        error, seconds = took(lambda: next(lines))
    assert type(error) is UpstreamUnavailable
    assert error.message == "the stream is silent: nothing came for 0.3 s"
    assert seconds < 1.5


def test_f6_a_stream_lives_past_the_deadline_of_calls_while_bytes_come(serve: Serve, client: Make) -> None:
    def script(peer: Peer, asked: Asked) -> None:
        peer.send(head())
        peer.drip(b"a\nb\nc\nd\ne\n", pause=0.08)

    with client(serve(script), deadline=0.2, connect_timeout=0.2).stream("watch", idle_timeout=0.3) as stream:
        assert list(stream) == [b"a", b"b", b"c", b"d", b"e"]


def test_f6_another_thread_may_end_a_stream(serve: Serve, client: Make) -> None:
    def script(peer: Peer, asked: Asked) -> None:
        peer.send(head(), "one\n")
        peer.hang()

    with client(serve(script)).stream("watch", idle_timeout=20) as stream:
        timer = threading.Timer(0.2, stream.close)
        timer.start()
        began = time.monotonic()
        assert list(stream) == [b"one"]
        assert time.monotonic() - began < 2
        timer.join()


def test_a_stream_with_a_line_without_end_is_stopped(serve: Serve, client: Make) -> None:
    script = say(head(), b"x" * 200_000)
    with client(serve(script)).stream("watch", idle_timeout=1, line_cap=100_000) as stream:
        error = raised(lambda: list(stream))
    assert type(error) is UpstreamBadReply
    assert "sent a line longer than" in error.message


def test_a_stream_that_is_cut_says_so(serve: Serve, client: Make) -> None:
    script = say(head(Transfer_Encoding="chunked"), "4\r\none\n\r\n", "8\r\ntw")
    with client(serve(script)).stream("watch", idle_timeout=1) as stream:
        lines = iter(stream)
        assert next(lines) == b"one"
        error = raised(lambda: list(lines))
    assert type(error) is UpstreamUnavailable
    assert "the stream broke off" in error.message


@pytest.mark.parametrize("status", [401, 403])
def test_f7_a_refused_token_is_named_and_never_told(status: int, serve: Serve, client: Make) -> None:
    """F7: credentials are refused for good, and what the upstream echoes of the token is hidden."""
    token = "s3cret-token-of-ours"
    body = {"message": f"token {token} is not valid, nor is Bearer abcdef123456 or eyJhbGciOi.eyJzdWIi.sig"}
    http = client(serve(reply(body, status=status)), headers=lambda: {"Authorization": f"Bearer {token}"})
    error = raised(lambda: http.get("x"))
    assert type(error) is UpstreamDenied
    assert error.permanent
    assert f"({status}): token [hidden] is not valid, nor is [hidden] or [hidden]" in error.message
    assert token not in str(error)


def test_f7_a_password_in_basic_credentials_is_hidden_too(serve: Serve, client: Make) -> None:
    body = {"message": "no user portal with hunter2hunter2"}
    headers = {"Authorization": "Basic cG9ydGFsOmh1bnRlcjJodW50ZXIy"}
    error = raised(lambda: client(serve(reply(body, status=401)), headers=lambda: headers).get("x"))
    assert error.message == "refused our credentials (401): no user portal with [hidden]"


def test_f7_a_token_with_a_line_break_is_not_sent(serve: Serve, client: Make) -> None:
    server = serve(reply({}))
    error = raised(lambda: client(server, headers=lambda: {"Authorization": "Bearer abcdefgh\r\nX: y"}).get("x"))
    assert type(error) is UpstreamRejected
    assert "abcdefgh" not in str(error)
    assert not server.asked


def test_a_token_that_was_read_again_counts_at_the_next_call(serve: Serve, client: Make) -> None:
    server, tokens = serve(reply({})), iter(["first", "second"])
    http = client(server, headers=lambda: {"Authorization": f"Bearer {next(tokens)}"})
    http.get("x")
    http.get("x")
    assert [asked.headers["authorization"] for asked in server.asked] == ["Bearer first", "Bearer second"]


def test_f8_too_many_requests_is_throttling_with_the_wish_of_the_upstream(serve: Serve, client: Make) -> None:
    error = raised(lambda: client(serve(reply("slow down", status=429, Retry_After="120"))).get("x"))
    assert type(error) is UpstreamThrottled
    assert error.retry_after == 120
    assert not error.permanent


def test_f8_retry_after_may_be_a_date(serve: Serve, client: Make) -> None:
    moment = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    error = raised(lambda: client(serve(reply("", status=503, Retry_After=moment))).get("x"))
    assert type(error) is UpstreamThrottled
    assert error.retry_after == pytest.approx(90, abs=3)


@pytest.mark.parametrize("wish", ["soon", "-5", "Wed, 99 Foo 2026"])
def test_f8_a_wish_that_cannot_be_read_is_none(wish: str, serve: Serve, client: Make) -> None:
    error = raised(lambda: client(serve(reply("", status=429, Retry_After=wish))).get("x"))
    assert error.retry_after is None


def test_f9_the_limit_of_an_alertmanager_is_an_outage_to_try_again(serve: Serve, client: Make) -> None:
    """F9: 503 in plain text, without Retry-After, from an Alertmanager with too many GETs at once."""
    body = "Limit of concurrent GET requests reached (8), try again later."
    error = raised(lambda: client(serve(reply(body, status=503, Content_Type="text/plain"))).get("x"))
    assert type(error) is UpstreamUnavailable
    assert error.message == f"answered with an error (503): {body}"


def test_f10_a_redirect_to_another_host_is_not_followed_and_sends_nothing_on(serve: Serve, client: Make) -> None:
    other = serve(reply({}))
    target = f"http://user:hunter22@localhost:{other.port}/in?token=abc123"
    http = client(serve(reply("", status=302, Location=target)), headers=lambda: {"Authorization": "Bearer abcdefgh"})
    error = raised(lambda: http.get("x"))
    assert type(error) is UpstreamBadReply
    assert error.message == f"redirects to another host, localhost:{other.port} (302), which was not followed"
    assert not other.asked


def test_f10_a_redirect_within_the_host_is_not_followed_either(serve: Serve, client: Make) -> None:
    server = serve(reply("", status=301, Location="/elsewhere?code=1"))
    error = raised(lambda: client(server).get("x"))
    assert error.message == f"redirects within 127.0.0.1:{server.port} (301), which was not followed"
    assert len(server.asked) == 1


def test_f10_the_body_of_a_redirect_is_read_under_a_cap(serve: Serve, client: Make) -> None:
    bomb = gzip.compress(b" " * (32 * MEBIBYTE))
    script = say(head(302, Location="http://other.example/", Content_Encoding="gzip"), bomb)
    error, seconds = took(lambda: client(serve(script)).get("x"))
    assert "other.example" in error.message
    assert seconds < 2


@pytest.mark.parametrize("content_type", ["text/html; charset=utf-8", "application/json"])
def test_f11_a_sign_in_page_with_200_is_no_answer(content_type: str, serve: Serve, client: Make) -> None:
    page = "<!doctype html><title>Sign in</title>"
    answer = client(serve(reply(page, Content_Type=content_type))).get("x")
    error = raised(lambda: answer.decode(dict[str, Any]))
    assert type(error) is UpstreamBadReply
    assert error.message == "answered with a web page, not JSON (a sign-in page?)"


def test_f11_a_sign_in_page_as_a_refusal_is_not_quoted(serve: Serve, client: Make) -> None:
    error = raised(lambda: client(serve(reply("<html>hello", status=403, Content_Type="text/html"))).get("x"))
    assert error.message == "refused this (403)"


@pytest.mark.parametrize(
    "script",
    [
        say(head(Content_Length="100", Content_Type="application/json"), '[{"a": 1}'),
        say(head(Transfer_Encoding="chunked"), "5\r\n[1, 2\r\n", "ff\r\n[3"),
        say(head(Content_Encoding="gzip", Content_Length="40"), gzip.compress(b"[1, 2]" * 50)[:20]),
        say(head(Content_Encoding="gzip", Content_Length="5"), "[1,2]"),
        say("HTTP/1.1 200 OK\r\nContent-Le"),
        say("SSH-2.0-OpenSSH_9.2\r\n"),
        say(head(Content_Type="application/json"), '[{"a": 1}, {"a"'),
    ],
    ids=["length", "chunk", "gzip", "no gzip", "headers", "another protocol", "JSON"],
)
def test_f12_an_answer_that_breaks_off_is_a_bad_reply(script: Script, serve: Serve, client: Make) -> None:
    error = raised(lambda: client(serve(script)).get("x").decode(list[Any]))
    assert type(error) is UpstreamBadReply
    assert not error.permanent


def test_f12_a_reset_in_the_middle_of_a_body_is_a_bad_reply(serve: Serve, client: Make) -> None:
    def script(peer: Peer, asked: Asked) -> None:
        peer.send(head(Content_Length="100"), "[1, ")
        time.sleep(0.1)
        peer.reset()

    error = raised(lambda: client(serve(script)).get("x"))
    assert type(error) is UpstreamBadReply
    assert error.message == "its answer broke off (it reset the connection)"


def test_f12_a_connection_closed_without_an_answer_is_an_outage(serve: Serve, client: Make) -> None:
    error = raised(lambda: client(serve(say(b""))).get("x"))
    assert type(error) is UpstreamUnavailable
    assert error.message == "it closed the connection without an answer"


def test_f14_a_body_over_the_cap_is_stopped(serve: Serve, client: Make) -> None:
    http = client(serve(say(head(Content_Type="application/json"), b" " * 300_000)), body_cap=100_000)
    error = raised(lambda: http.get("x"))
    assert type(error) is UpstreamBadReply
    assert "its answer is larger than" in error.message


def test_f14_a_gzip_bomb_is_stopped_at_the_cap_in_little_memory(serve: Serve, client: Make) -> None:
    """F14: 1000:1, 400 MiB decoded; the process must not grow by 100 MB."""
    packer = zlib.compressobj(9, wbits=31)
    bomb = b"".join(packer.compress(b" " * MEBIBYTE) for _ in range(400)) + packer.flush()
    server = serve(say(head(Content_Type="application/json", Content_Encoding="gzip"), bomb))
    process, peaks, over = psutil.Process(), [0], threading.Event()
    before = process.memory_info().rss

    def watch() -> None:
        while not over.wait(0.002):
            peaks.append(process.memory_info().rss - before)

    watcher = threading.Thread(target=watch)
    watcher.start()
    error = raised(lambda: client(server, deadline=20.0).get("x"))
    over.set()
    watcher.join()
    assert error.message == "its answer is larger than 64 MiB"
    assert len(bomb) < MEBIBYTE
    assert max(peaks) < 100_000_000


@pytest.mark.parametrize(
    "body",
    [
        b'{"items":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"items": [NaN]}',
        b'{"items": [Infinity]}',
        b'{"items": [1' + b"0" * 400 + b"]}",
    ],
    ids=["nested", "NaN", "Infinity", "10^400"],
)
def test_f15_hostile_json_is_refused(body: bytes, serve: Serve, client: Make) -> None:
    answer = client(serve(reply(body))).get("x")
    for kind in (dict[str, list[Count]], dict[str, list[list[Count]]]):
        with pytest.raises(UpstreamBadReply):
            answer.decode(kind)


def test_f15_hostile_json_of_a_refusal_leaves_its_status(serve: Serve, client: Make) -> None:
    error = raised(lambda: client(serve(reply(b"[" * 100_000, status=404))).get("x"))
    assert type(error) is UpstreamNotFound


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        (rb'"a\ud800b"', "a\ufffdb"),
        (rb'"\udc00\ud83d\ude00"', "\ufffd\U0001f600"),
        (rb'"a\u0000b"', "a\ufffdb"),
        (rb'"a\\u0000b"', r"a\u0000b"),
        (b'"a\xffb"', "a\ufffdb"),
        (b'"a\xed\xa0\x80b"', "a\ufffd\ufffd\ufffdb"),
        ('"\u202e<img src=x>"'.encode(), "\u202e<img src=x>"),
    ],
)
def test_f15_text_is_kept_as_it_is_but_valid(sent: bytes, kept: str, serve: Serve, client: Make) -> None:
    assert client(serve(reply(sent))).get("x").decode(str) == kept


def test_f15_of_duplicate_keys_the_last_counts(serve: Serve, client: Make) -> None:
    assert client(serve(reply(b'{"a": 1, "a": 2}'))).get("x").decode(dict[str, int]) == {"a": 2}


@pytest.mark.parametrize("name", ["../admin", "a/b", "a%2fb", "a?b=c", "a#b", "a\r\nX-Evil: 1", "ä b", "%2e%2e"])
def test_f29_a_name_stays_one_segment_of_the_path(name: str, serve: Serve, client: Make) -> None:
    server = serve(reply({}))
    client(server).get("applications", name, "sync")
    (asked,) = server.asked
    _, first, middle, last = asked.target.split("/")
    assert (first, last) == ("applications", "sync")
    assert not set(middle) & set("/?#\r\n ")
    assert "x-evil" not in asked.headers


@pytest.mark.parametrize("name", ["", ".", ".."])
def test_f29_a_name_that_walks_the_path_is_not_asked_for(name: str, serve: Serve, client: Make) -> None:
    server = serve(reply({}))
    error = raised(lambda: client(server).get("applications", name))
    assert type(error) is UpstreamRejected
    assert not server.asked


@pytest.mark.parametrize("status", [400, 405, 409, 415, 422])
def test_what_was_understood_and_refused_is_rejected(status: int, serve: Serve, client: Make) -> None:
    error = raised(lambda: client(serve(reply({"message": "no\nthanks\x1b[31m" + "x" * 900}, status=status))).get("x"))
    assert type(error) is UpstreamRejected
    told = error.message.removeprefix(f"refused the request ({status}): ")
    assert told.startswith("no thanks [31mxxx")
    assert len(told) == 300


def test_it_tells_what_the_last_call_cost(serve: Serve, client: Make) -> None:
    """F24 begins here: the upstream's clock is compared with ours."""
    ahead = format_datetime(datetime.now(UTC) + timedelta(minutes=10), usegmt=True)
    http = client(serve(reply({"text": "a" * 10_000}, zipped=True, Date=ahead)))
    http.get("x")
    facts = http.last
    assert facts is not None
    assert facts.body_bytes > 10_000
    assert 0 < facts.wire_bytes < 200
    assert 0 < facts.latency < 5
    assert facts.skew == pytest.approx(600, abs=3)
    assert facts.status == 200


def test_the_environment_has_no_say(serve: Serve, client: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere")
    assert client(serve(reply({"a": 1}))).get("x").decode(dict[str, int]) == {"a": 1}


def test_a_cookie_is_not_kept(serve: Serve, client: Make) -> None:
    server = serve(reply({}, Set_Cookie="session=1; Path=/"))
    http = client(server)
    http.get("x")
    http.get("x")
    assert "cookie" not in server.asked[1].headers


def test_a_proxy_is_asked_for_the_whole_address(serve: Serve) -> None:
    proxy = serve(reply({"by": "proxy"}))
    http = HttpClient(Endpoint(source="test/one", url="http://upstream.example:81", proxy=proxy.url))
    assert http.get("x").decode(dict[str, str]) == {"by": "proxy"}
    assert proxy.asked[0].target == "http://upstream.example:81/x"
    http.close()


def closes_after_the_first(serve: Serve) -> WireServer:
    """Keeps each connection for one answer, and closes it in the middle of the second request."""

    def script(peer: Peer, asked: Asked) -> None:
        if len(server.asked) == 2:
            raise ConnectionAbortedError
        reply({"a": 1})(peer, asked)

    server = serve(script, keeps_alive=True)
    return server


def test_a_get_on_a_connection_that_was_closed_meanwhile_is_sent_again(serve: Serve, client: Make) -> None:
    server = closes_after_the_first(serve)
    http = client(server)
    http.get("x")
    assert http.get("x").decode(dict[str, int]) == {"a": 1}
    assert (len(server.asked), server.connections) == (3, 2)


def test_what_is_no_get_is_never_sent_twice(serve: Serve, client: Make) -> None:
    server = closes_after_the_first(serve)
    http = client(server)
    http.get("x")
    error = raised(lambda: http.call("POST", ["x"], json={}))
    assert type(error) is UpstreamUnavailable
    assert [asked.method for asked in server.asked] == ["GET", "POST"]


def test_nobody_listening_is_an_outage() -> None:
    error = raised(lambda: HttpClient(Endpoint(source="test/one", url="http://127.0.0.1:1")).get("x"))
    assert type(error) is UpstreamUnavailable
    assert error.message == "it refuses connections"
    assert error.source == "test/one"


def test_an_address_without_meaning_is_rejected() -> None:
    error = raised(lambda: HttpClient(Endpoint(source="test/one", url="ftp://127.0.0.1")).get("x"))
    assert type(error) is UpstreamRejected
    assert error.permanent
