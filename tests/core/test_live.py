"""Staying current: nothing new is 204, but only while nothing has turned stale without a write."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory

from apps.core.environment import environment_asked, environment_kept
from apps.core.htmx import wants_fragment
from apps.core.live import MOMENTS, PAGES, is_current, live_page, moment_lately, overlay_kept, seen_lately, stands_as
from apps.core.topics import raise_topics
from tests.pages import asked_again

NOW = datetime(2026, 11, 24, 22, 0, tzinfo=UTC)
POLL = {"HTTP_HX_REQUEST": "true"}


@dataclass(frozen=True)
class Seen:
    """A moment with one fresh source, eight seconds old."""

    now: datetime = NOW
    digest: str = "a1"
    valid_until: datetime | None = NOW + timedelta(seconds=30)
    oldest_fresh_age: timedelta | None = timedelta(seconds=8)

    def at(self, now: datetime) -> Seen:
        """The clock of these tests stands still."""
        return self


class Page:
    """A live page of two templates, that counts how often its context was made."""

    def __init__(self, settings: Any) -> None:
        loader = (
            "django.template.loaders.locmem.Loader",
            {
                "page": "page {{ word }} <div {% live %}></div>",
                "fragment": "fragment {{ word }}",
                "_frame_live.html": " frame {{ title }}",
            },
        )
        engine = {**settings.TEMPLATES[0], "APP_DIRS": False, "DIRS": []}
        engine["OPTIONS"] = {"loaders": [loader], "builtins": ["apps.core.templatetags.portal"]}
        settings.TEMPLATES = [engine]
        self.made, self.more, self.is_borne = 0, dict[str, Any](), True

    def get(self, path: str = "/", seen: Seen = Seen(), **headers: str) -> HttpResponse:
        self.request = RequestFactory().get(path, **headers)  # type: ignore[arg-type]
        return live_page(
            self.request,
            page="page",
            fragment="fragment",
            topics=["apps"],
            overlay=lambda: seen,
            context=self.context,
            is_borne=self.is_borne,
        )

    def context(self, seen: Seen) -> dict[str, Any]:
        self.made += 1
        return {"word": "shown", **self.more}

    def polled(self, path: str = "/", seen: Seen = Seen(), **more: str) -> str:
        """The address with which the page asks again, made of its attributes as live.js makes it."""
        return asked_again(self.get(path, seen).content.decode(), **more)


@pytest.fixture
def page(settings: Any, db: None) -> Page:
    return Page(settings)


def test_a_person_gets_the_page_and_a_poll_its_fragment(page: Page) -> None:
    assert page.get().content.startswith(b"page shown")
    assert page.get(**POLL).content == b"fragment shown frame "
    assert overlay_kept(page.request)[0] == Seen()


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
    turned = Seen(now=NOW + timedelta(seconds=30), digest="b2", valid_until=None)
    assert page.get(address, turned, **POLL).status_code == 200


def test_sources_that_were_read_again_meanwhile_cost_no_page(page: Page) -> None:
    """What the page showed until its end is found to stand still: 204, and the new end."""
    address = page.polled()
    read_again = Seen(now=NOW + timedelta(seconds=31), valid_until=NOW + timedelta(seconds=75))
    answer = page.get(address, read_again, **POLL)
    assert (answer.status_code, answer["Portal-Until"]) == (204, str((NOW + timedelta(seconds=75)).timestamp()))


def test_a_page_that_changes_by_the_clock_alone_is_made_anew_then(page: Page) -> None:
    page.more = {"changes_at": NOW + timedelta(seconds=40)}
    address = page.polled()
    for seconds, status in ((39, 204), (40, 200)):
        later = Seen(now=NOW + timedelta(seconds=seconds), valid_until=NOW + timedelta(minutes=5))
        assert page.get(address, later, **POLL).status_code == status


def test_a_page_is_never_older_than_a_quarter_of_an_hour(page: Page) -> None:
    address = page.polled("/", Seen(valid_until=None))
    for minutes, status in ((14, 204), (15, 200)):
        later = Seen(now=NOW + timedelta(minutes=minutes), valid_until=None)
        assert page.get(address, later, **POLL).status_code == status


def test_nothing_fresh_cannot_turn_stale(page: Page) -> None:
    address = page.polled("/", Seen(valid_until=None, oldest_fresh_age=None))
    later = Seen(now=NOW + timedelta(minutes=10), valid_until=None, oldest_fresh_age=None)
    answer = page.get(address, later, **POLL)
    assert (answer.status_code, answer["Portal-Until"]) == (204, "0")
    assert "Portal-Evidence-Age" not in answer


@pytest.mark.parametrize(
    "query", ["", "v=0&s=a1", "v=0&s=a1&u=x", "v=x&s=a1&u=0", "v=0&s=a1&u=nan", "v=0&u=0", "s=a1&u=0", "v=0&s=b2&u=0"]
)
def test_a_poll_without_proof_gets_everything(query: str) -> None:
    assert is_current(RequestFactory().get(f"/?{query}"), 0, Seen()) is False


def test_a_poll_with_all_proof_is_current() -> None:
    assert is_current(RequestFactory().get("/?v=0&s=a1&u=0"), 0, Seen()) is True


def test_a_change_that_only_the_frame_counts_brings_the_frame_alone(page: Page) -> None:
    """A page of Applications does not show alerts, but the navigation counts them."""
    address, made = page.polled(t="Apps"), page.made + 1
    raise_topics(["alerts"])
    answer = page.get(address, **POLL)
    assert (answer.status_code, answer.content, answer["HX-Reswap"]) == (200, b" frame Apps", "none")
    assert page.made == made - 1, "the page's own context was made"
    assert answer["Portal-Frame"] == "1/a1"


def test_who_holds_the_page_can_ask_for_the_frame_alone(page: Page) -> None:
    address = page.polled(frame="1")
    assert page.get(address, **POLL).status_code == 204
    raise_topics(["apps"])
    answer = page.get(address, **POLL)
    assert (answer.content, answer["HX-Reswap"]) == (b" frame ", "none")
    assert answer["Portal-Version"] == "1", "from which the page knows that it is behind"


def test_a_title_in_the_address_cannot_become_markup(page: Page) -> None:
    address = page.polled(frame="1", t="<script>alert(1)</script>")
    raise_topics(["apps"])
    assert b"<script" not in page.get(address, **POLL).content


class TestKept:
    """Pages that are kept for a moment, and what a message has told of."""

    @pytest.fixture
    def kept(self, page: Page, settings: Any) -> Iterator[Page]:
        settings.PAGES_KEPT_SECONDS = 60.0
        yield page
        PAGES.forget()
        MOMENTS.forget()

    def test_is_given_to_who_knows_of_nothing_newer(self, kept: Page) -> None:
        first = kept.get("/kept/", **POLL)
        raise_topics(["apps"])
        again = kept.get("/kept/?since=0", **POLL)
        assert (again.content, kept.made) == (first.content, 1)
        assert again["Portal-Version"] == "0", "of what was given, so that the page asks again"

    def test_is_not_given_of_an_older_version_where_that_is_not_borne(self, kept: Page) -> None:
        """After a form the page shows what it did, to somebody whom no stream told of it."""
        kept.is_borne = False
        kept.get("/kept/")
        raise_topics(["apps"])
        answer = kept.get("/kept/")
        assert (answer["Portal-Version"], kept.made) == ("1", 2)
        kept.get("/kept/")
        assert kept.made == 2

    def test_is_not_given_to_who_was_told_of_a_newer_version(self, kept: Page) -> None:
        kept.get("/kept/", **POLL)
        raise_topics(["apps"])
        answer = kept.get("/kept/?since=1", **POLL)
        assert (answer["Portal-Version"], kept.made) == ("1", 2)

    def test_a_source_that_changed_is_seen_at_once(self, kept: Page) -> None:
        kept.get("/kept/", Seen(), **POLL)
        raise_topics(["sources"])
        answer = kept.get("/kept/?since=0", Seen(digest="b2"), **POLL)
        assert answer["Portal-Standing"] == "b2"

    def test_a_moment_is_not_kept_beyond_what_it_vouches_for(self, kept: Page) -> None:
        asked = []

        def overlay() -> Seen:
            asked.append(1)
            return Seen(valid_until=NOW + timedelta(milliseconds=50))

        seen_lately(overlay, 0)
        seen_lately(overlay, 0)
        time.sleep(0.06)
        seen_lately(overlay, 0)
        assert len(asked) == 2

    def test_a_moment_older_than_what_was_written_is_given_only_to_who_bears_it(self, kept: Page) -> None:
        moments = [Seen(digest="before"), Seen(digest="after")]

        def overlay() -> Seen:
            return moments[0]

        assert seen_lately(overlay, 1).digest == "before"
        moments.reverse()
        assert moment_lately(overlay, 2, borne_seconds=60)[1].digest == "before", "while a new one is made"
        assert seen_lately(overlay, 2).digest == "after"
        assert moment_lately(overlay, 2, borne_seconds=60)[1].digest == "after"

    def test_a_page_that_was_made_after_the_moment_in_hand_is_not_made_again(self) -> None:
        early, late = Seen(digest="before"), Seen(digest="after", now=NOW + timedelta(seconds=1))
        assert stands_as(late, early)
        assert not stands_as(early, late)


def test_the_polled_address_keeps_filters(page: Page) -> None:
    query = parse_qs(urlsplit(page.polled("/apps/?tone=critical&tone=warning&q=%22%3E%3C&v=3&since=4")).query)
    assert query["tone"] == ["critical", "warning"]
    assert query["q"] == ['"><']
    assert query["v"] == ["0"]
    assert "since" not in query


def test_answers_carry_the_servers_clock_and_are_never_kept(page: Page) -> None:
    answer = page.get(page.polled(), **POLL)
    assert answer["Portal-Now"] == f"{NOW.timestamp():.3f}"
    assert answer["Portal-Evidence-Age"] == "8.0"
    assert "no-store" in answer["Cache-Control"]
    assert "HX-Request" in answer["Vary"]


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
