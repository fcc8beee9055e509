"""What a token must be before anything in it counts: joserfc and authlib look, and after them the portal."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

import msgspec
from authlib.oidc.core import CodeIDToken
from joserfc import jws
from joserfc.errors import BadSignatureError, ClaimError, ExpiredTokenError, JoseError
from joserfc.jwk import Key
from joserfc.jws import JWSRegistry
from msgspec import Struct

from apps.core import structs
from apps.integrations.http.body import cleaned
from apps.integrations.oidc.errors import SignInRefused
from apps.integrations.oidc.settings import ProviderSettings
from apps.integrations.oidc.values import LogoutTold

SKEW: Final = 60
LARGEST: Final = 64 * 1024
LONGEST_NAME: Final = 255
FARTHEST: Final = 24 * 3600.0
LOGOUT: Final = "http://schemas.openid.net/event/backchannel-logout"

KIND_OF_CLAIM: Final = {
    "iss": "issuer",
    "aud": "audience",
    "azp": "audience",
    "nonce": "nonce",
    "sub": "subject",
    "nbf": "not-yet",
    "iat": "not-yet",
    "at_hash": "access-token",
    "auth_time": "too-old",
}

Number = int | float
KeyFor = Callable[[str | None, str], Key]


class _Shape(Struct):
    """The claims whose types authlib takes for granted."""

    exp: Number
    iat: Number
    nbf: Number | None = None
    auth_time: Number | None = None
    azp: str | None = None
    at_hash: str | None = None
    sid: str = ""


class _LogoutShape(Struct):
    jti: str
    events: dict[str, Any]


@dataclass(frozen=True)
class IdToken:
    """An ID token that holds. `claims` are all of it, checked or not."""

    claims: Mapping[str, Any]
    subject: str
    sid: str
    expires_at: datetime
    auth_time: datetime | None

    def told(self, claim: str) -> str:
        """A claim that is for show only: its text on one line, or ""."""
        value = self.claims.get(claim)
        return " ".join(value.split())[:LONGEST_NAME] if isinstance(value, str) else ""


@dataclass(frozen=True)
class Checks:
    """The checks for one provider; `now` are seconds since 1970."""

    settings: ProviderSettings
    key_for: KeyFor
    now: Callable[[], float]

    def id_token(
        self, token: str, *, access_token: str, nonce: str | None = None, max_age: int | None = None
    ) -> IdToken:
        """The ID token, if it holds. `nonce` None: of a renewal. Raises SignInRefused and ProviderAway."""
        header, claims = self._signed(token, types={"jwt"})
        shape = self._checked(header, claims, params={"nonce": nonce, "access_token": access_token})
        self._is_fresh(shape.auth_time, max_age)
        return IdToken(
            claims=claims,
            subject=_plain("subject", claims["sub"]),
            sid=_plain("claims", shape.sid) if shape.sid else "",
            expires_at=_moment(min(shape.exp, self.now() + FARTHEST)),
            auth_time=None if shape.auth_time is None else _moment(shape.auth_time),
        )

    def logout_token(self, token: str) -> LogoutTold:
        """The logout token, if it holds (OpenID Connect Back-Channel Logout 1.0, 2.6); whether its jti is new is not
        checked. Raises SignInRefused and ProviderAway.
        """
        header, claims = self._signed(token, types={"jwt", "logout+jwt", "application/logout+jwt"})
        has_subject = claims.get("sub") is not None
        shape = self._checked(header, claims if has_subject else {**claims, "sub": "?"}, params={})
        logout = _converted(claims, _LogoutShape, "logout")
        if not isinstance(logout.events.get(LOGOUT), dict) or "nonce" in claims or not (has_subject or shape.sid):
            raise SignInRefused("logout", "it needs the event, sub or sid, and no nonce")
        if shape.exp > self.now() + FARTHEST:
            raise SignInRefused("logout", "it would be good for more than a day")
        return LogoutTold(
            issuer=self.settings.issuer,
            subject=_plain("subject", claims["sub"]) if has_subject else "",
            sid=_plain("logout", shape.sid) if shape.sid else "",
            jti=_plain("logout", logout.jti),
            expires_at=_moment(shape.exp + SKEW),
        )

    def _signed(self, token: str, *, types: set[str]) -> tuple[Mapping[str, Any], dict[str, Any]]:
        """Header and claims of a token that the provider signed in a way that is allowed."""
        if len(token) > LARGEST:
            raise SignInRefused("too-large", f"a token of more than {LARGEST} letters")
        header = _header(token)
        if header.get("alg") not in self.settings.algorithms:
            raise SignInRefused("algorithm", str(header.get("alg"))[:20])
        if str(header.get("typ", "jwt")).lower() not in types:
            raise SignInRefused("claims", "the header's typ is that of another kind of token")
        key = self.key_for(header.get("kid"), header["alg"])
        return header, _claims(token, key, JWSRegistry(algorithms=self.settings.algorithms, strict_check_header=False))

    def _checked(self, header: Mapping[str, Any], claims: Mapping[str, Any], *, params: Mapping[str, Any]) -> _Shape:
        """Issuer, audience, times, subject, nonce and at_hash."""
        shape = _converted(claims, _Shape, "claims")
        wanted = {"iss": self.settings.issuer, "aud": self.settings.client_id}
        options = {claim: {"essential": True, "value": value} for claim, value in wanted.items()}
        known = {**params, "client_id": self.settings.client_id}
        try:
            CodeIDToken(claims, header, options, known).validate(self.now(), SKEW)
        except ExpiredTokenError as error:
            raise SignInRefused("expired") from error
        except ClaimError as error:
            claim = error.claim.partition(",")[0]
            raise SignInRefused(KIND_OF_CLAIM.get(claim, "claims"), f"the claim {claim}") from error
        return shape

    def _is_fresh(self, auth_time: Number | None, max_age: int | None) -> None:
        """Raises SignInRefused where the person's sign-in at the provider is older than was asked for.

        authlib asks for auth_time where max_age is told and not 0, and compares it with nothing.
        """
        if auth_time is not None and not 0 <= auth_time <= self.now() + SKEW:
            raise SignInRefused("not-yet", "the claim auth_time")
        if max_age is not None and (auth_time is None or auth_time < self.now() - max_age - SKEW):
            raise SignInRefused("too-old", "the claim auth_time")


def _header(token: str) -> Mapping[str, Any]:
    try:
        return jws.extract_compact(token.encode()).headers()
    except (JoseError, ValueError, TypeError, RecursionError) as error:  # no token, or one made to be none
        raise SignInRefused("unreadable", type(error).__name__) from error


def _claims(token: str, key: Key, registry: JWSRegistry) -> dict[str, Any]:
    try:
        payload = jws.deserialize_compact(token, key, registry=registry).payload
        return structs.decoded(cleaned(payload or b""), dict[str, Any])
    except BadSignatureError as error:
        raise SignInRefused("signature") from error
    except (JoseError, ValueError, TypeError, RecursionError) as error:  # a header or payload made to be none
        raise SignInRefused("unreadable", type(error).__name__) from error


Shape = TypeVar("Shape")


def _converted(claims: Mapping[str, Any], shape: type[Shape], kind: str) -> Shape:
    try:
        return structs.converted(claims, shape)
    except msgspec.ValidationError as error:
        raise SignInRefused(kind, str(error)[:200]) from error


def _plain(kind: str, name: str) -> str:
    """A name that can be kept and compared as it is."""
    if not name or len(name) > LONGEST_NAME or not name.isprintable() or "\ufffd" in name:
        raise SignInRefused(kind, "a name that is empty, too long or not printable")
    return name


def _moment(seconds: Number) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
