"""What changes while somebody looks, on the portal's own server with its stream."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

import pytest
from django.contrib.sessions.models import Session
from playwright.sync_api import Page, Response, Route, expect

from apps.core.topics import raise_topics
from tests.browser.conftest import PHONE, hide, pass_slowly
from tests.browser.small_fleet import ALERT, BROKEN, NEW, change, fleet_rows
from tests.browser.visiting import Visit, Visitor

HOUR_AND_A_MINUTE = 61 * 60_000
ASKS_AGAIN = re.compile(r"[?&]v=\d+")


class Requests:
    """What a page has asked for since it was opened."""

    def __init__(self, page: Page) -> None:
        self.urls: list[str] = []
        page.on("request", lambda request: self.urls.append(request.url))

    def of(self, what: str) -> int:
        """How many: "again" for fragments, "stream" for streams."""
        return sum(bool(ASKS_AGAIN.search(url)) if what == "again" else "/stream?" in url for url in self.urls)


def listening(listener: Visitor, path: str = "/apps/", **options: object) -> tuple[Visit, Page, Requests]:
    """A page whose stream has told it everything."""
    fleet_rows()
    visit = listener(**options)
    asked = Requests(visit.page)
    with visit.page.expect_response(re.compile("/stream")) as stream:
        page = visit.open(path)
    assert stream.value.status == 200
    return visit, page, asked


def came_true(what: Callable[[], bool], page: Page) -> bool:
    """Whether it came true while the page was let work."""
    deadline = time.monotonic() + 5
    while not what() and time.monotonic() < deadline:
        page.wait_for_timeout(50)
    return what()


def test_a_change_is_seen_within_two_seconds_without_a_reload_and_marked(listener: Visitor) -> None:
    _, page, asked = listening(listener)
    page.wait_for_timeout(300)
    page.evaluate("document.marked = true")
    change()
    began = time.monotonic()
    expect(page.get_by_role("link", name=NEW)).to_be_visible()
    assert time.monotonic() - began < 4.0, "two seconds by the hub's own reading, on a busy machine"
    expect(page.locator("[data-row].is-new")).to_have_count(1)
    expect(page.locator("#count-applications")).to_have_text(re.compile("^2"))
    assert page.evaluate("document.marked") is True
    assert (asked.of("again"), asked.of("stream")) == (1, 1)
    page.wait_for_timeout(2200)
    expect(page.locator("[data-row].is-new")).to_have_count(0)


def held_back(page: Page, address: re.Pattern[str]) -> list[Route]:
    """The next request for this address, which waits until the test lets it go; those after it do not wait."""
    held: list[Route] = []
    page.route(address, lambda route: route.fallback() if held else held.append(route))
    return held


def test_what_is_told_while_an_answer_is_under_way_is_fetched_after_it(listener: Visitor) -> None:
    _, page, _ = listening(listener)
    held = held_back(page, ASKS_AGAIN)
    change()
    assert came_true(lambda: bool(held), page)
    older = held[0].fetch()
    change("third-stone-prd-m01")
    page.wait_for_timeout(3000)
    held[0].fulfill(response=older)
    expect(page.get_by_role("link", name=NEW)).to_be_visible()
    expect(page.get_by_role("link", name="third-stone-prd-m01")).to_be_visible()


def test_a_filter_is_applied_though_the_list_was_exchanged_while_it_was_asked_for(listener: Visitor) -> None:
    visit, page, _ = listening(listener)
    page.evaluate("document.querySelector('#live').marked = true")
    held = held_back(page, re.compile(r"[?&]q=has"))
    page.get_by_placeholder("Part of the name").fill("has")
    assert came_true(lambda: bool(held), page)
    change()
    expect(page.get_by_role("link", name=NEW)).to_be_visible()
    assert page.evaluate("document.querySelector('#live').marked") is None
    held[0].continue_()
    expect(page.locator("tbody tr")).to_have_count(1)
    expect(page.locator("tbody tr")).to_contain_text("has-")
    expect(page).to_have_url(f"{visit.url}/apps/?q=has")


def test_a_filter_is_never_answered_by_an_older_page_than_the_one_shown(listener: Visitor) -> None:
    _, page, asked = listening(listener)
    change()
    expect(page.get_by_role("link", name=NEW)).to_be_visible()
    version = page.locator("#live").get_attribute("data-version")
    page.get_by_placeholder("Part of the name").fill("another")
    expect(page.locator("tbody tr")).to_have_count(1)
    assert asked.urls[-1].endswith(f"?q=another&since={version}")
    expect(page).to_have_url(re.compile(r"/apps/\?q=another$"))


def test_a_page_whose_stream_says_nothing_asks_nothing(listener: Visitor) -> None:
    fleet_rows()
    visit = listener()
    visit.page.clock.install()
    asked = Requests(visit.page)
    with visit.page.expect_response(re.compile("/stream")):
        page = visit.open("/apps/")
    page.wait_for_timeout(500)
    page.clock.run_for(14_000)
    assert asked.of("again") == 0


@pytest.mark.parametrize("path", ["/handover/", "/timeline/?from=2026-01-01T00:00&to=2026-01-01T06:00"])
def test_the_frame_of_a_page_that_does_not_change_goes_on_counting(listener: Visitor, path: str) -> None:
    _, page, asked = listening(listener, path)
    page.locator("main").evaluate("(main) => { main.firstElementChild.marked = true }")
    title = page.title()
    change()
    expect(page.locator("#count-applications")).to_have_text(re.compile("^2"))
    assert page.locator("main").evaluate("(main) => main.firstElementChild.marked") is True
    assert page.title().partition(") ")[2] == title.partition(") ")[2] != ""
    page.wait_for_timeout(3000)
    assert asked.of("again") <= 2


def test_an_alert_is_counted_on_a_page_that_shows_none(listener: Visitor) -> None:
    """The frame comes alone: the list is not touched."""
    _, page, _ = listening(listener, "/alerts/")
    page.evaluate("document.querySelector('#live').marked = true")
    change()
    raise_topics(["rules"])
    expect(page.locator("#count-applications")).to_have_text(re.compile("^2"))
    assert page.evaluate("document.querySelector('#live').marked") is True


def test_nothing_moves_under_the_pointer_and_the_pill_lets_it_in(listener: Visitor) -> None:
    _, page, _ = listening(listener)
    page.get_by_role("link", name=BROKEN).hover()
    change()
    pill = page.locator(".pill-held")
    expect(pill).to_have_text("1 update")
    expect(page.locator("#count-applications")).to_have_text(re.compile("^2"))
    assert page.title().startswith("("), "the frame never lies while the list is held"
    expect(page.get_by_role("link", name=NEW)).to_have_count(0)
    change("third-stone-prd-m01")
    expect(pill).to_have_text("2 updates")
    pill.click()
    expect(page.get_by_role("link", name="third-stone-prd-m01")).to_be_visible()
    expect(page.get_by_role("link", name=NEW)).to_be_visible()
    expect(pill).to_be_hidden()


def test_what_was_searched_for_is_brought_up_to_date_but_not_under_the_pointer(listener: Visitor) -> None:
    _, page, _ = listening(listener, "/search/?q=stone")
    page.locator(".found").get_by_role("link", name=re.compile(BROKEN)).hover()
    change()
    expect(page.locator(".pill-held")).to_have_text("1 update")
    new = page.locator(".found").get_by_role("link", name=re.compile(NEW))
    expect(new).to_have_count(0)
    page.mouse.move(5, 5)
    expect(page.locator(".found .is-new")).to_contain_text(NEW)
    expect(new).to_be_visible()


def test_leaving_the_list_lets_it_in(listener: Visitor) -> None:
    _, page, _ = listening(listener)
    page.get_by_role("link", name=BROKEN).hover()
    change()
    expect(page.locator(".pill-held")).to_be_visible()
    page.mouse.move(5, 5)
    expect(page.get_by_role("link", name=NEW)).to_be_visible()
    expect(page.locator(".pill-held")).to_be_hidden()


def test_nothing_moves_under_the_keyboard_until_it_leaves(listener: Visitor) -> None:
    _, page, _ = listening(listener)
    link = page.get_by_role("link", name=BROKEN)
    link.focus()
    change()
    expect(page.locator(".pill-held")).to_have_text("1 update")
    expect(link).to_be_focused()
    page.locator("#nav-alerts").focus()
    expect(page.get_by_role("link", name=NEW)).to_be_visible()


def test_nothing_moves_while_a_menu_is_open(listener: Visitor) -> None:
    _, page, _ = listening(listener)
    menu = page.locator("details.menu summary").first
    menu.click()
    change()
    expect(page.locator(".pill-held")).to_be_visible()
    expect(page.get_by_role("link", name=NEW)).to_have_count(0)
    page.keyboard.press("Escape")
    expect(page.get_by_role("link", name=NEW)).to_be_visible()


def test_a_link_is_not_exchanged_between_press_and_release(listener: Visitor) -> None:
    _, page, asked = listening(listener)
    page.locator("#freshness").hover()
    page.mouse.down()
    change()
    assert came_true(lambda: asked.of("again") >= 1, page)
    page.wait_for_timeout(300)
    expect(page.get_by_role("link", name=NEW)).to_have_count(0)
    page.mouse.up()
    page.wait_for_url("**/sources/**")


def test_a_finger_that_has_left_the_screen_holds_nothing(listener: Visitor) -> None:
    _, page, _ = listening(listener, "/", viewport=PHONE, has_touch=True, is_mobile=True)
    page.locator(".attention > li", has_text=ALERT).locator("summary").tap()
    change()
    expect(page.get_by_role("link", name=NEW).first).to_be_visible()
    expect(page.locator(".pill-held")).to_be_hidden()


def test_a_hidden_tab_asks_nothing_and_catches_up_once_when_it_is_seen(listener: Visitor) -> None:
    fleet_rows()
    visit = listener()
    visit.page.clock.install()
    asked = Requests(visit.page)
    with visit.page.expect_response(re.compile("/stream")):
        page = visit.open("/apps/")
    page.wait_for_timeout(300)
    hide(page, True)
    change()
    page.clock.run_for(10 * 60_000)
    page.wait_for_timeout(2500)
    assert (asked.of("again"), asked.of("stream")) == (0, 1)
    hide(page, False)
    expect(page.get_by_role("link", name=NEW)).to_be_visible()
    page.clock.run_for(5_000)
    page.wait_for_timeout(300)
    assert (asked.of("again"), asked.of("stream")) == (1, 2)


def test_a_stream_that_breaks_is_replaced_by_asking_and_tried_again(listener: Visitor) -> None:
    fleet_rows()
    visit = listener()
    visit.page.clock.install()
    asked = Requests(visit.page)
    visit.page.route("**/stream?*", lambda route: route.abort())
    page = visit.open("/apps/")
    page.wait_for_timeout(300)
    change()
    page.clock.run_for(10_500)
    expect(page.get_by_role("link", name=NEW)).to_be_visible()
    tried = asked.of("stream")
    assert 1 <= tried <= 5
    answers: list[Response] = []
    page.on("response", lambda answer: answers.append(answer))  # noqa: PLW0108  Playwright marks what it is given
    page.unroute("**/stream?*")

    def another_second() -> bool:
        """At once a minute would pass before the server's answer is there, and what is silent so long is given up."""
        page.clock.run_for(1000)
        return any("/stream?" in answer.url and answer.status == 200 for answer in answers)

    assert came_true(another_second, page)
    assert all("ERR_FAILED" in words for words in visit.said), visit.said
    visit.said.clear()


