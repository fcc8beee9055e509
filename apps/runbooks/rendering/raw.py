"""HTML in a runbook's Markdown: a few tags are written anew, the others left out; what is no HTML stays as text."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from html import escape, unescape

KEPT = frozenset(
    {
        "b",
        "blockquote",
        "br",
        "code",
        "dd",
        "del",
        "details",
        "dl",
        "dt",
        "em",
        "hr",
        "i",
        "ins",
        "kbd",
        "li",
        "ol",
        "p",
    }
    | {"pre", "s", "strong", "sub", "summary", "sup", "table", "tbody", "td", "th", "thead", "tr", "u", "ul"}
)
HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
VOID = frozenset({"br", "hr"})
WITHOUT_LOSS = frozenset({"center", "div", "font", "picture", "section", "span"})
LEFT_OUT = frozenset(
    {"address", "applet", "area", "article", "aside", "audio", "base", "body", "button", "canvas", "caption", "dialog"}
    | {"embed", "fieldset", "figcaption", "figure", "footer", "form", "frame", "frameset", "head", "header", "html"}
    | {"iframe", "input", "legend", "link", "main", "map", "marquee", "math", "meta", "nav", "noembed", "noframes"}
    | {"noscript", "object", "option", "param", "plaintext", "script", "select", "source", "style", "svg", "template"}
    | {"textarea", "title", "track", "video", "xmp"}
)
COMMENT = re.compile(r"<!--.*?(?:-->|\Z)|<[!?][^<>]*>", re.DOTALL)
SWALLOWED = re.compile(r"<(script|style|svg|math)\b[^<>]*>.*?(?:</\1\s*>|\Z)", re.DOTALL | re.IGNORECASE)
ATTRIBUTE = re.compile(r"""\s++([A-Za-z_:@][\w:.@-]*+)(?:\s*+=\s*+("[^"]*+"|'[^']*+'|[^\s"'=<>`]++))?+""")
TAG = re.compile(
    r"""<(/?)([A-Za-z][A-Za-z0-9_.-]*+)((?:\s++[A-Za-z_:@][\w:.@-]*+(?:\s*+=\s*+(?:"[^"]*+"|'[^']*+'|[^\s"'=<>`]++))?+)*+)\s*+/?>"""
)
Write = Callable[[str, Mapping[str, str]], str]


class RawHtml:
    """Writes HTML anew. `write` makes the tag of a link or an image ("a", "img") of its attributes; "" for none.

    `dropped` counts what was left out.
    """

    def __init__(self, write: Write) -> None:
        self._write = write
        self.dropped = 0

    def kept(self, html: str) -> str:
        """What may be shown of it, every tag whole; unbalanced ones are left to who reads it next."""
        without, swallowed = SWALLOWED.subn("", COMMENT.sub("", html))
        self.dropped += swallowed
        shown, end = [], 0
        for found in TAG.finditer(without):
            shown += [escape(unescape(without[end : found.start()]), quote=False), self._tag(found)]
            end = found.end()
        return "".join([*shown, escape(unescape(without[end:]), quote=False)])

    def _tag(self, found: re.Match[str]) -> str:
        closes, name = found[1], found[2].lower()
        if name in {"a", "img"}:
            return "</a>" if closes and name == "a" else self._write(name, attributes_of(found[3]))
        if name in HEADINGS:
            return "</strong></p>" if closes else "<p><strong>"
        if name in KEPT:
            return "" if closes and name in VOID else f"<{closes}{name}{class_of(name, closes)}>"
        if name in WITHOUT_LOSS:
            return ""
        if name in LEFT_OUT:
            self.dropped += not closes
            return ""
        return escape(found[0], quote=False)


def class_of(name: str, closes: str) -> str:
    """The portal's own class of such an element."""
    looks = {"table": "rows", "pre": "quote"}
    return f' class="{looks[name]}"' if name in looks and not closes else ""


def attributes_of(told: str) -> dict[str, str]:
    """Names in small letters and values, of which the first counts."""
    found: dict[str, str] = {}
    for name, value in ATTRIBUTE.findall(told):
        quoted = value[1:-1] if value[:1] in {'"', "'"} else value
        found.setdefault(name.lower(), unescape(quoted))
    return found
