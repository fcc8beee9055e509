"""The Observatorium gateway of one tenant, and the token endpoint that its clients use.

Behaviour as recorded from observatorium/api of July 2026: what is not exposed, how the tenant's matcher is added.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, unquote

import msgspec

from apps.demo.alertmanager import AlertmanagerApi
from apps.demo.catalogue import TENANT, TENANT_ID
from apps.demo.http import Reply, Request
from apps.demo.prometheus import PrometheusApi
from apps.demo.silences_received import SilencesReceived
from apps.demo.world.alerts import SilenceBook

OTHER_TENANTS = frozenset({"other"})
LIFETIME = timedelta(seconds=300)
TOKEN_PATH = ("realms", "rhobs", "protocol", "openid-connect", "token")
TENANT_MATCHER = {"name": "tenant_id", "value": TENANT_ID, "isRegex": False, "isEqual": True}


class TokenEndpoint:
    """OAuth2 client credentials: hands out tokens that end after five minutes."""

    gzips = False

    def __init__(self, *, client_id: str, client_secret: str, now: Callable[[], datetime]) -> None:
        self._client = (client_id, client_secret)
        self._now = now
        self._tokens: dict[str, datetime] = {}

    def accepts(self, token: str) -> bool:
        """Whether a token came from here and has not ended."""
        ends = self._tokens.get(token)
        return ends is not None and ends > self._now()

    def answer(self, request: Request) -> Reply:
        """A token, or why there is none."""
        if request.segments != TOKEN_PATH or request.method != "POST":
            return Reply.json({"error": "Unable to find matching target resource method"}, 404)
        form = {name: values[0] for name, values in parse_qs(request.body.decode("latin-1")).items()}
        if form.get("grant_type") != "client_credentials":
            return Reply.json({"error": "unsupported_grant_type", "error_description": "Unsupported grant_type"}, 400)
        if _credentials(request, form) != self._client:
            text = "Invalid client or Invalid client credentials"
            return Reply.json({"error": "unauthorized_client", "error_description": text}, 401)
        return self._issue()

    def problem(self, status: int) -> Reply:
        """An OAuth2 error."""
        return Reply.json({"error": "temporarily_unavailable" if status > 403 else "unauthorized_client"}, status)

    def emptied(self, request: Request) -> Reply:
        """An answer without a token."""
        return Reply.json({})

    def _issue(self) -> Reply:
        token = secrets.token_urlsafe(48)
        now = self._now()
        self._tokens = {each: ends for each, ends in self._tokens.items() if ends > now} | {token: now + LIFETIME}
        document = {
            "access_token": token,
            "expires_in": int(LIFETIME.total_seconds()),
            "refresh_expires_in": 0,
            "token_type": "Bearer",
            "not-before-policy": 0,
            "scope": "basic profile",
        }
        return Reply.json(document, Cache_Control="no-store")


class GatewayApi:
    """The gateway in front of a tenant's Prometheus and Alertmanager."""

    gzips = True

    def __init__(
        self, tokens: TokenEndpoint, metrics: PrometheusApi, alerts: AlertmanagerApi, silences: SilenceBook
    ) -> None:
        self.received = SilencesReceived(alerts.now)
        self._tokens = tokens
        self._metrics = metrics
        self._alerts = alerts
        self._silences = silences

    def answer(self, request: Request) -> Reply:
        """The answer in good health."""
        reply = self._answered(request)
        self.received.note_answer(request, reply)
        return reply

    def _answered(self, request: Request) -> Reply:
        match request.segments:
            case ("api", "metrics", "v1", tenant, *rest):
                return self._refused(tenant, request) or self._tenant(tuple(rest), request)
        return Reply.text("404 page not found\n", 404)

    def problem(self, status: int) -> Reply:
        """An error of the gateway's own."""
        return _error({401: "unauthorized", 403: "forbidden"}.get(status, "service unavailable"), status)

    def emptied(self, request: Request) -> Reply:
        """Nothing of what was asked for."""
        behind = self._alerts if "am" in request.segments else self._metrics
        return behind.emptied(request)

    def _refused(self, tenant: str, request: Request) -> Reply | None:
        if tenant not in {TENANT, *OTHER_TENANTS}:
            return _error("tenant not found, have you registered it?", 401)
        if not request.bearer:
            reply = _error("failed to find token", 302)
            return replace(reply, headers={"Location": f"/oidc/{tenant}/login"})
        if not self._tokens.accepts(request.bearer):
            return _error("failed to verify ID token", 500)
        if tenant != TENANT:
            return _error("You don't have permission to access this tenant", 403)
        return None

    def _tenant(self, rest: tuple[str, ...], request: Request) -> Reply:
        match rest:
            case ("am", "api", "v2", "alerts"):
                return _without_muted_by(self._alerts.answer_v2(request.method, rest[3:], request))
            case ("am", "api", "v2", "silences"):
                return self._silences_of_tenant(request)
            case ("am", "api", "v2", "silence", silence_id):
                return self._silence(silence_id, request)
            case ("am", *_):
                return Reply.text("404 page not found\n", 404)
            case ("api", "v1", "rules", "raw"):
                return _error("no rules found", 404)
            case ("api", "v1", "query" | "query_range"):
                reply = self._metrics.answer_v1(rest[2:], request)
                return reply if reply.status == 200 else _error("could not enforce labels: parse error", reply.status)
        return self._metrics.answer(Request(request.method, "/" + "/".join(rest), request.query, {}, request.body))

    def _silences_of_tenant(self, request: Request) -> Reply:
        if request.method != "POST":
            return self._alerts.answer_v2("GET", ("silences",), request)
        try:
            document = request.document()
            matchers = [each for each in document["matchers"] if each["name"] != "tenant_id"]
        except (msgspec.DecodeError, KeyError, TypeError) as error:
            return _error(f"failed to decode the silence: {error}", 400)
        if document.get("id"):
            return _error("updates to silence by ID not allowed", 422)
        if not matchers:
            return _error("need at least one matcher, got none", 400)
        enforced = msgspec.json.encode({**document, "matchers": [TENANT_MATCHER, *matchers]})
        return self._alerts.answer_v2("POST", ("silences",), replace(request, body=enforced))

    def _silence(self, silence_id: str, request: Request) -> Reply:
        silence = self._silences.silences.get(silence_id)
        is_ours = silence is None or any(
            each.name == "tenant_id" and each.value == TENANT_ID for each in silence.matchers
        )
        if not is_ours:
            return _error("forbidden", 403)
        return self._alerts.answer_v2(request.method, ("silence", silence_id), request)


def _credentials(request: Request, form: dict[str, str]) -> tuple[str, str]:
    kind, _, packed = request.headers.get("authorization", "").partition(" ")
    if kind.lower() != "basic":
        return form.get("client_id", ""), form.get("client_secret", "")
    try:
        name, _, secret = base64.b64decode(packed, validate=True).decode().partition(":")
    except ValueError:
        return "", ""
    return unquote(name), unquote(secret)


def _without_muted_by(reply: Reply) -> Reply:
    """Behind the gateway stands an Alertmanager 0.25, which does not know `mutedBy` yet."""
    return replace(reply, body=reply.body.replace(b'"mutedBy":[],', b""))


def _error(message: str, status: int) -> Reply:
    document: dict[str, Any] = {"error": message, "errorType": "observatorium-api", "status": "error"}
    return Reply(status, msgspec.json.encode(document), "application/json; charset=utf-8")
