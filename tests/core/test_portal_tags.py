"""The template tags: hostile text is text, odd moments have words, addresses keep what they had."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from django.template import Context, engines
from django.test import RequestFactory

from apps.core.live import Live
from apps.core.templatetags.portal import plain
from apps.core.tones import Tone

NOW = datetime(2026, 11, 24, 22, 57, 12, tzinfo=UTC)
HOSTILE = "<img src=x onerror=alert(1)>\"'&{{ 7|add:7 }}"


def drawn(source: str, path: str = "/", **context: Any) -> str:
    """What the template makes of this context, on the page at `path`."""
    template = engines["django"].engine.from_string(source)  # type: ignore[attr-defined]
    return template.render(Context({"request": RequestFactory().get(path), "now": NOW, **context}))


@pytest.mark.parametrize("tone", list(Tone))
def test_a_pill_says_its_tone_to_eyes_and_ears(tone: Tone) -> None:
    told = drawn('{% pill tone "some word" %}', tone=tone)
    assert f'<use href="#tone-{tone}">' in told
    assert f'aria-label="{tone}"' in told
    assert "some word" in told


def test_what_is_no_tone_is_drawn_as_unknown() -> None:
    assert 'class="shape unknown"' in drawn("{% shape tone %}", tone='x" onload="alert(1)')
    assert "onload" not in drawn("{% pill tone 'word' %}", tone='x" onload="alert(1)')


def test_stale_is_marked() -> None:
    assert 'class="shape critical stale"' in drawn('{% pill "critical" "lost" True %}')
    assert 'aria-label="critical, not certain"' in drawn('{% pill "critical" "lost" True %}')
    assert "stale" not in drawn('{% pill "critical" "lost" %}')
    assert 'aria-label="critical"' in drawn('{% pill "critical" "lost" %}')


@pytest.mark.parametrize(
    "source", ["{{ text|bdi }}", '{% pill "warning" text %}', '{% link "https://example.com/" text %}']
)
def test_hostile_text_stays_text(source: str) -> None:
    told = drawn(source, text=HOSTILE)
    assert "<img" not in told
    assert "&lt;img src=x onerror=alert(1)&gt;" in told
    assert "{{ 7|add:7 }}" in told


@pytest.mark.parametrize("letter", ["\u202e", "\u200b", "\u2066", "\ufeff", "\x07", "\x1b", "\U000e0041", "\u2028"])
def test_odd_characters_are_written_out(letter: str) -> None:
    told = drawn("{{ text|bdi }}", text=f"a{letter}b")
    assert told == f'<bdi>a<span class="odd">U+{ord(letter):04X}</span>b</bdi>'


def test_plain_foreign_text_is_left_alone() -> None:
    assert drawn("{{ text|bdi }}", text="שלום Ünïcode 👍 日本") == "<bdi>שלום Ünïcode 👍 日本</bdi>"


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "JaVa\tscript:alert(1)", "data:text/html,x", "//evil.example", "https://a@b/", None]
)
def test_an_unsafe_link_is_text_alone(url: str | None) -> None:
    assert drawn("{% link url 'Runbook' %}", url=url) == "<bdi>Runbook</bdi>"


def test_a_link_away_gives_nothing_along() -> None:
    told = drawn("{% link url 'Runbook' %}", url="https://example.com/?a=1&b=2")
    assert 'href="https://example.com/?a=1&amp;b=2"' in told
    assert 'rel="noopener noreferrer"' in told


def test_an_age_has_its_exact_moment() -> None:
    told = drawn("{% age moment now %}", moment=NOW - timedelta(minutes=14))
    assert 'datetime="2026-11-24T22:43:12.000+00:00"' in told
    assert 'title="24 Nov 2026, 22:43:12 UTC"' in told
    assert ">14 m</time>" in told


@pytest.mark.parametrize("source", ["{% age moment now %}", "{% until moment now %}", "{% clock moment %}"])
def test_no_moment_is_not_known(source: str) -> None:
    assert "not known" in drawn(source, moment=None)


@pytest.mark.parametrize("year", [1, 1970, 9999])
def test_moments_of_any_year_can_be_told(year: int) -> None:
    told = drawn(
        "{% age moment now %}{% until moment now %}{% clock moment %}", moment=datetime(year, 6, 1, tzinfo=UTC)
    )
    assert told.count(f'datetime="{year:04d}-06-01T00:00:00.000+00:00"') == 3


def test_what_is_ahead_counts_down_to_now() -> None:
    assert ">12 s<" in drawn("{% until moment now %}", moment=NOW + timedelta(seconds=12))
    assert ">now<" in drawn("{% until moment now %}", moment=NOW - timedelta(seconds=1))


@pytest.mark.parametrize(("seconds", "words"), [(0.012, "12 ms"), (1.44, "1.4 s"), (None, "")])
def test_latency(seconds: float | None, words: str) -> None:
    assert drawn("{{ seconds|milliseconds }}", seconds=seconds) == words


def test_a_changed_query_keeps_the_rest_and_leads_to_page_one() -> None:
    path = "/?tone=critical&page=3&v=7&u=9&q=a%26b"
    assert drawn("{% query_with sort='name' %}", path) == "?tone=critical&amp;q=a%26b&amp;sort=name"
    assert drawn("{% query_with page=4 %}", path) == "?tone=critical&amp;page=4&amp;q=a%26b"
    assert drawn("{% query_with tone='' q=None %}", path) == "?"


@pytest.mark.parametrize(
    ("sort", "goes_to", "told"),
    [("name", "-name", "ascending"), ("-name", "name", "descending"), ("tone", "name", "none")],
)
def test_a_head_turns_the_order_round(sort: str, goes_to: str, told: str) -> None:
    head = drawn("{% sort_head 'name' 'Name' %}", "/?q=x", sort=sort)
    assert f'href="?q=x&amp;sort={goes_to}"' in head
    assert f'aria-sort="{told}"' in head


def test_a_head_of_numbers_begins_with_the_big_ones() -> None:
    assert "sort=-age" in drawn("{% sort_head 'age' 'Age' 'down' %}", sort="tone")
    assert 'sort=age"' in drawn("{% sort_head 'age' 'Age' 'down' %}", sort="-age")


def test_a_form_keeps_the_other_filters() -> None:
    told = drawn("{% kept_fields 'q' %}", '/?q=x&tone=critical&tone=warning&page=2&cluster="><script>')
    assert told.count('name="tone"') == 2
    assert 'name="q"' not in told
    assert 'name="page"' not in told
    assert "<script>" not in told


def test_only_a_live_page_says_what_it_shows() -> None:
    live = Live("/?a=1&b=2", ("apps", "sources"), version=7, standing="a1", frame="9/a1", until=30.0, ends=0)
    drawn_root = drawn("{% live %}", live=live, title='<b>"evil\u202e')
    assert drawn("<p {% live %}>") == "<p >"
    assert 'hx-get="/?a=1&amp;b=2" hx-trigger="portal:refresh"' in drawn_root
    assert 'data-topics="apps sources" data-counts="alerts apps clusters freezes notes sources"' in drawn_root
    assert 'data-version="7" data-standing="a1" data-frame="9/a1" data-until="30.0" data-ends="0"' in drawn_root
    assert 'data-title="&lt;b&gt;&quot;evil[U+202E]"' in drawn_root


def test_plain_text_writes_odd_characters_out() -> None:
    assert plain("evil\u202egnp.exe") == "evil[U+202E]gnp.exe"
    assert plain("Degraded") == "Degraded"


@pytest.mark.parametrize(
    "moment",
    [
        datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=23, minutes=59))),
        datetime(9999, 12, 31, 23, 59, tzinfo=timezone(-timedelta(hours=23, minutes=59))),
    ],
)
def test_a_moment_that_utc_cannot_say_is_drawn_all_the_same(moment: datetime) -> None:
    told = drawn("{% age moment now %}{% until moment now %}{% clock moment %}", moment=moment)
    assert told.count(f"{moment.year}, ") == 3
