"""The page that tells which rules have a runbook."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from apps.alerts.models import Rule
from apps.core.topics import raise_topics
from apps.runbooks.coverage_days import coverage_note
from apps.runbooks.models import CoverageDay, Runbook, RunbookTree
from apps.sources.fleetfile import FleetFile
from apps.sources.models import Source
from apps.timeline.models import Transition
from tests.fleet_in_force import FleetFileOfTest
from tests.pages import HOSTILE, asked_again, html_of, queries_of, text_of
from tests.rows import ago, down, never, stale

pytestmark = pytest.mark.database

URL = "/runbooks/coverage/"
BASE = "https://runbooks.example/blob/main/"
FLEET = """
portal: {{phase: service-preview-1}}
prometheuses: [{{name: appsre, url: http://127.0.0.1:9}}, {{name: other, url: http://127.0.0.1:9}}]
runbooks: [{{name: sop, folder: {folder}, urls: ["https://runbooks.example/blob/main/<path>"]}}]
"""
SLO = {"severity": "critical", "slo": "true"}
TOLD = {"summary": "a", "description": "b", "alert_routing_key": "c"}


@pytest.fixture(autouse=True)
def fleet(db: None, tmp_path: Path, settings: Settings) -> FleetFile:
    """A fleet file with two Prometheuses that were read just now, and a source of runbooks that has a.md."""
    (tmp_path / "sop").mkdir()
    made = FleetFileOfTest(tmp_path, settings).put(FLEET.format(folder=tmp_path / "sop"))
    Source.objects.update(succeeded_at=timezone.now(), attempted_at=timezone.now())
    RunbookTree.objects.create(source="sop", read_at=timezone.now())
    Runbook.objects.create(source="sop", path="a.md", text="# a", read_at=timezone.now())
    return made


def source(name: str = "appsre") -> Source:
    return Source.objects.get(key=f"prometheus/{name}")


def rule(name: str, url: str | None = None, labels: dict[str, str] | None = None, **more: Any) -> Rule:
    annotations = {**TOLD, "team": "konflux-infra", **({} if url is None else {"runbook_url": url})}
    told = {"prometheus": "appsre", "group": "g", "query": "sum by (cluster) (up)", "state": "inactive", "health": "ok"}
    labels = {"severity": "warning", "component": "api", **(labels or {})}
    return Rule.objects.create(name=name, labels=labels, annotations=annotations, **{**told, **more})


def names_in(html: str) -> list[str]:
    """The rules in their order on the page."""
    return re.findall(r'<th scope="row" class="name">(?:<a [^>]*>)?<bdi>(.*?)</bdi>', html)


def test_before_any_rule_was_read_nothing_is_told_as_well(viewer: Client) -> None:
    never(source())
    never(source("other"))
    html = html_of(viewer, URL)
    assert "Not known: no rule was read yet." in text_of(html)
    assert "Not known: no Prometheus has answered yet" in text_of(html)
    assert 'class="shape well"' not in html.partition("<main")[2]


def test_what_lacks_a_runbook_stands_first_slo_rules_before_others(viewer: Client) -> None:
    rule("Fine", f"{BASE}a.md")
    rule("Lacking")
    rule("Covered by nobody", "https://wiki.example/x", SLO)
    rule("Dead and SLO", f"{BASE}b.md", SLO)
    html = html_of(viewer, URL)
    assert names_in(html) == ["Dead and SLO", "Lacking", "Covered by nobody", "Fine"]
    text = text_of(html)
    assert "1 of 2 SLO rules with a dead link" in text
    assert "1 of 4 rules have a runbook that is there, 2 have none" in text
    assert "The support agreement, service-preview-1" in text
    assert 'href="/runbooks/sop/a.md/"' in html


def test_slo_rules_without_a_runbook_are_one_click_away(viewer: Client) -> None:
    rule("Without", None, SLO)
    rule("Empty", "", SLO)
    rule("Script", "javascript:alert(1)", SLO)
    rule("Dead", f"{BASE}b.md", SLO)
    rule("No SLO")
    html = html_of(viewer, URL)
    [link] = re.findall(r'<a href="([^"]*)">3 of 4 SLO rules without a runbook', html)
    [other] = re.findall(r'<a href="([^"]*)">SLO rules without a runbook', html_of(viewer, "/runbooks/"))
    for address in (f"{URL}{link}", other):
        assert names_in(html_of(viewer, address.replace("&amp;", "&"))) == ["Empty", "Script", "Without"]
    assert 'href="javascript:' not in html


def test_well_is_said_only_where_every_runbook_was_found_and_the_rules_are_fresh(viewer: Client) -> None:
    rule("A", f"{BASE}a.md", SLO)
    told = "Each of the 1 SLO rules has its runbook"
    html = html_of(viewer, URL)
    assert told in text_of(html)
    assert html.count('class="shape well"') >= 3
    stale(source())
    html = html_of(viewer, URL)
    assert told in text_of(html)
    assert 'class="shape well"' not in html.partition('id="live"')[2].partition("support agreement")[0]
    assert 'class="shape well stale"' in html


def test_nothing_is_well_while_the_runbooks_were_not_read_for_days(viewer: Client) -> None:
    rule("A", f"{BASE}a.md", SLO)
    runbooks = down(Source.objects.get(key="runbooks/sop"))
    Source.objects.filter(pk=runbooks.pk).update(succeeded_at=ago(days=9), failing_since=ago(days=9))
    html = html_of(viewer, URL).partition('id="live"')[2]
    unread = f"as last read: sop has not been read since {ago(days=9):%d %b}"
    assert f"Each of the 1 SLO rules has its runbook, {unread}" in html
    assert f"1 of 1 rules have a runbook that is there, {unread}" in html
    assert f"1 supported as data plane: alert and runbook, {unread}" in html
    assert 'class="shape well"' not in html
    [row] = viewer.get(f"{URL}?format=json").json()["rows"]
    assert (row["tone"], row["not certain"], row["verdict"]) == ("unknown", True, "has a runbook")


def test_a_runbook_without_anything_to_read_is_there_and_not_well(viewer: Client) -> None:
    Runbook.objects.update(text="", problem="a symlink: it is not followed")
    rule("A", f"{BASE}a.md", SLO)
    html = html_of(viewer, URL).partition('id="live"')[2]
    assert "Each of the 1 SLO rules has its runbook, 1 of which cannot be read" in html
    assert "its runbook cannot be read: a symlink: it is not followed" in html
    assert 'class="shape well"' not in html


def test_rules_of_a_source_that_is_down_say_how_old_they_are(viewer: Client) -> None:
    rule("A", f"{BASE}a.md")
    down(source())
    text = text_of(html_of(viewer, URL))
    assert "is down: what it told is from 10 m ago (could not be reached)" in text.replace("( ", "(").replace(" )", ")")


def test_rules_of_a_prometheus_that_left_the_fleet_file_do_not_count(viewer: Client) -> None:
    rule("A")
    rule("Gone", prometheus="left")
    assert names_in(html_of(viewer, URL)) == ["A"]


def test_links_that_nobody_could_look_for_are_not_known(viewer: Client) -> None:
    rule("A", "https://wiki.example/x", SLO)
    html = html_of(viewer, URL)
    assert "Each of the 1 SLO rules links a runbook; 1 of them could not be looked for" in text_of(html)
    assert 'class="shape well"' not in html.partition('id="live"')[2]


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("verdict=dead", ["Dead"]),
        ("verdict=none&verdict=dead", ["Dead", "Other team", "Without"]),
        ("slo=yes", ["Dead"]),
        ("slo=no&verdict=none", ["Other team", "Without"]),
        ("team=pipelines", ["Other team"]),
        ("component=not-set", ["Without"]),
        ("severity=critical", ["Dead"]),
        ("prometheus=other", ["Other team"]),
        ("state=firing", ["Dead"]),
        ("remarks=yes", ["Without"]),
        ("q=TEAM other", ["Other team"]),
        ("sort=-name", ["Without", "Other team", "Dead"]),
        ("sort=team", ["Dead", "Without", "Other team"]),
    ],
)
def test_filters_and_orders(viewer: Client, query: str, names: list[str]) -> None:
    rule("Dead", f"{BASE}b.md", SLO, state="firing")
    rule("Without", None, {"component": ""}, query="sum(up)")
    other = rule("Other team", prometheus="other")
    other.annotations["team"] = "pipelines"
    other.save()
    assert names_in(html_of(viewer, f"{URL}?{query}")) == names


def test_what_cannot_be_asked_for_is_said(viewer: Client) -> None:
    rule("A")
    text = text_of(html_of(viewer, f"{URL}?verdict=good&sort=age"))
    assert "There is no verdict “good”: that filter is left out." in text
    assert "Cannot sort by “age”" in text
    assert viewer.get(f"{URL}?verdict=good&format=csv").status_code == 400
    assert "No rules fit these filters." in text_of(html_of(viewer, f"{URL}?verdict=found"))


def test_a_rule_that_cannot_be_evaluated_and_its_conventions_are_told(viewer: Client) -> None:
    error = "many-to-many matching"
    rule("Broken", f"{BASE}a.md", query="sum(up)", duration=300, last_error=error, health="err")
    text = text_of(html_of(viewer, URL))
    assert "cannot be evaluated" in text
    assert error in text
    assert "its expression drops every label that names a cluster" in text
    assert "5 m" in text


def test_by_team_and_by_component(viewer: Client) -> None:
    rule("A", f"{BASE}a.md")
    rule("B", f"{BASE}b.md", SLO)
    rule("C", "https://wiki.example", {"component": ""})
    html = html_of(viewer, URL)
    rows = [text_of(f"<main {row}") for row in re.findall(r"<tr><th scope=\"row\">.*?</tr>", html)]
    assert rows == ["konflux-infra 3 1 1 1 1", "api 2 1 1 1 0", "none named 1 0 0 0 1"]
    assert '<a href="?component=not-set">' in html


def test_the_file_has_every_rule_that_the_filters_keep(viewer: Client) -> None:
    for number in range(130):
        rule(f"A{number:03}", f"{BASE}b.md", SLO, query="sum(up)")
    rule("Other")
    answer = viewer.get(f"{URL}?format=csv&slo=yes")
    assert answer["Content-Disposition"].startswith('attachment; filename="runbook-coverage-')
    rows = list(csv.DictReader(io.StringIO(answer.content.decode())))
    assert [row["name"] for row in rows] == [f"A{number:03}" for number in range(130)]
    assert (rows[0]["verdict"], rows[0]["support"]) == ("dead link", "not supported: its runbook is not there")
    assert (rows[0]["tone"], rows[0]["slo"], rows[0]["cluster label"]) == ("critical", "True", "lost")
    [other] = json.loads(viewer.get(f"{URL}?format=json&slo=no").content)["rows"]
    assert (other["name"], other["verdict"], other["link"]) == ("Other", "no runbook", "")


def test_hostile_rules_are_text(viewer: Client) -> None:
    rule(HOSTILE, f"{BASE}a.md", {"severity": HOSTILE, "component": HOSTILE}, last_error=HOSTILE, health="err")
    html = html_of(viewer, URL)
    assert "<img src=x" not in html
    assert "{{7919*7}}" in html


def test_the_page_follows_rules_and_runbooks_and_costs_few_queries(viewer: Client) -> None:
    rule("A", f"{BASE}b.md")
    few = queries_of(viewer, URL)
    for number in range(150):
        rule(f"B{number}", f"{BASE}{number}.md")
    assert queries_of(viewer, URL) == few <= 18
    html = html_of(viewer, URL)
    assert viewer.get(asked_again(html), headers={"HX-Request": "true"}).status_code == 204
    Runbook.objects.create(source="sop", path="b.md", text="# b", read_at=timezone.now())
    raise_topics(["runbooks"])
    assert viewer.get(asked_again(html), headers={"HX-Request": "true"}).status_code == 200


def test_each_change_of_the_numbers_is_a_line_and_each_day_a_row(fleet: FleetFile, viewer: Client) -> None:
    rule("A", f"{BASE}a.md", SLO)
    raise_topics(["rules"])
    assert coverage_note(fleet=fleet)
    rule("B")
    assert not coverage_note(fleet=fleet), "nobody said that rules changed"
    raise_topics(["rules"])
    assert coverage_note(fleet=fleet)
    raise_topics(["rules"])
    assert not coverage_note(fleet=fleet)
    lines = list(Transition.objects.filter(kind="runbook").order_by("pk").values_list("before", "after", "tone"))
    first, second = "1 of 1 rules have a runbook", "1 of 2 rules have a runbook; without one: 1"
    assert lines == [("", first, "unknown"), (first, second, "warning")]
    [day] = CoverageDay.objects.values("rules", "with_runbook", "without", "slo_rules", "slo_without", "not_known")
    assert tuple(day.values()) == (2, 1, 1, 1, 0, 0)
    assert second in text_of(html_of(viewer, "/timeline/?kind=runbook"))


def test_nothing_is_noted_before_rules_were_read(fleet: FleetFile) -> None:
    never(source())
    never(source("other"))
    raise_topics(["rules"])
    assert not coverage_note(fleet=fleet)
    assert not CoverageDay.objects.exists()


def test_thirty_days_ago_is_told_as_it_was_or_as_not_known(fleet: FleetFile, viewer: Client) -> None:
    rule("A", f"{BASE}a.md", SLO)
    raise_topics(["rules"])
    coverage_note(fleet=fleet)
    today = f"{timezone.now():%B}"
    text = text_of(html_of(viewer, URL))
    assert f"How it stood 30 days ago is not known: it is written down since {timezone.now().day} {today}." in text
    numbers = dict.fromkeys(("without", "empty", "dead", "not_configured", "not_known"), 0)
    then = ago(days=40).date()
    CoverageDay.objects.create(day=then, rules=150, with_runbook=120, slo_rules=69, slo_without=2, **numbers)
    text = text_of(html_of(viewer, f"{URL}?slo=yes"))
    assert "30 days ago 120 of 150 had one, and 2 of 69 SLO rules none." in text
    assert "When it changed" in text
