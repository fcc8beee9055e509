"""Alerts that try to be more than text, through the collector to the pages (F25, F26, F27, F28)."""

from __future__ import annotations

from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from django.test import Client

from apps.alerts.models import Episode
from apps.core.text import CUT_MARK
from apps.sources.fleetfile.current import FleetFileStatus
from tests.alerts.wire import World, told_alert
from tests.pages import html_of, text_of

pytestmark = pytest.mark.database

URL = "/alerts/?environment=all"
MARKUP = (
    "<img src=x onerror=alert(1)>",
    "</script><script>alert(1)</script>",
    "{{7919*7}}{% debug %}",
    "'\"><svg onload=alert(1)>",
    "&#60;img&#62;",
    "--><style>*{display:none}</style>",
)
LINKS = (
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "\tjavascript:alert(1)",
    "java\nscript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "vbscript:msgbox(1)",
    "//evil.example/x",
    "https://user@evil.example/",
    "http://evil.example\\@good.example",
)
INVISIBLE = "stone\u202egnp.exe\u200bm01\x00\u2066x\u00ad"
MOST_BYTES = 250_000


class Markup(HTMLParser):
    """What a browser would find in a page: its elements, attributes and addresses."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: set[str] = set()
        self.addresses: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}
        self.addresses |= {value or "" for name, value in attrs if name in {"href", "src", "action", "hx-get"}}


@pytest.fixture
def world(db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """Alertmanagers at the wire, and the fleet file that names them."""
    monkeypatch.setattr("apps.sources.services.fleet_file_status", lambda: FleetFileStatus("fleet.yaml"))
    made = World()
    monkeypatch.setattr("apps.sources.reading.fleet_file_in_force", lambda: made.fleet)
    yield made
    made.close()


def everywhere(word: str) -> dict[str, Any]:
    """An alert that says the word wherever it can."""
    labels = {"severity": word, "source_cluster": word, "team": word, "pod": word, word: word}
    alert = told_alert(word, **labels)
    texts = dict.fromkeys(("summary", "description", "message", "runbook_url", "dashboard", word), word)
    return {**alert, "annotations": texts, "generatorURL": word, "receivers": [{"name": word}]}


def pages_of(world: World, viewer: Client, *alerts: dict[str, Any]) -> list[str]:
    """The lists, grouped in every way, filtered by the word, and the page of each alert, once they have been read."""
    world.tell(*alerts)
    world.read()
    episodes = Episode.objects.exclude(name="Watchdog")
    assert len(episodes) == len(alerts)
    lists = [f"{URL}&group={group}" for group in ("alertmanager", "cluster", "severity", "owner", "none")]
    filtered = [f"{URL}&filter={quote(alert['labels']['pod'])}&q={quote(alert['labels']['pod'])}" for alert in alerts]
    shown = [f"/alerts/{episode.alertmanager}/{episode.fingerprint}/" for episode in episodes]
    return [html_of(viewer, address) for address in (*lists, *filtered, *shown)]


def assert_is_only_text(page: str) -> Markup:
    found = Markup()
    found.feed(page)
    assert not {"img", "object", "iframe", "style"} & set(found.tags)
    assert not {name for name in found.attributes if name.startswith("on") or name == "style"}
    inside = page.partition("<main")[2]
    assert "<script" not in inside
    assert "55433" not in text_of(page).replace("7919*7", "")
    for address in found.addresses:
        assert urlsplit(address).scheme in {"", "http", "https"}, address
        assert not address.startswith("//"), address
        assert urlsplit(address).hostname in {None, "prometheus.example"}, address
    return found


@pytest.mark.parametrize("word", MARKUP)
def test_f25_markup_in_every_text_of_an_alert_is_text(world: World, viewer: Client, word: str) -> None:
    for page in pages_of(world, viewer, everywhere(word)):
        assert_is_only_text(page)


@pytest.mark.parametrize("word", LINKS)
def test_f26_addresses_that_would_run_are_text_and_no_link(world: World, viewer: Client, word: str) -> None:
    for page in pages_of(world, viewer, everywhere(word)):
        assert_is_only_text(page)
    assert Episode.objects.get(alertmanager="appsre", cluster="", severity=word).runbook_url == word


def test_f27_very_large_alerts_are_cut_with_a_mark_and_their_pages_are_bounded(world: World, viewer: Client) -> None:
    large = told_alert(
        "N" * 10_000, pod="x", value="v" * 1_000_000, **{f"label{number:03}": "y" for number in range(500)}
    )
    large["annotations"] = {"summary": "s" * 1_000_000, "description": "d" * 1_000_000}
    pages = pages_of(world, viewer, large)
    episode = Episode.objects.exclude(name="Watchdog").get()
    assert episode.was_cut
    assert episode.name.endswith(CUT_MARK)
    assert len(episode.name) <= 300
    assert episode.annotations["summary"].endswith(CUT_MARK)
    assert 0 < len(episode.labels) <= 64
    assert max(len(page.encode()) for page in pages) < MOST_BYTES
    assert CUT_MARK in pages[-1]
    assert "Some labels or annotations were too long or too many and are cut." in text_of(pages[-1])


def test_f28_letters_that_hide_or_turn_text_are_written_out(world: World, viewer: Client) -> None:
    for page in pages_of(world, viewer, everywhere(INVISIBLE)):
        text = text_of(page)
        for hidden in "\u202e\u200b\u2066\x00":
            assert hidden not in text
        for told in ("U+202E", "U+200B", "U+2066"):
            assert told in text
    assert "\x00" not in Episode.objects.exclude(name="Watchdog").get().labels["pod"]
