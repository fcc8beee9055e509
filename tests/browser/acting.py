"""People act on a simulated fleet in a real browser: what a worker would do within a second, the test does between two
looks at the page."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml
from django.core.cache import cache
from playwright.sync_api import Page
from pytest_django import Settings

from apps.actions.models import ActionRequest
from apps.actions.sending import request_send
from apps.actions.settling import requests_look_after
from apps.actions.states import State
from apps.actions.steps import steps_advance
from apps.demo.fleet import FleetOptions, start
from tests.accounts.provider import Provider
from tests.browser.visiting import Visitor
from tests.faults.acting import Scene
from tests.faults.processes import until
from tests.faults.stage import Stage
from tests.fleet_in_force import FleetFileOfTest

SENT = re.compile(r"/actions/[0-9a-f-]{36}/$")
ASKED_AGAIN = """() => {
  document.querySelector("#live").dataset.version = "0";
  htmx.trigger("#live", "portal:refresh");
}"""


@dataclass
class Play:
    """A simulated fleet whose Argo CDs are read, and windows onto it."""

    visitor: Visitor
    stage: Stage

    def scene(self, instance: str = "staging") -> Scene:
        """One Application that is well; a sync of it takes a moment."""
        return Scene(self.stage, instance)

    def turn(self) -> None:
        """What workers do in a second."""
        steps_advance()
        waiting = ActionRequest.objects.filter(state=State.APPROVED).exclude(action="bulk-sync")
        for pk in list(waiting.exclude(action="take-over").values_list("pk", flat=True)):
            request_send(pk)
        ActionRequest.objects.active().update(looked_at=None)
        requests_look_after()

    def until_final(self) -> None:
        """Workers take their turns until the one request has ended."""

        def is_final() -> bool:
            self.turn()
            return ActionRequest.objects.get().is_final

        until(is_final, 30)

    def until_shown(self, page: Page, words: str | re.Pattern[str], seconds: float = 30) -> None:
        """Workers take their turns, and the page asks again as when the stream tells it to, until it says so."""

        def is_shown() -> bool:
            self.turn()
            page.evaluate(ASKED_AGAIN)
            page.wait_for_timeout(300)
            return page.locator("main").get_by_text(words).count() > 0

        until(is_shown, seconds)


@contextlib.contextmanager
def played(visitor: Visitor, provider: Provider, folder: Path, settings: Settings) -> Iterator[Play]:
    """The fleet, read once, and people who sign in at the provider."""
    with start(FleetOptions(state=folder / "demo", is_still=True)) as fleet:
        stage = Stage(fleet, FleetFileOfTest(folder, settings), None)  # type: ignore[arg-type]  # nobody looks on
        stage.put(**yaml.safe_load(provider.fleet_file_parts()))
        stage.read()
        yield Play(visitor, stage)
        stage.close()
    cache.clear()
