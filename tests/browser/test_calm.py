"""What somebody points at stays where it is and as it is; what cannot be brought up to date says so and asks little."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from apps.core.topics import raise_topics
from apps.gitops.models import Application
from tests.browser.conftest import PHONE, pass_slowly
from tests.browser.small_fleet import ALERT, BROKEN, NEW, SUBJECT, change, fleet_rows
from tests.browser.visiting import DESKTOP, Visit, Visitor
from tests.rows import down, source_row

POLLS = re.compile(r"[?&]v=\d+")
A_MINUTE = 60_000


def opened(visitor: Visitor, path: str) -> tuple[Visit, Page, list[str]]:
    """A page whose clock stands until the test moves it, and the polls that it sends."""
    fleet_rows()
    visit = visitor()
    visit.page.clock.install()
    polls: list[str] = []
    visit.page.on("request", lambda request: polls.append(request.url) if POLLS.search(request.url) else None)
    return visit, visit.open(path), polls


def top_of(row: Locator) -> float:
    """Where the row stands on the screen."""
    box = row.bounding_box()
    assert box is not None
    return box["y"]


def answer(status: int) -> Any:
    """What answers every request so."""
    return lambda route: route.fulfill(status=status, body="")


@pytest.mark.parametrize("size", [DESKTOP, PHONE])
@pytest.mark.parametrize("density", ["", "compact"])
def test_the_step_of_a_row_is_not_hidden_by_the_button_that_copies_it(
    visitor: Visitor, size: Any, density: str
) -> None:
    fleet_rows()
    page = visitor(viewport=size).open("/")
    page.evaluate("(density) => { document.documentElement.dataset.density = density }", density)
    row = page.locator(".attention > li", has_text=ALERT)
    row.hover()
    expect(page.locator("#copier")).to_be_visible()
    at_centre = """(step) => {
      const { x, y, width, height } = step.getBoundingClientRect();
      return step.contains(document.elementFromPoint(x + width / 2, y + height / 2));
    }"""
    assert row.locator(".step").evaluate(at_centre)


def test_no_row_moves_under_the_pointer_when_a_banner_comes(listener: Visitor) -> None:
    fleet_rows()
    visit = listener()
    with visit.page.expect_response(re.compile("/stream")):
        page = visit.open("/apps/")
    row = page.locator("tbody tr", has_text=BROKEN)
    row.hover()
    before = top_of(row)
    down(source_row("alertmanager/rhobs/0"))
    raise_topics(["sources"])
    expect(page.locator("#banners .banner").first).to_be_visible()
    assert top_of(row) == before
    visit.context.set_offline(True)
    expect(page.locator("#offline")).to_be_visible()
    assert top_of(row) == before
    page.mouse.move(5, 5)
    page.wait_for_timeout(1500)
    assert top_of(row) > before + 20
    visit.said[:] = [words for words in visit.said if "ERR_INTERNET_DISCONNECTED" not in words]


@pytest.mark.parametrize(("status", "words"), [(404, "not there any more"), (403, "may not see this"), (400, "(400)")])
def test_what_is_not_given_any_more_is_said_and_not_asked_for_again(visitor: Visitor, status: int, words: str) -> None:
    visit, page, polls = opened(visitor, f"/apps/{SUBJECT}/")
    page.route(POLLS, answer(status))
    pass_slowly(page, 12)
    expect(page.locator("#gone")).to_contain_text(words)
    expect(page.locator("#offline")).to_be_hidden()
    expect(page.locator("#live.gone")).to_have_count(1)
    asked = len(polls)
    pass_slowly(page, 60)
    assert len(polls) == asked == 1
    page.unroute(POLLS)
    page.get_by_role("link", name="Load the page again").click()
    expect(page.locator("#live")).to_be_visible()
    expect(page.locator("#gone")).to_be_hidden()
    visit.said.clear()


def test_a_page_of_what_was_deleted_says_so(visitor: Visitor) -> None:
    visit, page, polls = opened(visitor, f"/apps/{SUBJECT}/")
    Application.objects.filter(name=BROKEN).delete()
    raise_topics(["apps", "apps:production"])
    pass_slowly(page, 40)
    expect(page.locator("#gone")).to_contain_text("This is not there any more")
    assert len(polls) == 1
    visit.said.clear()


@pytest.mark.parametrize("status", [503, 429])
def test_a_portal_that_fails_is_not_asked_each_second(visitor: Visitor, status: int) -> None:
    visit, page, polls = opened(visitor, "/apps/")
    page.get_by_role("link", name=BROKEN).focus()
    change()
    pass_slowly(page, 12)
    expect(page.locator(".pill-held")).to_be_visible()
    page.route(POLLS, answer(status))
    polls.clear()
    page.locator("#nav-alerts").focus()
    pass_slowly(page, 60)
    expect(page.locator("#offline")).to_be_visible()
    assert 3 <= len(polls) <= 7, "it is behind, and knows it"
    page.unroute(POLLS)
    pass_slowly(page, 16)
    expect(page.locator("#offline")).to_be_hidden()
    expect(page.get_by_role("link", name=NEW)).to_be_visible()
    visit.said.clear()


def test_the_age_of_a_lost_page_is_not_read_out_each_second(visitor: Visitor) -> None:
    visit, page, _ = opened(visitor, "/apps/")
    page.route(POLLS, lambda route: route.abort())
    pass_slowly(page, 11)
    page.evaluate(
        """() => {
          window.written = 0;
          const spoken = document.querySelector("#offline [role=status]");
          new MutationObserver((all) => { window.written += all.length; }).observe(
            spoken, { childList: true, characterData: true, subtree: true });
        }"""
    )
    before = page.locator("#offline").inner_text()
    pass_slowly(page, 5)
    assert page.locator("#offline").inner_text() != before
    assert page.evaluate("window.written") == 0
    visit.said.clear()


@pytest.mark.parametrize("status", [503, 404])
def test_a_filter_that_fails_is_said_of_the_list_and_asked_again(visitor: Visitor, status: int) -> None:
    visit, page, _ = opened(visitor, "/apps/")
    filtered = re.compile(r"[?&]q=has")
    page.route(filtered, answer(status))
    page.get_by_placeholder("Part of the name").fill("has")
    page.clock.run_for(500)
    expect(page.get_by_text("The filter is not applied")).to_be_visible()
    expect(page.locator("#live")).to_have_css("outline-style", "dashed")
    assert page.locator("tbody tr").count() > 1
    page.unroute(filtered)
    pass_slowly(page, 16)
    expect(page.locator("tbody tr")).to_have_count(1)
    expect(page.get_by_text("The filter is not applied")).to_be_hidden()
    expect(page).to_have_url(re.compile(r"/apps/\?q=has$"))
    visit.said.clear()


def test_a_list_that_waits_for_its_filter_is_drawn_so_after_a_moment(visitor: Visitor) -> None:
    fleet_rows()
    page = visitor().open("/apps/")
    held: list[Route] = []
    page.route(re.compile(r"[?&]q=has"), lambda route: held.append(route))  # noqa: PLW0108  Playwright marks what it is given
    page.get_by_placeholder("Part of the name").fill("has")
    page.wait_for_timeout(200)
    expect(page.locator("#live")).to_have_css("opacity", "1")
    expect(page.locator("#live")).to_have_css("opacity", "0.5")
    held[0].continue_()
    expect(page.locator("tbody tr")).to_have_count(1)
    expect(page.locator("#live")).to_have_css("opacity", "1")


def test_keys_open_nothing_that_is_not_seen_on_the_wall(visitor: Visitor) -> None:
    fleet_rows()
    page = visitor().open("/wall/")
    for key in ("/", "?", "j"):
        page.keyboard.press(key)
    expect(page.locator("dialog[open]")).to_have_count(0)
    page.keyboard.type("gn")
    expect(page.locator("h1")).to_have_text("Now")


def test_what_was_scrolled_stays_so_when_the_list_is_exchanged(listener: Visitor) -> None:
    fleet_rows()
    visit = listener(viewport={"width": 780, "height": 700})
    with visit.page.expect_response(re.compile("/stream")):
        page = visit.open("/apps/")
    panel = page.locator("section.panel", has=page.locator("table.rows"))
    page.evaluate(
        """() => {
          const wide = new CSSStyleSheet();
          wide.replaceSync(".rows { min-width: 1600px; }");
          document.adoptedStyleSheets.push(wide);
        }"""
    )
    panel.evaluate("(panel) => { panel.scrollLeft = 120; }")
    page.wait_for_timeout(100)
    change()
    expect(page.get_by_role("link", name=NEW)).to_be_visible()
    assert panel.evaluate("(panel) => panel.scrollLeft") == 120


def test_a_row_whose_state_alone_changed_is_marked_without_motion_too(listener: Visitor) -> None:
    fleet_rows()
    visit = listener()
    with visit.page.expect_response(re.compile("/stream")):
        page = visit.open("/apps/matrix/?rows=all")
    page.wait_for_timeout(300)
    Application.objects.filter(name="has-stone-prd-m01").update(tone="busy")
    raise_topics(["apps", "apps:production"])
    row = page.locator("tr.is-new")
    expect(row).to_have_count(1)
    expect(row).to_contain_text("has")
    assert row.evaluate("(row) => getComputedStyle(row).backgroundColor") not in {"", "rgba(0, 0, 0, 0)"}


def test_escape_in_a_menu_of_a_list_gives_the_focus_back(visitor: Visitor) -> None:
    fleet_rows()
    page = visitor().open("/apps/")
    page.locator("#columns summary").click()
    page.locator("#columns input").first.focus()
    page.keyboard.press("Escape")
    expect(page.locator("#columns summary")).to_be_focused()


def test_what_the_matrix_says_of_a_cell_is_not_printed(visitor: Visitor) -> None:
    fleet_rows()
    page = visitor().open("/apps/matrix/?rows=all")
    expect(page.locator("#matrix-told")).to_be_visible()
    page.emulate_media(media="print")
    expect(page.locator("#matrix-told")).to_be_hidden()
