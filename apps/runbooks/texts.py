"""What a runbook's file says: its text, its title, and the images that it names."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from pathlib import PurePosixPath

from markdown_it import MarkdownIt

from apps.core.text import clean

from .rendering.markdown import FRONT_MATTER, plain_of
from .rendering.places import IMAGES, PAGES, Place

LARGEST = 512 * 1024
LARGEST_IMAGE = 256 * 1024
WHERE_TITLES_ARE = 20_000
WHERE_NUL_IS_LOOKED_FOR = 8_000
LFS = b"version https://git-lfs.github.com/spec/"
IMAGE_NAMED = re.compile(
    r"!\[[^\]\n]{0,300}\]\(\s{0,9}<?([^)\s>]{1,700})"
    r"|<img\b[^>]{0,500}?\bsrc\s{0,9}=\s{0,9}[\"']([^\"']{1,700})"
    r"|^ {0,3}\[[^\]\n]{1,300}\]:\s{0,9}<?(\S{1,700})",
    re.IGNORECASE | re.MULTILINE,
)
SIGNATURES = (
    (re.compile(rb"\x89PNG\r\n\x1a\n"), "image/png"),
    (re.compile(rb"\xff\xd8\xff"), "image/jpeg"),
    (re.compile(rb"GIF8[79]a"), "image/gif"),
    (re.compile(rb"RIFF....WEBP", re.DOTALL), "image/webp"),
)
NOTHING = "it is empty"
TOO_LARGE = "larger than 512 kB: it is not read"
PARSER = MarkdownIt("commonmark")


@dataclass(frozen=True, slots=True)
class Written:
    """A runbook as its file has it. `problem` says what is wrong with it, "" where nothing is."""

    title: str
    text: str = ""
    problem: str = ""


def is_runbook(path: str) -> bool:
    """Whether a file is one by its name; others are where a rule or an alert links them."""
    return path.lower().endswith(PAGES)


def unreadable(path: str, problem: str) -> Written:
    """A runbook whose text is not to be had."""
    return Written(PurePosixPath(path).name, problem=problem)


def written(path: str, content: bytes) -> Written:
    """A runbook of what its file holds."""
    if len(content) > LARGEST:
        return unreadable(path, TOO_LARGE)
    if content.startswith(LFS):
        return unreadable(path, "kept in Git LFS: its text is not in the repository")
    if b"\0" in content[:WHERE_NUL_IS_LOOKED_FOR]:
        return unreadable(path, "not a text")
    text, problem = _decoded(content)
    if not text.strip():
        return unreadable(path, NOTHING)
    if not problem and not is_runbook(path):
        problem = "not Markdown by its name: it may look odd here"
    return Written(clean(_title(text) or PurePosixPath(path).name, 300), text, problem)


def images_named(source: str, path: str, text: str) -> frozenset[str]:
    """The paths of the images of the same source that a runbook may show."""
    place = Place(source, path)
    named = {url for found in IMAGE_NAMED.finditer(text) for url in found.groups() if url}
    return frozenset(place.inside(re.split(r"[?#]", url)[0], IMAGES) for url in named if "://" not in url) - {""}


def image_type(content: bytes) -> str:
    """The content type of an image by its first bytes; "" for all else, and for one that is too large."""
    if len(content) > LARGEST_IMAGE:
        return ""
    return next((told for signature, told in SIGNATURES if signature.match(content)), "")


def _decoded(content: bytes) -> tuple[str, str]:
    """Its text and "", or as much as can be read and a problem."""
    try:
        text, problem = content.decode("utf-8-sig"), ""
    except UnicodeDecodeError:
        text, problem = content.decode("utf-8", "replace"), "not all of it is UTF-8: what is not is shown as �"
    return clean(text, 2 * LARGEST).replace("\r\n", "\n").replace("\r", "\n"), problem


def _title(text: str) -> str:
    """Its first heading, as it is drawn."""
    tokens = PARSER.parse(FRONT_MATTER.sub("", text)[:WHERE_TITLES_ARE])
    headings = (inside for token, inside in pairwise(tokens) if token.type == "heading_open")
    first = next(headings, None)
    return plain_of(first.children or ()).strip() if first else ""
