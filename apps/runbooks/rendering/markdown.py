"""Markdown to markup with places in it: what is drawn of a runbook, before it is cleaned."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from itertools import pairwise
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.rules_core import StateCore
from markdown_it.token import Token

from apps.core.links import safe_link
from apps.core.text import odd_marked

from .filling import names_assigned, placeholders_in
from .places import Place, anchor_of
from .raw import RawHtml
from .slots import CopyButton, Placeholder, Slots, Step
from .steps import StepFinder

DEEPEST = 30
LONGEST_PARAGRAPH = 20_000
MOST_BRACKETS = 10_000
MOST_CELLS = 10_000
LONGEST_HEAD = 60
LOWEST_HEADING = 6
UNDER_THE_PAGES_OWN = 2
CODE = ("fence", "code_block", "code_inline")
CONTAINERS = frozenset({"blockquote_open", "list_item_open"})
FRONT_MATTER = re.compile(r"\A---[ \t]*\n(?:(?!---).*\n){1,100}---[ \t]*(?:\n|\Z)")
BARE_URL = re.compile(r"https?://[^\s<>\"'`]{1,2000}")
END_OF_SENTENCE = ".,;:!?)]}*"


@dataclass(frozen=True)
class Heading:
    """A line of the table of contents; `level` counts from 1."""

    level: int
    anchor: str
    title: str


@dataclass
class Drawing:
    """What comes of one runbook while it is drawn."""

    place: Place
    title: str
    slots: Slots = field(default_factory=Slots)
    contents: list[Heading] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    problems: dict[str, None] = field(default_factory=dict)
    assigned: frozenset[str] = frozenset()
    anchors: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.raw = RawHtml(self.tag)

    def tag(self, name: str, attributes: Mapping[str, str]) -> str:
        """The tag of a link or an image that HTML in the runbook asks for."""
        if name == "a":
            url = attributes.get("href", "")
            return self.link_open(url) if self.place.link(url) else ""
        return self.image(attributes.get("src", ""), attributes.get("alt", ""))

    def link_open(self, url: str) -> str:
        """The tag that opens a link; a mark without an address where it leads nowhere."""
        address = self.place.link(url)
        if not address:
            return f'<span class="missing" title="leads nowhere that may be followed: {escape(url[:200])}">'
        is_elsewhere = bool(safe_link(address))
        return f'<a href="{escape(address)}"{ELSEWHERE if is_elsewhere else ""}>'

    def image(self, url: str, alt: str) -> str:
        """An image of the same source; for others a link, or what it shows in words."""
        if address := self.place.image(url):
            return f'<img src="{escape(address)}" alt="{escape(alt)}" loading="lazy">'
        words = text_html(alt or "without words")
        if address := safe_link(url):
            return f'<a href="{escape(address)}"{ELSEWHERE}>Image elsewhere: {words}</a>'
        return f'<span class="missing">Image that cannot be shown: {words}</span>'

    def anchor(self, title: str) -> str:
        """An anchor that no other heading of the runbook has."""
        wanted = found = anchor_of(title)
        while self.anchors[found]:
            found = f"{wanted}-{self.anchors[wanted]}"
            self.anchors[wanted] += 1
        self.anchors[found] += 1
        return found

    def code(self, text: str) -> str:
        """A command with places for the values of its placeholders."""
        parts = placeholders_in(text, self.assigned)
        return "".join(
            self.slots.mark(part) if isinstance(part, Placeholder) else text_html(part) for part in parts if part
        )


ELSEWHERE = ' target="_blank" class="out"'


class Renderer(RendererHTML):
    """Writes tokens; `env["drawing"]` gathers what comes of them."""

    def renderToken(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:  # noqa: N802  theirs
        """Without the attributes that the parser gave, but for where a list begins."""
        token = tokens[idx]
        told = {name: value for name, value in token.attrs.items() if name in {"start", *token.meta.get("own", ())}}
        token.attrs = told
        return super().renderToken(tokens, idx, options, env)

    def text(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        """Text, with links of the addresses that stand bare in it."""
        token = tokens[idx]
        return text_html(token.content) if token.meta.get("is_linked") else linked_html(token.content)

    def code_inline(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        """A command within a sentence."""
        return f"<code>{env['drawing'].code(tokens[idx].content)}</code>"

    def code_block(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        """A block of commands, and the button that copies it."""
        drawing: Drawing = env["drawing"]
        shown = drawing.code(tokens[idx].content.rstrip("\n"))
        return f'<pre class="quote"><code>{shown}</code></pre>{drawing.slots.mark(CopyButton())}\n'

    fence = code_block

    def image(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        """An image of the same source."""
        token = tokens[idx]
        drawn: str = env["drawing"].image(str(token.attrs.get("src", "")), plain_of(token.children or ()))
        return drawn

    def link_open(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        """A link, or the mark of one that leads nowhere."""
        tag: str = env["drawing"].link_open(str(tokens[idx].attrs.get("href", "")))
        return tag

    def link_close(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        """Its end."""
        return "</span>" if tokens[idx].meta.get("is_nowhere") else "</a>"

    def list_item_open(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        """An item, with the place of its tick where it does not begin with a sentence."""
        return self.renderToken(tokens, idx, options, env) + str(tokens[idx].meta.get("slot", ""))

    def html_block(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        """HTML, written anew."""
        kept: str = env["drawing"].raw.kept(tokens[idx].content)
        return kept

    html_inline = html_block

    def slot(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        """The mark of a place."""
        return tokens[idx].content

    def long_text(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        """A paragraph that is not taken apart."""
        return text_html(tokens[idx].content)


def long_paragraphs_kept(state: StateCore) -> None:
    """Before sentences are taken apart, which takes long for some: the longest, and what comes after very many
    brackets, are left as they are."""
    brackets = 0
    for token in state.tokens:
        if token.type != "inline":
            continue
        brackets += token.content.count("[")
        if len(token.content) > LONGEST_PARAGRAPH or brackets > MOST_BRACKETS:
            token.type = "long_text"
            state.env["drawing"].problems["A paragraph is too long to be taken apart: it is shown as it is."] = None


def parser(*more: str) -> MarkdownIt:
    """CommonMark with `more`. Which addresses may be links is decided when they are drawn."""
    made = MarkdownIt("commonmark", {"html": True, "maxNesting": DEEPEST}, renderer_cls=Renderer)
    made.enable([*more])
    made.core.ruler.before("inline", "long_paragraphs_kept", long_paragraphs_kept)
    made.validateLink = lambda url: True  # type: ignore[method-assign]  # theirs would leave its markup in the text
    return made


PARSER, WITHOUT_TABLES = parser("table", "strikethrough"), parser("strikethrough")


def parsed(text: str, drawing: Drawing) -> list[Token]:
    """Its tokens."""
    env = {"drawing": drawing}
    bars = [count for line in text.split("\n") if (count := line.count("|"))]
    if max(bars, default=0) * len(bars) <= MOST_CELLS:
        return PARSER.parse(text, env)
    drawing.problems["Its tables are too long to be drawn: they are shown as written."] = None
    return WITHOUT_TABLES.parse(text, env)


def drawn(text: str, drawing: Drawing) -> str:
    """The runbook's markup, not yet cleaned; what else comes of it is in `drawing`."""
    tokens = parsed(FRONT_MATTER.sub("", text), drawing)
    drawing.assigned = names_assigned(codes_of(tokens))
    if any(token.type in CONTAINERS and token.level >= DEEPEST - 1 for token in tokens):
        drawing.problems["Parts that are nested too deep are left out."] = None
    shown = without_title(tokens, drawing.title)
    heads_written(shown, drawing)
    tables_written(shown)
    StepFinder(shown, drawing.slots).find(drawing.steps)
    for token in shown:
        links_marked(token.children or (), drawing)
    html: str = PARSER.renderer.render(shown, PARSER.options, {"drawing": drawing})
    if drawing.raw.dropped:
        drawing.problems["Scripts, styles, forms and the like in it are left out."] = None
    return html


