"""The shapes of URLs that lead to a source's files, and the addresses that are compared with them."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import Self
from urllib.parse import unquote, urlsplit

from apps.integrations.http.outside import USUAL_PORT, ascii_host

PLACE = "<path>"
ARROW = "->"
HIDDEN = re.compile(r"[\x00-\x20\x7f\\]")


def path_told(path: str) -> str:
    """A path of a URL with its letters decoded; raises ValueError where it leads elsewhere than its letters say."""
    segments = [unquote(segment, errors="strict") for segment in path.removesuffix("/").split("/")[1:]]
    for segment in segments:
        if segment in {"", ".", ".."} or "/" in segment or "\\" in segment or not segment.isprintable():
            raise ValueError("its path leads up, or has empty or hidden parts")
    return "".join(f"/{segment}" for segment in segments)


def host_told(host: str) -> str:
    """A host by its ASCII name, or an IP address in its usual spelling; raises ValueError."""
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        return ascii_host(host)


@dataclass(frozen=True, slots=True)
class Address:
    """A web address taken apart: host normalised, path decoded, query left out."""

    scheme: str
    host: str
    port: int
    path: str
    fragment: str

    @classmethod
    def told(cls, url: str) -> Self:
        """Raises ValueError where it is no http or https address, or one that could mean another."""
        if HIDDEN.search(url):
            raise ValueError("it holds blanks, or characters that no address has")
        parts = urlsplit(url)
        if parts.scheme not in USUAL_PORT or "@" in parts.netloc:
            raise ValueError("it is no http or https address without a user name")
        port = USUAL_PORT[parts.scheme] if parts.port is None else parts.port
        return cls(parts.scheme, host_told(parts.hostname or ""), port, path_told(parts.path), unquote(parts.fragment))

    @property
    def origin(self) -> tuple[str, str, int]:
        """What two addresses must share to be of one server."""
        return self.scheme, self.host, self.port


@dataclass(frozen=True, slots=True)
class UrlShape:
    """A URL in which `<path>` stands for the path of a file, and how the file is then called in its source."""

    text: str
    origin: tuple[str, str, int]
    before: str
    after: str
    file_before: str
    file_after: str

    @classmethod
    def told(cls, text: str) -> Self:
        """A shape as the fleet file has it: a URL with `<path>`, and "-> file with <path>" where that differs.

        Raises:
            ValueError: with what is wrong, in plain words.
        """
        url, _, file = (part.strip() for part in text.partition(ARROW))
        if url.count(PLACE) != 1:
            raise ValueError("must hold <path> once: it stands for the file's path in the source")
        head, _, tail = url.partition(PLACE)
        if set(url) & set("?#"):
            raise ValueError("must end before any '?' or '#': these are not looked at")
        address = Address.told(head)
        if not urlsplit(head).path:
            raise ValueError("must hold <path> behind the host and a '/'")
        file = file or f"{PLACE}{tail}"
        if file.count(PLACE) != 1:
            raise ValueError("must hold <path> once behind '->' too")
        file_before, _, file_after = file.partition(PLACE)
        before = address.path + ("/" if head.endswith("/") else "")
        return cls(text, address.origin, before, unquote(tail).removesuffix("/"), file_before.lstrip("/"), file_after)

    def file_of(self, address: Address) -> str | None:
        """The path in the source that an address of this shape names; None for one of another shape."""
        path, least = address.path, len(self.before) + len(self.after)
        is_like = address.origin == self.origin and path.startswith(self.before) and path.endswith(self.after)
        if not is_like or len(path) <= least:
            return None
        return f"{self.file_before}{path[len(self.before) : len(path) - len(self.after)]}{self.file_after}"

    def __str__(self) -> str:
        return self.text
