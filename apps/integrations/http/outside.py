"""Asking for addresses that come from data: a runbook's in an annotation, say. Whoever writes one chooses where we ask.

What stops them: the host must be one that the fleet file allows, by name, with the scheme's own port or the one that is
allowed with it; and what the name stands for is judged at the moment of connecting, the very address that is then
connected to, so that a name that is answered anew in between (DNS rebinding) gains nothing. A redirect is followed
within the same host alone. No credentials, no cookies and no proxy go along.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from urllib.parse import urljoin, urlsplit

from apps.core.errors import UpstreamBadReply, UpstreamRejected
from apps.integrations.http.client import Answer, HttpClient, Query
from apps.integrations.http.endpoint import MEBIBYTE, Endpoint
from apps.integrations.http.failures import failure

LONGEST_ADDRESS = 2000
MOST_REDIRECTS = 3
REDIRECTS = (301, 302, 303, 307, 308)
USUAL_PORT = {"http": 80, "https": 443}
REFUSED_CHARACTERS = re.compile(r"[\x00-\x20\x7f\\]")
HOST = re.compile(r"(?=.{1,253}\Z)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*\Z")
NUMBER = re.compile(r"(?:\d+|0x[0-9a-f]*)\Z")

HOLDING_IPV4 = (ipaddress.IPv6Network("64:ff9b::/96"), ipaddress.IPv6Network("::/96"))
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
IsAllowed = Callable[[Address], bool]


def is_public(address: Address) -> bool:
    """Whether it is one of the wide world. What wraps an IPv4 address is judged by that."""
    inside = _wrapped(address)
    return address.is_global and not address.is_multicast and (inside is None or is_public(inside))


def is_inner(address: Address) -> bool:
    """Whether it is public or of a private network; never this machine's own, nor where a cloud keeps its secrets."""
    inside = _wrapped(address)
    if inside is not None and not is_inner(inside):
        return False
    is_odd = address.is_unspecified or address.is_multicast or (address.version == 4 and address.is_reserved)
    return not (is_odd or address.is_loopback or address.is_link_local)


@dataclass(frozen=True)
class Outside:
    """Which hosts may be asked, and how much of an answer is read, how long.

    `hosts` are ASCII names (`ascii_host`) as the fleet file lists them, with ":port" where it is not the scheme's own.
    `may_be` judges each address that a host's name stands for: `is_public`, or `is_inner` for one's own network.
    """

    source: str
    hosts: frozenset[str]
    may_be: IsAllowed = is_public
    deadline: float = 10.0
    body_cap: int = MEBIBYTE


@dataclass(frozen=True)
class Target:
    """An address taken apart: `host` in lower case, by its ASCII name."""

    scheme: str
    host: str
    port: int
    url: str

    @property
    def names(self) -> tuple[str, ...]:
        """How an allow-list may name it."""
        with_port = f"{self.host}:{self.port}"
        return (self.host, with_port) if self.port == USUAL_PORT[self.scheme] else (with_port,)


def outside_get(url: str, *, outside: Outside) -> Answer:
    """What is at this address.

    Raises:
        UpstreamRejected: the address is none that we ask, or its name stands for one that we do not connect to.
        UpstreamError: of the other kinds, where it does not answer well.
    """
    target = target_told(url, outside)
    for _ in range(MOST_REDIRECTS + 1):
        answer = _asked(target, outside)
        if answer.status not in REDIRECTS:
            return answer
        to = target_told(urljoin(target.url, answer.headers.get("Location", "")), outside)
        if (to.scheme, to.host, to.port) != (target.scheme, target.host, target.port):
            raise failure(UpstreamBadReply, outside.source, "redirects to another host, which was not followed")
        target = to
    raise failure(UpstreamBadReply, outside.source, "redirects again and again")


class _AsItStands(HttpClient):
    """Asks for the address of its endpoint, letter by letter."""

    def _url(self, segments: Sequence[str], query: Query) -> str:
        return self.endpoint.url


def _asked(target: Target, outside: Outside) -> Answer:
    endpoint = Endpoint(
        source=outside.source,
        url=target.url,
        resolve=partial(addresses_judged, outside.source, outside.may_be),
        deadline=outside.deadline,
        body_cap=outside.body_cap,
    )
    http = _AsItStands(endpoint)
    try:
        return http.call("GET", (), headers={"Accept": "text/html, text/*, */*;q=0.1"}, expected=REDIRECTS)
    finally:
        http.close()


def addresses_judged(source: str, may_be: IsAllowed, host: str, port: int) -> list[str]:
    """The addresses of the host, each of which may be connected to. Raises UpstreamRejected, and OSError for none."""
    told = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = list(dict.fromkeys(str(each[4][0]).partition("%")[0] for each in told))
    if not all(may_be(ipaddress.ip_address(address)) for address in addresses):
        words = f"{host} stands for an address that we do not connect to"
        raise failure(UpstreamRejected, source, words, never_sent=True)
    return addresses


def target_told(url: str, outside: Outside) -> Target:
    """The address, taken apart, where it is one that may be asked. Raises UpstreamRejected."""
    try:
        target = _taken_apart(url)
    except ValueError as error:
        words = f"this is no address that we ask: {error}"
        raise failure(UpstreamRejected, outside.source, words, never_sent=True) from error
    if outside.hosts.isdisjoint(target.names):
        words = f"{target.host} is not among the hosts that the fleet file allows"
        raise failure(UpstreamRejected, outside.source, words, never_sent=True)
    return target


def _taken_apart(url: str) -> Target:
    """Raises ValueError with what is wrong, in words without the address itself."""
    if len(url) > LONGEST_ADDRESS or REFUSED_CHARACTERS.search(url):
        raise ValueError("it is too long, or has characters that no address has")
    parts = urlsplit(url)
    if parts.scheme not in USUAL_PORT:
        raise ValueError("it begins neither with https:// nor with http://")
    if "@" in parts.netloc:
        raise ValueError("it holds a user name")
    host = ascii_host(parts.hostname or "")
    port = USUAL_PORT[parts.scheme] if parts.port is None else parts.port
    place = host if port == USUAL_PORT[parts.scheme] else f"{host}:{port}"
    query = f"?{parts.query}" if parts.query else ""
    return Target(parts.scheme, host, port, f"{parts.scheme}://{place}{parts.path or '/'}{query}")


def ascii_host(host: str) -> str:
    """The name as DNS knows it: letters of other scripts as punycode, so that no look-alike passes for another.

    Raises:
        ValueError: it is a number or an address, not a name, or no name at all.
    """
    name = host.removesuffix(".").lower()
    if not name.isascii():
        try:
            name = name.encode("idna").decode("ascii").lower()
        except UnicodeError as error:
            raise ValueError("its host is no name") from error
    if not HOST.match(name) or NUMBER.match(name.rpartition(".")[2]):
        raise ValueError("its host is no name")
    return name


def _wrapped(address: Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address within: ::ffff:…, 6to4, Teredo, NAT64's 64:ff9b::/96, and what was meant by ::/96 once."""
    if isinstance(address, ipaddress.IPv4Address):
        return None
    if any(address in network for network in HOLDING_IPV4):
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
