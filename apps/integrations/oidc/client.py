"""Signing in with an OpenID provider: code flow with PKCE (RFC 7636), renewal, logout."""

from __future__ import annotations

import base64
import re
import secrets
import time
from collections.abc import Callable, Mapping
from hmac import compare_digest
from typing import Any, Final, TypeVar
from urllib.parse import quote, urlencode

from authlib.oauth2.rfc7636 import create_s256_code_challenge
from msgspec import Struct

from apps.core.errors import UpstreamBadReply, UpstreamUnavailable
from apps.integrations.http import Answer
from apps.integrations.oidc.checks import Checks
from apps.integrations.oidc.discovery import Discovered, discovered
from apps.integrations.oidc.errors import EXPIRED_THERE, PortalRefused, ProviderAway, SessionEnded, SignInRefused
from apps.integrations.oidc.groups import are_groups_told, groups_in
from apps.integrations.oidc.kept import Kept
from apps.integrations.oidc.keys import Keys
from apps.integrations.oidc.settings import ProviderSettings
from apps.integrations.oidc.transport import SOURCE, Transport, away
from apps.integrations.oidc.values import Begun, LogoutTold, Renewed, SignedIn

T = TypeVar("T")

LONGEST_CODE: Final = 4096
MARK: Final = "."
OF_THE_PORTAL: Final = frozenset({"invalid_client", "unauthorized_client"})
"""What the token endpoint says of a wrong secret, of a client that is not there, or of one without this grant."""
JUST_NOW: Final = 10.0
"""A person is sent to the provider only if it has answered within so many seconds: else the portal says why not."""

WAS_OPEN_TOO_LONG: Final = "authentication_expired"
"""How Keycloak says, as `temporarily_unavailable`, that its page was left for too long, or that another tab of the same
browser signed in meanwhile; clients are to begin once more."""
LONGEST_HINT: Final = 2500
"""Letters of an ID token that is sent along in an address: proxies refuse longer heads and lines of 4 to 8 kB."""

KIND_OF_ERROR: Final = {
    "access_denied": "said-no",
    "temporarily_unavailable": "provider-trouble",
    "server_error": "provider-trouble",
    **dict.fromkeys(
        ("login_required", "interaction_required", "consent_required", "account_selection_required"), "login-required"
    ),
}


class _Tokens(Struct):
    access_token: str = ""
    id_token: str = ""
    refresh_token: str = ""


class _Refused(Struct):
    error: str = ""


