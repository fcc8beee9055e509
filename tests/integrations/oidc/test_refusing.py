"""F48: what does not hold gives no session, and a sentence that helps (-s prints them)."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable

import pytest

from apps.core.errors import PortalError
from apps.integrations.oidc import ProviderAway, ProviderSettings, SessionEnded, SignInRefused, kept, transport
from apps.integrations.oidc.discovery import is_allowed
from apps.integrations.oidc.errors import WORDS
from tests.integrations.oidc.bad import BAD, BAD_LOGOUT, LOGOUT, TROUBLE
from tests.integrations.oidc.provider import BACK, NOW, SECRET, Flow, Provider, key, published, signed
from tests.integrations.wire_server import Asked, Peer, reply


def refused(name: str, call: Callable[[], object]) -> SignInRefused | ProviderAway:
    """What a call got instead of a sign-in; printed."""
    with pytest.raises(PortalError) as caught:
        call()
    error = caught.value
    assert isinstance(error, SignInRefused | ProviderAway)
    sys.stdout.write(f"{name:52} {error.kind:16} {error.words}\n")
    return error


def shows_nothing_secret(error: SignInRefused | ProviderAway, flow: Flow) -> None:
    """Neither the words nor the log's line hold a token, the secret, or markup that came from outside."""
    shown = f"{error} {error.words} {error!r}"
    hidden = (SECRET, flow.access_token, "the-refresh-token", "the-code", "eyJ", "<script>")
    assert [secret for secret in hidden if secret in shown] == []


@pytest.mark.parametrize("name", BAD)
def test_f48_a_bad_token_or_callback_signs_nobody_in(name: str, flow: Flow) -> None:
    bend, kind = BAD[name]
    bend(flow)
    error = refused(name, flow.finish)
    assert error.kind == kind
    assert error.words.endswith((".", "there."))
    shows_nothing_secret(error, flow)


@pytest.mark.parametrize("name", BAD_LOGOUT)
def test_f48_a_bad_logout_token_ends_no_session(name: str, flow: Flow) -> None:
    logout_claims(flow)
    bend, kind = BAD_LOGOUT[name]
    bend(flow)
    error = refused(name, lambda: flow.client.logout_told(logout_token(flow)))
    assert error.kind == kind
    shows_nothing_secret(error, flow)


def logout_claims(flow: Flow) -> None:
    """What a logout token says where an ID token says something else."""
    for name in ("nonce", "at_hash", "name", "groups"):
        del flow.claims[name]
    flow.claims.update(jti="logout-1", exp=int(NOW) + 120, events={LOGOUT: {}})
    flow.header["typ"] = "logout+jwt"


def logout_token(flow: Flow) -> str:
    return signed(flow.header, flow.claims, flow.key) if flow.id_token is None else flow.id_token


def test_a_logout_token_tells_whose_session_ended(flow: Flow) -> None:
    logout_claims(flow)
    told = flow.client.logout_told(logout_token(flow))
    assert (told.issuer, told.subject, told.sid) == (flow.provider.issuer, "subject-of-remy", "session-of-remy")
    assert (told.jti, told.expires_at.timestamp()) == ("logout-1", NOW + 180)


@pytest.mark.parametrize(("missing", "told"), [("sid", ("subject-of-remy", "")), ("sub", ("", "session-of-remy"))])
def test_a_logout_token_may_tell_the_person_or_the_session_only(
    flow: Flow, missing: str, told: tuple[str, str]
) -> None:
    logout_claims(flow)
    del flow.claims[missing]
    flow.header["typ"] = "JWT"
    heard = flow.client.logout_told(logout_token(flow))
    assert (heard.subject, heard.sid) == told


def test_every_kind_of_refusal_is_one_that_the_tables_show() -> None:
    shown = {kind for _, kind in (*BAD.values(), *BAD_LOGOUT.values())}
    assert set(WORDS) - shown == {"session-over", "other-person", "groups-not-told"}, "these are shown by renewals"
    assert len(BAD) >= 30


@pytest.mark.parametrize("path", ["/.well-known/openid-configuration", "/keys", "/token/"])
@pytest.mark.parametrize("trouble", TROUBLE)
def test_f47_a_provider_in_trouble_is_away_and_says_nothing_of_the_person(
    provider: Provider, path: str, trouble: str
) -> None:
    provider.scripts[path] = TROUBLE[trouble]
    error = refused(f"{path}: {trouble}", lambda: Flow(provider).finish())
    assert isinstance(error, ProviderAway)


@pytest.mark.parametrize("path", ["/.well-known/openid-configuration", "/keys", "/token/"])
def test_f47_a_provider_that_hangs_is_given_up_at_the_deadline(
    provider: Provider, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "DEADLINE", 0.2)
    provider.scripts[path] = lambda peer, asked: peer.hang()
    error = refused(f"{path}: hangs", lambda: Flow(provider).finish())
    assert "no complete answer within 0.2 s" in error.words


