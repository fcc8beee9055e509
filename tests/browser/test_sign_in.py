"""Signing in and out through a real provider, as people meet it: links, lost sessions, a provider that is away."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from playwright.sync_api import Browser, Page, expect
from pytest_django import Settings

from apps.accounts.models import SignIn
from apps.core.clock import database_now
from apps.demo.provider import SignIn as SignInAt
from apps.sources.fleetfile.current import fleet_file_look_again
from tests.accounts.provider import SECRET, Provider, fleet_file_parts, provider_running
from tests.browser.small_fleet import BROKEN, SUBJECT, fleet_rows
from tests.browser.visiting import Visit, Visitor, visits
from tests.servers import free_port
from tests.streaming import web_process

DEEP = f"/apps/?environment=all&q={BROKEN}"
DETAIL = f"/apps/{SUBJECT}/"
ENVIRONMENTS = "environments: [{name: staging}, {name: production}]"
ASK_NOW = """() => {
  document.querySelector("[data-live]").dataset.version = "0";
  htmx.trigger("[data-live]", "portal:refresh");
}"""
"""As the stream, or the next poll, would have the page do it."""


@pytest.fixture(scope="module")
def running(live_server: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Provider]:
    with provider_running(tmp_path_factory.mktemp("provider"), live_server.url) as provider:
        yield provider


@pytest.fixture
def provider(running: Provider) -> Iterator[Provider]:
    yield running
    running.everybody_back()


@pytest.fixture
def fleet_file(tmp_path: Path, settings: Settings, provider: Provider) -> None:
    """One that names no source, but the provider and its groups."""
    path = tmp_path / "fleet.yaml"
    path.write_text(f"{ENVIRONMENTS}\n{provider.fleet_file_parts()}")
    settings.PORTAL_FLEET = str(path)
    fleet_file_look_again()


@pytest.fixture
def visitor(
    transactional_db: None, live_server: Any, chromium: Browser, fleet_file: None, provider: Provider
) -> Iterator[Visitor]:
    """Windows of people who are not signed in yet."""
    fleet_rows()
    yield from visits(live_server.url, chromium, provider.issuer)


def choose(page: Page, name: str) -> None:
    """A click on the provider's page."""
    page.locator(f"button[value={name}]").click()


def arrived(visitor: Visitor, name: str, path: str = DEEP) -> tuple[Visit, Page]:
    """Somebody who opened a link and signed in."""
    visit = visitor(role=None)
    page = visit.open(path)
    choose(page, name)
    page.wait_for_url(visit.url + path)  # until its scripts have run
    return visit, page


def menu(page: Page) -> Any:
    """What the frame says of who is signed in."""
    page.locator("#person summary").click()
    return page.locator("#person .menu-body")


def forgiven(visit: Visit, status: str) -> None:
    """What a browser says by itself of an answer with this status is as it should be."""
    expected = re.compile(f"status of {status}|Status Error Code {status}")
    visit.said[:] = [words for words in visit.said if not expected.search(words)]


def sessions_run_out() -> None:
    """As when nobody did anything for half an hour."""
    Session.objects.update(expire_date=database_now() - timedelta(seconds=1))


def test_a_link_leads_to_the_provider_and_back_to_that_very_link(visitor: Visitor, provider: Provider) -> None:
    visit = visitor(role=None)
    page = visit.open(DEEP)
    assert page.url.startswith(provider.issuer)
    choose(page, "sasha")
    expect(page).to_have_url(visit.url + DEEP)
    expect(page.get_by_role("link", name=BROKEN, exact=True)).to_be_visible()
    expect(menu(page)).to_contain_text("Sasharesponder for staging")


def test_a_session_at_the_provider_spares_the_form(visitor: Visitor, provider: Provider) -> None:
    visit, page = arrived(visitor, "vera")
    visit.context.clear_cookies(name="sessionid")
    seen: list[str] = []
    page.on("framenavigated", lambda frame: seen.append(frame.url))
    visit.open(DETAIL)
    assert seen == [visit.url + DETAIL]
    assert SignIn.objects.filter(user__username="vera").count() == 2


def test_signing_out_ends_the_session_here_and_at_the_provider(visitor: Visitor, provider: Provider) -> None:
    visit, page = arrived(visitor, "remy")
    menu(page).get_by_role("button", name="Sign out").click()
    expect(page).to_have_url(f"{visit.url}/accounts/signed-out/")
    expect(page.get_by_role("heading", name="You are signed out")).to_be_visible()
    assert not SignIn.objects.exists()
    visit.open(DEEP)
    expect(page.get_by_text("The Stonesoup portal asks who you are.")).to_be_visible()


def test_signing_out_works_without_javascript(visitor: Visitor, provider: Provider) -> None:
    visit = visitor(role=None, java_script_enabled=False)
    page = visit.open(DEEP)
    choose(page, "remy")
    menu(page).get_by_role("button", name="Sign out").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page).to_have_url(f"{visit.url}/accounts/signed-out/")


def test_a_person_in_no_group_is_told_which_would_do_and_sees_nothing_else(visitor: Visitor) -> None:
    visit = visitor(role=None)
    page = visit.open(DETAIL)
    choose(page, "nils")
    expect(page.get_by_text("stonesoup-staging-responders")).to_be_visible()
    expect(page.get_by_text("whoever runs this demo")).to_be_visible()
    for path in (DEEP, "/sources/", "/search/?q=stone"):
        visit.open(path)
        expect(page.get_by_text("stonesoup-viewers")).to_be_visible()
        assert BROKEN not in page.content()
    forgiven(visit, "403")


