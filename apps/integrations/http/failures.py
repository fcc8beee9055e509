"""What the libraries raise, and what statuses an upstream answers with, in the portal's own errors."""

from __future__ import annotations

import http.client
import socket
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

import requests.exceptions as rq
import urllib3.exceptions as u3

from apps.core import errors
from apps.core.errors import UpstreamError

Meaning = tuple[type[UpstreamError], str]

UNREACHABLE: Final[Meaning] = (errors.UpstreamUnavailable, "it could not be reached")
TIMED_OUT: Final[Meaning] = (errors.UpstreamUnavailable, "it did not answer in time")
PROXY: Final[Meaning] = (errors.UpstreamUnavailable, "the proxy on the way to it failed")
TLS: Final[Meaning] = (errors.UpstreamUntrusted, "the TLS handshake with it failed")
BROKEN: Final[Meaning] = (errors.UpstreamBadReply, "its answer broke off or was not proper HTTP")
GARBLED: Final[Meaning] = (errors.UpstreamBadReply, "its answer could not be decompressed")
REDIRECT: Final[Meaning] = (errors.UpstreamBadReply, "it redirects elsewhere")
ADDRESS: Final[Meaning] = (errors.UpstreamRejected, "its address or our headers are not valid")
OURS: Final[Meaning] = (errors.UpstreamRejected, "the call could not be made")

MEANINGS: Final[dict[type[BaseException], Meaning]] = {
    **dict.fromkeys(
        (rq.ConnectionError, rq.RequestException, rq.RetryError, u3.HTTPError, u3.PoolError, u3.RequestError),
        UNREACHABLE,
    ),
    **dict.fromkeys((u3.MaxRetryError, u3.NewConnectionError, u3.EmptyPoolError, u3.FullPoolError), UNREACHABLE),
    **dict.fromkeys((u3.ClosedPoolError,), UNREACHABLE),
    u3.NameResolutionError: (errors.UpstreamUnavailable, "its name cannot be resolved"),
    **dict.fromkeys((rq.Timeout, rq.ConnectTimeout, rq.ReadTimeout), TIMED_OUT),
    **dict.fromkeys((u3.TimeoutError, u3.ReadTimeoutError, u3.ConnectTimeoutError), TIMED_OUT),
    **dict.fromkeys((rq.ProxyError, u3.ProxyError), PROXY),
    **dict.fromkeys((rq.SSLError, u3.SSLError), TLS),
    **dict.fromkeys((rq.ChunkedEncodingError, rq.HTTPError, rq.InvalidJSONError, rq.JSONDecodeError), BROKEN),
    **dict.fromkeys((u3.ProtocolError, u3.ResponseError, u3.ResponseNotChunked, u3.BodyNotHttplibCompatible), BROKEN),
    **dict.fromkeys((u3.IncompleteRead, u3.InvalidChunkLength, u3.InvalidHeader, u3.HeaderParsingError), BROKEN),
    **dict.fromkeys((rq.ContentDecodingError, u3.DecodeError), GARBLED),
    **dict.fromkeys((rq.TooManyRedirects, u3.HostChangedError), REDIRECT),
    **dict.fromkeys((rq.URLRequired, rq.MissingSchema, rq.InvalidSchema, rq.InvalidURL, rq.InvalidHeader), ADDRESS),
    **dict.fromkeys((u3.LocationValueError, u3.LocationParseError, u3.URLSchemeUnknown), ADDRESS),
    **dict.fromkeys((rq.InvalidProxyURL, u3.ProxySchemeUnknown, u3.ProxySchemeUnsupported), ADDRESS),
    **dict.fromkeys((rq.StreamConsumedError, rq.UnrewindableBodyError), OURS),
    **dict.fromkeys((u3.UnrewindableBodyError, u3.TimeoutStateError), OURS),
}

# What lies beneath says more than what the libraries wrap around it. The first that is found in this order counts.
BENEATH: Final[tuple[tuple[type[BaseException], Meaning], ...]] = (
    (ssl.SSLEOFError, (errors.UpstreamUnavailable, "it closed the connection")),
    (ssl.SSLZeroReturnError, (errors.UpstreamUnavailable, "it closed the connection")),
    (socket.gaierror, MEANINGS[u3.NameResolutionError]),
    (ConnectionRefusedError, (errors.UpstreamUnavailable, "it refuses connections")),
    (http.client.RemoteDisconnected, (errors.UpstreamUnavailable, "it closed the connection without an answer")),
    (ConnectionError, (errors.UpstreamUnavailable, "it reset the connection")),
    (u3.NameResolutionError, MEANINGS[u3.NameResolutionError]),
    (u3.NewConnectionError, UNREACHABLE),
    (u3.ConnectTimeoutError, (errors.UpstreamUnavailable, "no connection to it within the time allowed")),
    (TimeoutError, TIMED_OUT),
    (u3.TimeoutError, TIMED_OUT),
    (u3.ProxyError, PROXY),
    (http.client.HTTPException, BROKEN),
    (UnicodeError, ADDRESS),
)

DROPPED: Final = (ConnectionError, ssl.SSLEOFError, ssl.SSLZeroReturnError)