def test_who_is_signed_out_keeps_the_page_and_is_led_to_the_sign_in_by_one_click(listener: Visitor) -> None:
    visit, page, _ = listening(listener)
    shown = page.url
    Session.objects.all().delete()
    gone = page.locator("#gone")
    expect(gone).to_contain_text("You are signed out", timeout=15_000)
    assert page.url == shown
    assert all("401" in words for words in visit.said), visit.said
    gone.get_by_role("link").click()
    expect(page.locator("h1")).to_have_text("Sign in")
    assert page.locator("input[name=next]").get_attribute("value") == "/apps/"
    visit.said.clear()


def test_f60_after_an_hour_offline_the_age_is_told_and_one_refresh_follows(listener: Visitor) -> None:
    """F60: the browser was offline for an hour and comes back."""
    fleet_rows()
    visit = listener()
    visit.page.clock.install()
    asked = Requests(visit.page)
    with visit.page.expect_response(re.compile("/stream")):
        page = visit.open("/apps/")
    page.wait_for_timeout(300)
    visit.context.set_offline(True)
    page.clock.run_for(HOUR_AND_A_MINUTE)
    banner = page.locator("#offline")
    expect(banner).to_contain_text(re.compile(r"has not answered since \d\d:\d\d: what you see is 61 min old"))
    page.clock.run_for(60_000)
    expect(banner).to_contain_text("62 min old")
    assert asked.of("again") == 0
    change()
    visit.context.set_offline(False)
    page.wait_for_timeout(100)
    assert asked.of("again") == 0, "all who come back would ask at the same moment"
    pass_slowly(page, 16)
    expect(page.get_by_role("link", name=NEW)).to_be_visible()
    expect(banner).to_be_hidden()
    pass_slowly(page, 4)
    assert asked.of("again") == 1
    visit.said[:] = [words for words in visit.said if "ERR_INTERNET_DISCONNECTED" not in words]


def test_f60_a_machine_that_slept_says_so_before_it_asks(listener: Visitor) -> None:
    """F60: no timer ran meanwhile."""
    fleet_rows()
    visit = listener()
    visit.page.clock.install()
    asked = Requests(visit.page)
    with visit.page.expect_response(re.compile("/stream")):
        page = visit.open("/apps/")
    page.wait_for_timeout(300)
    page.clock.fast_forward(HOUR_AND_A_MINUTE)
    expect(page.locator("#offline")).to_contain_text("61 min old")
    assert asked.of("again") == 0
    pass_slowly(page, 16)
    expect(page.locator("#offline")).to_be_hidden()
    assert asked.of("again") == 1
