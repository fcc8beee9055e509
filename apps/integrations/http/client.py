"""One way to ask an upstream, for all of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote, urlencode, urljoin, urlsplit

import msgspec
import requests
from requests.cookies import RequestsCookieJar

from apps.core.errors import (
    UpstreamBadReply,
    UpstreamDenied,
    UpstreamError,
    UpstreamRejected,
    UpstreamUntrusted,
)
from apps.core.metrics import UPSTREAM_BYTES
from apps.integrations.http import body as bodies
from apps.integrations.http.deadline import Watch, WatchedAdapter, watching
from apps.integrations.http.endpoint import MEBIBYTE, CallFacts, Endpoint
from apps.integrations.http.failures import (
    failure,
    header_date,
    is_dropped,
    kind_of_status,
    seconds_until,
    translated,
    words_of,
)
from apps.integrations.http.stream import Stream
from apps.integrations.http.words import plain_line, secrets_in, told_reason

T = TypeVar("T")
Query = Iterable[tuple[str, str]]
REFUSAL_CAP = 256 * 1024


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A whole answer. The keys of `headers` are looked up in any case."""

    source: str
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def media_type(self) -> str:
        """The content type without its parameters, in lower case; "" where none was told."""
        return self.headers.get("Content-Type", "").partition(";")[0].strip().lower()

    def decode(self, kind: type[T]) -> T:
        """Its JSON as a value of this type. Raises UpstreamBadReply."""
        if "html" in self.media_type or self.body.lstrip()[:1] == b"<":
            raise failure(UpstreamBadReply, self.source, "answered with a web page, not JSON (a sign-in page?)")
        if self.media_type and not self.media_type.endswith("json"):
            raise failure(UpstreamBadReply, self.source, f"answered with {self.media_type[:60]}, not JSON")
        return bodies.decoded(self.body, kind, self.source)


Refine = Callable[[Answer, str], type[UpstreamError] | None]
"""Told an answer that is not 2xx and its reason, an upstream's client names a truer error than its status, or None."""


def _as_it_stands(answer: Answer, reason: str) -> type[UpstreamError] | None:
    return None


class _Session(requests.Session):
    """A session that follows nothing, keeps no cookie and takes nothing from the environment."""

    def __init__(self, server_name: str | None) -> None:
        super().__init__()
        self.trust_env = False
        self.cookies = RequestsCookieJar(policy=DefaultCookiePolicy(allowed_domains=[]))
        self.headers.clear()
        self.mount("http://", WatchedAdapter(None))
        self.mount("https://", WatchedAdapter(server_name))

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        """None for every answer: otherwise the session reads the body of a redirect without any cap."""
        return None


