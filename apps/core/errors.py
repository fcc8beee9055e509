"""What can go wrong, in the words of the one who asked.

`PortalError` is the root. `UpstreamError` and its children are raised by `apps.integrations` alone, translated once
from what a library raised (`raise … from`); everything above catches `UpstreamError` and nothing of a library.
"""

from __future__ import annotations


class PortalError(Exception):
    """Something that the portal expects can happen, and has words for."""


class RuleViolation(PortalError):
    """The person asked for something that cannot be done as asked, and can mend it."""


class UpstreamError(PortalError):
    """An upstream did not give what was asked of it.

    `source` is the source's key ("argocd/production"), `message` one line for people without secrets, `permanent`
    tells whether asking again soon is pointless, `retry_after` is the upstream's own wish in seconds, if it had one.
    `never_sent` is True where the request certainly did not reach the upstream, so that it can have done nothing.
    """

    kind = "error"

    def __init__(
        self,
        source: str,
        message: str,
        *,
        permanent: bool = False,
        retry_after: float | None = None,
        never_sent: bool = False,
    ) -> None:
        super().__init__(f"{source}: {message}")
        self.source = source
        self.message = message
        self.permanent = permanent
        self.retry_after = retry_after
        self.never_sent = never_sent


class UpstreamUnavailable(UpstreamError):
    """It could not be reached, or said that it cannot now (connect, timeout, 429, 5xx): try again later."""

    kind = "unavailable"


class UpstreamThrottled(UpstreamUnavailable):
    """It answered that we ask too often (429, or 503 with Retry-After): not an outage."""

    kind = "throttled"


class UpstreamUntrusted(UpstreamUnavailable):
    """Its TLS certificate or protocol version was refused, so that nothing was sent."""

    kind = "tls"


class UpstreamDenied(UpstreamError):
    """It refused our credentials or our rights (401, 403)."""

    kind = "credentials"


class UpstreamUnverified(UpstreamDenied):
    """It could not verify our credentials: they are wrong, or it does not reach whoever signs them (Observatorium says
    both alike). Nothing was done, and the latter passes by itself."""


class UpstreamNotFound(UpstreamError):
    """It has no such object (404)."""

    kind = "not_found"


class UpstreamNotInstalled(UpstreamNotFound):
    """It does not serve this type of resource at all (a CRD that is not installed, a route that a version lacks)."""

    kind = "not_installed"


class UpstreamRejected(UpstreamError):
    """It understood and refused the request itself (400, 409, 415, 422)."""

    kind = "rejected"


class UpstreamBadReply(UpstreamError):
    """It answered with something that is not what was asked for: shape, size, type, a redirect, a cut body."""

    kind = "bad_reply"
