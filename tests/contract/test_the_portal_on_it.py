"""The whole way on a fleet: align, read every source once, and show the same numbers everywhere."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from pytest_django import Settings

from apps.core.clock import database_now
from apps.fleet.alignment import align_with_fleet_file
from apps.sources.fleetfile import fleet_file_look_again
from apps.sources.models import Source, SourceState
from apps.sources.reading import BUG
from stonesoup_portal.celery import TASK_OF_KIND, app
from tests.contract.fleets import Fleets

CHIP = re.compile(r"<b>(\d+)</b> (\w+)</a>")
ATTEMPTS = 3


@pytest.fixture
def read_once(fleet_name: str, fleets: Fleets, settings: Settings, db: None) -> dict[str, SourceState]:
    """Each source's state right after its task: a big fleet's first are stale again when its last are read."""
    settings.PORTAL_FLEET = str(fleets.path(fleet_name).absolute())
    fleet_file_look_again()
    align_with_fleet_file()
    app.loader.import_default_modules()
    states = {}
    for source in Source.objects.order_by("pk"):
        app.tasks[TASK_OF_KIND[source.kind]](key=source.key)
        states[source.key] = Source.objects.get(pk=source.pk).state(database_now())
    return states


def test_every_source_is_fresh_with_nothing_unreadable_or_says_what_is_wrong(
    read_once: dict[str, SourceState],
) -> None:
    assert read_once, "the fleet file names no source"
    for source in Source.objects.all():
        assert source.error_kind != BUG, source.error
        assert read_once[source.key] is SourceState.FRESH or len(source.error) > 10, source.key
        assert source.unreadable == 0, f"{source.key}: {source.unreadable_reason}"


def test_the_numbers_of_portal_status_are_those_of_the_pages(read_once: dict[str, SourceState], viewer: Client) -> None:
    names = ("", "apps/", "alerts/", "clusters/", "sources/", *(f"sources/{key}/" for key in read_once))
    status, shown = at_one_moment(lambda: {name: page(viewer, name) for name in names})
    for name, section in (("apps/", "applications"), ("alerts/", "alerts"), ("clusters/", "clusters")):
        told = {tone: count for tone, count in status[section]["tone"].items() if count}
        assert {tone: int(count) for count, tone in CHIP.findall(shown[name])} == told, name
        assert sum(told.values()) == status[section]["total"], name
    assert says_what_is_well(shown[""], status)
    sources = status["sources"]
    assert {source["key"] for source in sources["each"]} == read_once.keys()
    assert f"{sources['fresh']} of {sources['total']} fresh" in shown["sources/"]
    assert {source["key"]: source["items"] for source in sources["each"]} == {
        key: items_of(shown[f"sources/{key}/"]) for key in read_once
    }


def says_what_is_well(shown: str, status: Any) -> bool:
    """Whether the first page tells the same numbers of what is well."""
    applications, clusters = (status[section]["tone"]["well"] for section in ("applications", "clusters"))
    if not applications and not clusters:
        return "Nothing else is known to be well." in shown
    return bool(re.search(rf"\b{applications} Applications? well.*?\b{clusters} clusters? well", shown, re.DOTALL))


def items_of(shown: str) -> int | None:
    """The items that a source's page tells; None where it calls them not known."""
    found = re.search(r"<dt>Items</dt><dd>(\d+|not known)", shown)
    assert found, shown
    return int(found[1]) if found[1].isdigit() else None


def page(viewer: Client, name: str) -> str:
    """A page as a viewer sees it, of all environments."""
    answer = viewer.get(f"/{name}", {"environment": "all"})
    assert answer.status_code == 200
    return answer.content.decode()


def at_one_moment(look: Callable[[], Any]) -> tuple[Any, Any]:
    """The status and what `look` saw while nothing turned stale in between."""
    for _ in range(ATTEMPTS):
        before, seen, after = portal_status(), look(), portal_status()
        if lasting(before) == lasting(after):
            return after, seen
    pytest.fail("it changed each time that it was looked at")


def portal_status() -> Any:
    """What `portal_status --json` writes."""
    out = StringIO()
    call_command("portal_status", "--json", stdout=out)
    return json.loads(out.getvalue())


def lasting(status: Any) -> Any:
    """The status without what counts on with the time."""
    sources = [(source["key"], source["state"]) for source in status["sources"]["each"]]
    return sources, status["applications"], status["alerts"], status["clusters"]
