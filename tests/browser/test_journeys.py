"""Ways that people take through the portal, with a mouse, with the keyboard, and without JavaScript."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from apps.accounts.models import Person, Role
from tests.browser.conftest import PHONE
from tests.browser.small_fleet import ALERT, BROKEN, CLUSTER, LISTS, PAGES, fleet_rows
from tests.browser.visiting import Visitor
from tests.rows import application_row

PASSWORD = "a long enough password"
UNSEEN_FOCUS = """() => {
  const focused = document.activeElement, box = focused.getBoundingClientRect();
  const style = getComputedStyle(focused);
  const outlined = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
  return outlined && box.width > 0 && box.height > 0 ? "" : focused.outerHTML.slice(0, 200);
}"""
FOCUSABLE = """() => [...document.querySelectorAll("a[href], button, input, select, summary, main")].filter(
  (each) => each.checkVisibility({ visibilityProperty: true }) && each.type !== "hidden" && each.tabIndex >= 0
).length"""


def heading(page: Page) -> str:
    """What the page is about."""
    return page.locator("h1").inner_text()


def test_from_signing_in_to_the_source_of_what_is_shown(visitor: Visitor) -> None:
    fleet_rows()
    person = User.objects.create_user("vera", password=PASSWORD)
    Person.objects.create(user=person, role=Role.VIEWER)
    page = visitor(role=None).open("/")
    assert heading(page) == "Sign in"
    page.get_by_label("Name").fill("vera")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator("h1")).to_have_text("Now")
    page.get_by_role("link", name=ALERT).first.click()
    expect(page.locator("h1")).to_have_text(ALERT)
    page.locator("main").get_by_role("link", name=CLUSTER, exact=True).first.click()
    expect(page.locator("h1")).to_have_text(CLUSTER)
    page.locator("main").get_by_role("link", name=BROKEN).first.click()
    expect(page.locator("h1")).to_have_text(BROKEN)
    page.locator("#freshness").click()
    expect(page.locator("h1")).to_have_text("Sources")
    page.locator("main tbody a").first.click()
    expect(page.get_by_text("How it went")).to_be_visible()
    page.locator("summary", has_text="vera").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.locator("h1")).to_have_text("Sign in")


def test_filters_stand_in_the_address_and_back_undoes_them(visitor: Visitor) -> None:
    fleet_rows()
    page = visitor().open("/apps/")
    rows = page.locator("tbody tr")
    expect(rows).to_have_count(3)
    page.get_by_label("Health").select_option("Degraded")
    expect(page).to_have_url(re.compile("health=Degraded"))
    expect(rows).to_have_count(1)
    page.go_back()
    expect(rows).to_have_count(3)
    page.locator(".tones").get_by_role("link", name="held").click()
    expect(page).to_have_url(re.compile("tone=held"))
    expect(rows).to_have_count(1)
    page.get_by_placeholder("Part of the name").fill("nothing like it")
    page.keyboard.press("Enter")
    expect(page.get_by_text("No applications fit these filters.")).to_be_visible()
    page.get_by_role("link", name="See all applications").click()
    expect(rows).to_have_count(3)


def test_the_environment_goes_along_and_is_remembered(visitor: Visitor) -> None:
    fleet_rows()
    application_row("staged", environment="staging", instance="staging", cluster="")
    page = visitor().open("/")
    page.locator("#environment summary").click()
    page.locator("#environment").get_by_role("link", name="production").click()
    page.locator("#nav-applications").click()
    expect(page).to_have_url(re.compile("/apps/\\?environment=production"))
    expect(page.get_by_role("link", name="staged")).to_have_count(0)
    page.goto(page.url.split("?")[0])
    expect(page).to_have_url(re.compile("environment=production"))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_dark_and_light_follow_the_system_until_somebody_chooses(visitor: Visitor, scheme: str) -> None:
    page = visitor(color_scheme=scheme).open("/sources/")
    surface = "getComputedStyle(document.body).backgroundColor"
    by_system = page.evaluate(surface)
    page.locator(".frame-end summary").click()
    switch = page.get_by_role("button", name="Theme:")
    expect(switch).to_have_text("Theme: as the system")
    colours = {}
    for word in ("light", "dark"):
        switch.click()
        expect(switch).to_have_text(f"Theme: {word}")
        colours[word] = page.evaluate(surface)
    assert colours["light"] != colours["dark"]
    assert by_system == colours[scheme]
    page.reload()
    assert page.locator("html").get_attribute("data-theme") == "dark"
    assert page.evaluate(surface) == colours["dark"]


def test_everything_is_reached_by_tab_and_the_focus_is_seen(visitor: Visitor) -> None:
    fleet_rows()
    visit = visitor()
    for path in PAGES:
        page = visit.open(path)
        unseen, steps = [], page.evaluate(FOCUSABLE)
        for _ in range(steps):
            page.keyboard.press("Tab")
            unseen.append(page.evaluate(UNSEEN_FOCUS))
        assert (path, [each for each in unseen if each]) == (path, [])
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.matches('body, .skip')"), f"{path} has more to reach than is seen"


def test_the_skip_link_leads_past_the_navigation(visitor: Visitor) -> None:
    page = visitor().open("/sources/")
    page.keyboard.press("Tab")
    expect(page.get_by_text("Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "content"


def test_escape_closes_a_menu_and_gives_the_focus_back(visitor: Visitor) -> None:
    page = visitor().open("/sources/")
    summary = page.locator(".frame-end summary")
    summary.click()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Sign out")).to_be_hidden()
    expect(summary).to_be_focused()


def test_every_page_and_filter_works_without_javascript(visitor: Visitor) -> None:
    fleet_rows()
    visit = visitor(java_script_enabled=False)
    for path in PAGES:
        page = visit.open(path)
        expect(page.locator("h1")).to_be_visible()
        expect(page.locator("#live")).to_be_visible()
    for path, narrowed in (("/apps/", BROKEN), ("/alerts/", ALERT), ("/clusters/", CLUSTER)):
        page = visit.open(path)
        page.get_by_placeholder("Part of the name").fill(narrowed[-12:])
        page.get_by_role("button", name="Filter").click()
        assert f"q={narrowed[-12:]}" in page.url
        expect(page.locator("tbody").get_by_role("link", name=narrowed, exact=True)).to_be_visible()
    page = visit.open("/apps/?health=Degraded")
    expect(page.locator("tbody tr")).to_have_count(1)
    page.locator("thead").get_by_role("link", name="Application").click()
    assert "sort=name" in page.url
    page.locator(".frame-end summary").click()
    page.get_by_role("button", name="Sign out").click()
    assert heading(page) == "Sign in"


def test_no_page_scrolls_sideways_on_a_phone_and_the_navigation_stays(visitor: Visitor) -> None:
    fleet_rows()
    visit = visitor(viewport=PHONE)
    for path in PAGES:
        page = visit.open(path)
        assert (path, page.evaluate("document.documentElement.scrollWidth")) == (path, PHONE["width"])
        for entry in page.locator(".pages a").all():
            box = entry.bounding_box()
            assert box is not None
            assert box["x"] + box["width"] <= PHONE["width"]
            assert box["height"] >= 44


def test_a_row_is_no_higher_than_its_text_needs(visitor: Visitor) -> None:
    fleet_rows()
    visit = visitor()
    for path in LISTS[2:]:
        page = visit.open(path)
        heights = page.eval_on_selector_all("tbody tr", "rows => rows.map(row => row.getBoundingClientRect().height)")
        assert heights
        assert (path, min(heights)) == (path, pytest.approx(32, abs=1.5))
