"""Tokens by OAuth 2.0 client credentials (RFC 6749, section 4.4), as an Observatorium tenant wants them."""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from time import monotonic
from urllib.parse import quote

from msgspec import Struct

from apps.core.errors import UpstreamBadReply, UpstreamDenied, UpstreamError
from apps.integrations.http import Answer, Endpoint, HttpClient, failure, plain_line

MARGIN = 30.0
SHORTEST_LIFE = 300.0


class _Token(Struct):
    access_token: str
    expires_in: float | None = None


def _refused_client(answer: Answer, reason: str) -> type[UpstreamError] | None:
    """RFC 6749, 5.2: `invalid_client` and its like may come with 400 as well as with 401."""
    return UpstreamDenied if answer.status == 400 else None


@dataclass(frozen=True, kw_only=True)
class ClientCredentials:
    """Who asks for the token. `secret` is asked at each fetch, so that one that was rotated counts at once."""

    token_url: str
    client_id: str
    secret: Callable[[], str]
    audience: str = ""
    scope: str = ""


@dataclass(kw_only=True)
class TokenProvider:
    """Gives the headers of `Endpoint.headers` and forgets a refused token as `Endpoint.renew` wants it.

    `transport` says how the token endpoint is reached (CA, proxy, times) and which source errors name; its address is
    the credentials' `token_url`. A token is kept till 30 s before it expires (a tenth of its life, if that is less),
    and one fetch at a time is under way. Raises UpstreamDenied when the token endpoint refuses client or secret, and
    UpstreamError of the other kinds when it cannot be asked.
    """

    credentials: ClientCredentials
    transport: Endpoint
    _token: str = field(default="", init=False, repr=False)
    _usable_until: float = field(default=0.0, init=False, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)

    def headers(self) -> Mapping[str, str]:
        """The Authorization header with a token that is good for a while yet."""
        with self._lock:
            if not self._token or monotonic() >= self._usable_until:
                self._fetch()
            return {"Authorization": f"Bearer {self._token}"}

    def renew(self, refused: Mapping[str, str]) -> None:
        """Forget the token in these headers, unless another thread has done so already."""
        with self._lock:
            if refused.get("Authorization") == f"Bearer {self._token}":
                self._token = ""

    def endpoint(self, endpoint: Endpoint) -> Endpoint:
        """The same endpoint, asked with these tokens."""
        return replace(endpoint, headers=self.headers, renew=self.renew)

    def _fetch(self) -> None:
        who = self.credentials
        form = {"grant_type": "client_credentials", "audience": who.audience, "scope": who.scope}
        secret = who.secret()
        basic = base64.b64encode(f"{quote(who.client_id, safe='')}:{quote(secret, safe='')}".encode()).decode()
        endpoint = replace(
            self.transport, url=who.token_url, headers=lambda: {"Authorization": f"Basic {basic}"}, renew=None
        )
        http = HttpClient(endpoint, refine=_refused_client)
        try:
            answer = http.call("POST", (), form={name: value for name, value in form.items() if value})
            self._keep(answer)
        except UpstreamError as error:
            words = plain_line(f"no token for us: {error.message}", secrets=[secret] if secret else ())
            raise failure(type(error), error.source, words, retry_after=error.retry_after) from error
        finally:
            http.close()

    def _keep(self, answer: Answer) -> None:
        token = answer.decode(_Token)
        if not token.access_token.isprintable() or not token.access_token:
            raise failure(UpstreamBadReply, answer.source, "the token endpoint answered without a token")
        life = token.expires_in if token.expires_in and token.expires_in > 0 else SHORTEST_LIFE
        self._token = token.access_token
        self._usable_until = monotonic() + life - min(MARGIN, life / 10)
