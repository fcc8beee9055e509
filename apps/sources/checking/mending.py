"""What would mend an upstream's error, by the keys of the fleet file."""

from __future__ import annotations

from dataclasses import dataclass

from apps.core.errors import (
    UpstreamBadReply,
    UpstreamDenied,
    UpstreamError,
    UpstreamNotFound,
    UpstreamRejected,
    UpstreamThrottled,
    UpstreamUntrusted,
    UpstreamUnverified,
)

# A part of the error's message, and what would mend it; the first that fits. {at} is the source's place in the file.
UNTRUSTED = (
    ("host key", "put its host key into the file of `{at}.git.known_hosts` (ssh-keyscan tells it; compare it)"),
    ("certificate file", "see whether the files named under `{at}` are there, readable, and PEM"),
    ("authority", "set `{at}.ca` to the PEM file of the authority that signed its certificate"),
    ("self-signed", "set `{at}.ca` to its certificate's PEM file"),
    ("expired", "have its certificate renewed"),
    ("not valid yet", "compare its clock with this machine's, or have its certificate made anew"),
    ("revoked", "have its certificate made anew"),
    ("another host", "use a host in `{url}` that its certificate is for"),
    ("another address", "use a host in `{url}` that its certificate is for"),
    ("not speak TLS", "write http:// in `{url}`, or the port that speaks TLS"),
    ("TLS version", "have TLS 1.2 or later switched on there"),
    ("client certificate", "set `{at}.client_certificate` and `{at}.client_key` to a pair that it takes"),
)
NOT_FOUND = (("no branch", "see whether `{at}.git.branch` is right, and whether anything was ever pushed"),)
REJECTED = (
    ("program git", "install git where the portal's workers run"),
    ("address that we do not connect to", "use a host in `{url}` that is not this machine's own"),
)
UNAVAILABLE = (
    ("refuses connections", "see whether it runs, and whether the port in `{url}` is right"),
    ("name cannot be resolved", "see whether the host in `{url}` is right and known to this machine's DNS"),
    ("proxy", "see whether `{at}.proxy` is right and lets this machine through to it"),
    (
        "connection to it within",
        "see whether a firewall is in between, set `{at}.proxy`, or raise `{at}.connect_timeout`",
    ),
    ("in time", "see whether it is overloaded, or raise `{at}.deadline`"),
    ("no complete answer", "see whether it is overloaded, or raise `{at}.deadline`"),
)
BAD_REPLY = (
    ("web page", "`{url}` leads to a page for people: use the API's own address, past any sign-in proxy"),
    ("redirects elsewhere", "set `{url}` to the address that it redirects to (often with .git at its end)"),
    ("redirect", "set `{url}` to the API's own address: the one that it redirects to, unless that is a sign-in page"),
    ("broke off", "see whether it, or something on the way to it, cuts its answers short"),
    ("larger", "see what answers at `{url}`: that is more than such a server tells"),
)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a source stands in the fleet file: `at` like "argocd[0]", `url` the path of its address, `credentials`
    where its credentials come from ("`argocd[0].token` (file:/run/secrets/t)") or "" where it has none, `account` in
    words whose they are.
    """

    at: str
    url: str
    credentials: str
    account: str

    def mend(self, error: UpstreamError) -> str:
        """What would mend this error."""
        if isinstance(error, UpstreamDenied):
            return self._mend_denied(error)
        if isinstance(error, UpstreamThrottled):
            return f"it is asked too often: raise `{self.at}.interval`, or its own limit"
        if isinstance(error, UpstreamUntrusted):
            return self._told(UNTRUSTED, error) or f"see which certificate stands at `{self.url}`"
        if isinstance(error, UpstreamNotFound) and self.at.startswith("observatorium"):
            return f"see whether `{self.url}` is right, and say `alerts: false` or `rules: false` where it has none"
        if isinstance(error, UpstreamNotFound):
            told = self._told(NOT_FOUND, error)
            return told or f"see whether `{self.url}` is its address, with the right path"
        if isinstance(error, UpstreamBadReply):
            return self._told(BAD_REPLY, error) or f"see what answers at `{self.url}`: it does not speak this API"
        if isinstance(error, UpstreamRejected):
            told = self._told(REJECTED, error)
            return told or f"see whether `{self.url}` and its credentials are right, and which version it is"
        return self._told(UNAVAILABLE, error) or "see how that server is doing, and its log"

    def _mend_denied(self, error: UpstreamError) -> str:
        if "cannot be read" in error.message:
            return f"put the secret where {self.credentials} looks for it"
        if not self.credentials:
            return f"it wants credentials: name them under `{self.at}`"
        anew = f"have new credentials made for {self.account} and put them where {self.credentials} looks for them"
        if isinstance(error, UpstreamUnverified):
            return f"see whether it reaches the provider that signs our tokens, and knows the tenant; else {anew}"
        if not error.message.startswith(("refused our credentials", "no token for us")):
            return f"give {self.account} the right to read this"
        return anew

    def _told(self, table: tuple[tuple[str, str], ...], error: UpstreamError) -> str:
        found = (mend for part, mend in table if part in error.message)
        return next(found, "").format(at=self.at, url=self.url)
