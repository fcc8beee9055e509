"""The timeline's page: what it lists, what it draws, what its links keep."""

from __future__ import annotations

import csv
import io
import json
import re
from datetime import UTC, datetime, timedelta
from html import unescape
from urllib.parse import parse_qs

import pytest
from django.test import Client

from apps.timeline.models import Transition
from tests.pages import HOSTILE, RTL, html_of, queries_of, text_of
from tests.rows import ago, change_row, cluster_row, episode_row, source_row

pytestmark = pytest.mark.database
URL = "/timeline/"
NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
SVG = re.compile(r'<svg class="drawn".*?</svg>', re.DOTALL)


@pytest.fixture(autouse=True)
def fleet(db: None) -> None:
    """Two clusters in two environments."""
    cluster_row("c1", environment="production")
    cluster_row("c10", environment="staging")


def line(title: str, **fields: object) -> Transition:
    """A change of an Application on c1, half an hour ago."""
    told = {
        "cluster": "c1",
        "environment": "production",
        "application": f"production/argocd/{title}",
        "link": f"/apps/production/argocd/{title}/",
    }
    return change_row(title, **{**told, **fields})


def titles(client: Client, query: str = "") -> list[str]:
    """What the list has, in its order."""
    html = html_of(client, f"{URL}?{query}")
    return re.findall(r'<th scope="row" class="short">.*?<bdi>(.*?)</bdi>', html, re.DOTALL)


def drawn(client: Client, query: str = "") -> str:
    """The drawing."""
    found = SVG.search(html_of(client, f"{URL}?{query}"))
    assert found
    return found.group()


def test_it_lists_what_happened_newest_first_with_links_to_the_things(viewer: Client) -> None:
    line("older", seen_at=ago(hours=3))
    line("newer", seen_at=ago(hours=1))
    line("dated", seen_at=ago(minutes=1), at=ago(hours=2))
    html = html_of(viewer, URL)
    assert titles(viewer) == ["newer", "dated", "older"]
    assert '<a href="/apps/production/argocd/newer/"><bdi>newer</bdi></a>' in html
    assert "Healthy → Degraded" in text_of(html)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("kind=alert", ["an-alert"]),
        ("kind=alert&kind=source", ["an-alert", "a-source"]),
        ("cluster=c10", ["elsewhere"]),
        ("application=AN-AP", ["an-app"]),
        ("field=revision", ["deployed"]),
        ("field=node", ["a-node"]),
        ("environment=staging", ["elsewhere", "a-source"]),
        ("span=1h", ["an-app", "an-alert", "deployed", "a-node", "elsewhere", "a-source"]),
        ("span=6h", ["an-app", "an-alert", "deployed", "a-node", "elsewhere", "a-source", "hours-ago"]),
    ],
)
def test_each_filter_leaves_what_fits(viewer: Client, query: str, expected: list[str]) -> None:
    line("an-app", seen_at=ago(minutes=1))
    line("an-alert", kind="alert", field="firing", after="begins", application="", seen_at=ago(minutes=2))
    line("deployed", field="revision", seen_at=ago(minutes=3))
    line("a-node", kind="cluster", field="node/w1", application="", seen_at=ago(minutes=4))
    line("elsewhere", cluster="c10", environment="staging", seen_at=ago(minutes=5))
    line("a-source", kind="source", field="state", cluster="", environment="", application="", seen_at=ago(minutes=6))
    line("hours-ago", seen_at=ago(hours=5))
    line("days-ago", seen_at=ago(days=2))
    assert titles(viewer, query) == expected


def test_until_is_a_moment_so_that_a_pasted_link_shows_the_same(viewer: Client) -> None:
    line("before", seen_at=NOON - timedelta(minutes=30))
    line("after", seen_at=NOON + timedelta(minutes=30))
    html = html_of(viewer, f"{URL}?until=2026-11-24T12:00:00Z&span=1h")
    assert titles(viewer, "until=2026-11-24T12:00:00Z&span=1h") == ["before"]
    assert "24 Nov, 11:00 to 24 Nov, 12:00 UTC" in text_of(html)
    assert "data-live" not in html
    assert "data-live" in html_of(viewer, URL)


@pytest.mark.parametrize("end", ["to=2026-11-24T13:00Z", "until=2026-11-24T13:00Z", "to=2026-11-24T14:00%2B01:00"])
def test_from_and_to_bound_it(viewer: Client, end: str) -> None:
    for hours in (-2, 0, 2):
        line(f"at{hours}", seen_at=NOON + timedelta(hours=hours))
    assert titles(viewer, f"from=2026-11-24T11:00&{end}") == ["at0"]


