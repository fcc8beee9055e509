"""An identity provider of the test's own with people in groups, and browsers in which they sign in."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

from django.contrib.sessions.models import Session
from django.http import HttpResponse
from django.test import Client

from apps.accounts.models import SignIn
from apps.core.clock import database_now
from apps.sources.fleetfile.current import fleet_file_look_again
from tests.integrations.conftest import Serve
from tests.integrations.oidc.provider import CLIENT, SECRET, Provider, key, signed
from tests.integrations.wire_server import Asked, Peer, reply

ACCESS = """
environments: [{name: staging}, {name: production}]
access:
  - {group: viewers, role: viewer}
  - {group: oncall, role: responder}
  - {group: dashboards, role: responder, environments: [production], projects: [default, monitoring]}
  - {group: leads, role: approver, environments: [staging]}
  - {group: admins, role: admin}
"""
LOGOUT = "http://schemas.openid.net/event/backchannel-logout"


@dataclass
class Person:
    """Somebody at the provider. `claims` are added to what their tokens say."""

    name: str
    groups: list[str] | None
    subject: str = ""
    is_disabled: bool = False
    claims: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.subject = self.subject or f"subject-of-{self.name}"


class Organisation:
    """A provider that knows people by name; codes and refresh tokens count once. Threads answer what it is asked."""

    def __init__(self, serve: Serve, fleet_file: Path) -> None:
        self.provider = Provider(serve)
        self.gives_tokens()
        self.fleet_file = fleet_file
        self.people: dict[str, Person] = {}
        self.gives_refresh_tokens = True
        self._numbers = count()
        self._codes: dict[str, dict[str, Any]] = {}
        self._refresh: dict[str, tuple[str, str]] = {}

    def gives_tokens(self) -> None:
        """Answers properly for tokens, whatever a test bent before."""
        self.provider.scripts["/token/"] = self._tokens

    def fleet_file_write(self, *, more: str = "", access: str = ACCESS) -> None:
        """The fleet file with the provider, in force at once; `more` are further keys of `sso`."""
        secret = self.fleet_file.with_name("client-secret")
        secret.write_text(SECRET)
        sso = f"issuer: '{self.provider.issuer}', client_id: {CLIENT}, client_secret: 'file:{secret}'"
        self.fleet_file.write_text(f"sso: {{{sso}{', ' + more if more else ''}}}\n{access}")
        fleet_file_look_again()

    def person(self, name: str, *groups: str, **more: Any) -> Person:
        """Somebody in these groups."""
        return self.people.setdefault(name, Person(name, list(groups), **more))

    def answer(self, client: Client, name: str, path: str = "/accounts/sign-in/", **claims: Any) -> dict[str, str]:
        """The query with which the provider sends the person back who was led to it from a page of the portal."""
        sent = self.sent(client.get(path))
        code = f"code-{next(self._numbers)}"
        self._codes[code] = {"name": name, "nonce": sent["nonce"], "sid": f"sid-{next(self._numbers)}", **claims}
        return {"state": sent["state"], "code": code, "iss": self.provider.issuer}

    def sent(self, answer: Any) -> dict[str, str]:
        """What the portal asked the provider for."""
        assert answer.status_code == 302, answer.content
        assert answer["Location"].startswith(self.provider.issuer)
        return dict(parse_qsl(urlsplit(answer["Location"]).query))

    def sign_in(self, client: Client, name: str, path: str = "/accounts/sign-in/", **claims: Any) -> HttpResponse:
        """The portal's answer to the callback."""
        found: HttpResponse = client.get("/accounts/callback/", self.answer(client, name, path, **claims))
        return found

    def signed_in(self, name: str, *groups: str, path: str = "/accounts/sign-in/") -> Client:
        """A browser in which the person is signed in."""
        self.person(name, *groups)
        client = Client()
        answer = self.sign_in(client, name, path)
        assert answer.status_code == 302, answer.content.decode()
        return client

    def logout_token(self, **claims: Any) -> str:
        """A logout token of this moment, of these claims (None: without that one)."""
        now = int(time.time())
        told = {
            "iss": self.provider.issuer,
            "aud": CLIENT,
            "iat": now,
            "exp": now + 120,
            "jti": f"jti-{next(self._numbers)}",
            "events": {LOGOUT: {}},
            **claims,
        }
        kept = {name: value for name, value in told.items() if value is not None}
        return signed({"alg": "RS256", "typ": "logout+jwt", "kid": "one"}, kept, key("one"))

    def refreshes(self) -> int:
        """How often the portal asked for new tokens."""
        return sum(b"grant_type=refresh_token" in asked.body for asked in self.provider.asked_for("/token/"))

    def _tokens(self, peer: Peer, asked: Asked) -> None:
        form = {name: value for name, (value,) in parse_qs(asked.body.decode()).items()}
        told = self._of_refresh_token(form) if "refresh_token" in form else self._codes.pop(form["code"], None)
        if told is None or self.people[told["name"]].is_disabled:
            reply({"error": "invalid_grant"}, status=400)(peer, asked)
            return
        reply(self._answer_of(told))(peer, asked)

    def _of_refresh_token(self, form: Mapping[str, str]) -> dict[str, Any] | None:
        found = self._refresh.pop(form["refresh_token"], None)
        return {"name": found[0], "sid": found[1]} if found else None

    def _answer_of(self, told: dict[str, Any]) -> dict[str, Any]:
        person, now = self.people[told["name"]], int(time.time())
        claims = {
            "iss": self.provider.issuer,
            "aud": CLIENT,
            "sub": person.subject,
            "exp": now + 300,
            "iat": now,
            "preferred_username": person.name,
            "name": person.name.title(),
            "groups": person.groups,
            **{name: value for name, value in told.items() if name != "name"},
            **person.claims,
        }
        kept = {name: value for name, value in claims.items() if value is not None}
        refresh = f"refresh-{next(self._numbers)}"
        self._refresh[refresh] = (person.name, told["sid"])
        more = {"refresh_token": refresh} if self.gives_refresh_tokens else {}
        token = signed({"alg": "RS256", "typ": "JWT", "kid": "one"}, kept, key("one"))
        return {"access_token": "access", "token_type": "Bearer", "id_token": token, **more}


def sign_in_of(client: Client) -> SignIn:
    """The row of a browser's session."""
    return SignIn.objects.get(session_key=client.session.session_key)


def session_of(client: Client) -> Session:
    """Django's row of a browser's session."""
    return Session.objects.get(session_key=client.session.session_key)


def pass_minutes(minutes: float) -> None:
    """The provider's word on every session is so much older."""
    for row in SignIn.objects.all():
        row.refreshed_at = (row.refreshed_at or database_now()) - timedelta(minutes=minutes)
        row.save()
