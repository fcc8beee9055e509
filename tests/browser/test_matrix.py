"""The matrix in a real browser: by keyboard, by mouse, on a phone, and for those who cannot see it."""

from __future__ import annotations

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.conftest import PHONE
from tests.browser.small_fleet import BROKEN, fleet_rows
from tests.browser.visiting import Visitor
from tests.rows import application_row, broken, cluster_row

URL = "/apps/matrix/?environment=all&rows=all"


def rows() -> None:
    """Beside the small fleet: two more members, a component on two of them, and one that is on the last alone."""
    fleet_rows()
    for position, name in enumerate(("stone-prd-m02", "stone-prd-m03"), start=5):
        cluster_row(name, position=position, ring=2)
        application_row(f"build-service-{name}", cluster=name)
    broken("has-stone-prd-m03", set_name="has", cluster="stone-prd-m03")


def focused(page: Page) -> str:
    """What is said of the link that has the focus."""
    told: str = page.evaluate("document.activeElement.title || document.activeElement.textContent")
    return told


def violations(page: Page) -> list[Any]:
    """What axe finds."""
    return [(each["id"], each["nodes"][0]["html"][:200]) for each in Axe().run(page).response["violations"]]


def test_arrows_home_and_end_move_between_cells_and_enter_opens(visitor: Visitor) -> None:
    rows()
    page = visitor().open(URL)
    first = page.locator("table.matrix tbody td a").first
    expect(first).to_have_attribute("tabindex", "0")
    assert page.locator('table.matrix a[tabindex="0"]').count() == 1
    first.focus()
    assert focused(page).startswith(f"stone-prd-m01: {BROKEN} warning")
    page.keyboard.press("ArrowRight")
    assert focused(page).startswith("stone-prd-m02: build-service-stone-prd-m02")
    page.keyboard.press("End")
    assert focused(page).startswith("stone-prd-m03: build-service-stone-prd-m03")
    page.keyboard.press("ArrowDown")
    assert focused(page).startswith("stone-prd-m03: has-stone-prd-m03 warning")
    page.keyboard.press("ArrowLeft")
    assert focused(page).startswith("stone-prd-m01: has-stone-prd-m01 well")  # the empty cell between is passed over
    page.keyboard.press("Home")
    assert focused(page) == "has"
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowUp")
    assert focused(page).startswith("stone-prd-m01: well")
    page.keyboard.press("Control+End")
    page.keyboard.press("Control+Home")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/{BROKEN}/")


def test_tab_enters_the_matrix_once_and_leaves_it(visitor: Visitor) -> None:
    rows()
    page = visitor().open(URL)
    page.locator("table.matrix tbody td a").first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('table.matrix')") is None
    page.keyboard.press("Shift+Tab")
    assert focused(page).startswith("stone-prd-m02: build-service-stone-prd-m02")


def test_what_a_cell_says_stands_below_on_hover_and_on_focus(visitor: Visitor) -> None:
    rows()
    page = visitor().open(URL)
    line = page.locator("#matrix-told")
    expect(line).to_contain_text("Point at a cell")
    page.get_by_title("stone-prd-m03: has-stone-prd-m03").hover()
    expect(line).to_contain_text("has-stone-prd-m03 warning, Synced, Degraded")
    expect(line).to_contain_text("for 3 h")
    page.get_by_title(f"stone-prd-m01: {BROKEN}").focus()
    expect(line).to_contain_text(f"{BROKEN} warning")


def test_one_stop_for_tab_is_left_after_the_page_was_swapped(visitor: Visitor) -> None:
    rows()
    page = visitor().open(URL)
    page.locator("input[type=search]").focus()
    broken("spi-stone-prd-m02", set_name="spi", cluster="stone-prd-m02")
    page.evaluate("htmx.ajax('GET', location.pathname + location.search, {target: '#live', swap: 'outerHTML'})")
    expect(page.get_by_title("stone-prd-m02: spi-stone-prd-m02")).to_be_visible()
    expect(page.locator("#matrix-told")).to_contain_text("Point at a cell")
    assert page.locator('table.matrix a[tabindex="0"]').count() == 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(visitor: Visitor, scheme: str) -> None:
    rows()
    page = visitor(color_scheme=scheme).open(URL)
    assert violations(page) == []


def test_on_a_phone_a_component_is_a_card_with_what_is_not_well(visitor: Visitor) -> None:
    rows()
    page = visitor(viewport=PHONE).open(URL)
    expect(page.get_by_title(f"stone-prd-m01: {BROKEN}")).to_be_visible()
    expect(page.get_by_title("stone-prd-m02: build-service-stone-prd-m02")).to_be_hidden()
    expect(page.get_by_text("well on 2")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_without_javascript_every_cell_is_a_link_and_the_folds_open(visitor: Visitor) -> None:
    rows()
    application_row("calm-stone-prd-m02", set_name="calm", cluster="stone-prd-m02")
    page = visitor(java_script_enabled=False).open("/apps/matrix/?environment=all")
    page.get_by_role("link", name="and 1 quiet component").click()
    expect(page.get_by_role("row", name="calm")).to_be_visible()
    page.get_by_title(f"stone-prd-m01: {BROKEN}").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(BROKEN)
