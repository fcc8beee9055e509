"""Drawing a runbook in a test."""

from __future__ import annotations

from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any

from apps.runbooks.rendering import Rendered, rendered


@dataclass
class Written:
    """A runbook without a row."""

    text: str
    source: str = "sop"
    path: str = "docs/api/errors.md"
    title: str = ""


def draw(text: str, **fields: Any) -> Rendered:
    """The runbook of that text; `values`, `ticks` and `form` as `rendered` takes them."""
    told = {name: fields.pop(name) for name in ("values", "ticks", "form") if name in fields}
    return rendered(Written(text, **fields), **told)


class Elements(HTMLParser):
    """Every element of some markup with its attributes, and those that were not closed as they were opened."""

    VOID = frozenset({"br", "hr", "img"})

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str]]] = []
        self.open: list[str] = []
        self.crossed: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.crossed.append(tag)

    def named(self, tag: str) -> list[dict[str, str]]:
        """The attributes of each element of that name."""
        return [attributes for name, attributes in self.found if name == tag]
