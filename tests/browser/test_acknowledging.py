"""Acknowledging and writing notes with the keyboard and the mouse, and without scripts."""

from __future__ import annotations

from playwright.sync_api import expect

from apps.accounts.models import Role
from apps.notes.models import Acknowledgement, Note
from tests.browser.small_fleet import ALERT, FINGERPRINT, fleet_rows
from tests.browser.visiting import Visitor

PAGE = f"/alerts/appsre/{FINGERPRINT}/"


def test_on_now_the_key_shows_the_button_first_and_then_acknowledges(visitor: Visitor) -> None:
    fleet_rows()
    page = visitor(Role.RESPONDER).open("/")
    row = page.locator(".attention > li", has_text=ALERT).first
    row.locator(".title a").focus()
    page.keyboard.press("a")
    expect(row.get_by_role("button", name="Acknowledge").first).to_be_visible()
    assert not Acknowledgement.objects.exists()

    page.keyboard.press("a")
    expect(page.locator(".badge", has_text="acknowledged by").first).to_be_visible()
    assert page.url.endswith("/")
    assert Acknowledgement.objects.get().title == ALERT


def test_on_a_page_the_key_goes_to_the_note_and_tab_to_the_button(visitor: Visitor) -> None:
    fleet_rows()
    page = visitor(Role.RESPONDER).open(PAGE)
    page.keyboard.press("a")
    page.keyboard.type("restarting it, ITN-2026-00031")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Acknowledge")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#said .verdict")).to_contain_text("Acknowledged by responder-in-a-browser until")
    expect(page.locator("#said .badge", has_text="ITN-2026-00031")).to_be_visible()


def test_from_a_list_the_key_leads_to_the_note_of_the_rows_page(visitor: Visitor) -> None:
    fleet_rows()
    page = visitor(Role.RESPONDER).open("/alerts/?environment=all")
    page.get_by_role("link", name=ALERT).focus()
    page.keyboard.press("a")
    expect(page.locator("#words")).to_be_focused()
    assert PAGE in page.url


def test_without_scripts_it_works_too(visitor: Visitor) -> None:
    fleet_rows()
    page = visitor(Role.RESPONDER, java_script_enabled=False).open(PAGE)
    page.locator("#words").fill("- looked\n- waiting")
    page.get_by_role("button", name="Add note").click()
    expect(page.locator("#said li", has_text="waiting")).to_be_visible()
    page.get_by_role("button", name="Acknowledge").click()
    page.get_by_role("button", name="End it").click()
    expect(page.get_by_role("button", name="Acknowledge")).to_be_visible()
    assert Note.objects.count() == 1


def test_what_is_typed_is_not_taken_from_under_the_hands_by_an_update(visitor: Visitor) -> None:
    fleet_rows()
    page = visitor(Role.RESPONDER).open(PAGE)
    page.locator("#words").fill("half a tho")
    page.wait_for_timeout(11_000)
    expect(page.locator("#words")).to_have_value("half a tho")
