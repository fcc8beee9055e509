"""Tokens by client credentials, and what Observatorium does with a bad one."""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

import pytest

from apps.core.errors import UpstreamBadReply, UpstreamDenied, UpstreamError, UpstreamUnavailable, UpstreamUnverified
from apps.integrations import oauth2
from apps.integrations.http import Endpoint, HttpClient
from apps.integrations.oauth2 import ClientCredentials, TokenProvider
from apps.integrations.prometheus import PrometheusClient
from tests.integrations.conftest import Serve
from tests.integrations.recordings import Recording
from tests.integrations.wire_server import Asked, Peer, Script, WireServer, reply

SECRET = "the-secret-of-the-portal"


def tokens(life: Any = 300) -> Script:
    """Gives token-1, token-2, …"""
    numbers = iter(range(1, 1000))

    def script(peer: Peer, asked: Asked) -> None:
        reply({"access_token": f"token-{next(numbers)}", "expires_in": life, "token_type": "Bearer"})(peer, asked)

    return script


def provider_of(server: WireServer, **more: str) -> TokenProvider:
    return TokenProvider(
        credentials=ClientCredentials(
            token_url=f"{server.url}/token", client_id="portal", secret=lambda: SECRET, **more
        ),
        transport=Endpoint(source="observatorium/rhobs", url="", deadline=3.0),
    )


def raised(call: Callable[[], object]) -> UpstreamError:
    with pytest.raises(UpstreamError) as caught:
        call()
    return caught.value


def test_a_token_is_asked_for_once_and_kept(serve: Serve) -> None:
    server = serve(tokens())
    provider = provider_of(server, audience="observatorium", scope="metrics")
    assert [provider.headers() for _ in range(3)] == [{"Authorization": "Bearer token-1"}] * 3
    (asked,) = server.asked
    assert (asked.method, asked.target) == ("POST", "/token")
    assert parse_qs(asked.body.decode()) == {
        "grant_type": ["client_credentials"],
        "audience": ["observatorium"],
        "scope": ["metrics"],
    }
    basic = base64.b64decode(asked.headers["authorization"].removeprefix("Basic ")).decode()
    assert basic == f"portal:{SECRET}"


def test_a_token_is_renewed_shortly_before_it_expires(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    provider = provider_of(serve(tokens(life=300)))
    monkeypatch.setattr(oauth2, "monotonic", lambda: now[0])
    assert provider.headers()["Authorization"] == "Bearer token-1"
    now[0] += 269
    assert provider.headers()["Authorization"] == "Bearer token-1"
    now[0] += 2
    assert provider.headers()["Authorization"] == "Bearer token-2"


def test_one_fetch_is_under_way_for_all_threads(serve: Serve) -> None:
    server = serve(tokens())
    provider, seen = provider_of(server), []
    threads = [threading.Thread(target=lambda: seen.append(provider.headers()["Authorization"])) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == ["Bearer token-1"] * 8
    assert len(server.asked) == 1


def test_a_refused_token_is_renewed_once_and_the_call_made_again(serve: Serve) -> None:
    def upstream(peer: Peer, asked: Asked) -> None:
        is_good = asked.headers["authorization"] == "Bearer token-2"
        reply({"a": 1} if is_good else {"error": "expired"}, status=200 if is_good else 401)(peer, asked)

    server, issuer = serve(upstream), serve(tokens())
    http = HttpClient(provider_of(issuer).endpoint(Endpoint(source="observatorium/rhobs", url=server.url)))
    assert http.get("x").decode(dict[str, int]) == {"a": 1}
    assert len(server.asked) == len(issuer.asked) == 2
    http.close()


@pytest.mark.parametrize("name", ["no_token", "bad_token", "tenant_unknown"])
def test_f7_what_observatorium_says_of_a_bad_token_is_denied_after_one_renewal(name: str, serve: Serve) -> None:
    """F7: a 302 to a sign-in page, a 500 "failed to verify ID token" and a 401 are all about credentials."""
    server, issuer = serve(Recording(f"observatorium/main-2026-07/{name}").script()), serve(tokens())
    endpoint = provider_of(issuer).endpoint(Endpoint(source="observatorium/rhobs", url=server.url))
    with PrometheusClient(endpoint, observatorium=True, tenant="rhtap") as client:
        error = raised(lambda: client.query("up"))
    assert isinstance(error, UpstreamDenied)
    assert error.kind == "credentials"
    assert isinstance(error, UpstreamUnverified) is (name != "no_token"), "it may not reach the provider, or just start"
    assert len(server.asked) == len(issuer.asked) == 2


def test_a_right_that_is_missing_renews_nothing(serve: Serve) -> None:
    server, issuer = serve(Recording("observatorium/main-2026-07/tenant_not_allowed").script()), serve(tokens())
    endpoint = provider_of(issuer).endpoint(Endpoint(source="observatorium/rhobs", url=server.url))
    with PrometheusClient(endpoint, observatorium=True, tenant="other") as client:
        assert type(raised(lambda: client.query("up"))) is UpstreamDenied
    assert len(server.asked) == 1


def test_keycloak_gives_a_token(serve: Serve) -> None:
    recording = Recording("keycloak/26.4/client_credentials")
    token = recording.content["response"]["json"]["access_token"]
    assert provider_of(serve(recording.script())).headers() == {"Authorization": f"Bearer {token}"}


def test_keycloak_refuses_a_wrong_secret(serve: Serve) -> None:
    error = raised(provider_of(serve(Recording("keycloak/26.4/client_credentials_wrong").script())).headers)
    assert type(error) is UpstreamDenied
    assert error.source == "observatorium/rhobs"
    assert error.message.startswith("no token for us: refused our credentials (401): Invalid client")


def test_f53_the_secret_is_hidden_when_it_is_echoed(serve: Serve) -> None:
    body = {"error": "invalid_client", "error_description": f"no client with {SECRET}"}
    error = raised(provider_of(serve(reply(body, status=400))).headers)
    assert type(error) is UpstreamDenied
    assert SECRET not in str(error)


@pytest.mark.parametrize("body", [{}, {"access_token": ""}, {"access_token": "a\r\nb"}, "no", {"access_token": 5}])
def test_an_answer_without_a_token_is_a_bad_reply(body: Any, serve: Serve) -> None:
    assert type(raised(provider_of(serve(reply(body))).headers)) is UpstreamBadReply


def test_an_issuer_that_is_down_is_an_outage(serve: Serve) -> None:
    error = raised(provider_of(serve(reply("", status=502))).headers)
    assert type(error) is UpstreamUnavailable


@pytest.mark.parametrize("life", [None, 0, -5])
def test_a_token_without_a_life_is_kept_for_a_while(life: Any, serve: Serve) -> None:
    provider = provider_of(serve(tokens(life=life)))
    assert provider.headers() == provider.headers()
