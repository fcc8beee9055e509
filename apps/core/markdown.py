"""What people write as Markdown, made markup that is safe to show: paragraphs, lists, code, emphasis, links."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import nh3
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.token import Token

from .links import safe_link
from .text import odd_marked

TAGS = {"a", "b", "bdi", "blockquote", "br", "code", "em", "hr", "li", "ol", "p", "pre", "s", "span", "strong", "ul"}
HEADS = {"h2", "h3", "h4"}
ATTRIBUTES = {"a": {"href", "target", "class"}, "ol": {"start"}, "span": {"class"}}
LEFT_OUT = ("image", "html_block", "html_inline", "table", "reference")
FOUND_IN_TEXT = re.compile(r"(?P<incident>\bITN-\d{4}-\d{5}\b)|(?P<url>\bhttps?://[^\s<>\"'`]*[^\s<>\"'`.,;:!?)\]])")
INCIDENT = "<id>"
IN_LINK = "in_link"
"""The address of the link whose text is being drawn, "" of one that is not safe; None outside of links."""


def markdown_safe(text: str, *, incident_url: str = "", has_heads: bool = False) -> SafeString:
    """The text as markup, in which nothing runs, nothing is loaded and nothing has an id.

    Addresses become links where they are safe ones. Incidents (ITN-2026-00031) are marked, and are links where
    `incident_url` is the shape of one, in which "<id>" stands for the incident's. Headings are paragraphs in bold, or
    the second to fourth of a page where it `has_heads`.
    """
    markup = _reader().render(text, {"incident_url": incident_url, "has_heads": has_heads, IN_LINK: None})
    return mark_safe(_cleaned(markup))  # noqa: S308  cleaned of all that is not on the list


def _cleaned(markup: str) -> str:
    return nh3.clean(
        markup, tags=TAGS | HEADS, attributes=ATTRIBUTES, url_schemes={"http", "https"}, link_rel="noopener noreferrer"
    )


@lru_cache(maxsize=1)
def _reader() -> MarkdownIt:
    reader = MarkdownIt("commonmark", {"html": False, "breaks": True, "maxNesting": 20}).disable(list(LEFT_OUT), True)
    reader.enable("strikethrough")
    for name, rule in RULES.items():
        reader.add_render_rule(name, rule)
    return reader


def _text(_: Any, tokens: Sequence[Token], at: int, __: Any, told: dict[str, Any]) -> str:
    """Text with its addresses and incidents as links, where it is not the text of a link itself."""
    content = tokens[at].content
    if told.get(IN_LINK) is not None:
        return _shown(content)
    found, end, parts = FOUND_IN_TEXT.finditer(content), 0, []
    for match in found:
        parts += [_shown(content[end : match.start()]), _found(match, told.get("incident_url", ""))]
        end = match.end()
    return "".join([*parts, _shown(content[end:])])


def _found(match: re.Match[str], incident_url: str) -> str:
    words = match.group()
    if match["incident"]:
        address = safe_link(incident_url.replace(INCIDENT, words))
        return _anchor(address) + f"{words}</a>" if address else f'<span class="badge">{words}</span>'
    address = safe_link(words)
    return _anchor(address) + f"{_shown(words)}</a>" if address else _shown(words)


def _link_open(_: Any, tokens: Sequence[Token], at: int, __: Any, told: dict[str, Any]) -> str:
    told[IN_LINK] = _address(tokens[at])
    return _anchor(told[IN_LINK])


def _link_close(_: Any, __: Any, ___: Any, ____: Any, told: dict[str, Any]) -> str:
    address, told[IN_LINK] = told.get(IN_LINK), None
    return "</a>" if address else "</span>"


def _address(token: Token) -> str:
    return safe_link(str(token.attrGet("href") or ""))


def _anchor(address: str) -> str:
    """What opens a link; a span where the address is not a safe one."""
    return format_html('<a href="{}" target="_blank" class="out">', address) if address else "<span>"


def _code(_: Any, tokens: Sequence[Token], at: int, *__: Any) -> str:
    code = f"<code>{_shown(tokens[at].content)}</code>"
    return code if tokens[at].type == "code_inline" else f"<pre>{code}</pre>\n"


def _heading_open(_: Any, tokens: Sequence[Token], at: int, __: Any, told: dict[str, Any]) -> str:
    return f"<{_head(tokens[at])}>" if told.get("has_heads") else "<p><strong>"


def _heading_close(_: Any, tokens: Sequence[Token], at: int, __: Any, told: dict[str, Any]) -> str:
    return f"</{_head(tokens[at])}>\n" if told.get("has_heads") else "</strong></p>\n"


def _head(token: Token) -> str:
    """The page has a first heading of its own."""
    return min(max(token.tag, "h2"), "h4")


def _shown(text: str) -> str:
    return odd_marked(escape(text))


RULES: dict[str, Callable[..., str]] = {
    "text": _text,
    "link_open": _link_open,
    "link_close": _link_close,
    "code_inline": _code,
    "code_block": _code,
    "fence": _code,
    "heading_open": _heading_open,
    "heading_close": _heading_close,
}
