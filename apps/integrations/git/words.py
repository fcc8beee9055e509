"""What git complains of, in the portal's words."""

from __future__ import annotations

import re
from collections.abc import Iterable

from apps.core import errors
from apps.core.errors import UpstreamError
from apps.integrations.http import failure, plain_line

# The first that is found in git's complaints (in English, as we ask for them).
MEANINGS: tuple[tuple[str, type[UpstreamError], str], ...] = (
    (r"[Oo]ut of memory|memory exhausted|allocate memory", errors.UpstreamBadReply, "it takes too much memory to read"),
    (
        r"Host key verification failed|HOST IDENTIFICATION HAS CHANGED|host key is known",
        errors.UpstreamUntrusted,
        "its host key is not the one that known_hosts has",
    ),
    (r"could not read (?:Username|Password)|prompts disabled", errors.UpstreamDenied, "it asks for a password"),
    (
        r"Authentication failed|Access denied|Permission denied|returned error: 401|Load key|error in libcrypto",
        errors.UpstreamDenied,
        "refused our credentials",
    ),
    (r"returned error: 403", errors.UpstreamDenied, "refused this (403)"),
    (
        r"error setting certificate|error reading ca|CAfile: .*No such file|problem with the SSL CA cert",
        errors.UpstreamUntrusted,
        "the certificate file cannot be read",
    ),
    (
        r"certificate verification failed|certificate problem|certificate subject|SSL peer certificate",
        errors.UpstreamUntrusted,
        "its certificate is signed by an authority that we do not trust, or is for another host",
    ),
    (r"gnutls_handshake|SSL connect|TLS", errors.UpstreamUntrusted, "the TLS handshake with it failed"),
    (r"[Pp]roxy", errors.UpstreamUnavailable, "the proxy on the way to it failed"),
    (r"Could not resolve host", errors.UpstreamUnavailable, "its name cannot be resolved"),
    (r"Connection refused|Failed to connect", errors.UpstreamUnavailable, "it refuses connections"),
    (r"timed out|too slow", errors.UpstreamUnavailable, "it did not answer in time"),
    (r"returned error: 30\d|redirect", errors.UpstreamBadReply, "it redirects elsewhere"),
    (r"returned error: 429", errors.UpstreamThrottled, "asks us to wait"),
    (r"returned error: 5\d\d", errors.UpstreamUnavailable, "answered with an error"),
    (
        r"not found|does not exist|not appear to be a git rep|not a git rep|returned error: 404|not read from remote",
        errors.UpstreamNotFound,
        "there is no such repository, or our account may not see it",
    ),
    (
        r"is this a git repository|invalid server response|bad line length|protocol error|unexpected disconnect",
        errors.UpstreamBadReply,
        "it does not answer as a Git server does",
    ),
    (r"dumb http", errors.UpstreamBadReply, "it serves its files as they are, by which nothing can be read shallowly"),
    (r"No space left|Disk quota", errors.UpstreamUnavailable, "there is no room for a copy of it on our disk"),
)
NOT_MEANT = re.compile(
    r"From |\s|warning: filtering not recognized|warning: redirecting|remote: (?:Enumer|Count|Compr)"
)
UNKNOWN = "git failed"


def complaint_told(complaints: str, *, source: str, secrets: Iterable[str]) -> UpstreamError:
    """The error for what git wrote on its standard error: our words, then its own without secrets."""
    lines = [line for line in complaints.splitlines() if line.strip() and not NOT_MEANT.match(line)]
    told = plain_line(" ".join(lines), secrets=secrets)
    for pattern, kind, words in MEANINGS:
        if re.search(pattern, complaints):
            return failure(kind, source, f"{words}: {told}")
    return failure(errors.UpstreamUnavailable, source, f"{UNKNOWN}: {told}" if told else UNKNOWN)


def is_unexplained(error: UpstreamError) -> bool:
    """Whether it may lie in our own copy: then a new one is worth a try."""
    return error.message.startswith(UNKNOWN)