def test_it_leads_to_the_time_before_and_after_and_to_exactly_this_one(viewer: Client) -> None:
    html = unescape(html_of(viewer, f"{URL}?from=2026-11-24T11:00Z&to=2026-11-24T12:00Z&kind=alert"))
    queries = [parse_qs(query) for query in re.findall(r'href="\?([^"]*)"', html)]
    ends = [(query["from"], query["to"]) for query in queries if "from" in query and query.get("kind") == ["alert"]]
    for start, end in (("10:00:00Z", "11:00:00Z"), ("12:00:00Z", "13:00:00Z"), ("11:00:00Z", "12:00:00Z")):
        assert ([f"2026-11-24T{start}"], [f"2026-11-24T{end}"]) in ends


@pytest.mark.parametrize(
    "query",
    [
        "until=yesterday",
        "until=2026-13-45T99:00Z",
        "from=0001-01-01T00:00Z",
        "from=9999-12-31T23:59:59-14:00",
        "from=2026-11-24T13:00Z&to=2026-11-24T12:00Z",
        "kind=weather",
        "field=x",
        "cluster=nowhere",
        "span=2y",
        "page=9",
        "from=" + "9" * 300,
    ],
)
def test_a_bad_filter_is_told_and_the_rest_is_shown(viewer: Client, query: str) -> None:
    line("here", seen_at=NOON - timedelta(hours=1))
    line("now")
    html = html_of(viewer, f"{URL}?{query}")
    assert 'class="problems"' in html
    assert "<table" in html


def test_a_moment_ahead_is_now(viewer: Client) -> None:
    line("now")
    assert titles(viewer, "until=2999-01-01T00:00Z") == ["now"]


def test_the_same_of_many_is_told_once_and_opens(viewer: Client) -> None:
    for number in range(12):
        line(f"app-{number:02}", seen_at=NOON)
    html = html_of(viewer, f"{URL}?until=2026-11-24T12:30Z&span=1h")
    assert "and 11 more" in html
    assert '<li><a href="/apps/production/argocd/app-05/"><bdi>app-05</bdi></a></li>' in html
    assert len(re.findall("<tr data-row", html)) == 1


def test_it_is_paged(viewer: Client) -> None:
    for number in range(130):
        line(f"app-{number:03}", after=f"Degraded {number}")
    assert len(titles(viewer)) == 50
    assert len(titles(viewer, "page=3")) == 30
    assert "101 to 130 of 130 lines" in text_of(html_of(viewer, f"{URL}?page=3"))


def test_lines_that_pictures_are_made_of_are_not_told(viewer: Client) -> None:
    line("quiet", field="tone", before="well", after="warning")
    html = html_of(viewer, URL)
    assert titles(viewer) == []
    assert "Nothing that the portal saw happened in this time" in text_of(html)


def test_it_is_exported_line_by_line_with_the_same_filter(viewer: Client) -> None:
    for number in range(120):
        line(f"app-{number:03}", by="remy")
    line("other", kind="alert")
    rows = list(csv.DictReader(io.StringIO(viewer.get(f"{URL}?kind=application&format=csv").content.decode())))
    assert len(rows) == 120
    assert list(rows[0]) == [
        "at",
        "seen_at",
        "seen_after",
        "kind",
        "title",
        "cluster",
        "application",
        "environment",
        "field",
        "before",
        "after",
        "source",
        "by",
        "link",
    ]
    assert (rows[0]["field"], rows[0]["before"], rows[0]["after"], rows[0]["by"]) == (
        "health",
        "Healthy",
        "Degraded",
        "remy",
    )
    told = json.loads(viewer.get(f"{URL}?kind=alert&format=json").content)
    assert [row["title"] for row in told["rows"]] == ["other"]


def test_alerts_syncs_clusters_and_sources_are_drawn_above_each_other(viewer: Client) -> None:
    source_row("kubernetes/c1", cluster="c1")
    episode_row("Burning", cluster="c1", began_at=ago(hours=3), fingerprint="abc")
    episode_row("Over", cluster="c1", began_at=ago(hours=5), ended_at=ago(hours=4), tone="well", fingerprint="def")
    line("deployed", field="revision", before="", after="abcdef0123", tone="busy")
    change_row(
        "c1", kind="cluster", subject="c1", field="reachable", before="reached", after="lost", seen_at=ago(hours=2)
    )
    change_row(
        "c1", kind="cluster", subject="c1", field="reachable", before="lost", after="reached", seen_at=ago(hours=1)
    )
    change_row(
        "s",
        kind="source",
        subject="kubernetes/c1",
        field="state",
        before="ok",
        after="failing: x",
        seen_at=ago(hours=2),
    )
    change_row(
        "s", kind="source", subject="kubernetes/c1", field="state", before="failing", after="ok", seen_at=ago(hours=1)
    )
    svg = unescape(drawn(viewer))
    assert re.findall(r'dx="8">([\w ]+?) ?<', svg) == ["Alerts", "Syncs and deploys", "Clusters", "Sources"]
    assert "<title>Burning on c1, critical, since" in svg
    assert re.search(r"<title>Over on c1, critical, from \d\d:\d\d UTC for 1 h</title>", svg)
    assert re.search(r"<title>deployed revision none → abcdef0, \d\d:\d\d UTC</title>", svg)
    assert re.search(r'href="/clusters/c1/"[^>]*><title>c1 not reached, from \d\d:\d\d UTC for 1 h</title>', svg)
    assert re.search(r'href="/sources/kubernetes/c1/"[^>]*><title>kubernetes c1 failing, from', svg)


