"""Where the links and images of a runbook lead: into the portal, to another site, or nowhere."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from apps.core.addresses import page_address
from apps.core.links import safe_link

PREFIX = "rb-"
LONGEST = 700
PAGES = (".md", ".markdown", ".mdown")
IMAGES = (".png", ".jpg", ".jpeg", ".gif", ".webp")
NOT_IN_SLUG = re.compile(r"[^\w\- ]")
ODD_IN_PATH = re.compile(r"[\x00-\x1f\x7f\\]")


@dataclass(frozen=True)
class Place:
    """A runbook's own place, from which its relative addresses are read.

    `under` is the folder below which its source is read, "" for all; `images` are the paths of those that can be
    shown, None where that is not known.
    """

    source: str
    path: str
    under: str = ""
    images: frozenset[str] | None = None

    def link(self, url: str) -> str:
        """Where a link leads: another runbook of the source, a heading of this one, another site; "" for nowhere."""
        if (parts := parts_of(url)) is None:
            return ""
        if parts.scheme or parts.netloc:
            return safe_link(url)
        anchor = f"#{anchor_of(unquote(parts.fragment))}" if parts.fragment else ""
        if not parts.path:
            return anchor
        path = self.inside(parts.path, PAGES)
        page = page_address("runbooks:runbook-show", self.source, path) if path.startswith(self.under) else ""
        return page + anchor if page else ""

    def image(self, url: str) -> str:
        """Where an image of the same source is; "" for any other, and for one that cannot be shown."""
        parts = parts_of(url)
        if parts is None or parts.scheme or parts.netloc or not parts.path:
            return ""
        path = self.inside(parts.path, IMAGES)
        is_there = self.images is None or path in self.images
        return page_address("runbooks:file-show", self.source, path) if is_there else ""

    def inside(self, path: str, endings: tuple[str, ...]) -> str:
        """A relative path as it is called in the source; "" where it leaves that, or has another ending."""
        told = unquote(path)
        if ODD_IN_PATH.search(told):
            return ""
        start = "" if told.startswith("/") else posixpath.dirname(self.path)
        found = posixpath.normpath(posixpath.join(start, told.lstrip("/")))
        is_inside = not found.startswith(("..", "/")) and len(found) <= LONGEST
        return found if is_inside and found.lower().endswith(endings) else ""


@dataclass(frozen=True)
class Parts:
    """The parts of an address that count here."""

    scheme: str
    netloc: str
    path: str
    fragment: str


def parts_of(url: str) -> Parts | None:
    """Its parts; None for what is no address."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    return Parts(parts.scheme, parts.netloc, parts.path, parts.fragment)


def anchor_of(title: str) -> str:
    """A heading's anchor, as GitLab makes it, with a prefix that no id of the portal's pages has."""
    slug = NOT_IN_SLUG.sub("", title.strip().lower()).replace(" ", "-")
    return PREFIX + re.sub(r"-{2,}", "-", slug)[:100]