def test_f47_a_provider_that_is_not_there_is_said_before_the_browser_is_sent(provider: Provider) -> None:
    client = provider.client()
    provider.server.stop()
    error = refused("nobody listens", lambda: client.begin(BACK))
    assert "it refuses connections" in error.words


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"issuer": "https://evil.example"}, "names another issuer"),
        ({"token_endpoint": "https://evil.example/token"}, "on a host that the fleet file does not"),
        ({"jwks_uri": "http://169.254.169.254/keys"}, "on a host that the fleet file does not"),
        ({"authorization_endpoint": "javascript:alert(1)"}, "on a host that the fleet file does not"),
        ({"end_session_endpoint": "//evil.example/logout"}, "on a host that the fleet file does not"),
        ({"userinfo_endpoint": "http://127.0.0.1:99999/"}, "on a host that the fleet file does not"),
        ({"token_endpoint": 7}, "another shape"),
    ],
)
def test_f31_a_discovery_document_is_believed_within_bounds(
    provider: Provider, change: dict[str, object], words: str
) -> None:
    provider.document.update(change)
    assert words in refused(str(change), lambda: provider.client().begin(BACK)).words


def test_an_endpoint_may_be_on_a_further_host_that_the_settings_name(provider: Provider) -> None:
    provider.document["userinfo_endpoint"] = "https://graph.example/userinfo"
    client = provider.client(hosts=("graph.example",))
    assert client.discovered().userinfo_endpoint == "https://graph.example/userinfo"


@pytest.mark.parametrize(
    ("endpoint", "allowed"),
    [
        ("https://sso.example/token", True),
        ("https://SSO.example:443/token", True),
        ("https://graph.example:8443/userinfo", True),
        ("http://sso.example/token", False),
        ("http://sso.example:443/token", False),
        ("https://sso.example:8443/token", False),
        ("https://graph.example/userinfo", False),
        ("https://sso.example.evil.example/token", False),
        ("https://sso.example@evil.example/token", False),
        ("https://remy@sso.example/token", False),
        ("https:///token", False),
        ("https://[::1/token", False),
        ("/token", False),
        ("", False),
    ],
)
def test_f31_an_endpoint_is_on_the_issuers_host_or_on_one_that_is_named(endpoint: str, allowed: bool) -> None:
    settings = ProviderSettings(issuer="https://sso.example/realms/x", client_id="c", hosts=("graph.example:8443",))
    assert is_allowed(endpoint, settings) is allowed


def test_keys_are_fetched_out_of_turn_for_a_new_one_every_30_s_at_most(
    flow: Flow, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1000.0]
    monkeypatch.setattr(kept, "monotonic", lambda: now[0])
    assert flow.finish().subject
    for name, seconds, fetched in (("two", 0, 2), ("three", 29, 2), ("three", 1, 3)):
        now[0] += seconds
        flow.provider.keys = [published(key(name), name)]
        flow.header["kid"], flow.key = name, key(name)
        flow.provider.tokens, flow.provider.codes = {}, {"the-code"}
        if seconds == 29:
            assert refused("a second new key within 30 s", flow.finish).kind == "key"
        else:
            assert flow.finish().subject
        assert len(flow.provider.asked_for("/keys")) == fetched


def test_keys_are_not_fetched_for_every_stranger(flow: Flow) -> None:
    logout_claims(flow)
    for number in range(20):
        flow.header["kid"] = f"stranger-{number}"
        refused("stranger", lambda: flow.client.logout_told(logout_token(flow)))
    assert len(flow.provider.asked_for("/keys")) == 2


def test_document_and_keys_are_fetched_again_after_an_hour(flow: Flow, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [kept.monotonic()]
    monkeypatch.setattr(kept, "monotonic", lambda: now[0])
    flow.finish()
    now[0] += 3601
    flow.provider.codes.add("the-code")
    flow.finish()
    assert len(flow.provider.asked_for("/keys")) == 2
    assert len(flow.provider.asked_for("/.well-known/openid-configuration")) == 2


def test_f47_after_a_failure_nobody_waits_for_the_next_for_a_moment(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1000.0]
    monkeypatch.setattr(kept, "monotonic", lambda: now[0])
    path = "/.well-known/openid-configuration"
    provider.scripts[path] = reply({}, status=503)
    client = provider.client()
    for _ in range(3):
        refused("away", lambda: client.begin(BACK))
    assert len(provider.asked_for(path)) == 1
    del provider.scripts[path]
    now[0] += 3
    assert client.begin(BACK).url


def test_many_threads_wait_for_one_fetch(provider: Provider) -> None:
    properly = reply(provider.document)
    arrived = threading.Event()

    def slowly(peer: Peer, asked: Asked) -> None:
        arrived.set()
        peer.over.wait(0.2)
        properly(peer, asked)

    provider.scripts["/.well-known/openid-configuration"] = slowly
    client, begun = provider.client(), list[str]()
    threads = [threading.Thread(target=lambda: begun.append(client.begin(BACK).state)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(set(begun)) == 8
    assert len(provider.asked_for("/.well-known/openid-configuration")) == 1


def test_one_broken_key_takes_no_other_with_it(flow: Flow) -> None:
    broken = [
        {"kty": "RSA"},
        {"kty": "EC", "crv": "P-1", "x": "AA", "y": "AA", "kid": "ec"},
        {"kty": "oct", "k": "AAAA"},
    ]
    flow.provider.keys[:0] = [*broken, {**published(key("two"), "two"), "n": "#" * 400}, {"kty": ["RSA"]}, {}]
    assert flow.finish().subject == "subject-of-remy"


def test_a_session_that_ended_is_a_refusal_too() -> None:
    assert issubclass(SessionEnded, SignInRefused)
