"""The line of matchers on the list of alerts: the same alerts as the matchers themselves keep, on both databases."""

from __future__ import annotations

import re
from html import unescape
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from django.test import Client

from apps.alerts.matching import condition_of
from apps.alerts.models import Episode
from apps.core.matchers import MatcherSyntaxError, are_met, matcher_read
from tests.alerts.matcher_corpus import ALERTS, CLASSIC_FILTERS, LINES, NEWER_FILTERS, UTF8_ALERTS
from tests.pages import html_of, queries_of, text_of
from tests.rows import ago, cluster_row, episode_row, source_row

pytestmark = pytest.mark.database

URL = "/alerts/"
ODD_NAMES = (
    "a.b",
    "123",
    "0",
    "-1",
    "a'b",
    'a"b',
    "a\\b",
    "größe",
    "a b",
    "$",
    "$.a",
    "a[0]",
    "\U0001f525",
    "%s",
    "{}",
    "a%",
)


@pytest.fixture(autouse=True)
def _alertmanager(db: None) -> None:
    source_row("alertmanager/appsre/0")


def addressed(line: str) -> str:
    """The address of the list with this line."""
    return f"{URL}?filter={quote(line, safe='')}"


def names_in(html: str) -> list[str]:
    return sorted(re.findall(r'<th scope="row" class="name">(?:<a [^>]*>)?<bdi>(.*?)</bdi>', html))


def line_of(address: str) -> str:
    """The line that an address of the list asks for."""
    return parse_qs(urlsplit(unescape(address)).query).get("filter", [""])[0]


def chips_in(html: str) -> list[tuple[str, str]]:
    """(line turned round, line without) of each chip."""
    chips = re.findall(r'<li class="chip on"><a href="([^"]*)".*?<a class="away" href="([^"]*)"', html)
    return [(line_of(turned), line_of(away)) for turned, away in chips]


def readable(filters: tuple[str, ...]) -> list[str]:
    """Those that are matchers."""
    found = []
    for each in filters:
        try:
            matcher_read(each)
        except MatcherSyntaxError:
            continue
        found.append(each)
    return found


