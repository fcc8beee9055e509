"""Lists follow what is typed; address, Back, focus and columns stay right."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Route, expect

from tests.browser.conftest import PHONE
from tests.browser.small_fleet import BROKEN, fleet_rows
from tests.browser.visiting import Visitor
from tests.rows import application_row

MARKED = "window.stays = true"
STAYED = "window.stays === true"


@pytest.mark.parametrize(
    ("path", "typed", "left"),
    [("/apps/", "m01 has", "has-"), ("/alerts/", "quiet", "Quiet"), ("/clusters/", "host", "host1")],
)
def test_rows_follow_what_is_typed_without_a_reload(visitor: Visitor, path: str, typed: str, left: str) -> None:
    fleet_rows()
    page = visitor().open(path)
    page.evaluate(MARKED)
    expect(page.get_by_role("button", name="Filter")).to_be_hidden()
    page.get_by_placeholder("Part of the name").press_sequentially(typed, delay=20)
    expect(page.locator("tbody tr:not(.group)")).to_have_count(1)
    expect(page.locator("tbody tr:not(.group)")).to_contain_text(left)
    expect(page).to_have_url(re.compile(r"[?&]q=" + typed.replace(" ", r"(\+|%20)") + "$"))
    expect(page.get_by_placeholder("Part of the name")).to_be_focused()
    assert page.get_by_placeholder("Part of the name").input_value() == typed
    assert page.evaluate(STAYED)
    expect(page.get_by_role("link", name="Clear")).to_be_visible()


def test_what_is_chosen_is_a_step_that_back_undoes_and_typing_is_none(visitor: Visitor) -> None:
    fleet_rows()
    page = visitor().open("/apps/?tone=warning&tone=held")
    page.get_by_placeholder("Part of the name").fill("m01")
    expect(page).to_have_url(re.compile(r"\?q=m01&tone=warning&tone=held$|\?tone=warning&tone=held&q=m01$"))
    page.get_by_label("Health").select_option("Degraded")
    expect(page.locator("tbody tr")).to_have_count(1)
    expect(page).to_have_url(re.compile("health=Degraded"))
    page.go_back()
    expect(page.locator("tbody tr")).to_have_count(2)
    expect(page.get_by_label("Health")).to_have_value("")
    expect(page.get_by_placeholder("Part of the name")).to_have_value("m01")
    assert "health" not in page.url


def test_an_older_answer_never_comes_after_a_newer_one(visitor: Visitor) -> None:
    fleet_rows()
    page = visitor().open("/apps/")
    held: list[Route] = []
    page.route(re.compile("q=has(&|$)"), lambda route: held.append(route))  # noqa: PLW0108  Playwright marks what it is given
    page.get_by_placeholder("Part of the name").fill("has")
    page.wait_for_timeout(300)
    page.get_by_placeholder("Part of the name").fill("spi")
    page.wait_for_timeout(300)
    assert len(held) == 1
    held[0].continue_()
    expect(page.locator("tbody tr")).to_have_count(1)
    expect(page.locator("tbody tr")).to_contain_text("spi-")
    page.wait_for_timeout(300)
    expect(page.locator("tbody tr")).to_contain_text("spi-")


def test_the_environment_goes_along_with_what_was_typed(visitor: Visitor) -> None:
    fleet_rows()
    application_row("has-staged", environment="staging", instance="staging", cluster="")
    page = visitor().open("/apps/")
    page.get_by_placeholder("Part of the name").fill("has")
    expect(page.locator("tbody tr")).to_have_count(2)
    page.locator("#environment summary").click()
    page.get_by_role("link", name="production", exact=True).click()
    expect(page).to_have_url(re.compile("q=has"))
    expect(page.locator("tbody tr")).to_have_count(1)


def test_columns_are_left_out_and_stay_so_and_rows_grow_lower(visitor: Visitor) -> None:
    fleet_rows()
    page = visitor().open("/apps/")
    page.locator("#columns summary").click()
    page.locator("#columns").get_by_label("Sync, health").uncheck()
    expect(page.locator("td.c-sync").first).to_be_hidden()
    page.locator("summary", has_text="viewer").click()
    page.get_by_role("button", name="Rows: comfortable").click()
    page.reload()
    expect(page.get_by_role("columnheader", name="Sync, health")).to_be_hidden()
    expect(page.get_by_role("columnheader", name="Why")).to_be_visible()
    assert page.locator("html").get_attribute("data-density") == "compact"
    page.goto(page.url.replace("/apps/", "/alerts/"))
    assert page.locator("html").get_attribute("data-hide") == ""


def test_a_phone_sorts_by_a_field(visitor: Visitor) -> None:
    fleet_rows()
    page = visitor(viewport=PHONE).open("/apps/")
    page.get_by_label("Sort by").select_option("-name")
    expect(page.locator("tbody tr").first).to_contain_text("spi-")
    expect(page).to_have_url(re.compile("sort=-name"))
    page.get_by_label("Sort by").select_option("tone")
    expect(page.locator("tbody tr").first).to_contain_text(BROKEN)
    assert "sort" not in page.url


def test_filters_work_without_javascript(visitor: Visitor) -> None:
    fleet_rows()
    page = visitor(java_script_enabled=False).open("/apps/")
    page.get_by_placeholder("Part of the name").fill("has")
    page.get_by_role("button", name="Filter").click()
    expect(page.locator("tbody tr")).to_have_count(1)


def test_the_icon_of_the_tab_counts_what_needs_somebody(visitor: Visitor) -> None:
    fleet_rows()
    page = visitor().open("/")
    icon = page.locator("link[rel=icon]").get_attribute("href") or ""
    assert icon.startswith("data:image/svg+xml,")
    assert "%3Crect" in icon
    needs = page.locator("#banners").get_attribute("data-needs")
    assert f"%3E{needs}%3C" in icon
