"""The banner of a freeze goes when the freeze ends, by the clock alone too."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client

from apps.actions.models import Freeze
from apps.core import clock, live
from apps.dashboard.context import FREEZES
from tests.actions.cases import freeze_row
from tests.pages import asked_again, ends_of

pytestmark = pytest.mark.django_db
POLL = {"HX-Request": "true"}
BANNER = "Freeze of everything: release night"
Later = Callable[[float], None]


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Later:
    """Has all clocks go so many seconds ahead."""

    def shift(seconds: float) -> None:
        ahead = SimpleNamespace(monotonic=lambda: time.monotonic() + seconds, sleep=lambda _: None)
        monkeypatch.setattr("apps.core.keeping.time", ahead)
        for module in ("apps.core.live", "apps.dashboard.context", "apps.fleet.overlay"):
            monkeypatch.setattr(f"{module}.database_now", lambda: clock.database_now() + timedelta(seconds=seconds))

    return shift


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    """What one test keeps, made at moments of its own, no other finds."""
    yield
    for keeper in (live.PAGES, live.MOMENTS, FREEZES):
        keeper.forget()


def freeze(seconds: float, **fields: Any) -> Freeze:
    """Of everything, for so many seconds from now on."""
    return freeze_row(ends_at=clock.database_now() + timedelta(seconds=seconds), **fields)


def test_a_page_is_asked_for_again_when_the_first_freeze_ends(viewer: Client) -> None:
    freeze(300)
    first = freeze(60)
    assert ends_of(viewer.get("/apps/").content.decode()) == pytest.approx(first.ends_at.timestamp(), abs=0.001)


def test_who_asks_then_gets_a_page_without_it(viewer: Client, later: Later) -> None:
    freeze(60)
    page = viewer.get("/apps/").content.decode()
    assert BANNER in page
    again = asked_again(page)
    later(59)
    assert viewer.get(again, headers=POLL).status_code == 204
    later(61)
    answer = viewer.get(again, headers=POLL)
    assert answer.status_code == 200
    assert BANNER not in answer.content.decode()


def test_who_holds_a_list_then_gets_the_frame_alone_without_it(viewer: Client, later: Later) -> None:
    freeze(60)
    again = asked_again(viewer.get("/apps/").content.decode(), frame="1")
    assert viewer.get(again, headers=POLL).status_code == 204
    later(61)
    answer = viewer.get(again, headers=POLL)
    assert (answer.status_code, answer["HX-Reswap"]) == (200, "none")
    assert BANNER not in answer.content.decode()


@pytest.mark.parametrize("path", ["/apps/", "/actions/policies/"])
def test_no_page_that_was_kept_shows_a_freeze_that_has_ended(
    settings: Any, viewer: Client, later: Later, path: str
) -> None:
    settings.PAGES_KEPT_SECONDS = 60.0
    freeze(30)
    assert BANNER in viewer.get(path).content.decode()
    later(29)
    assert BANNER in viewer.get(path).content.decode()
    later(31)
    assert BANNER not in viewer.get(path).content.decode()
