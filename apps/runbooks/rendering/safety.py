"""The second wall: all that was drawn of a runbook goes through a sanitizer before it is kept."""

from __future__ import annotations

import logging

import nh3
from django.urls import reverse

from apps.core.links import safe_link

from .places import PREFIX

log = logging.getLogger(__name__)
TAGS = {
    *("a", "b", "blockquote", "br", "code", "dd", "del", "details", "dl", "dt", "em", "h3", "h4", "h5", "h6", "hr"),
    *("i", "img", "ins", "kbd", "li", "ol", "p", "pre", "s", "span", "strong", "sub", "summary", "sup", "table"),
    *("tbody", "td", "th", "thead", "tr", "u", "ul"),
}
ATTRIBUTES = {
    "a": {"href"},
    "img": {"src", "alt", "title", "loading"},
    "ol": {"start"},
    "th": {"scope"},
    "td": {"data-head"},
    "span": {"title"},
    "li": {"id"},
    **{heading: {"id"} for heading in ("h3", "h4", "h5", "h6")},
}
CLASSES = {
    "a": {"out"},
    "li": {"step"},
    "pre": {"quote"},
    "span": {"odd", "missing"},
    "table": {"rows"},
    "td": {"number"},
    "th": {"number"},
}
DROPPED_WHOLE = {"script", "style", "textarea", "title", "template", "noscript", "iframe", "svg", "math"}


class Filter:
    """Takes away each attribute that only the portal can write, where it did not."""

    def __init__(self) -> None:
        self._pages = reverse("runbooks:runbook-list")
        self._images = f"{self._pages}-/file/"

    def __call__(self, element: str, attribute: str, value: str) -> str | None:
        """The value, or None to take the attribute away."""
        try:
            return value if self._is_ours(attribute, value) else None
        except Exception:  # nh3 would let the attribute through
            log.exception("whether an attribute of a runbook is safe could not be told")
            return None

    def _is_ours(self, attribute: str, value: str) -> bool:
        if attribute == "id":
            return value.startswith(PREFIX)
        if attribute == "href":
            return value.startswith((f"#{PREFIX}", self._pages)) or bool(safe_link(value))
        return attribute != "src" or value.startswith(self._images)


def cleaned(html: str) -> str:
    """The markup, balanced, with nothing in it that acts, and no class or id but the portal's."""
    return nh3.clean(
        html,
        tags=TAGS,
        clean_content_tags=DROPPED_WHOLE,
        attributes=ATTRIBUTES,
        allowed_classes=CLASSES,
        tag_attribute_values={"a": {"target": {"_blank"}}},
        attribute_filter=Filter(),
        url_schemes={"http", "https"},
        link_rel="noopener noreferrer",
        strip_comments=True,
    )
