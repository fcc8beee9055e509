"""F48: the table of bad tokens and bad callbacks. Each bends one sign-in that would hold otherwise."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any

from cryptography.hazmat.primitives import serialization

from tests.integrations.oidc.provider import NOW, SECRET, Flow, b64, key, published, signed
from tests.integrations.wire_server import reply

Bend = Callable[[Flow], Any]
LOGOUT = "http://schemas.openid.net/event/backchannel-logout"


def claims(**changed: Any) -> Bend:
    """These claims are other ones."""
    return lambda flow: flow.claims.update(changed)


def without(*names: str) -> Bend:
    """These claims are missing."""
    return lambda flow: [flow.claims.pop(name) for name in names]


def header(**changed: Any) -> Bend:
    """The header says something else."""
    return lambda flow: flow.header.update(changed)


def answer(**changed: str) -> Bend:
    """The browser comes back with something else."""
    return lambda flow: flow.answer.update(changed)


def not_answered(name: str) -> Bend:
    """The browser comes back without this."""
    return lambda flow: flow.answer.pop(name)


def token(made: Callable[[Flow], str]) -> Bend:
    """The ID token is this text."""

    def bend(flow: Flow) -> None:
        flow.id_token = made(flow)

    return bend


def raw(payload: Callable[[str], str]) -> Bend:
    """The payload is this text, made of the right one, with a right signature."""
    return token(lambda flow: signed(flow.header, payload(json.dumps(flow.claims)).encode(), flow.key))


def under_max_age(**changed: Any) -> Bend:
    """A fresh sign-in (not older than a minute) was asked for."""

    def bend(flow: Flow) -> None:
        assert flow.begun is not None
        flow.begun = type(flow.begun)(**{**vars(flow.begun), "max_age": 60})
        flow.claims.update(changed)

    return bend


def hs256(secret: Callable[[Flow], bytes]) -> Bend:
    """Signed with HMAC and something that is known."""

    def made(flow: Flow) -> str:
        text = f"{b64({**flow.header, 'alg': 'HS256'})}.{b64(flow.claims)}"
        return f"{text}.{b64(hmac.new(secret(flow), text.encode(), hashlib.sha256).digest())}"

    return token(made)


def public_pem(flow: Flow) -> bytes:
    """The published key as a text."""
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return flow.key.public_key().public_bytes(serialization.Encoding.PEM, form)


def by_another_key(flow: Flow) -> None:
    """A key that claims the published one's id."""
    flow.key = key("another")


def own_key_in_the_header(flow: Flow) -> None:
    """The token brings the key it is to be checked with."""
    flow.key = key("another")
    flow.header.update(kid="another", jwk=published(key("another"), "another"))


def key_elsewhere(flow: Flow) -> None:
    """The token names an address of its key."""
    flow.key = key("another")
    flow.header.update(kid="another", jku="https://evil.example/keys")


def published_with(**changed: str) -> Bend:
    """The key is published as something else."""
    return lambda flow: flow.provider.keys[0].update(changed)


def weak_key(flow: Flow) -> None:
    """A published key of 1024 bits, beside a good one."""
    flow.key = key("weak", 1024)
    flow.provider.keys.append(published(flow.key, "weak"))
    flow.header["kid"] = "weak"


def changed_after_signing(flow: Flow) -> str:
    """More groups than were signed."""
    head, _, signature = signed(flow.header, flow.claims, flow.key).split(".")
    return f"{head}.{b64({**flow.claims, 'groups': ['admins']})}.{signature}"


def two_keys_and_no_id(flow: Flow) -> None:
    """It cannot be known which one is meant."""
    flow.provider.keys.append(published(key("another"), "another"))
    del flow.header["kid"]


def no_start(flow: Flow) -> None:
    """The session knows of no sign-in."""
    flow.begun = None


def code_twice(flow: Flow) -> None:
    """The same answer a second time."""
    flow.finish()


def refused_code(flow: Flow) -> None:
    """The provider does not know the code."""
    flow.provider.codes.clear()


def tokens(**changed: Any) -> Bend:
    """The token endpoint answers something else."""
    return lambda flow: flow.provider.tokens.update(changed)


NONE = token(lambda flow: f"{b64({**flow.header, 'alg': 'none'})}.{b64(flow.claims)}.")
NONE_SIGNED = header(alg="none")
SOON, LONG_AGO = int(NOW) + 61, int(NOW) - 61
ACCESS_TOKEN = header(typ="at+jwt")
LOGOUT_TOKEN = header(typ="logout+jwt")

