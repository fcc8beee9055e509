"""Whether an alert is supported, in its list, on Now and on its page, as the runbooks that it links stand."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from apps.alerts.models import Episode
from apps.core.tones import Tone
from apps.core.topics import raise_topics
from apps.runbooks.coverage import coverage_of
from apps.runbooks.models import Runbook, RunbookTree
from apps.runbooks.rules import RuleTold
from apps.runbooks.wanted import paths_wanted
from apps.sources.fleetfile import fleet_file_or_empty
from apps.sources.models import Source
from tests.fleet_in_force import FleetFileOfTest
from tests.pages import html_of, queries_of, text_of
from tests.rows import ago, episode_row

pytestmark = pytest.mark.database

BASE = "https://runbooks.example/blob/main/"
PAGE = "/runbooks/sop/a.md/"
NO_RUNBOOKS = "portal: {phase: service-preview-1}\nalertmanagers: [{name: appsre, members: ['http://127.0.0.1:9']}]\n"


@pytest.fixture(autouse=True)
def fleet(db: None, tmp_path: Path, settings: Settings) -> FleetFileOfTest:
    """A fleet file with a source of runbooks that was read as a whole and has a.md alone."""
    (tmp_path / "sop").mkdir()
    source = f"{{name: sop, folder: {tmp_path / 'sop'}, urls: ['{BASE}<path>']}}"
    made = FleetFileOfTest(tmp_path, settings)
    made.put(f"{NO_RUNBOOKS}runbooks: [{source}]\n")
    Source.objects.update(succeeded_at=timezone.now(), attempted_at=timezone.now())
    RunbookTree.objects.create(source="sop", read_at=timezone.now())
    Runbook.objects.create(source="sop", path="a.md", text="# Steps", read_at=timezone.now())
    return made


def linking(name: str, url: str, **fields: object) -> Episode:
    return episode_row(name, runbook_url=url, annotations={"summary": "x", "runbook_url": url}, **fields)


def support_told(client: Client, name: str) -> str:
    rows = client.get(f"/alerts/?environment=all&format=json&q={name}").json()["rows"]
    return str(rows[0]["support"])


@pytest.mark.parametrize(
    ("url", "words"),
    [
        (f"{BASE}a.md", "supported as data plane: alert and runbook"),
        (f"{BASE}a.md?ref_type=heads#steps", "supported as data plane: alert and runbook"),
        (f"{BASE}a.md\n", "supported as data plane: alert and runbook"),
        (f"{BASE}b.md", "not supported: its runbook is not there"),
        ("https://wiki.example/a.md", "not known whether supported: no source here covers its runbook"),
        ("javascript:alert(1)", "not supported: its runbook is not a web address"),
        ("", "not supported: its runbook link is empty"),
        (" ", "not supported: its runbook link is empty"),
    ],
)
def test_an_alert_of_the_data_plane_is_supported_by_its_runbook(viewer: Client, url: str, words: str) -> None:
    linking("A", url)
    assert support_told(viewer, "A") == words


@pytest.mark.parametrize(
    ("problem", "told"),
    [
        ("kept in Git LFS: its text is not in the repository", "kept in Git LFS: its text is not in the repository"),
        ("", "it is empty"),
    ],
)
def test_a_file_without_anything_to_read_supports_nobody(viewer: Client, problem: str, told: str) -> None:
    Runbook.objects.update(text="", problem=problem)
    episode = linking("A", f"{BASE}a.md")
    assert support_told(viewer, "A") == f"its runbook cannot be read: {told}"
    html = html_of(viewer, f"/alerts/appsre/{episode.fingerprint}/")
    assert f"its runbook cannot be read: {told}" in text_of(html)
    panel = html.partition('id="runbook"')[2].partition("</section>")[0]
    assert told in panel


def test_a_file_that_can_be_read_in_part_is_a_runbook(viewer: Client) -> None:
    Runbook.objects.update(problem="not all of it is UTF-8")
    linking("A", f"{BASE}a.md")
    assert support_told(viewer, "A") == "supported as data plane: alert and runbook"


def test_a_line_break_behind_the_link_is_no_part_of_it_anywhere(viewer: Client) -> None:
    episode = linking("Broken line", f"{BASE}a.md\n")
    panel = html_of(viewer, f"/alerts/appsre/{episode.fingerprint}/").partition('id="runbook"')[2]
    assert f'<a href="{PAGE}">' in panel
    assert f'<a class="out" href="{BASE}a.md"' in panel
    assert "Broken line" in text_of(html_of(viewer, PAGE))
    assert paths_wanted(fleet_file_or_empty(), "sop") == {"a.md"}


def test_alerts_of_an_alertmanager_that_left_the_fleet_file_do_not_count(viewer: Client) -> None:
    Source.objects.update(is_archived=True)
    linking("Left", f"{BASE}a.md")
    row = viewer.get("/runbooks/?format=json").json()["rows"][0]
    assert row["firing"] == 0
    assert paths_wanted(fleet_file_or_empty(), "sop") == frozenset()


def test_a_runbook_under_the_other_annotation_is_said_to_stand_there(viewer: Client) -> None:
    told = {"summary": "x", "runbook": f"{BASE}a.md"}
    words = "its runbook stands under “runbook”, not “runbook_url”"
    episode_row("A", runbook_url=f"{BASE}a.md", annotations=told)
    assert support_told(viewer, "A") == words
    assert words in text_of(html_of(viewer, "/"))
    coverage = coverage_of(fleet_file_or_empty(), [RuleTold("A", annotations=told), RuleTold("B")])
    assert [rule.support.words for rule in coverage.rules] == [words, "not supported: no runbook"]
    assert coverage.counts["without"] == 2


def test_an_alert_without_the_annotation_is_not_supported_and_the_control_planes_always_is(viewer: Client) -> None:
    episode_row("Without")
    episode_row("Control", is_control_plane=True)
    assert support_told(viewer, "Without") == "not supported: no runbook"
    assert support_told(viewer, "Control") == "supported by AppSRE: control plane"


def test_the_list_leads_to_the_runbook_and_says_which_is_not_there(viewer: Client) -> None:
    linking("Found", f"{BASE}a.md")
    linking("Dead", f"{BASE}b.md")
    html = html_of(viewer, "/alerts/")
    assert f'<a href="{PAGE}">runbook</a>' in html
    assert f'title="{BASE}b.md">not there<' in html


def test_a_verdict_changes_with_the_runbooks(viewer: Client) -> None:
    linking("A", f"{BASE}b.md")
    assert support_told(viewer, "A") == "not supported: its runbook is not there"
    Runbook.objects.create(source="sop", path="b.md", text="# b", read_at=timezone.now())
    raise_topics(["runbooks"])
    assert support_told(viewer, "A") == "supported as data plane: alert and runbook"


def test_a_verdict_changes_with_the_fleet_file(viewer: Client, fleet: FleetFileOfTest) -> None:
    linking("A", f"{BASE}b.md")
    assert support_told(viewer, "A") == "not supported: its runbook is not there"
    fleet.put(NO_RUNBOOKS)
    assert support_told(viewer, "A") == "not known whether supported: no source here covers its runbook"


def test_until_the_source_was_read_it_is_not_known(viewer: Client) -> None:
    RunbookTree.objects.all().delete()
    linking("A", f"{BASE}b.md")
    assert support_told(viewer, "A") == "not known yet: its runbook was never read"


def test_the_list_asks_one_query_more_however_many_runbooks_its_alerts_link(
    viewer: Client, fleet: FleetFileOfTest
) -> None:
    for number in range(40):
        linking(f"A{number}", f"{BASE}{number}.md", fingerprint=str(number))
    with_source = queries_of(viewer, "/alerts/?environment=all")
    fleet.put(NO_RUNBOOKS)
    assert with_source == queries_of(viewer, "/alerts/?environment=all") + 1


def test_now_leads_to_the_runbook_that_the_portal_has_and_never_to_a_dead_one(viewer: Client) -> None:
    found, dead = linking("Found", f"{BASE}a.md"), linking("Dead", f"{BASE}b.md")
    html = html_of(viewer, "/")
    assert f'href="/alerts/appsre/{found.fingerprint}/#runbook">Open runbook' in html
    assert f'href="/alerts/appsre/{dead.fingerprint}/">Open alert' in html
    assert f'href="{BASE}b.md"' not in html


def test_the_alerts_page_says_it_beside_the_agreements_phase(viewer: Client) -> None:
    episode = linking("A", f"{BASE}b.md")
    html = html_of(viewer, f"/alerts/appsre/{episode.fingerprint}/")
    assert "not supported: its runbook is not there" in text_of(html)
    assert "service-preview-1" in text_of(html)
    assert f'class="shape {Tone.WARNING}"' in html


def test_the_page_doubts_the_verdict_while_the_runbooks_were_not_read_for_days(viewer: Client) -> None:
    episode = linking("A", f"{BASE}a.md")
    owned = linking("B", f"{BASE}a.md", is_control_plane=True)

    def verdict(one: Episode) -> str:
        html = html_of(viewer, f"/alerts/appsre/{one.fingerprint}/")
        return next(line for line in html.splitlines() if line.startswith("<p><svg"))

    assert 'class="shape well"' in verdict(episode)
    Source.objects.filter(key="runbooks/sop").update(succeeded_at=ago(days=9), failing_since=ago(days=9), failures=9)
    assert 'class="shape unknown stale"' in verdict(episode)
    words = f"alert and runbook, as last read: <bdi>sop has not been read since {ago(days=9):%d %b}"
    assert words in verdict(episode)
    assert ('class="shape well"' in verdict(owned), "last read" in verdict(owned)) == (True, False)
