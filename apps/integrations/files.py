"""Reading single files of a web server that the fleet file names, by paths that data chooses.

The server is the fleet file's: one that it names by address is asked at that very address, one that it names by name
never at an address of this machine itself or where a cloud keeps its secrets, whatever its name stands for by then.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, replace
from functools import partial
from urllib.parse import urlsplit

from apps.integrations.http import Endpoint
from apps.integrations.http.outside import REDIRECTS, Address, IsAllowed, addresses_judged, is_inner
from apps.integrations.http.words import MASK, secrets_in
from apps.integrations.upstream import UpstreamClient

GONE = (404, 410)
UNCHANGED = 304
FORBIDDEN = 403
ACCEPTED = "text/markdown, text/plain, image/*, */*;q=0.1"
LONGEST_TAG = 190


@dataclass(frozen=True, slots=True)
class FileAnswer:
    """What became of asking for a file: `content` is None where it is unchanged or gone; `tag` is its ETag or ""."""

    content: bytes | None = None
    tag: str = ""
    media_type: str = ""
    is_gone: bool = False


class FileClient(UpstreamClient):
    """Asks for files below the endpoint's address."""

    def __init__(self, endpoint: Endpoint) -> None:
        judged = partial(addresses_judged, endpoint.source, allowed_at(endpoint.url))
        # by way of a proxy it is the proxy that looks the name up
        super().__init__(endpoint if endpoint.proxy else replace(endpoint, resolve=judged), refine=lambda *_: None)

    def file(self, path: str, *, tag: str = "") -> FileAnswer:
        """The file at a path ("docs/a.md"), unless it still has this tag. Raises UpstreamError."""
        headers = {"Accept": ACCEPTED, **({"If-None-Match": tag} if tag else {})}
        answer = self.http.call("GET", path.split("/"), headers=headers, expected=(*GONE, UNCHANGED))
        if answer.status in GONE:
            return FileAnswer(is_gone=True)
        if answer.status == UNCHANGED:
            return FileAnswer(tag=tag)
        told = answer.headers.get("ETag", "")
        content, secrets = answer.body, secrets_in(self.http.endpoint.headers())
        for secret in secrets:  # a server may say back what it is told, and its files are for everybody
            content = content.replace(secret.encode(), MASK.encode())
        is_kept = len(told) <= LONGEST_TAG and not any(secret in told for secret in secrets)
        return FileAnswer(content, told if is_kept else "", answer.media_type)

    def reach(self) -> int:
        """The status that the address itself answers with, whatever stands there. Raises UpstreamError."""
        return self.http.call("GET", (), headers={"Accept": "*/*"}, expected=(FORBIDDEN, *GONE, *REDIRECTS)).status


def allowed_at(url: str) -> IsAllowed:
    """Which addresses the host of this URL may stand for."""
    host = urlsplit(url).hostname or ""
    try:
        named = ipaddress.ip_address(host)
    except ValueError:
        return _is_loopback if host == "localhost" else is_inner
    return lambda address: address == named


def _is_loopback(address: Address) -> bool:
    return address.is_loopback
