"""Runbooks as markup: headings, tables, code, images, links, steps."""

from __future__ import annotations

import pytest
from django.utils.html import format_html

from apps.runbooks.rendering import BODIES, Done, TickForm
from tests.pages import text_of
from tests.runbooks.drawing import Elements, draw

FORM = TickForm("/runbooks/-/tick/1/sop/a.md", "runbook")


def elements(text: str, **fields: str) -> Elements:
    return Elements(draw(text, **fields).html)


def hrefs(text: str, **fields: str) -> list[str]:
    return [link["href"] for link in elements(text, **fields).named("a") if "href" in link]


def test_headings_stand_under_the_pages_own_and_fill_the_table_of_contents() -> None:
    drawn = draw("# Errors\n\n## First `look`\n\n### Deep\n\n###### Deepest", title="Errors")
    assert [(each.level, each.anchor, each.title) for each in drawn.contents] == [
        (1, "rb-first-look", "First look"),
        (2, "rb-deep", "Deep"),
        (3, "rb-deepest", "Deepest"),
    ]
    assert [name for name, _ in Elements(drawn.html).found if name != "code"] == ["h3", "h4", "h5"]


def test_a_first_heading_that_says_something_else_than_the_title_stays() -> None:
    assert elements("# Other", title="Errors").named("h3") == [{"id": "rb-other"}]


def test_every_anchor_is_one_of_its_own() -> None:
    anchors = [each.anchor for each in draw("# A\n# A\n# A-1\n# A\n# ☃\n# ☃").contents]
    assert anchors == ["rb-a", "rb-a-1", "rb-a-1-1", "rb-a-2", "rb-", "rb--1"]


def test_what_stands_before_the_runbook_as_settings_is_left_out() -> None:
    assert "layout" not in draw("---\nlayout: page\n---\n\ntext").html
    assert "<hr>" in draw("text\n\n---\n\nlayout: page").html


def test_a_table_looks_like_the_portals_and_names_its_columns_on_a_phone() -> None:
    found = elements("| Name | Count |\n|---|--:|\n| `a` | 1 |\n| b |")
    assert found.named("table") == [{"class": "rows"}]
    assert found.named("th") == [{"scope": "col"}, {"scope": "col", "class": "number"}]
    assert found.named("td")[:2] == [{"data-head": "Name"}, {"class": "number", "data-head": "Count"}]
    assert not any("style" in attributes for _, attributes in found.found)


def test_each_block_of_code_has_a_button_that_copies_it_and_a_command_in_a_sentence_has_none() -> None:
    found = elements("```sh\na\n```\n\n    b\n\n`c`")
    assert [each["class"] for each in found.named("button")] == ["copy", "copy"]
    assert all("data-copy" in each and each["type"] == "button" for each in found.named("button"))


def test_an_image_of_the_same_source_is_shown_and_any_other_is_a_link_or_words() -> None:
    text = (
        "![v](v.svg) ![a](img/x.png) ![b](/top.gif) "
        "![c](https://a.example/x.png) ![d](../../../x.png) ![e](x.exe) ![f](//a/b.png)"
    )
    found = elements(text)
    assert [image["src"] for image in found.named("img")] == [
        "/runbooks/-/file/sop/docs/api/img/x.png",
        "/runbooks/-/file/sop/top.gif",
    ]
    assert [link["href"] for link in found.named("a")] == ["https://a.example/x.png"]
    assert draw(text).html.count("Image that cannot be shown") == 4


@pytest.mark.parametrize(
    ("told", "leads"),
    [
        ("other.md", "/runbooks/sop/docs/api/other.md/"),
        ("./other.md#fix-it", "/runbooks/sop/docs/api/other.md/#rb-fix-it"),
        ("../web/Other%20one.MD", "/runbooks/sop/docs/web/Other%20one.MD/"),
        ("/README.md", "/runbooks/sop/README.md/"),
        ("#Fix-it", "#rb-fix-it"),
        ("https://a.example/?a=1&b=2#c", "https://a.example/?a=1&b=2#c"),
        ("http://a.example/", "http://a.example/"),
    ],
)
def test_a_link_leads_to_another_runbook_a_heading_or_another_site(told: str, leads: str) -> None:
    assert hrefs(f"[x]({told})") == [leads]
    assert hrefs(f'<a href="{told}">x</a>') == [leads]