BAD: dict[str, tuple[Bend, str]] = {
    "token: for another audience": (claims(aud="argocd"), "audience"),
    "token: for a list of others": (claims(aud=["argocd", "grafana"]), "audience"),
    "token: for an audience that only begins like ours": (claims(aud="stonesoup-portal-2"), "audience"),
    "token: without an audience": (without("aud"), "audience"),
    "token: audience null": (claims(aud=None), "audience"),
    "token: audience of the wrong type": (claims(aud={"stonesoup-portal": 1}), "audience"),
    "token: two audiences, and no azp": (claims(aud=["argocd", "stonesoup-portal"]), "audience"),
    "token: azp of another client": (claims(azp="argocd"), "audience"),
    "token: of another issuer": (claims(iss="https://evil.example/realms/stonesoup"), "issuer"),
    "token: our issuer with a slash more": (lambda flow: flow.claims.update(iss=flow.provider.issuer + "/"), "issuer"),
    "token: issuer as a list": (lambda flow: flow.claims.update(iss=[flow.provider.issuer]), "issuer"),
    "token: without an issuer": (without("iss"), "issuer"),
    "token: alg none, unsigned": (NONE, "algorithm"),
    "token: alg none over a real signature": (NONE_SIGNED, "algorithm"),
    "token: alg nOnE": (header(alg="nOnE"), "algorithm"),
    "token: no alg": (lambda flow: flow.header.pop("alg"), "unreadable"),
    "token: alg of the wrong type": (header(alg=["RS256"]), "algorithm"),
    "token: HS256 with the public key": (hs256(public_pem), "algorithm"),
    "token: HS256 with the client secret": (hs256(lambda flow: SECRET.encode()), "algorithm"),
    "token: RS512 where RS256 is pinned": (header(alg="RS512"), "algorithm"),
    "token: expired": (claims(exp=LONG_AGO), "expired"),
    "token: without an end": (without("exp"), "claims"),
    "token: end as text": (claims(exp=str(int(NOW) + 300)), "claims"),
    "token: end NaN": (raw(lambda text: text.replace(str(int(NOW) + 300), "NaN")), "unreadable"),
    "token: end infinite": (raw(lambda text: text.replace(str(int(NOW) + 300), "1e999")), "unreadable"),
    "token: not yet valid": (claims(nbf=SOON), "not-yet"),
    "token: issued in the future": (claims(iat=SOON), "not-yet"),
    "token: without the time of issue": (without("iat"), "claims"),
    "token: nonce of another browser": (claims(nonce="another"), "nonce"),
    "token: without a nonce": (without("nonce"), "nonce"),
    "token: nonce as a list": (lambda flow: flow.claims.update(nonce=[flow.claims["nonce"]]), "nonce"),
    "token: without a subject": (without("sub"), "subject"),
    "token: subject empty": (claims(sub=""), "subject"),
    "token: subject null": (claims(sub=None), "subject"),
    "token: subject a number": (claims(sub=42), "subject"),
    "token: subject with NUL": (claims(sub="remy\x00"), "subject"),
    "token: subject with half a surrogate": (raw(lambda text: text.replace("of-remy", "\\ud800", 1)), "subject"),
    "token: subject of 256 letters": (claims(sub="x" * 256), "subject"),
    "token: sid of the wrong type": (claims(sid=7), "claims"),
    "token: by another key under the same id": (by_another_key, "signature"),
    "token: changed after signing": (token(changed_after_signing), "signature"),
    "token: without a signature": (
        token(lambda f: signed(f.header, f.claims, f.key).rpartition(".")[0] + "."),
        "signature",
    ),
    "token: key id unknown": (header(kid="nobodys"), "key"),
    "token: key id of the wrong type": (header(kid=["one"]), "key"),
    "token: no key id, and two keys": (two_keys_and_no_id, "key"),
    "token: brings its own key": (own_key_in_the_header, "unreadable"),
    "token: says where its key is": (key_elsewhere, "key"),
    "token: key published for another algorithm": (published_with(alg="RS512"), "key"),
    "token: key published for encrypting": (published_with(use="enc"), "provider_away"),
    "token: key of 1024 bits": (weak_key, "key"),
    "token: at_hash of another access token": (claims(at_hash="AAAAAAAAAAAAAAAAAAAAAA"), "access-token"),
    "token: at_hash of the wrong type": (claims(at_hash=7), "claims"),
    "token: an access token (typ at+jwt)": (ACCESS_TOKEN, "claims"),
    "token: a logout token (typ logout+jwt)": (LOGOUT_TOKEN, "claims"),
    "token: crit that nobody knows": (header(crit=["exp2"], exp2=1), "unreadable"),
    "token: groups a single name": (claims(groups="admins"), "groups"),
    "token: groups with a number": (claims(groups=["sre", 7]), "groups"),
    "token: groups an object": (claims(groups={"admins": True}), "groups"),
    "token: 2,001 groups": (claims(groups=[f"g{number}" for number in range(2001)]), "groups"),
    "token: huge": (claims(name="x" * 70_000), "too-large"),
    "token: megabytes": (claims(name="x" * 2_000_000), "provider_away"),
    "token: no token at all": (token(lambda flow: "signed-in"), "unreadable"),
    "token: five parts (encrypted)": (token(lambda flow: "a.b.c.d.e"), "unreadable"),
    "token: header is no JSON": (token(lambda flow: f"{b64(b'{{')}.e30.AAAA"), "unreadable"),
    "token: header is a list": (token(lambda flow: f"{b64(b'[]')}.e30.AAAA"), "unreadable"),
    "token: payload is a list": (raw(lambda text: f"[{text}]"), "unreadable"),
    "token: payload nested without end": (raw(lambda text: "[" * 30_000), "unreadable"),
    "token: letters of no alphabet": (token(lambda flow: "é.é.é"), "unreadable"),
    "token: fresh sign-in asked for, none told": (under_max_age(), "too-old"),
    "token: fresh sign-in asked for, an old one told": (under_max_age(auth_time=int(NOW) - 121), "too-old"),
    "token: fresh sign-in told in the future": (under_max_age(auth_time=SOON), "not-yet"),
    "token: fresh sign-in at a time of the wrong type": (under_max_age(auth_time=True), "claims"),
    "tokens: no ID token among them": (tokens(id_token=""), "no-token"),
    "tokens: a token of the wrong type": (tokens(id_token=7), "provider_away"),
    "callback: without a start": (no_start, "not-begun"),
    "callback: state of another browser": (answer(state="another"), "other-browser"),
    "callback: without a state": (not_answered("state"), "other-browser"),
    "callback: state empty": (answer(state=""), "other-browser"),
    "callback: state with half a surrogate": (answer(state="\ud800"), "other-browser"),
    "callback: of another issuer": (answer(iss="https://evil.example"), "other-provider"),
    "callback: without the issuer that it promised": (not_answered("iss"), "other-provider"),
    "callback: without a code": (not_answered("code"), "no-code"),
    "callback: code huge": (answer(code="x" * 5000), "no-code"),
    "callback: code with a line break": (answer(code="a\r\nb"), "no-code"),
    "callback: code twice": (code_twice, "code-refused"),
    "callback: code unknown": (refused_code, "code-refused"),
    "callback: said no": (answer(error="access_denied"), "said-no"),
    "callback: nobody signed in there": (answer(error="login_required"), "login-required"),
    "callback: trouble there": (answer(error="temporarily_unavailable"), "provider-trouble"),
    "callback: its page was open for too long": (
        answer(error="temporarily_unavailable", error_description="authentication_expired"),
        "expired-there",
    ),
    "callback: refused as it was asked": (answer(error="invalid_request"), "provider-error"),
    "callback: an error made of markup": (answer(error="<script>alert(1)</script>"), "provider-error"),
    "callback: error, state of another browser": (answer(error="access_denied", state="another"), "other-browser"),
}


