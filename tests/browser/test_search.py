"""The frame's search: typed, chosen by keys, and never overtaken by an older answer."""

from __future__ import annotations

import re

from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import PHONE
from tests.browser.small_fleet import BROKEN, CLUSTER, fleet_rows
from tests.browser.visiting import Visitor


def options(page: Page) -> list[str]:
    """What can be chosen."""
    return page.locator("#found [role=option] b").all_inner_texts()


def test_is_opened_by_a_key_chosen_from_by_keys_and_closed(visitor: Visitor) -> None:
    fleet_rows()
    page = visitor().open("/apps/")
    page.keyboard.press("j")
    page.keyboard.press("/")
    field = page.get_by_role("combobox", name="Part of a name")
    expect(field).to_be_focused()
    page.keyboard.type("m01 build")
    expect(page.locator("#found [role=option]")).to_have_count(1)
    assert options(page) == [BROKEN]
    expect(field).to_have_attribute("aria-expanded", "true")
    page.keyboard.press("Escape")
    expect(page.locator("#search")).to_be_hidden()
    assert page.evaluate("document.activeElement.textContent") == BROKEN
    page.keyboard.press("/")
    field.fill(CLUSTER)
    expect(page.locator("#found-clusters-1")).to_contain_text(CLUSTER)
    page.keyboard.press("ArrowDown")
    chosen = page.locator("#found [aria-selected=true]")
    expect(chosen).to_have_count(1)
    assert field.get_attribute("aria-activedescendant") == chosen.get_attribute("id")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text(CLUSTER)


def test_enter_without_a_choice_shows_all_on_a_page(visitor: Visitor) -> None:
    fleet_rows()
    page = visitor(viewport=PHONE).open("/")
    page.get_by_role("link", name="Search").click()
    page.keyboard.type("stone")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/search/\?q=stone$"))
    expect(page.locator("main").get_by_role("link", name=BROKEN)).to_be_visible()


def test_an_older_answer_never_takes_the_place_of_a_newer_one(visitor: Visitor) -> None:
    fleet_rows()
    page = visitor().open("/")
    waiting: list[Route] = []
    page.route(re.compile(r"/search/box/\?q=has$"), lambda route: waiting.append(route))  # noqa: PLW0108  Playwright marks what it is given
    page.keyboard.press("/")
    page.keyboard.type("has")
    page.wait_for_timeout(150)
    assert len(waiting) == 1
    page.get_by_role("combobox").fill("spi")
    expect(page.locator("#found")).to_contain_text("spi-stone-prd-m01")
    waiting[0].fulfill(body='<p id="old">old</p>')
    page.wait_for_timeout(150)
    expect(page.locator("#old")).to_have_count(0)


def test_a_portal_that_does_not_answer_is_said(visitor: Visitor) -> None:
    fleet_rows()
    visit = visitor()
    page = visit.open("/")
    page.route("**/search/**", lambda route: route.abort())
    page.keyboard.press("/")
    expect(page.locator("#search")).to_contain_text("The portal does not answer.")
    visit.said.clear()


def test_works_without_javascript(visitor: Visitor) -> None:
    fleet_rows()
    page = visitor(java_script_enabled=False).open("/")
    page.get_by_role("link", name="Search").click()
    page.locator("main").get_by_label("Part of a name").fill("has")
    page.locator("main").get_by_role("button", name="Search").click()
    expect(page.locator("main").get_by_role("link", name="has-stone-prd-m01")).to_be_visible()
