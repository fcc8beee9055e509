"""Pages that change by themselves, seen in a browser whose clock the test moves."""

from __future__ import annotations

import json
import re

import pytest
from playwright.sync_api import Page, Response, expect

from apps.gitops.models import Application
from tests.browser.small_fleet import ALERT, BROKEN, FINGERPRINT, NEW, change, fleet_rows
from tests.browser.visiting import Visit, Visitor

POLL_MS = 10_500


def poll(page: Page) -> Response:
    """Lets ten seconds pass for the page; the answer to what it asks then."""
    with page.expect_response(re.compile(r"[?&]v=\d+")) as answer:
        page.clock.run_for(POLL_MS)
    answer.value.finished()
    return answer.value


def opened(visitor: Visitor, path: str) -> tuple[Visit, Page]:
    """A page whose clock stands until the test moves it."""
    fleet_rows()
    visit = visitor()
    visit.page.clock.install()
    return visit, visit.open(path)


@pytest.mark.parametrize("path", ["/", "/apps/", "/clusters/", "/sources/", f"/alerts/appsre/{FINGERPRINT}/"])
def test_a_poll_of_a_page_that_shows_all_there_is_brings_nothing(visitor: Visitor, path: str) -> None:
    _, page = opened(visitor, path)
    page.evaluate("document.querySelector('#live').marked = true")
    assert [poll(page).status, poll(page).status] == [204, 204]
    assert page.evaluate("document.querySelector('#live').marked") is True


def test_what_changed_comes_in_and_the_frame_counts_it(visitor: Visitor) -> None:
    _, page = opened(visitor, "/apps/")
    expect(page.locator("#count-applications")).to_have_text(re.compile("^1"))
    change()
    assert poll(page).status == 200
    expect(page.get_by_role("link", name=NEW)).to_be_visible()
    expect(page.locator("#count-applications")).to_have_text(re.compile("^2"))
    assert page.title().startswith("(")
    assert poll(page).status == 204


def test_a_swap_waits_for_the_keyboard_and_leaves_focus_and_opened_parts_alone(visitor: Visitor) -> None:
    _, page = opened(visitor, "/")
    row = page.locator(".attention > li", has_text=ALERT)
    row.locator("summary").click()
    expect(row.get_by_text("Ranked as")).to_be_visible()
    link = row.locator(".title a")
    link.focus()
    change()
    assert poll(page).status == 200
    pill = page.locator(".pill-held")
    expect(pill).to_have_text("1 update")
    expect(page.locator("#count-applications")).to_have_text(re.compile("^2"))
    expect(page.get_by_role("link", name=NEW)).to_have_count(0)
    assert poll(page).status == 204, "the frame shows all there is, and the list is held still"
    pill.click()
    expect(page.get_by_role("link", name=NEW).first).to_be_visible()
    expect(link).to_be_focused()
    expect(row.get_by_text("Ranked as")).to_be_visible()


def test_a_swap_does_not_take_a_field_from_under_ones_hands(visitor: Visitor) -> None:
    _, page = opened(visitor, "/apps/")
    field = page.get_by_placeholder("Part of the name")
    with page.expect_response(re.compile(r"[?&]q=stone-p")) as filtered:
        field.fill("stone-p")
        page.clock.run_for(1000)
    filtered.value.finished()
    expect(page).to_have_url(re.compile(r"[?&]q=stone-p"))
    change()
    assert poll(page).status == 200
    expect(page.get_by_role("link", name=NEW)).to_be_visible()
    expect(field).to_be_focused()
    expect(field).to_have_value("stone-p")


def test_a_filtered_page_stays_filtered(visitor: Visitor) -> None:
    _, page = opened(visitor, "/apps/?health=Degraded&sort=name")
    Application.objects.filter(name=BROKEN).update(health_status="Healthy")
    change()
    assert poll(page).status == 200
    expect(page.locator("tbody tr")).to_have_count(1)
    expect(page).to_have_url(re.compile(r"\?health=Degraded&sort=name$|environment="))


def test_a_portal_that_does_not_answer_is_said_and_the_ages_go_on(visitor: Visitor) -> None:
    visit, page = opened(visitor, "/sources/")
    age = page.locator("#freshness time")
    before = age.inner_text()
    page.route("**/sources/?v=*", lambda route: route.abort())
    page.clock.run_for(POLL_MS)
    expect(page.locator("#offline")).to_contain_text("The portal has not answered since")
    page.clock.run_for(120_000)
    assert age.inner_text() != before
    assert age.inner_text().endswith(" m")
    page.unroute("**/sources/?v=*")
    poll(page)
    expect(page.locator("#offline")).to_be_hidden()
    assert all("ERR_FAILED" in words or words.startswith("htmx:") for words in visit.said), json.dumps(visit.said)
    visit.said.clear()