class HttpClient:
    """Calls one endpoint. Safe for several threads; `last` then tells of whichever call ended last."""

    def __init__(self, endpoint: Endpoint, *, refine: Refine = _as_it_stands) -> None:
        self.endpoint = endpoint
        self.last: CallFacts | None = None
        self._refine = refine
        self._session = _Session(endpoint.server_name)

    @property
    def source(self) -> str:
        return self.endpoint.source

    def close(self) -> None:
        """Let go of the connections that are kept for the next call."""
        self._session.close()

    def get(self, *segments: str, query: Query = ()) -> Answer:
        """GET the path of these segments, each of them one name, whatever characters it has."""
        return self.call("GET", segments, query=query)

    def call(
        self,
        method: str,
        segments: Sequence[str],
        *,
        query: Query = (),
        json: Any = None,
        form: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        expected: Sequence[int] = (),
    ) -> Answer:
        """One exchange; the answer is 2xx or one of the statuses `expected`.

        `json` (any value) or `form` is the body. Raises UpstreamError, each kind as its class says. Only a GET is ever
        sent again without an answer; where credentials are renewed, the answer said that they were refused.
        """
        content, content_type = _content(json, form)
        asked = {"Accept": "application/json", "Accept-Encoding": "gzip", **content_type, **(headers or {})}
        request = requests.Request(method, self._url(segments, query), headers=asked, data=content)
        credentials = self._credentials()
        answer = self._exchange(request, credentials)
        if self.endpoint.renew is not None and self._is_unauthenticated(answer):
            self.endpoint.renew(credentials)
            credentials, answer = self._once_more(request)
        if 200 <= answer.status < 300 or answer.status in expected:
            return answer
        raise self._refusal(answer, credentials)

    def stream(
        self,
        *segments: str,
        idle_timeout: float,
        query: Query = (),
        headers: Mapping[str, str] | None = None,
        line_cap: int = 8 * MEBIBYTE,
    ) -> Stream:
        """GET an answer without end, line by line; see Stream. To be closed by the caller (a context manager).

        Headers must have come within `connect_timeout` and `idle_timeout` together, since a server may hold them back
        until it has something to tell. Raises UpstreamError.
        """
        credentials = self._credentials()
        asked = {**credentials, "Accept-Encoding": "identity", **(headers or {})}
        request = requests.Request("GET", self._url(segments, query), headers=asked)
        watch = self._watch(self.endpoint.connect_timeout + idle_timeout)
        try:
            response = self._send(request, watch, read_timeout=idle_timeout)
            if response.status_code != 200:
                raise self._refusal(self._answer(response, watch), credentials)
        except UpstreamError:
            watch.done()
            raise
        watch.lift()
        return Stream(response, watch, source=self.source, idle_timeout=idle_timeout, line_cap=line_cap)

    def _watch(self, seconds: float) -> Watch:
        return Watch(seconds, resolve=self.endpoint.resolve)

    def _once_more(self, request: requests.Request) -> tuple[Mapping[str, str], Answer]:
        """The exchange with new credentials. What fails now was sent before, though refused then."""
        try:
            credentials = self._credentials()
            return credentials, self._exchange(request, credentials)
        except UpstreamError as error:
            error.never_sent = False
            raise

    def _exchange(self, request: requests.Request, credentials: Mapping[str, str]) -> Answer:
        request.headers.update(credentials)
        watch, started, began = self._watch(self.endpoint.deadline), time.monotonic(), datetime.now(UTC)
        try:
            response = self._send(request, watch, read_timeout=self.endpoint.deadline + 1)
            wire = response.raw
            answer = self._answer(response, watch)
        finally:
            watch.done()
        latency = time.monotonic() - started
        date = header_date(answer.headers.get("Date"))
        self.last = CallFacts(
            latency=latency,
            wire_bytes=wire.tell(),
            body_bytes=len(answer.body),
            skew=None if date is None else (date - began).total_seconds() - latency / 2,
            status=answer.status,
        )
        UPSTREAM_BYTES.labels(self.source).inc(wire.tell())
        return answer

    def _send(self, request: requests.Request, watch: Watch, *, read_timeout: float) -> requests.Response:
        """The answer as soon as its headers are there."""
        endpoint = self.endpoint
        verify, certificate = self._trust()
        try:
            with watching(watch):
                response = self._session.send(
                    self._session.prepare_request(request),
                    timeout=(min(endpoint.connect_timeout, watch.remaining), read_timeout),
                    verify=verify,
                    cert=certificate,
                    proxies={"http": endpoint.proxy, "https": endpoint.proxy} if endpoint.proxy else {},
                    stream=True,
                    allow_redirects=False,
                )
        except (requests.RequestException, *bodies.NOT_READ) as error:
            if self._was_stale(request, error, watch):
                return self._send(request, watch, read_timeout=read_timeout)
            raise self._unanswered(error, watch) from error
        if watch.is_over:  # headers that a shut connection cut look complete to http.client
            response.close()
            raise bodies.too_slow(self.source, endpoint.deadline)
        return response

    def _was_stale(self, request: requests.Request, error: Exception, watch: Watch) -> bool:
        """Whether a kept connection had been closed meanwhile: a GET may then be sent again (RFC 9110, 9.2.2)."""
        return request.method == "GET" and watch.is_on_kept_connection and not watch.is_over and is_dropped(error)

    def _unanswered(self, error: Exception, watch: Watch) -> UpstreamError:
        if watch.is_over:
            return bodies.too_slow(self.source, self.endpoint.deadline, never_sent=not watch.is_sent)
        return translated(error, self.source, never_sent=not watch.is_sent)

    def _answer(self, response: requests.Response, watch: Watch) -> Answer:
        """The answer with its body. What was not read to its end is closed; of a refusal the status is enough."""
        is_good = response.status_code < 300
        cap = self.endpoint.body_cap if is_good else REFUSAL_CAP
        body = b""
        try:
            body = bodies.read_body(
                response.raw, watch=watch, cap=cap, source=self.source, deadline=self.endpoint.deadline
            )
        except UpstreamError as error:
            response.close()
            if is_good or not isinstance(error, UpstreamBadReply):
                raise
        return Answer(source=self.source, status=response.status_code, headers=response.headers, body=body)

    def _credentials(self) -> Mapping[str, str]:
        try:
            headers = {"User-Agent": "stonesoup-portal", **self.endpoint.headers()}
        except UpstreamError as error:  # of a file that cannot be read, or of whoever gives the token
            error.never_sent = True
            raise
        if any(not value.isprintable() for value in headers.values()):
            words = "our credentials contain a line break or another control character"
            raise failure(UpstreamRejected, self.source, words, never_sent=True)
        return headers

    def _trust(self) -> tuple[bool | str, tuple[str, str] | None]:
        """What `requests` wants as verify and cert. Raises UpstreamUntrusted for a file that is not there."""
        ca, certificate = self.endpoint.ca, self.endpoint.client_certificate
        for file in (*([ca] if ca else ()), *(certificate or ())):
            if not Path(file).is_file():
                words = f"the certificate file {file} cannot be read"
                raise failure(UpstreamUntrusted, self.source, words, never_sent=True)
        return (ca or True) if self.endpoint.verify else False, certificate

    def _url(self, segments: Sequence[str], query: Query) -> str:
        for segment in segments:
            if segment in {"", ".", ".."}:
                words = f"nothing can be asked for by the name {segment!r}"
                raise failure(UpstreamRejected, self.source, words, never_sent=True)
        path = "".join("/" + quote(segment, safe="") for segment in segments)
        asked = urlencode(list(query))
        base = self.endpoint.url.rstrip("/") if segments else self.endpoint.url
        return f"{base}{path}{'?' if asked else ''}{asked}"

    def _is_unauthenticated(self, answer: Answer) -> bool:
        if answer.status < 300 or answer.status == 403:
            return False
        return issubclass(self._kind(answer, told_reason(answer.body)), UpstreamDenied)

    def _kind(self, answer: Answer, reason: str) -> type[UpstreamError]:
        named = self._refine(answer, reason)
        return named or kind_of_status(answer.status, has_retry_after="Retry-After" in answer.headers)

    def _refusal(self, answer: Answer, sent: Mapping[str, str]) -> UpstreamError:
        reason = told_reason(answer.body)
        kind = self._kind(answer, reason)
        if kind is UpstreamBadReply and answer.status < 400:
            return failure(kind, self.source, self._redirect_words(answer))
        told = plain_line(reason, secrets=secrets_in(sent))
        words = words_of(kind, answer.status) + (f": {told}" if told else "")
        return failure(kind, self.source, words, retry_after=seconds_until(answer.headers.get("Retry-After")))

    def _redirect_words(self, answer: Answer) -> str:
        """Where a redirect leads: host and port alone, since the rest may hold somebody's secrets."""
        try:
            target = urlsplit(urljoin(self.endpoint.url, answer.headers.get("Location", "")))
            host = f"{target.hostname}:{target.port}" if target.port else f"{target.hostname}"
        except ValueError:
            return f"redirects to an address that is not valid ({answer.status}), which was not followed"
        if target.hostname == urlsplit(self.endpoint.url).hostname:
            return f"redirects within {plain_line(host)} ({answer.status}), which was not followed"
        return f"redirects to another host, {plain_line(host)} ({answer.status}), which was not followed"


def _content(json: Any, form: Mapping[str, str] | None) -> tuple[bytes | None, dict[str, str]]:
    """Body and its type. Argo CD takes `application/json` without a charset only."""
    if form is not None:
        return urlencode(form).encode(), {"Content-Type": "application/x-www-form-urlencoded"}
    return (None, {}) if json is None else (msgspec.json.encode(json), {"Content-Type": "application/json"})
