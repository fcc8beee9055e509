"""The whole portal by keys: pages, rows, folds, filters, menus; never while somebody types."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from apps.accounts.models import Role
from tests.browser.small_fleet import ALERT, BROKEN, FINGERPRINT, NEW, change, fleet_rows
from tests.browser.visiting import Visitor

CLIPBOARD = ["clipboard-read", "clipboard-write"]


def focused(page: Page) -> str:
    """The text of what has the focus."""
    return str(page.evaluate("document.activeElement.textContent.trim()"))


def row_focused(page: Page) -> str:
    """The key of the row in which the focus is."""
    return str(page.evaluate("document.activeElement.closest('[data-row]')?.dataset.row ?? ''"))


def test_pages_are_two_keys_away(visitor: Visitor) -> None:
    fleet_rows()
    page = visitor().open("/")
    for keys, path in (("ga", "/alerts/"), ("gp", "/apps/"), ("gc", "/clusters/"), ("gs", "/sources/"), ("gn", "/")):
        page.keyboard.type(keys)
        page.wait_for_url(re.compile(f"[0-9]{path}([?]|$)"))
    page.keyboard.type("gw")
    expect(page).to_have_url(re.compile("/wall/"))


def test_the_help_lists_all_keys_and_gives_the_focus_back(visitor: Visitor) -> None:
    fleet_rows()
    page = visitor().open("/apps/")
    page.keyboard.press("j")
    first = focused(page)
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_visible()
    told = page.locator("#keys dt").all_inner_texts()
    assert {"/", "g n", "g a", "g p", "g c", "g s", "g w", "j", "k", "o", "c", "f", "e", "?", "Esc"} <= set(told)
    page.keyboard.type("ga")
    assert "/apps/" in page.url
    page.keyboard.press("Escape")
    expect(page.locator("#keys")).to_be_hidden()
    assert focused(page) == first


def test_rows_are_walked_opened_and_left(visitor: Visitor) -> None:
    fleet_rows()
    page = visitor().open("/apps/")
    page.keyboard.type("jjk")
    assert focused(page) == BROKEN
    page.keyboard.type("jjjjj")
    last = row_focused(page)
    assert last
    page.keyboard.type("k")
    assert row_focused(page) != last
    page.keyboard.press("Escape")
    assert row_focused(page) == ""
    page.keyboard.type("kkkkk")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text(BROKEN)


def test_a_row_is_unfolded(visitor: Visitor) -> None:
    fleet_rows()
    page = visitor().open("/")
    page.keyboard.type("jo")
    expect(page.locator(".attention li details[open]")).to_have_count(1)
    page.keyboard.type("o")
    expect(page.locator(".attention li details[open]")).to_have_count(0)


def test_keys_are_letters_while_somebody_types_and_nothing_with_control(visitor: Visitor) -> None:
    fleet_rows()
    page = visitor().open("/apps/")
    page.keyboard.type("f")
    page.keyboard.type("ga?/j")
    assert page.get_by_placeholder("Part of the name").input_value() == "ga?/j"
    page.keyboard.press("Escape")
    page.keyboard.press("Control+j")
    assert row_focused(page) == ""
    expect(page).to_have_url(re.compile("/apps/"))


def test_the_row_stays_the_same_one_when_the_list_is_exchanged(visitor: Visitor) -> None:
    fleet_rows()
    page = visitor().open("/apps/")
    page.keyboard.type("jj")
    second = row_focused(page)
    page.evaluate("document.getElementById('live').marked = true")
    change()
    pill = page.locator(".pill-held")
    expect(pill).to_be_visible(timeout=15_000)
    pill.click()
    expect(page.get_by_role("link", name=NEW)).to_be_visible()
    assert page.evaluate("document.getElementById('live').marked") is None
    assert row_focused(page) == second
    page.keyboard.press("Escape")
    page.keyboard.type("k")
    assert row_focused(page) == second


def test_the_environment_menu_opens_and_closes(visitor: Visitor) -> None:
    fleet_rows()
    page = visitor().open("/apps/")
    page.keyboard.press("e")
    expect(page.get_by_role("link", name="production", exact=True)).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("#environment[open]")).to_have_count(0)


def test_a_row_is_copied_for_chat(visitor: Visitor) -> None:
    fleet_rows()
    visit = visitor(permissions=CLIPBOARD)
    page = visit.open("/alerts/")
    page.keyboard.type("jc")
    expect(page.locator("#copier")).to_have_text("Copied")
    told = page.evaluate("navigator.clipboard.readText()")
    assert told.startswith(f"critical · {ALERT} · stone-prd-m01 · since 20")
    assert told.endswith(f"{ALERT} fires · {visit.url}/alerts/appsre/{FINGERPRINT}/")
    expect(page.locator("#copier")).to_have_text("Copy for chat")
    page.locator("tbody tr", has_text="Quiet").hover()
    page.locator("#copier").click()
    expect(page.locator("#copier")).to_have_text("Copied")
    assert "· Quiet ·" in page.evaluate("navigator.clipboard.readText()")


def test_what_was_searched_for_is_walked_copied_and_silenced_by_keys(visitor: Visitor) -> None:
    fleet_rows()
    visit = visitor(Role.RESPONDER, permissions=CLIPBOARD)
    page = visit.open(f"/search/?q={ALERT}")
    page.keyboard.type("jc")
    expect(page.locator("#copier")).to_have_text("Copied")
    told = page.evaluate("navigator.clipboard.readText()")
    assert told.startswith(f"critical · {ALERT} · stone-prd-m01 · since 20")
    assert told.endswith(f"critical · {visit.url}/alerts/appsre/{FINGERPRINT}/")
    page.keyboard.type("s")
    page.wait_for_url(re.compile("/actions/silence/"))
    visit.open(f"/search/?q={BROKEN}")
    page.keyboard.type("jr")
    page.wait_for_url(re.compile(r"/actions/new/\?action=sync"))
    assert all("409" in words for words in visit.said), "the preflight refuses: no Argo CD is there to be asked"
    visit.said.clear()


def test_copying_that_fails_is_said(visitor: Visitor) -> None:
    fleet_rows()
    page = visitor().open("/alerts/")
    page.evaluate("void (navigator.clipboard.writeText = () => Promise.reject(new Error('no')))")
    page.keyboard.type("jc")
    expect(page.locator("#copier")).to_have_text("Could not copy")
