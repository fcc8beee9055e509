"""Polling: nothing new is 204, but only while nothing has turned stale without a write."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory

from apps.core.environment import environment_asked, environment_kept
from apps.core.htmx import wants_fragment
from apps.core.live import Live, is_current, live_page, overlay_kept
from apps.core.topics import raise_topics

NOW = datetime(2026, 11, 24, 22, 0, tzinfo=UTC)
POLL = {"HTTP_HX_REQUEST": "true"}


@dataclass(frozen=True)
class Seen:
    """A moment with one fresh source, eight seconds old."""

    now: datetime = NOW
    valid_until: datetime | None = NOW + timedelta(seconds=30)
    oldest_fresh_age: timedelta | None = timedelta(seconds=8)


class Page:
    """A live page of two templates, that counts how often its context was made."""

    def __init__(self, settings: Any) -> None:
        loader = (
            "django.template.loaders.locmem.Loader",
            {
                "page": "page {{ word }} {{ live.url }}",
                "fragment": "fragment {{ word }}",
                "_frame_live.html": " frame",
            },
        )
        engine = {**settings.TEMPLATES[0], "APP_DIRS": False, "DIRS": []}
        engine["OPTIONS"] = {"loaders": [loader], "builtins": ["apps.core.templatetags.portal"]}
        settings.TEMPLATES = [engine]
        self.made = 0

    def get(self, path: str = "/", seen: Seen = Seen(), **headers: str) -> HttpResponse:
        self.request = RequestFactory().get(path, **headers)  # type: ignore[arg-type]
        return live_page(
            self.request, page="page", fragment="fragment", topics=["apps"], overlay=lambda: seen, context=self.context
        )

    def context(self, seen: Seen) -> dict[str, Any]:
        self.made += 1
        return {"word": "shown"}

    def polled(self) -> str:
        """The address that the page polls."""
        return self.get().content.decode().split()[-1].replace("&amp;", "&")


@pytest.fixture
def page(settings: Any, db: None) -> Page:
    return Page(settings)


def test_a_person_gets_the_page_and_a_poll_its_fragment(page: Page) -> None:
    assert page.get().content.startswith(b"page shown")
    assert page.get(**POLL).content == b"fragment shown frame"
    assert overlay_kept(page.request) == Seen()


def test_going_back_gets_the_page() -> None:
    request = RequestFactory().get("/", HTTP_HX_REQUEST="true", HTTP_HX_HISTORY_RESTORE_REQUEST="true")
    assert wants_fragment(request) is False


def test_a_poll_that_shows_everything_gets_204_and_costs_no_context(page: Page) -> None:
    address = page.polled()
    made = page.made
    answer = page.get(address, **POLL)
    assert (answer.status_code, answer.content, page.made) == (204, b"", made)


def test_a_change_is_shown(page: Page) -> None:
    address = page.polled()
    raise_topics(["apps"])
    assert page.get(address, **POLL).status_code == 200


def test_a_change_of_a_sources_state_is_shown_on_every_page(page: Page) -> None:
    address = page.polled()
    raise_topics(["sources"])
    assert page.get(address, **POLL).status_code == 200


def test_another_topics_change_is_not(page: Page) -> None:
    address = page.polled()
    raise_topics(["rules"])
    assert page.get(address, **POLL).status_code == 204


def test_turning_stale_is_shown_though_nothing_was_written(page: Page) -> None:
    """Decision 12: the version is the same, and what is shown is not true any more."""
    address = page.polled()
    assert page.get(address, Seen(now=NOW + timedelta(seconds=29)), **POLL).status_code == 204
    assert page.get(address, Seen(now=NOW + timedelta(seconds=30)), **POLL).status_code == 200


def test_nothing_fresh_cannot_turn_stale(page: Page) -> None:
    old = Seen(valid_until=None, oldest_fresh_age=None)
    address = page.get("/", old).content.decode().split()[-1].replace("&amp;", "&")
    later = Seen(now=NOW + timedelta(days=1), valid_until=None, oldest_fresh_age=None)
    answer = page.get(address, later, **POLL)
    assert answer.status_code == 204
    assert "Portal-Evidence-Age" not in answer


@pytest.mark.parametrize("query", ["", "v=0", "v=0&u=x", "v=x&u=0", "v=0&u=nan", "u=0"])
def test_a_poll_without_proof_gets_everything(query: str) -> None:
    request = RequestFactory().get(f"/?{query}")
    assert is_current(request, 0, NOW) is False


def test_the_polled_address_keeps_filters(page: Page) -> None:
    told = page.get("/apps/?tone=critical&tone=warning&q=%22%3E%3C").content.decode().split()[-1]
    query = parse_qs(urlsplit(told.replace("&amp;", "&")).query)
    assert query["tone"] == ["critical", "warning"]
    assert query["q"] == ['"><']
    assert {"v", "u"} <= set(query)


def test_answers_carry_the_servers_clock_and_are_never_kept(page: Page) -> None:
    answer = page.get(page.polled(), **POLL)
    assert answer["Portal-Now"] == f"{NOW.timestamp():.3f}"
    assert answer["Portal-Evidence-Age"] == "8.0"
    assert "no-store" in answer["Cache-Control"]
    assert "HX-Request" in answer["Vary"]


def test_live_is_only_its_address() -> None:
    assert Live("/x").seconds == 10


class TestEnvironment:
    """The environment that was looked at last."""

    @staticmethod
    @environment_kept
    def view(request: HttpRequest) -> HttpResponse:
        return HttpResponse(environment_asked(request))

    def get(self, path: str, cookie: str = "", **headers: str) -> HttpResponse:
        request = RequestFactory().get(path, **headers)  # type: ignore[arg-type]
        request.COOKIES.update({"environment": cookie} if cookie else {})
        return self.view(request)

    def test_is_remembered(self) -> None:
        answer = self.get("/?environment=production")
        assert (answer.content, answer.cookies["environment"].value) == (b"production", "production")

    def test_stands_in_the_address_so_that_a_pasted_link_shows_the_same(self) -> None:
        answer = self.get("/apps/?tone=critical", "production")
        assert (answer.status_code, answer["Location"]) == (302, "/apps/?tone=critical&environment=production")

    def test_the_address_wins(self) -> None:
        assert self.get("/?environment=staging", "production").content == b"staging"

    def test_all_is_a_choice_too(self) -> None:
        answer = self.get("/?environment=all", "production")
        assert (answer.content, answer.cookies["environment"].value) == (b"", "all")
        assert self.get("/", "all").status_code == 200

    def test_a_poll_is_never_sent_elsewhere(self) -> None:
        assert self.get("/", "production", **POLL).status_code == 200

    def test_a_huge_one_is_cut(self) -> None:
        assert len(self.get(f"/?environment={'x' * 5000}").cookies["environment"].value) == 100
