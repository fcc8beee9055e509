"""A real browser on the running portal: Debian's Chromium, signed in, on a small fleet of rows.

What the console says, and what the page asks of another server, is a failure of the test.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright
from pytest_django import Settings

from apps.sources.fleetfile.current import fleet_file_look_again
from tests.accounts.provider import Provider, provider_running
from tests.browser.acting import Play, played
from tests.browser.entering import through_provider
from tests.browser.visiting import Visitor, visits
from tests.servers import program
from tests.streaming import Web, web_process

ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
PHONE = ViewportSize(width=390, height=844)


NO_SOURCES = "environments: [{name: staging}, {name: production}]\n"


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """One for the folder, so that its event loop, beside which Django refuses the ORM, ends with the folder."""
    path = shutil.which("chromium-headless-shell") or program("chromium", "chromium")
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def fleet_file(tmp_path: Path, settings: Settings) -> None:
    """A fleet file in force that names no source; the rows are the test's own."""
    path = tmp_path / "fleet.yaml"
    path.write_text(NO_SOURCES)
    settings.PORTAL_FLEET = str(path)
    fleet_file_look_again()


@pytest.fixture
def visitor(transactional_db: None, live_server: Any, chromium: Browser, fleet_file: None) -> Iterator[Visitor]:
    """Opens windows, by default of a viewer at a desk; fails at the end if any said something.

    The server is Django's own for tests, which has no streams: pages poll.
    """
    yield from visits(live_server.url, chromium)


@pytest.fixture(scope="module")
def organisation(live_server: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Provider]:
    """Where the people of a journey sign in."""
    with provider_running(tmp_path_factory.mktemp("provider"), live_server.url) as provider:
        yield provider


@pytest.fixture
def play(
    transactional_db: None,
    live_server: Any,
    chromium: Browser,
    organisation: Provider,
    tmp_path: Path,
    settings: Settings,
) -> Iterator[Play]:
    """A simulated fleet, and windows of people who come in by single sign-on."""
    windows = visits(live_server.url, chromium, organisation.issuer, through_provider)
    with played(next(windows), organisation, tmp_path, settings) as play:
        yield play
    next(windows, None)


@pytest.fixture(scope="package")
def streaming(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    """The portal's own web process, with streams, on the database of the tests."""
    folder = tmp_path_factory.mktemp("web")
    path = folder / "fleet.yaml"
    path.write_text(NO_SOURCES)
    with web_process(folder, is_seen=True, PORTAL_FLEET=str(path)) as web:
        yield web


@pytest.fixture
def listener(transactional_db: None, streaming: Web, chromium: Browser) -> Iterator[Visitor]:
    """As `visitor`, on a server with streams."""
    yield from visits(streaming.url, chromium)


def pass_slowly(page: Page, seconds: int) -> None:
    """Lets seconds pass for the page so slowly that the server's answers can come in between."""
    for _ in range(seconds):
        page.clock.run_for(1000)
        page.wait_for_timeout(40)


def hide(page: Page, is_hidden: bool) -> None:
    """The tab goes to the background, or comes back."""
    state = "hidden" if is_hidden else "visible"
    page.evaluate(
        """state => {
          Object.defineProperty(document, "hidden", { configurable: true, get: () => state === "hidden" });
          Object.defineProperty(document, "visibilityState", { configurable: true, get: () => state });
          document.dispatchEvent(new Event("visibilitychange"));
        }""",
        state,
    )