def test_the_drawing_keeps_to_the_filters(viewer: Client) -> None:
    source_row("alertmanager/appsre/0")
    episode_row("Here", cluster="c1", environment="production", application="production/argocd/app", fingerprint="a")
    episode_row("There", cluster="c10", environment="staging", fingerprint="b")
    line("app", field="operation", after="Succeeded")
    assert "There" in drawn(viewer)
    for query in ("environment=production", "cluster=c1", "application=app"):
        svg = drawn(viewer, query)
        assert "Here" in svg
        assert "There" not in svg
    assert "Here" not in drawn(viewer, "kind=application")
    assert "app operation Succeeded" in drawn(viewer, "kind=application")


def test_every_mark_and_moment_leads_to_a_page_of_the_portal(viewer: Client) -> None:
    source_row("alertmanager/appsre/0")
    episode_row("Fires", fingerprint="..")
    line("one", field="operation", link="javascript:alert(1)")
    for minute in range(30):
        line(f"many-{minute}", field="operation", seen_at=ago(minutes=200), after=f"{minute}")
    svg = unescape(drawn(viewer))
    links = re.findall(r'<a href="([^"]*)"', svg)
    assert len(links) > 5
    assert all(url.startswith("/") and not url.startswith("//") for url in links)
    assert svg.count("<rect") == svg.count("<a href") - svg.count("text-anchor")
    for url in links:
        answer = viewer.get(url)
        assert answer.status_code in {200, 404}, url
        assert answer.status_code == 200 or url.startswith("/apps/"), url


def test_ten_thousand_changes_are_four_hundred_marks_at_most(viewer: Client) -> None:
    for number in range(200):
        episode_row(
            f"Alert{number}", fingerprint=f"f{number}", began_at=ago(minutes=7 * number), ended_at=ago(minutes=1)
        )
    Transition.objects.bulk_create(
        Transition(
            kind="application",
            subject=f"production/argocd/app-{number % 500}",
            title=f"app-{number % 500}",
            field="operation",
            after="Succeeded",
            tone="well",
            seen_at=ago(seconds=8 * number),
        )
        for number in range(10_000)
    )
    svg = drawn(viewer)
    assert 30 < svg.count("<rect") <= 400
    assert "The last 2,000 syncs and deploys" in svg
    assert re.search(r"and \d+ more, not drawn", svg)
    assert len(svg) < 150_000


def test_f25_f28_hostile_text_stays_text_in_the_list_and_in_the_drawing(viewer: Client) -> None:
    """F25 markup, F28 letters that turn the direction round: in names, words and links."""
    source_row("alertmanager/appsre/0")
    bad = HOSTILE + RTL
    episode_row(bad, cluster=bad[:90], severity=bad[:40], fingerprint="f1")
    line(bad, field="operation", before=bad, after=bad, by=bad, link="javascript:alert(1)", cluster=bad[:90])
    html = html_of(viewer, URL)
    assert "<img src=x" not in html
    assert "</script>{{" not in html
    assert "javascript:alert" not in html
    assert "\u202e" not in html
    assert "\u200b" not in html
    assert "55433" not in " ".join(re.findall(r"<title>(.*?)</title>", drawn(viewer)))


def test_the_number_of_queries_does_not_grow(viewer: Client) -> None:
    source_row("kubernetes/c1", cluster="c1")
    line("first")
    episode_row("One", fingerprint="a")
    few = queries_of(viewer, f"{URL}?environment=all")
    for number in range(60):
        line(f"app-{number}", field="operation", after=f"{number}")
        episode_row(f"A{number}", fingerprint=f"f{number}")
        cluster_row(f"k{number}")
        source_row(f"kubernetes/k{number}")
        change_row("x", kind="cluster", subject=f"k{number}", field="reachable", before="reached", after="lost")
    assert queries_of(viewer, f"{URL}?environment=all") == few


def test_it_stands_in_the_navigation(viewer: Client) -> None:
    html = html_of(viewer, URL)
    assert re.search(r'<a id="nav-timeline" href="/timeline/[^"]*" aria-current="page">', html)
    assert 'id="nav-sources"' not in html
    assert 'id="freshness" href="/sources/"' in html
