"""Hostile Markdown: nothing of it acts, nothing leaves its place, and no time is lost (cases 25, 26, 30)."""

from __future__ import annotations

import time

import pytest
from django.utils.html import format_html

from apps.core.links import safe_link
from apps.runbooks.rendering import Done, TickForm, Values
from apps.runbooks.rendering.safety import cleaned
from tests.runbooks.drawing import Elements, draw
from tests.runbooks.hostile_markdown import HOSTILE

ELEMENTS = frozenset(
    {"a", "b", "blockquote", "br", "code", "dd", "del", "details", "dl", "dt", "em", "h3", "h4", "h5", "h6", "hr", "i"}
    | {"img", "ins", "kbd", "li", "ol", "p", "pre", "s", "span", "strong", "sub", "summary", "sup", "table", "tbody"}
    | {"td", "th", "thead", "tr", "u", "ul"}
)
OURS = frozenset({"button", "mark"})
ATTRIBUTES = frozenset(
    ["href", "target", "class", "rel", "src", "alt", "loading", "start", "scope", "data-head", "title", "id"]
)
CLASSES = frozenset({"out", "quote", "odd", "missing", "rows", "number", "copy", "quiet"})
VALUES = Values({"namespace": "ns", "job": "a;b"}, {}, {})


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_no_element_no_attribute_and_no_address_acts(text: str) -> None:
    found = Elements(draw(text, values=VALUES).html)
    for element, attributes in found.found:
        assert element in ELEMENTS | OURS
        allowed = ATTRIBUTES | ({"type", "hidden", "data-copy"} if element == "button" else set())
        assert set(attributes) <= allowed
        assert set(attributes.get("class", "").split()) <= CLASSES
        assert attributes.get("id", "rb-").startswith("rb-")
        href = attributes.get("href", "#rb-")
        assert href.startswith(("#rb-", "/runbooks/sop/")) or safe_link(href) == href
        assert attributes.get("src", "/runbooks/-/file/sop/").startswith("/runbooks/-/file/sop/")
        if element == "a":
            assert attributes["rel"] == "noopener noreferrer"


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_no_element_is_left_open_or_closed_around_the_next(text: str) -> None:
    found = Elements(draw(f"before\n\n{text}\n\nafter").html)
    assert (found.open, found.crossed) == ([], [])


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_the_portals_own_buttons_stand_in_no_attribute(text: str) -> None:
    steps = f"1. first `<namespace>`\n\n{text}\n\n- [ ] last `<job>`"
    drawn = draw(steps, values=VALUES, form=TickForm("/runbooks/-/tick/1/sop/a.md", "runbook"))
    found = Elements(drawn.html_for(may_tick=True))
    buttons = [each for each in found.named("button") if each.get("role") == "checkbox"]
    assert len(buttons) == len(drawn.steps)
    assert all(each["formaction"] == "/runbooks/-/tick/1/sop/a.md" and each["form"] == "act" for each in buttons)
    assert "slot" not in drawn.html.replace("slot0123456789abcdef01234567-0-", "").replace("slot-1-", "")


def test_what_a_script_says_is_gone_and_its_going_is_told() -> None:
    drawn = draw("before\n\n<script>alert(1)</script>\n\n<style>p{}</style>\n\nafter")
    assert "alert" not in drawn.html
    assert "p{}" not in drawn.html
    assert drawn.problems == ("Scripts, styles, forms and the like in it are left out.",)


def test_a_value_and_a_persons_name_are_only_text() -> None:
    hostile = "<img src=x onerror=alert(1)>"
    values = Values({"namespace": hostile, hostile: "x"}, {"cluster": hostile}, {hostile: "namespace"})
    [step] = draw("1. `<namespace>` `<cluster>`").steps
    form = TickForm('/x"><script>', '"><script>')
    done = {step.key: Done(format_html("{}", hostile))}
    drawn = draw("1. `<namespace>` `<cluster>`", values=values, ticks=done, form=form)
    found = Elements(drawn.html_for(may_tick=True))
    assert {name for name, _ in found.found} <= {"ol", "li", "code", "mark", "button", "span"}


@pytest.mark.parametrize(
    "text",
    {
        "quotations": ">" * 100_000,
        "lists": "- " * 50_000,
        "lists, line by line": "".join("  " * depth + "- a\n" for depth in range(500)),
        "brackets": "[" * 200_000,
        "brackets in paragraphs": ("[" * 900 + "\n\n") * 220,
        "images": "![" * 9_000,
        "stars": "**a*" * 5_000,
        "ticks": "`a``b```" * 2_500,
        "tags that do not end": "<a " * 60_000,
        "scripts that do not end": "<script" * 28_000,
        "comments that do not end": "<!--" * 50_000,
        "details": "<details>" * 20_000,
        "a wide table": "|" + "a|" * 3000 + "\n|" + "-|" * 3000 + "\n" + "|x\n" * 30_000,
        "a long table": "|a|b|\n|-|-|\n" + "|x|y|\n" * 30_000,
        "headings": "# a\n" * 50_000,
        "steps": "1. a\n" * 40_000,
        "placeholders": "```\n" + "<namespace> $A {{ " * 10_000 + "\n```",
        "variables that are set": "```\n" + ("for " * 9 + "read -a " * 9 + ";  " * 9) * 2_000 + "\n```",
        "addresses": "https://a" * 2_500,
        "ten megabytes": "a [b](c) " * 1_200_000,
        "front matter that does not end": "---\n" + "a\n" * 100_000,
        "NUL and half a surrogate": "\x00\ud800 a",
    }.values(),
)
def test_what_is_huge_or_deep_is_bounded_and_never_an_exception(text: str, caplog: pytest.LogCaptureFixture) -> None:
    began = time.process_time()
    drawn = draw(text)
    assert time.process_time() - began < 10, "some hundred milliseconds as a rule"
    assert len(drawn.html) < 5_000_000
    assert not caplog.records, "it was drawn, and not given up"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a\n" * 5_000, "It is too long: its beginning alone is shown."),
        ("a" * 130_000, "It is too long: its beginning alone is shown."),
        ("> " * 40 + "a", "Parts that are nested too deep are left out."),
        ("*a* " * 6_000, "A paragraph is too long to be taken apart: it is shown as it is."),
        (
            "|a|b|\n|-|-|\n" + "|x|y|\n" * 3_500,
            "Its tables are too long to be drawn: they are shown as written.",
        ),
    ],
)
def test_what_is_not_shown_as_it_was_written_is_said(text: str, words: str) -> None:
    assert words in draw(text).problems


def test_a_runbook_that_cannot_be_drawn_is_shown_as_it_was_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apps.runbooks.rendering.drawn", lambda *_: 1 / 0)
    drawn = draw("# Broken <b>")
    assert drawn.html == '<pre class="quote"># Broken &lt;b&gt;</pre>'
    assert drawn.problems == ("It could not be taken apart: it is shown as it was written.",)


def test_an_attribute_whose_safety_cannot_be_told_is_taken_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apps.runbooks.rendering.safety.safe_link", lambda _: 1 / 0)
    assert cleaned('<a href="https://a.example/">x</a>') == '<a rel="noopener noreferrer">x</a>'