def codes_of(tokens: Sequence[Token]) -> Iterator[str]:
    """All that is written as code."""
    for token in tokens:
        if token.type in CODE:
            yield token.content
        yield from codes_of(token.children or ())


def without_title(tokens: list[Token], title: str) -> list[Token]:
    """Without a first heading that says what the page's own does."""
    if len(tokens) > 2 and tokens[0].type == "heading_open" and plain_of(tokens[1].children or ()).strip() == title:
        return tokens[3:]
    return tokens


def heads_written(tokens: Sequence[Token], drawing: Drawing) -> None:
    """Headings stand under the page's own, none left out, each with its anchor and its line in the contents."""
    above: list[int] = []
    for token, inside, end in zip(tokens, tokens[1:], tokens[2:], strict=False):
        if token.type != "heading_open":
            continue
        level = int(token.tag[1])
        above = [*(each for each in above if each < level), level]
        title = plain_of(inside.children or ()).strip()
        anchor = drawing.anchor(title)
        token.tag = end.tag = f"h{min(len(above) + UNDER_THE_PAGES_OWN, LOWEST_HEADING)}"
        own(token, id=anchor)
        if title:
            drawing.contents.append(Heading(len(above), anchor, title[:200]))


def tables_written(tokens: Sequence[Token]) -> None:
    """Tables look like the portal's own; on a phone each cell names its column."""
    heads: list[str] = []
    at = 0
    for token, inside in pairwise(tokens):
        if token.type == "table_open":
            heads = []
            own(token, **{"class": "rows"})
        elif token.type == "tr_open":
            at = 0
        elif token.type in {"th_open", "td_open"}:
            is_number = "right" in str(token.attrs.get("style", ""))
            words = plain_of(inside.children or ())[:LONGEST_HEAD]
            names = {"class": "number"} if is_number else {}
            if token.type == "th_open":
                heads.append(words)
                names["scope"] = "col"
            elif at < len(heads) and heads[at]:
                names["data-head"] = heads[at]
            at += 1
            own(token, **names)