# OpenSSL's X509_V_ERR_… numbers.
CERTIFICATE_FAULTS: Final[dict[int, str]] = {
    9: "its certificate is not valid yet",
    10: "its certificate has expired",
    18: "its certificate is self-signed",
    19: "its certificate leads to a self-signed authority that we do not trust",
    20: "its certificate is signed by an authority that we do not trust",
    21: "its certificate is signed by an authority that we do not trust",
    23: "its certificate was revoked",
    62: "its certificate is for another host",
    64: "its certificate is for another address",
}

TLS_FAULTS: Final[dict[str, str]] = {
    "WRONG_VERSION_NUMBER": "it does not speak TLS at this address",
    "HTTP_REQUEST": "it does not speak TLS at this address",
    "UNSUPPORTED_PROTOCOL": "it speaks only a TLS version that is too old",
    "TLSV1_ALERT_PROTOCOL_VERSION": "it speaks only a TLS version that we refuse",
    "TLSV13_ALERT_CERTIFICATE_REQUIRED": "it wants a client certificate",
    "SSLV3_ALERT_BAD_CERTIFICATE": "it refuses our client certificate",
    "TLSV1_ALERT_UNKNOWN_CA": "it refuses our client certificate",
}

PERMANENT: Final = (
    errors.UpstreamDenied,
    errors.UpstreamNotFound,
    errors.UpstreamRejected,
    errors.UpstreamUntrusted,
)


def failure(
    kind: type[UpstreamError], source: str, message: str, *, retry_after: float | None = None, never_sent: bool = False
) -> UpstreamError:
    """The error of this kind; asking again soon is pointless where the upstream would only say the same."""
    is_permanent = issubclass(kind, PERMANENT) and kind is not errors.UpstreamUnverified
    return kind(source, message, permanent=is_permanent, retry_after=retry_after, never_sent=never_sent)


def translated(error: BaseException, source: str, *, never_sent: bool = False) -> UpstreamError:
    """The portal's error for what a library raised, told by the innermost cause that is known."""
    kind, words = meaning_of(error)
    return failure(kind, source, words, never_sent=never_sent)


def meaning_of(error: BaseException) -> Meaning:
    causes = tuple(_causes(error))
    for cause in causes:
        if isinstance(cause, ssl.SSLError) and not isinstance(cause, ssl.SSLEOFError | ssl.SSLZeroReturnError):
            return errors.UpstreamUntrusted, _tls_words(cause)
    for beneath, meaning in BENEATH:
        if any(isinstance(cause, beneath) for cause in causes):
            return meaning
    return next((MEANINGS[kind] for kind in type(error).__mro__ if kind in MEANINGS), OURS)


def is_dropped(error: BaseException) -> bool:
    """Whether the other side closed or reset the connection."""
    return any(isinstance(cause, DROPPED) for cause in _causes(error))


def _tls_words(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        code = getattr(error, "verify_code", None)
        return CERTIFICATE_FAULTS.get(code or 62, "its certificate is not trusted")
    name = error.reason or ""
    return TLS_FAULTS.get(name, f"{TLS[1]} ({name.lower().replace('_', ' ')})" if name else TLS[1])


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The exception and all that it was made of, outermost first."""
    waiting, seen = [error], set[int]()
    while waiting:
        current = waiting.pop(0)
        if id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        inner = (current.__cause__, current.__context__, getattr(current, "reason", None), *current.args)
        waiting += [cause for cause in inner if isinstance(cause, BaseException)]


def kind_of_status(status: int, *, has_retry_after: bool) -> type[UpstreamError]:
    """The error that a status other than 2xx means of itself."""
    if status in {401, 403}:
        return errors.UpstreamDenied
    if status in {404, 410}:
        return errors.UpstreamNotFound
    if status == 429 or (status == 503 and has_retry_after):
        return errors.UpstreamThrottled
    if status == 408 or status >= 500:
        return errors.UpstreamUnavailable
    return errors.UpstreamRejected if status >= 400 else errors.UpstreamBadReply


def words_of(kind: type[UpstreamError], status: int) -> str:
    """The beginning of the message for a refusal of this kind."""
    named: dict[type[UpstreamError], str] = {
        errors.UpstreamDenied: "refused this" if status == 403 else "refused our credentials",
        errors.UpstreamUnverified: "could not verify our credentials",
        errors.UpstreamNotFound: "has no such object",
        errors.UpstreamNotInstalled: "does not serve this",
        errors.UpstreamThrottled: "asks us to wait",
        errors.UpstreamRejected: "refused the request",
    }
    return f"{named.get(kind, 'answered with an error')} ({status})"


def is_given_to_nobody(error: UpstreamError) -> bool:
    """Whether it is not there, or refused as a right (403) as a proxy does that lets only some of an API through."""
    return isinstance(error, errors.UpstreamNotFound) or (
        isinstance(error, errors.UpstreamDenied) and "(403)" in error.message
    )


def seconds_until(retry_after: str | None) -> float | None:
    """A Retry-After header (seconds, or a date) as seconds from now; None where there is none that can be read."""
    if not retry_after:
        return None
    if retry_after.strip().isdigit():
        return float(retry_after)
    moment = header_date(retry_after)
    return None if moment is None else max(0.0, (moment - datetime.now(UTC)).total_seconds())


def header_date(text: str | None) -> datetime | None:
    """A date of an HTTP header, aware; None where it cannot be read."""
    try:
        moment = parsedate_to_datetime(text or "")
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