@pytest.mark.parametrize(
    "told",
    [
        "../../../other.md", "/../other.md", "%2e%2e/%2e%2e/%2e%2e/other.md", "..\\other.md", "../../", ".", "",
        "a.yaml",
        "mailto:a@b.example", "javascript:alert(1)", "ftp://a.example/a.md", "//a.example/a.md", "a%00.md",
        "https://a b/",
        "x" * 800 + ".md", "http://[", "https://user@a.example/",
    ],
)  # fmt: skip
def test_a_link_that_leaves_the_source_or_the_web_is_only_text(told: str) -> None:
    assert hrefs(f"[x](<{told}>)") == []
    assert hrefs(f'<a href="{told}">x</a>') == []


def test_links_to_other_sites_open_beside_the_page_and_are_told_nothing() -> None:
    [outside] = elements("[x](https://a.example/)").named("a")
    [inside] = elements("[x](a.md)").named("a")
    assert (outside["target"], outside["rel"], outside["class"]) == ("_blank", "noopener noreferrer", "out")
    assert "target" not in inside


def test_an_address_that_stands_bare_is_a_link_but_not_within_a_link_or_code() -> None:
    assert hrefs("See https://a.example/x, (https://b.example/y).") == ["https://a.example/x", "https://b.example/y"]
    assert hrefs("[https://a.example/x](https://b.example/) `https://c.example/`") == ["https://b.example/"]


def test_html_that_does_nothing_is_kept_and_what_is_no_html_stays_as_text() -> None:
    html = draw(
        "a<br>b <kbd>q</kbd> <namespace> <!-- gone -->\n\n<details>\n<summary>More</summary>\n\n*in*\n\n</details>"
    ).html
    assert "a<br>b <kbd>q</kbd> &lt;namespace&gt; " in html
    assert "<details>\n<summary>More</summary>\n<p><em>in</em></p>\n</details>" in html
    assert "gone" not in html


def test_characters_that_turn_text_round_are_written_out_in_code_too() -> None:
    assert draw("`a\u202eb`").html == '<p><code>a<span class="odd">U+202E</span>b</code></p>\n'


def test_the_items_of_numbered_and_task_lists_are_steps_the_outermost_alone() -> None:
    text = "1. one\n   - in one\n   1. also\n2. two\n\n- plain\n- [ ] three\n- [x] four\n  - [ ] in four\n\n> 1. quoted"
    assert [step.text.split()[0] for step in draw(text).steps] == ["one", "two", "three", "four"]
    assert [step.ordinal for step in draw(text).steps] == [1, 2, 3, 4]
    assert "☐ in four" in draw(text).html


def test_a_steps_key_stays_while_its_text_does_and_goes_with_it() -> None:
    before = draw("1. a\n2. b\n\n   ```\n   x\n   ```\n3. b").steps
    after = draw("# new\n\n1. new\n2. a\n3. b\n\n   ```\n   y\n   ```\n4. b").steps
    assert after[1].key == before[0].key, "the same text"
    assert after[2].key != before[1].key, "another command"
    assert after[3].key == before[2].key
    assert len({step.key for step in draw("1. a\n2. a\n3. a").steps}) == 3


def test_who_may_not_tick_sees_what_is_done_and_no_button() -> None:
    first, _ = draw("1. a\n2. b").steps
    drawn = draw("1. a\n2. b", ticks={first.key: Done(format_html("{}", "Remy"))}, form=FORM)
    assert "<button" not in drawn.html
    assert drawn.html.count("✓") == 1
    assert "Remy" in drawn.html
    assert drawn.done == 1


def test_who_may_tick_has_a_box_at_each_step_that_says_how_it_stands() -> None:
    first, second = draw("1. a\n2. ```\n   b\n   ```").steps
    drawn = draw("1. a\n2. ```\n   b\n   ```", ticks={first.key: Done(format_html("{}", "Remy"))}, form=FORM)
    boxes = [each for each in Elements(drawn.html_for(may_tick=True)).named("button") if each.get("role") == "checkbox"]
    assert [(box["name"], box["value"], box["aria-checked"]) for box in boxes] == [
        ("undone", first.key, "true"),
        ("done", second.key, "false"),
    ]
    assert [box["aria-label"] for box in boxes] == ["Step 1 is done", "Step 2 is done"]


def test_a_runbook_is_drawn_once_for_its_text(monkeypatch: pytest.MonkeyPatch) -> None:
    BODIES.forget()
    draw("1. once")
    monkeypatch.setattr("apps.runbooks.rendering.drawn", lambda *_: pytest.fail("drawn again"))
    assert text_of(f"<main>{draw('1. once').html}") == "> once"