def links_marked(tokens: Sequence[Token], drawing: Drawing) -> None:
    """Which text stands in a link, and which links lead nowhere."""
    within: Token | None = None
    for token in tokens:
        if token.type == "link_open":
            within = token
        elif token.type == "link_close" and within:
            token.meta["is_nowhere"] = not drawing.place.link(str(within.attrs.get("href", "")))
            within = None
        elif within:
            token.meta["is_linked"] = True


def own(token: Token, **attributes: str) -> None:
    """Gives a token attributes of the portal's own, which alone are written."""
    token.attrs = {**token.attrs, **attributes}
    token.meta = {**token.meta, "own": (*token.meta.get("own", ()), *attributes)}


def plain_of(tokens: Sequence[Token]) -> str:
    """The text of a sentence without its markup."""
    return "".join(
        plain_of(token.children) if token.children else " " if token.type.endswith("break") else token.content
        for token in tokens
        if token.type not in {"html_inline", "slot"}
    )


def text_html(text: str) -> str:
    """Text as markup, its odd characters written out instead of obeyed."""
    return odd_marked(escape(text))


def linked_html(text: str) -> str:
    """Text as markup, with links of the addresses that stand bare in it."""
    shown, end = [], 0
    for found in BARE_URL.finditer(text):
        told = found[0].rstrip(END_OF_SENTENCE)
        if not safe_link(told):
            continue
        shown.append(text_html(text[end : found.start()]))
        shown.append(f'<a href="{escape(told)}"{ELSEWHERE}>{text_html(told)}</a>')
        end = found.start() + len(told)
    return "".join([*shown, text_html(text[end:])])
