"""What is particular to the Observatorium gateway, in front of a tenant's metrics and Alertmanager."""

from __future__ import annotations

from apps.core.errors import UpstreamDenied, UpstreamError, UpstreamNotInstalled, UpstreamUnverified
from apps.integrations.http import Answer

NO_TENANT = "tenant not found"


def tenant_path(tenant: str) -> tuple[str, ...]:
    """Where a tenant's APIs begin; nothing where the endpoint's own address leads there already."""
    return ("api", "metrics", "v1", tenant) if tenant else ()


def gateway_refusal(answer: Answer, reason: str) -> type[UpstreamError] | None:
    """Answers whose status hides what is meant.

    Recorded of the gateway (main, July 2026): no token is a redirect to the tenant's sign-in page, a token whose
    signature is wrong a 500 "failed to verify ID token", a route that is not exposed a 404 in plain text. The same 500
    is its answer while it does not reach its provider (its authentication/oidc.go), and a 401 "tenant not found" also
    that of one that has just started: tenants are registered as their provider answers.
    """
    if answer.status in {302, 303, 307} and (reason == "failed to find token" or _leads_to_sign_in(answer)):
        return UpstreamDenied
    if (answer.status == 500 and "failed to verify" in reason) or (answer.status == 401 and NO_TENANT in reason):
        return UpstreamUnverified
    if answer.status == 404 and answer.media_type == "text/plain":
        return UpstreamNotInstalled
    return None


def _leads_to_sign_in(answer: Answer) -> bool:
    location = answer.headers.get("Location", "")
    return location.startswith("/oidc/") or location.partition("?")[0].endswith("/login")
