"""A real browser on the running portal: Debian's Chromium, signed in, on a small fleet of rows.

What the console says, and what the page asks of another server, is a failure of the test.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as of_django
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, Dialog, Page, Request, ViewportSize, sync_playwright
from pytest_django import Settings

from apps.accounts.models import Role
from apps.sources.fleetfile.current import fleet_file_look_again
from tests.conftest import BACKEND, person_with
from tests.servers import program
from tests.streaming import Web, web_process

ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
PHONE = ViewportSize(width=390, height=844)
DESKTOP = ViewportSize(width=1440, height=900)
PATIENCE_MS = 5000


@dataclass
class Visit:
    """One browser's window onto the portal at `url`; `said` is all that it must not say.

    `provider` is where people sign in, which may be asked too; "" where that is no matter of the test.
    """

    url: str
    context: BrowserContext
    page: Page
    provider: str = ""
    said: list[str] = field(default_factory=list)

    def open(self, path: str) -> Page:
        """The page at this path, loaded."""
        self.page.goto(self.url + path)
        return self.page

    def listen(self) -> None:
        """From now on whatever should not be said is kept."""
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("dialog", self._asked_aloud)
        self.page.on("request", self._asked)

    def _asked_aloud(self, dialog: Dialog) -> None:
        self.said.append(f"dialog {dialog.message}")
        dialog.dismiss()

    def _asked(self, request: Request) -> None:
        if not request.url.startswith((self.url, "data:", self.provider or self.url)):
            self.said.append(f"asks {request.url}")


Visitor = Callable[..., Visit]
Enter = Callable[[Visit, Role], None]
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


def visits(url: str, chromium: Browser, provider: str = "", enter: Enter | None = None) -> Iterator[Visitor]:
    """What opens windows onto the portal at `url`, whose people sign in at that provider.

    `enter` signs somebody with a role in; without it a session is made for them.
    """
    visits: list[Visit] = []

    def visit(role: Role | None = Role.VIEWER, **options: Any) -> Visit:
        context = chromium.new_context(**{"viewport": DESKTOP, "reduced_motion": "reduce", **options})
        context.set_default_timeout(PATIENCE_MS)
        if role and not enter:
            context.add_cookies([session_of(role, url)])
        opened = Visit(url, context, context.new_page(), provider)
        opened.listen()
        visits.append(opened)
        if role and enter:
            enter(opened, role)
        return opened

    yield visit
    for opened in visits:
        opened.context.close()
    assert [words for opened in visits for words in opened.said] == []


def session_of(role: Role, url: str) -> Any:
    """The cookie of somebody who has just signed in."""
    client = Client()
    client.force_login(person_with(f"{role}-in-a-browser", role), backend=BACKEND)
    name = of_django.SESSION_COOKIE_NAME
    return {"name": name, "value": client.cookies[name].value, "url": url}


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
