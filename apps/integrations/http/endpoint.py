"""Where an upstream is and how it is to be asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

MEBIBYTE = 1024 * 1024


def no_headers() -> Mapping[str, str]:
    """The headers of an upstream that wants no credentials."""
    return {}


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """One upstream: its address, its credentials, and how long and how much it may answer.

    `source` is the key that errors carry ("argocd/production"); `url` may have a path and has no slash at its end.
    `headers` is asked at each call, so that a token that was read again counts at once; `renew` is told the headers
    that were refused, once per call, and the call is then made again. `ca` is the path of a PEM file,
    `client_certificate` the paths of certificate and key, `server_name` the name expected in the server's certificate
    where it is not the host of `url`; `proxy` may hold a password. Times are seconds: `connect_timeout` for each
    address of the host, `deadline` for everything from connecting to the last byte. `body_cap` is bytes, on the wire
    and decoded alike.
    """

    source: str
    url: str
    headers: Callable[[], Mapping[str, str]] = no_headers
    renew: Callable[[Mapping[str, str]], None] | None = None
    ca: str | None = None
    client_certificate: tuple[str, str] | None = None
    server_name: str | None = None
    verify: bool = True
    proxy: str | None = field(default=None, repr=False)
    resolve: Callable[[str, int], Sequence[str]] | None = None
    connect_timeout: float = 3.0
    deadline: float = 10.0
    body_cap: int = 64 * MEBIBYTE


@dataclass(frozen=True, kw_only=True)
class CallFacts:
    """What the last call cost. Latency in seconds up to the last byte, sizes in bytes (wire: as it came, compressed).

    `skew` is by how many seconds the upstream's clock (its `Date`, a whole second) is ahead of ours; None untold.
    """

    latency: float
    wire_bytes: int
    body_bytes: int
    skew: float | None
    status: int