class OidcProvider:
    """One provider, as its settings say. Safe for several threads; its document and keys are kept for an hour."""

    def __init__(self, settings: ProviderSettings, *, now: Callable[[], float] = time.time) -> None:
        self.settings = settings
        self._transport = Transport(settings)
        self._discovery = Kept(lambda: discovered(self._transport, settings))
        self._keys = Keys(self._transport, lambda: self._discovery.value().jwks_uri)
        self._checks = Checks(settings, self._keys.key_for, now)

    def discovered(self) -> Discovered:
        """The provider's endpoints. Raises ProviderAway."""
        return self._discovery.value()

    def begin(self, redirect_uri: str, *, prompt: str = "", max_age: int | None = None, told: str = "") -> Begun:
        """Where to send the browser, and what to keep of it in its session; the state says `told` besides (letters that
        an address can hold), behind MARK. Raises ProviderAway.
        """
        secret, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        state = f"{secret}{MARK}{told}" if told else secret
        query = {
            "response_type": "code",
            "client_id": self.settings.client_id,
            "redirect_uri": redirect_uri,
            "scope": " ".join(self.settings.scopes),
            "state": state,
            "nonce": nonce,
            "code_challenge": create_s256_code_challenge(verifier),
            "code_challenge_method": "S256",
            **({"prompt": prompt} if prompt else {}),
            **({"max_age": str(max_age)} if max_age is not None else {}),
        }
        url = _with_query(self._discovery.value(at_most=JUST_NOW).authorization_endpoint, query)
        return Begun(url=url, state=state, nonce=nonce, verifier=verifier, redirect_uri=redirect_uri, max_age=max_age)

    def finish(self, answer: Mapping[str, str], begun: Begun | None) -> SignedIn:
        """Who came back. `answer` is the query of the callback, `begun` what the same browser's session held.

        Raises SignInRefused with words for the person, and ProviderAway.
        """
        code, begun = self._code(answer, begun)
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": begun.redirect_uri}
        tokens = self._tokens({**form, "code_verifier": begun.verifier}, refused=SignInRefused("code-refused"))
        if not tokens.id_token:
            raise SignInRefused("no-token")
        token = self._checks.id_token(
            tokens.id_token, access_token=tokens.access_token, nonce=begun.nonce, max_age=begun.max_age
        )
        return SignedIn(
            issuer=self.settings.issuer,
            subject=token.subject,
            sid=token.sid,
            groups=self._groups(token.claims, tokens.access_token, token.subject),
            name=token.told("name"),
            username=token.told("preferred_username"),
            email=token.told("email"),
            id_token=tokens.id_token,
            refresh_token=tokens.refresh_token,
            id_token_expires_at=token.expires_at,
            auth_time=token.auth_time,
        )

    def renew(
        self, refresh_token: str, *, subject: str, sid: str, keep: Callable[[str], None] = lambda _: None
    ) -> Renewed:
        """New tokens for the session of this person.

        `keep` is told a new refresh token as soon as there is one, whatever follows: the one before may be used up.

        Raises SessionEnded where the provider gives none any more, SignInRefused where what it gives does not hold or
        is about somebody else (the session must end then too), and ProviderAway, which says nothing about the session.
        """
        form = {"grant_type": "refresh_token", "refresh_token": refresh_token}
        tokens = self._tokens(form, refused=SessionEnded("session-over"))
        kept = tokens.refresh_token or refresh_token
        keep(kept)
        if not tokens.id_token:
            groups = self._groups_without_id_token(tokens.access_token, subject)
            return Renewed(id_token="", refresh_token=kept, id_token_expires_at=None, groups=groups)
        token = self._checks.id_token(tokens.id_token, access_token=tokens.access_token)
        if token.subject != subject or (token.sid and sid and token.sid != sid):
            raise SignInRefused("other-person", "sub or sid is not that of the session")
        return Renewed(
            id_token=tokens.id_token,
            refresh_token=kept,
            id_token_expires_at=token.expires_at,
            groups=self._groups(token.claims, tokens.access_token, subject),
        )

    def logout_url(self, *, id_token: str, back_to: str) -> str:
        """Where the person is signed out at the provider, which leads back to `back_to`; "" where it offers nothing.

        Without an ID token (""), and without one that is too long for an address (of many groups), the provider may ask
        the person first. Raises ProviderAway.
        """
        endpoint = self._discovery.value().end_session_endpoint
        query = {"client_id": self.settings.client_id, "post_logout_redirect_uri": back_to}
        hint = {"id_token_hint": id_token} if id_token and len(id_token) <= LONGEST_HINT else {}
        return _with_query(endpoint, {**query, **hint}) if endpoint else ""

    def logout_told(self, logout_token: str) -> LogoutTold:
        """What a back-channel logout token says, if it holds. Raises SignInRefused and ProviderAway."""
        return self._checks.logout_token(logout_token)

    def _code(self, answer: Mapping[str, str], begun: Begun | None) -> tuple[str, Begun]:
        if begun is None:
            raise SignInRefused("not-begun")
        if not compare_digest(answer.get("state", "").encode(errors="replace"), begun.state.encode()):
            raise SignInRefused("other-browser")
        issuer, document = answer.get("iss"), self._discovery.value()
        if issuer != self.settings.issuer and (issuer or document.authorization_response_iss_parameter_supported):
            raise SignInRefused("other-provider")  # RFC 9207
        if error := answer.get("error"):
            if answer.get("error_description") == WAS_OPEN_TOO_LONG:
                raise SignInRefused(EXPIRED_THERE, _error_code(error))
            raise SignInRefused(KIND_OF_ERROR.get(error, "provider-error"), _error_code(error))
        code = answer.get("code", "")
        if not code or len(code) > LONGEST_CODE or not (code.isascii() and code.isprintable()):
            raise SignInRefused("no-code")
        return code, begun

    def _tokens(self, form: Mapping[str, str], *, refused: SignInRefused) -> _Tokens:
        """What the token endpoint gives. Raises `refused` for a code or refresh token that does not count."""
        document = self._discovery.value()
        credentials, headers = self._credentials(document)
        answer = self._transport.post(document.token_endpoint, {**form, **credentials}, headers=headers)
        if answer.status == 200:
            return _read(answer, _Tokens)
        error = _error_code(_read(answer, _Refused).error)
        if error == "invalid_grant":
            raise refused
        if error in OF_THE_PORTAL:
            raise PortalRefused(SOURCE, error)
        raise ProviderAway(SOURCE, f"it refused the portal's own request for tokens ({answer.status}, {error})")

    def _credentials(self, document: Discovered) -> tuple[Mapping[str, str], Mapping[str, str]]:
        """How the portal shows that it is the client: fields of the form, and headers."""
        who, secret = self.settings.client_id, self.settings.client_secret
        methods = document.token_endpoint_auth_methods_supported
        if not secret:
            return {"client_id": who}, {}
        if "client_secret_basic" not in methods and "client_secret_post" in methods:
            return {"client_id": who, "client_secret": secret}, {}
        basic = base64.b64encode(f"{quote(who, safe='')}:{quote(secret, safe='')}".encode()).decode()
        return {}, {"Authorization": f"Basic {basic}"}

    def _groups(self, claims: Mapping[str, Any], access_token: str, subject: str) -> tuple[str, ...]:
        if self.settings.groups_from_userinfo:
            claims = self._user_info(access_token, subject)
        return groups_in(claims, self.settings.groups_claim)

    def _groups_without_id_token(self, access_token: str, subject: str) -> tuple[str, ...] | None:
        """What user info says; None where the provider has none, or none for the portal.

        Raises SessionEnded where it leaves the claim out: the person is in no group any more, or user info never tells
        groups. Which of both it is, only a new sign-in says. Raises ProviderAway where it cannot be asked now.
        """
        if self.settings.groups_from_userinfo:
            return self._groups({}, access_token, subject)
        try:
            told = self._user_info(access_token, subject)
        except ProviderAway as error:
            if isinstance(error.__cause__, UpstreamUnavailable):
                raise
            return None
        if not are_groups_told(told, self.settings.groups_claim):
            raise SessionEnded("groups-not-told")
        return groups_in(told, self.settings.groups_claim)

    def _user_info(self, access_token: str, subject: str) -> Mapping[str, Any]:
        endpoint = self._discovery.value().userinfo_endpoint
        if not endpoint or not access_token or not access_token.isprintable():
            raise ProviderAway(SOURCE, "it offers no user info, from which the groups are to come")
        answer = self._transport.get(endpoint, headers={"Authorization": f"Bearer {access_token}"})
        told = _read(answer, dict[str, Any])
        if told.get("sub") != subject:
            raise SignInRefused("other-person", "the user info is about somebody else")
        return told


def _read(answer: Answer, kind: type[T]) -> T:
    try:
        return answer.decode(kind)
    except UpstreamBadReply as error:
        raise away(error) from error


def _error_code(told: str) -> str:
    """An error's code as the specifications have them; anything else is not repeated."""
    return told if re.fullmatch(r"[a-z_]{1,40}", told) else "an error without a known code"


def _with_query(url: str, query: Mapping[str, str]) -> str:
    return f"{url}{'&' if '?' in url else '?'}{urlencode(query)}"