def test_the_database_keeps_what_the_matchers_keep(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [
        (labels, episode_row(labels["n"], fingerprint=labels["n"], labels=labels)) for labels in (*ALERTS, *UTF8_ALERTS)
    ]
    firing = Episode.objects.firing()
    singles = [(each,) for each in readable((*CLASSIC_FILTERS, *NEWER_FILTERS))]
    assert len(singles) > 100
    for filters in (*singles, *(singles for _, singles in LINES)):
        matchers = [matcher_read(each) for each in filters]
        expected = {row.pk for labels, row in rows if are_met(matchers, labels)}
        for few in (0, 2000):
            monkeypatch.setattr("apps.alerts.matching.FEW", few)
            found = firing.filter(condition_of(matchers, firing)).values_list("pk", flat=True)
            assert set(found) == expected, filters


@pytest.mark.parametrize("name", ODD_NAMES)
def test_any_name_of_a_label_is_found(viewer: Client, name: str) -> None:
    episode_row("Has", fingerprint="1", labels={name: "x", "other": "y"})
    episode_row("HasNot", fingerprint="2", labels={"other": "x", "a": {"b": "x"}})
    html = html_of(viewer, addressed(f'"{name}"="x"'.replace("\\", "\\\\") if '"' not in name else r'"a\"b"=x'))
    assert names_in(html) == ["Has"]
    [(turned, away)] = chips_in(html)
    assert away == ""
    assert names_in(html_of(viewer, addressed(turned))) == ["HasNot"]
    assert names_in(html_of(viewer, addressed(turned.replace("!=", "!~")))) == ["HasNot"]
    assert 'role="status"' not in html.partition("<main")[2]


def test_several_matchers_all_hold_beside_the_other_filters(viewer: Client) -> None:
    for number, severity in enumerate(("critical", "critical", "warning")):
        labels = {"severity": severity, "team": f"team-{number}"}
        episode_row(f"Alert{number}", fingerprint=str(number), severity=severity, labels=labels)
    episode_row("Alert9", fingerprint="9", labels={"severity": "critical", "team": "team-9"}, ended_at=ago(minutes=5))
    episode_row("AlertOld", fingerprint="8", labels={"severity": "critical", "team": "team-8"}, ended_at=ago(minutes=5))
    html = html_of(viewer, addressed('{severity="critical", team=~"team-[019]"}') + "&q=Alert")
    assert names_in(html) == ["Alert0", "Alert1"]
    assert "1 ended within the last hour" in text_of(html)
    assert names_in(html_of(viewer, addressed('severity="critical" team!~"team-0"') + "&severity=critical")) == [
        "Alert1"
    ]
    assert "No alerts fit these filters" in text_of(html_of(viewer, addressed("team=~nothing.+")))


def test_what_cannot_be_read_is_told_with_its_place_and_the_rest_counts(viewer: Client) -> None:
    episode_row("One", fingerprint="1", labels={"severity": "critical"})
    episode_row("Two", fingerprint="2", labels={"severity": "warning"})
    html = html_of(viewer, addressed('severity=critical, team=~"(?=x)"'))
    told = unescape(text_of(html))
    assert 'Filter, letter 20: “team=~"(?=x)"”: not a regular expression of RE2: invalid perl operator: (?=.' in told
    assert "more may be shown than was meant" in told
    assert names_in(html) == ["One"]
    assert 'value="severity=critical, team=~&quot;(?=x)&quot;"' in html
    assert names_in(html_of(viewer, addressed("a=" + "x" * 3000))) == ["One", "Two"]
    assert "longer than 2,000 letters" in text_of(html_of(viewer, addressed("a=" + "x" * 9000)))


def test_each_chip_turns_its_matcher_round_or_takes_it_away_and_keeps_the_rest(viewer: Client) -> None:
    episode_row(labels={"severity": "critical", "team": "a"})
    html = html_of(viewer, addressed('severity=critical team!~"x.*"') + "&q=Konflux&sort=name&page=1")
    assert chips_in(html) == [
        ('severity!="critical", team!~"x.*"', 'team!~"x.*"'),
        ('severity="critical", team=~"x.*"', 'severity="critical"'),
    ]
    [first, *_] = re.findall(r'<li class="chip on"><a href="([^"]*)"', html)
    kept = parse_qs(urlsplit(unescape(first)).query)
    assert (kept["q"], kept["sort"], kept.get("page")) == (["Konflux"], ["name"], None)


def test_values_in_the_list_are_links_to_only_this_and_not_this(viewer: Client) -> None:
    cluster_row("stone-prd-m01")
    labels = {"severity": "critical", "source_cluster": "stone-prd-m01", "team": 'the "build" team', "alertname": "A"}
    episode_row("A", owner=labels["team"], labels=labels)
    html = html_of(viewer, addressed('alertname="A"'))
    lines = {line_of(address) for address in re.findall(r'<a class="(?:only|sift)" href="([^"]*)"', html)}
    assert lines == {
        'alertname="A", severity="critical"',
        'alertname="A", severity!="critical"',
        'alertname="A", source_cluster="stone-prd-m01"',
        'alertname="A", source_cluster!="stone-prd-m01"',
        r'alertname="A", team="the \"build\" team"',
        r'alertname="A", team!="the \"build\" team"',
    }
    assert 'href="/clusters/stone-prd-m01/"' in html
    for line in lines:
        assert names_in(html_of(viewer, addressed(line))) == ([] if "!=" in line else ["A"])


def test_a_link_replaces_what_it_contradicts(viewer: Client) -> None:
    episode_row("A", severity="warning", labels={"severity": "warning"})
    html = html_of(viewer, addressed('severity!="critical"'))
    lines = [line_of(address) for address in re.findall(r'<a class="(?:only|sift)" href="([^"]*)"', html)]
    assert lines[:2] == ['severity="warning"', 'severity!="critical", severity!="warning"']
    assert "severity%3D%22warning%22%2C" not in html


def test_the_heads_of_groups_link_their_labels(viewer: Client) -> None:
    for number in range(2):
        episode_row("Storm", fingerprint=str(number), group_labels={"k8s.name": "x y"}, group_key="storm")
    html = html_of(viewer, URL)
    [head] = re.findall(r'<th scope="rowgroup".*?</th>', html, re.DOTALL)
    lines = [line_of(address) for address in re.findall(r'href="([^"]*)"', head)]
    assert lines == ['"k8s.name"="x y"', '"k8s.name"!="x y"']
    assert "worst: critical" in text_of("<main" + head)


def test_the_rows_of_a_group_do_not_repeat_its_heads_links(viewer: Client) -> None:
    cluster_row("stone-prd-m01")
    labels = {"severity": "critical", "source_cluster": "stone-prd-m01"}
    for number in range(2):
        told = {"group_labels": {"source_cluster": "stone-prd-m01"}, "group_key": "storm", "labels": labels}
        episode_row("Storm", fingerprint=str(number), **told)
    episode_row("Alone", fingerprint="alone", group_key="alone", labels=labels)
    html = html_of(viewer, URL)
    shown = re.findall(r'data-row="(\S+)"(.*?)</tr>', html, re.DOTALL)
    rows = {row: told.count('title="Only cluster') for row, told in shown}
    assert rows == {"appsre/0": 0, "appsre/1": 0, "appsre/alone": 1}
    assert html.count('title="Not severity critical"') == 3, "the head does not name the severity"


def test_alerts_are_grouped_by_owner(viewer: Client) -> None:
    episode_row("A", fingerprint="1", owner="build", severity="warning", began_at=ago(minutes=1))
    episode_row("B", fingerprint="2", owner="build", severity="critical", began_at=ago(minutes=9))
    episode_row("C", fingerprint="3", severity="warning", began_at=ago(minutes=5))
    html = html_of(viewer, f"{URL}?group=owner")
    assert re.findall(r'class="name"><a [^>]*><bdi>(.)', html) == ["B", "A", "C"]
    text = text_of(html)
    assert "build · 2 alerts, worst: critical" in re.sub(r" ≠ ", " ", text)
    assert "no owner named" in text


def test_each_label_on_an_alerts_page_leads_to_the_list(viewer: Client) -> None:
    labels = {"alertname": "A", "k8s.pod": 'x "y"\\', "123": "z", "severity": "critical"}
    episode = episode_row("A", labels=labels)
    episode_row("B", fingerprint="b", labels={"alertname": "B"})
    html = html_of(viewer, f"{URL}{episode.alertmanager}/{episode.fingerprint}/")
    links = re.findall(r'<dd>.*?<a class="only" href="([^"]*)".*?<a class="sift" href="([^"]*)"', html)
    assert {line_of(only) for only, _ in links} >= {'alertname="A"', r'"k8s.pod"="x \"y\"\\"', '"123"="z"'}
    for only, without in links[:4]:
        assert unescape(only).startswith(f"{URL}?environment=production&filter=")
        assert names_in(html_of(viewer, unescape(only))) == ["A"]
        assert names_in(html_of(viewer, unescape(without))) == ["B"]


def test_the_filter_costs_a_query_and_one_for_each_pattern_but_none_for_each_alert(viewer: Client) -> None:
    for number in range(30):
        episode_row("A", fingerprint=str(number), labels={"team": str(number), "severity": "x"})
    plain = queries_of(viewer, f"{URL}?environment=all")
    assert queries_of(viewer, addressed("severity=x team!=7") + "&environment=all") == plain + 1
    assert queries_of(viewer, addressed('severity=~".*" team!~"1.*"') + "&environment=all") == plain + 3


def test_lines_of_an_address_are_read_each_on_its_own(viewer: Client) -> None:
    for name in ("A", "B", "C"):
        labels = {"alertname": name, "team": "build" if name != "C" else "x", "env": "a" if name == "A" else "b"}
        episode_row(name, fingerprint=name, labels=labels)
    html = html_of(viewer, f"{addressed('{team=build}')}&filter={quote('{env=a}')}")
    assert names_in(html) == ["A"]
    assert "Filter," not in text_of(html)
    shown = re.search(r'name="filter"[^>]* value="([^"]*)"', html)
    assert shown
    assert unescape(shown[1]) == 'team="build", env="a"'
