"""A provider of the test's own, of which every answer can be bent. It signs by hand, without what is tested."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from apps.integrations.oidc import Begun, OidcProvider, ProviderSettings, SignedIn
from tests.integrations.wire_server import Asked, Peer, Script, WireServer, reply

NOW = 1_790_000_000.0
CLIENT = "stonesoup-portal"
SECRET = "the-secret-of-the-portal"
BACK = "https://portal.example/accounts/callback/"
PATH = "/realms/stonesoup"


@cache
def key(name: str, bits: int = 2048) -> rsa.RSAPrivateKey:
    """A private key that is made once for all tests."""
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


def b64(content: bytes | Mapping[str, Any]) -> str:
    """base64url without padding, of bytes or of an object as JSON."""
    content = content if isinstance(content, bytes) else json.dumps(content).encode()
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def published(private: rsa.RSAPrivateKey, key_id: str, **more: str) -> dict[str, str]:
    """The public key as a key set has it."""
    numbers = private.public_key().public_numbers()
    modulus = b64(numbers.n.to_bytes((numbers.n.bit_length() + 7) // 8, "big"))
    return {"kty": "RSA", "use": "sig", "alg": "RS256", "kid": key_id, "n": modulus, "e": "AQAB", **more}


def signed(header: Mapping[str, Any], payload: bytes | Mapping[str, Any], private: rsa.RSAPrivateKey) -> str:
    """A token with an RS256 signature, whatever its header says."""
    text = f"{b64(header)}.{b64(payload)}"
    return f"{text}.{b64(private.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256()))}"


def half_hash(access_token: str) -> str:
    """What at_hash must be."""
    return b64(hashlib.sha256(access_token.encode()).digest()[:16])


@dataclass
class Provider:
    """Answers properly unless a test changes something. `codes` are those that are good once."""

    serve: Callable[..., WireServer]
    document: dict[str, Any] = field(default_factory=dict)
    keys: list[Any] = field(default_factory=lambda: [published(key("one"), "one")])
    tokens: dict[str, Any] = field(default_factory=dict)
    user_info: dict[str, Any] = field(default_factory=dict)
    scripts: dict[str, Script] = field(default_factory=dict)
    codes: set[str] = field(default_factory=lambda: {"the-code"})

    def __post_init__(self) -> None:
        self.server = self.serve(self._answer)
        self.issuer = f"{self.server.url}{PATH}"
        self.document = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/auth",
            "token_endpoint": f"{self.issuer}/token/",
            "jwks_uri": f"{self.issuer}/keys",
            "userinfo_endpoint": f"{self.issuer}/userinfo",
            "end_session_endpoint": f"{self.issuer}/logout?x=1",
            "authorization_response_iss_parameter_supported": True,
        }

    def asked_for(self, path: str) -> list[Asked]:
        """The requests for a path below the issuer's."""
        return [asked for asked in self.server.asked if asked.path == f"{PATH}{path}"]

    def client(self, *, now: float = NOW, **more: Any) -> OidcProvider:
        """What is tested, set up for this provider."""
        settings = ProviderSettings(issuer=self.issuer, client_id=CLIENT, client_secret=SECRET)
        return OidcProvider(replace(settings, **more), now=lambda: now)

    def _answer(self, peer: Peer, asked: Asked) -> None:
        name = asked.path.removeprefix(PATH)
        self.scripts.get(name, self._properly(name, asked))(peer, asked)

    def _properly(self, name: str, asked: Asked) -> Script:
        match name:
            case "/.well-known/openid-configuration":
                return reply(self.document)
            case "/keys":
                return reply({"keys": self.keys})
            case "/userinfo":
                return reply(self.user_info)
            case "/token/":
                return self._tokens({name: value for name, (value,) in parse_qs(asked.body.decode()).items()})
        return reply({"error": "not found"}, status=404)

    def _tokens(self, form: Mapping[str, str]) -> Script:
        if form["grant_type"] == "authorization_code" and form["code"] not in self.codes:
            return reply({"error": "invalid_grant", "error_description": "Code not valid"}, status=400)
        self.codes.discard(form.get("code", ""))
        return reply(self.tokens)


@dataclass
class Flow:
    """One sign-in up to the callback. A test bends its parts, and then finishes it."""

    provider: Provider
    max_age: int | None = None
    options: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.client = self.provider.client(**self.options)
        self.begun: Begun | None = self.client.begin(BACK, max_age=self.max_age)
        sent = dict(parse_qsl(urlsplit(self.begun.url).query))
        self.answer = {"state": sent["state"], "iss": self.provider.issuer, "code": "the-code"}
        self.header: dict[str, Any] = {"alg": "RS256", "typ": "JWT", "kid": "one"}
        self.key = key("one")
        self.access_token = "the-access-token"
        self.claims: dict[str, Any] = {
            "iss": self.provider.issuer,
            "aud": CLIENT,
            "sub": "subject-of-remy",
            "exp": int(NOW) + 300,
            "iat": int(NOW),
            "nonce": sent["nonce"],
            "sid": "session-of-remy",
            "at_hash": half_hash(self.access_token),
            "name": "Remy Responder",
            "preferred_username": "remy",
            "email": "remy@example.com",
            "groups": ["hybrid-sre", "unrelated"],
        }
        self.id_token: str | None = None

    def finish(self) -> SignedIn:
        """The callback, answered with a token of these claims, or with the one that is set."""
        token = signed(self.header, self.claims, self.key) if self.id_token is None else self.id_token
        self.provider.tokens = {
            "access_token": self.access_token,
            "id_token": token,
            "refresh_token": "the-refresh-token",
            "token_type": "Bearer",
            **self.provider.tokens,
        }
        return self.client.finish(self.answer, self.begun)
