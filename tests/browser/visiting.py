"""Windows of people onto the portal, and how they come in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings as of_django
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, Dialog, Page, Request, ViewportSize

from apps.accounts.models import Role
from tests.conftest import BACKEND, person_with

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