def logout(**changed: Any) -> Bend:
    """A logout token with other claims."""
    return lambda flow: flow.claims.update(changed)


BAD_LOGOUT: dict[str, tuple[Bend, str]] = {
    "logout: of another issuer": (logout(iss="https://evil.example"), "issuer"),
    "logout: for another audience": (logout(aud="argocd"), "audience"),
    "logout: expired": (logout(exp=LONG_AGO), "expired"),
    "logout: without an end": (without("exp"), "claims"),
    "logout: good for two days": (logout(exp=int(NOW) + 172_800), "logout"),
    "logout: issued in the future": (logout(iat=SOON), "not-yet"),
    "logout: without a jti": (without("jti"), "logout"),
    "logout: jti empty": (logout(jti=""), "logout"),
    "logout: without events": (without("events"), "logout"),
    "logout: another event": (logout(events={"http://schemas.openid.net/event/other": {}}), "logout"),
    "logout: events as a list": (logout(events=[LOGOUT]), "logout"),
    "logout: event is no object": (logout(events={LOGOUT: True}), "logout"),
    "logout: with a nonce (an ID token)": (logout(nonce="n"), "logout"),
    "logout: neither sub nor sid": (without("sub", "sid"), "logout"),
    "logout: subject a number": (logout(sub=7), "subject"),
    "logout: subject empty": (logout(sub=""), "subject"),
    "logout: by another key": (by_another_key, "signature"),
    "logout: alg none": (NONE, "algorithm"),
    "logout: key id unknown": (header(kid="nobodys"), "key"),
    "logout: an access token": (ACCESS_TOKEN, "claims"),
    "logout: huge": (logout(name="x" * 70_000), "too-large"),
    "logout: no token at all": (token(lambda flow: ""), "unreadable"),
}

TROUBLE = {
    "500": reply({"error": "x"}, status=500),
    "a web page": reply("<html>", Content_Type="text/html"),
    "another shape": reply([]),
    "a redirect": reply("", status=302, Location="https://elsewhere.example/"),
    "2 MB": reply("x" * 2_000_000),
    "unknown realm": reply({"error": "Realm does not exist"}, status=404),
}