def test_a_provider_that_is_away_is_said_and_the_link_is_not_lost(
    visitor: Visitor, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("apps.integrations.oidc.client.JUST_NOW", 0.0)
    monkeypatch.setattr("apps.integrations.oidc.kept.PAUSE", 0.0)
    with provider.stopped():
        visit = visitor(role=None)
        page = visit.open(DEEP)
        expect(page.get_by_role("heading", name="Not signed in")).to_be_visible()
        expect(page.get_by_role("alert")).to_contain_text("provider")

    page.get_by_role("link", name="Try again").click()
    choose(page, "vera")
    expect(page).to_have_url(visit.url + DEEP)
    forgiven(visit, "503")


def test_who_is_signed_in_goes_on_while_the_provider_is_away(visitor: Visitor, provider: Provider) -> None:
    visit, page = arrived(visitor, "remy")
    SignIn.objects.update(refreshed_at=database_now() - timedelta(minutes=20))
    with provider.failing():
        visit.open(DETAIL)
        expect(page.get_by_role("heading", name=BROKEN)).to_be_visible()


def test_who_is_disabled_is_out_at_once_and_not_let_in_again(visitor: Visitor, provider: Provider) -> None:
    visit, page = arrived(visitor, "remy")
    provider.disable("remy")
    page.evaluate(ASK_NOW)
    expect(page.locator("#gone")).to_contain_text("You are signed out", timeout=15_000)
    page.locator("#gone a").click()
    choose(page, "remy")
    expect(page.get_by_text("Remy is disabled here")).to_be_visible()
    forgiven(visit, "401")


@pytest.fixture
def listener_of(transactional_db: None, tmp_path: Path, chromium: Browser) -> Iterator[tuple[Visitor, Provider]]:
    """Windows onto the portal's own web process, whose pages listen to streams, and its provider."""
    fleet_rows()
    issuer, fleet = f"http://127.0.0.1:{free_port()}", tmp_path / "fleet.yaml"
    fleet.write_text(f"{ENVIRONMENTS}\n{fleet_file_parts(SignInAt(issuer, (), SECRET), tmp_path)}")
    with (
        web_process(tmp_path / "web", is_seen=True, PORTAL_FLEET=str(fleet)) as web,
        provider_running(tmp_path, web.url, issuer=issuer) as provider,
    ):
        opener = visits(web.url, chromium, issuer)
        yield next(opener), provider
        next(opener, None)


def test_a_page_that_listens_says_by_itself_that_its_person_was_disabled(
    listener_of: tuple[Visitor, Provider],
) -> None:
    visitor, provider = listener_of
    visit, page = arrived(visitor, "remy")
    with page.expect_response("**/stream?*"):
        page.reload()
    provider.disable("remy")
    expect(page.locator("#gone")).to_contain_text("You are signed out", timeout=20_000)
    forgiven(visit, "401")


def test_a_session_that_runs_out_leaves_the_page_and_one_click_goes_on(visitor: Visitor) -> None:
    visit, page = arrived(visitor, "vera")
    sessions_run_out()
    page.evaluate(ASK_NOW)
    expect(page.locator("#gone")).to_contain_text("You are signed out", timeout=15_000)
    expect(page.get_by_role("link", name=BROKEN, exact=True)).to_be_visible()
    page.locator("#gone a").click()
    expect(page).to_have_url(visit.url + DEEP)
    expect(page.locator("#gone")).to_be_hidden()
    expect(page.get_by_role("link", name=BROKEN, exact=True)).to_be_visible()
    forgiven(visit, "401")


def test_a_half_written_reason_outlives_the_session(visitor: Visitor) -> None:
    visit, page = arrived(visitor, "remy", "/actions/freezes/")
    page.locator("main [name=reason]").fill("database migration until")
    sessions_run_out()
    page.evaluate(ASK_NOW)
    page.locator("#gone a").click()
    expect(page.locator("#gone")).to_be_hidden()
    expect(page.locator("main [name=reason]")).to_have_value("database migration until")
    forgiven(visit, "401")


def test_a_form_that_is_sent_after_the_session_leads_back_to_what_was_written(visitor: Visitor) -> None:
    visit, page = arrived(visitor, "remy", "/actions/freezes/")
    page.locator("main [name=reason]").fill("database migration")
    sessions_run_out()
    page.locator("#begin").get_by_role("button", name="Freeze").click()
    expect(page).to_have_url(re.compile(re.escape(visit.url) + "/actions/freezes/"))
    expect(page.locator("main [name=reason]")).to_have_value("database migration")


def test_the_administrators_page_of_the_provider_works_in_a_browser(visitor: Visitor, provider: Provider) -> None:
    visit, page = arrived(visitor, "remy")
    page.goto(f"{provider.issuer}/people")
    row = page.get_by_role("row", name="Remy")
    row.get_by_role("button", name="Disable").click()
    expect(row).to_contain_text("(disabled)")
    visit.open(DEEP)
    assert page.url.startswith(provider.issuer)
