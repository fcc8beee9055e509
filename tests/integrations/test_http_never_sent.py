"""`never_sent`: what certainly did not reach the upstream, and nothing else. What is no GET goes out once."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack

import pytest
import trustme

from apps.core.errors import UpstreamDenied, UpstreamError, UpstreamUnavailable, UpstreamUntrusted
from apps.integrations.http import Endpoint, HttpClient, failure
from apps.integrations.oauth2 import ClientCredentials, TokenProvider
from tests.integrations.conftest import Serve
from tests.integrations.wire_server import Asked, Peer, Script, head, reply


def failed(url: str, **options: object) -> UpstreamError:
    """What a POST to there ends with."""
    endpoint = Endpoint(**{"source": "test/one", "url": url, "deadline": 3.0, **options})  # type: ignore[arg-type]
    http = HttpClient(endpoint)
    try:
        with pytest.raises(UpstreamError) as caught:
            http.call("POST", ["x"], json={"a": 1})
    finally:
        http.close()
    return caught.value


@pytest.fixture
def full_port() -> Iterator[int]:
    """A port whose queue of connections is full, so that a new one waits for its answer."""
    with ExitStack() as opened:
        listener = opened.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(8):
            waiting = opened.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


@pytest.fixture
def strangers_tls() -> ssl.SSLContext:
    """TLS with a certificate of an authority that nobody trusts."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    return context


def test_a_refused_connection_was_never_sent() -> None:
    assert failed("http://127.0.0.1:1").never_sent


def test_a_name_that_is_not_resolved_was_never_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*args: object, **options: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    error = failed("http://argocd.example:8080")
    assert (error.message, error.never_sent) == ("its name cannot be resolved", True)


@pytest.mark.parametrize("times", [{"connect_timeout": 0.3}, {"deadline": 0.3}])
def test_a_connection_that_does_not_come_about_in_time_was_never_sent(times: dict[str, float], full_port: int) -> None:
    error = failed(f"http://127.0.0.1:{full_port}", **times)
    assert (type(error), error.never_sent) == (UpstreamUnavailable, True)


def test_a_certificate_that_is_refused_was_never_sent(serve: Serve, strangers_tls: ssl.SSLContext) -> None:
    server = serve(reply({}), tls=strangers_tls)
    error = failed(server.url)
    assert (type(error), error.never_sent, server.asked) == (UpstreamUntrusted, True, [])


def test_a_handshake_that_never_ends_was_never_sent(serve: Serve) -> None:
    server = serve(lambda peer, asked: peer.hang())
    assert failed(server.url.replace("http:", "https:"), connect_timeout=0.3, deadline=0.6).never_sent


def test_credentials_that_cannot_be_read_were_never_sent(serve: Serve) -> None:
    def unreadable() -> Mapping[str, str]:
        raise failure(UpstreamDenied, "test/one", "our credentials cannot be read")

    server = serve(reply({}))
    assert failed(server.url, headers=unreadable).never_sent
    assert failed(server.url, headers=lambda: {"Authorization": "Bearer a\r\nb"}).never_sent
    assert failed(server.url, ca="/nowhere/ca.pem").never_sent
    assert server.asked == []


def test_without_a_token_nothing_was_sent_though_the_issuer_answered(serve: Serve) -> None:
    server, issuer = serve(reply({})), serve(reply({"error": "unavailable"}, status=503))
    credentials = ClientCredentials(token_url=issuer.url, client_id="portal", secret=lambda: "secret")
    provider = TokenProvider(credentials=credentials, transport=Endpoint(source="test/one", url=""))
    assert failed(server.url, headers=provider.headers, renew=provider.renew).never_sent
    assert (len(issuer.asked), server.asked) == (1, [])


@pytest.mark.parametrize(
    "script",
    [
        lambda peer, asked: peer.hang(),
        lambda peer, asked: peer.reset(),
        lambda peer, asked: None,
        lambda peer, asked: peer.send(head(Content_Length="100", Content_Type="application/json"), "{"),
        lambda peer, asked: peer.send("no HTTP at all\r\n\r\n"),
        reply({"error": "no"}, status=500),
        reply({"error": "no"}, status=403),
        reply("", status=302, Location="/login"),
    ],
    ids=["hangs", "resets", "closes", "cut short", "garbage", "500", "403", "redirect"],
)
def test_what_may_have_arrived_is_not_called_never_sent_and_goes_out_once(script: Script, serve: Serve) -> None:
    server = serve(script)
    assert not failed(server.url, deadline=0.5).never_sent
    assert [asked.method for asked in server.asked] == ["POST"]


def test_a_kept_connection_that_was_closed_meanwhile_may_have_brought_it(serve: Serve) -> None:
    def once(peer: Peer, asked: Asked) -> None:
        if asked.method != "GET":
            raise ConnectionAbortedError
        reply({})(peer, asked)

    server = serve(once, keeps_alive=True)
    http = HttpClient(Endpoint(source="test/one", url=server.url, deadline=3.0))
    http.get("x")
    with pytest.raises(UpstreamError) as caught:
        http.call("POST", ["x"], json={})
    http.close()
    assert not caught.value.never_sent
    assert [asked.method for asked in server.asked] == ["GET", "POST"]


def test_a_second_call_on_a_new_connection_that_is_refused_was_never_sent(serve: Serve) -> None:
    server = serve(reply({}))
    http = HttpClient(Endpoint(source="test/one", url=server.url, deadline=3.0))
    http.call("POST", ["x"], json={})
    server.stop()
    with pytest.raises(UpstreamError) as caught:
        http.call("POST", ["x"], json={})
    http.close()
    assert caught.value.never_sent


def renewing(answers: list[int], serve: Serve) -> tuple[Callable[[], UpstreamError], list[Asked]]:
    """A POST with credentials that are renewed, to a server that answers with these statuses in turn."""
    statuses = iter(answers)

    def next_answer(peer: Peer, asked: Asked) -> None:
        reply({}, status=next(statuses))(peer, asked)

    server = serve(next_answer)
    return lambda: failed(server.url, renew=lambda refused: None), server.asked


def test_a_post_is_made_again_with_new_credentials_only_after_an_answer_that_refused_the_old(serve: Serve) -> None:
    call, asked = renewing([401, 401], serve)
    assert type(call()) is UpstreamDenied
    assert len(asked) == 2
    call, asked = renewing([500], serve)
    assert type(call()) is UpstreamUnavailable
    assert len(asked) == 1


def test_what_was_refused_once_is_not_called_never_sent_when_new_credentials_fail(serve: Serve) -> None:
    given = iter([{"Authorization": "Bearer old"}])

    def headers() -> Mapping[str, str]:
        for known in given:
            return known
        raise failure(UpstreamUnavailable, "test/one", "no token for us")

    server = serve(reply({}, status=401))
    assert not failed(server.url, headers=headers, renew=lambda refused: None).never_sent
    assert len(server.asked) == 1
