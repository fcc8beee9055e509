"""The pages of runbooks: the list, one of them, its images, and an alert's panel."""

from __future__ import annotations

import csv
import io
import json
import re
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.template.loader import render_to_string
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from apps.alerts.models import Episode, Rule
from apps.core.clock import database_now
from apps.core.topics import raise_topics
from apps.fleet.overlay import overlay_now
from apps.runbooks.models import Runbook, RunbookFile, RunbookTree
from apps.runbooks.panel import runbook_panel
from apps.runbooks.searching import TEXTS
from apps.sources.models import Source
from tests.fleet_in_force import FleetFileOfTest
from tests.pages import HOSTILE, asked_again, html_of, queries_of, text_of
from tests.rows import ago, down, episode_row

pytestmark = pytest.mark.database

LIST = "/runbooks/"
BASE = "https://runbooks.example/blob/main/"
FLEET = """
prometheuses: [{{name: appsre, url: http://127.0.0.1:9}}]
runbooks:
  - {{name: sop, folder: {folder}, urls: ["https://runbooks.example/blob/main/<path>"]}}
  - {{name: other, folder: {folder}, urls: ["https://other.example/<path>"]}}
"""
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 20


@pytest.fixture(autouse=True)
def fleet(db: None, tmp_path: Path, settings: Settings) -> None:
    """Two sources of runbooks, both read just now."""
    FleetFileOfTest(tmp_path, settings).put(FLEET.format(folder=tmp_path))
    Source.objects.update(succeeded_at=database_now(), attempted_at=database_now())
    for name in ("sop", "other"):
        RunbookTree.objects.create(source=name, read_at=database_now(), revision="4c1d")


def runbook(path: str = "api/errors.md", title: str = "Errors of the API", text: str = "", **more: Any) -> Runbook:
    told = {"source": "sop", "changed_at": ago(days=3), "changed_by": "Remy", "revision": "3f2c1d0a9b8c", **more}
    text = text or f"# {title}\n\n1. Look at the pods"
    return Runbook.objects.create(path=path, title=title, text=text, read_at=database_now(), **told)


def rule(name: str, path: str = "api/errors.md", **labels: str) -> Rule:
    labels = {"severity": "warning", "team": "konflux-infra", "component": "api", **labels}
    annotations = {"runbook_url": f"{BASE}{path}"}
    return Rule.objects.create(prometheus="appsre", group="g", name=name, labels=labels, annotations=annotations)


def alert(name: str = "ApiErrors", path: str = "api/errors.md", **fields: Any) -> Episode:
    url = fields.pop("url", f"{BASE}{path}")
    return episode_row(name, runbook_url=url, annotations={"runbook_url": url}, **fields)


def titles(client: Client, query: str = "") -> list[str]:
    answer = client.get(f"{LIST}?format=json{query}")
    assert answer.status_code == 200, answer.content
    return [row["title"] for row in json.loads(answer.content)["rows"]]


def panel_of(episode: Episode) -> str:
    shown = runbook_panel(Episode.objects.get(pk=episode.pk), overlay_now())
    return render_to_string("runbooks/_panel.html", shown)


def test_the_list_says_who_uses_a_runbook_when_last_and_who_changed_it(viewer: Client) -> None:
    runbook()
    rule("ApiErrors", slo="true", severity="critical")
    rule("ApiSlow")
    alert(began_at=ago(hours=5), ended_at=ago(hours=4), owner="konflux-infra")
    text = text_of(html_of(viewer, LIST))
    assert "Errors of the API SLO ApiErrors and 1 more konflux-infra api 5 h" in text
    assert "3 d" in text
    assert "by Remy" in text
    alert("ApiSlow", tone="warning")
    assert re.search(r'#tone-warning"></use></svg> 1 fires now', html_of(viewer, LIST))
    alert("ApiErrors", tone="critical")
    assert re.search(r'#tone-critical"></use></svg> 2 fire now', html_of(viewer, LIST))


@pytest.mark.parametrize("most", [30_000_000, 0], ids=["kept", "asked of the database"])
def test_every_word_is_found_in_title_path_or_text_in_any_order(
    viewer: Client, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    monkeypatch.setattr("apps.runbooks.searching.MOST_LETTERS", most)
    runbook(text="# x\n\nThe etcd members lost their quorum. 100%_sure")
    runbook("web/slow.md", "Slow pages", source="other")
    assert titles(viewer) == ["Errors of the API", "Slow pages"]
    assert titles(viewer, "&q=quorum+ERRORS") == ["Errors of the API"]
    assert titles(viewer, "&q=web") == ["Slow pages"]
    assert titles(viewer, "&q=etcd+slow") == []
    assert titles(viewer, "&q=100%25_s") == ["Errors of the API"]
    assert titles(viewer, "&q=%25") == ["Errors of the API"]
    assert "No runbooks fit these filters" in text_of(html_of(viewer, f"{LIST}?q=no-such"))


def test_words_are_found_in_any_case_of_any_letter(viewer: Client) -> None:
    runbook(text="# x\n\nÜBERLAST")
    assert titles(viewer, "&q=überlast") == ["Errors of the API"]


def test_texts_are_kept_until_a_runbook_changes(viewer: Client, settings: Settings) -> None:
    TEXTS.forget()
    settings.PAGES_KEPT_SECONDS = 60
    kept = runbook(text="before")
    assert titles(viewer, "&q=before") == ["Errors of the API"]
    Runbook.objects.filter(pk=kept.pk).update(text="after")
    with CaptureQueriesContext(connection) as queries:
        assert titles(viewer, "&q=before") == ["Errors of the API"], "nobody has said that it changed"
    assert not any('"runbooks_runbook"."text"' in query["sql"] for query in queries)
    TEXTS.forget()
    assert titles(viewer, "&q=before") == []


def test_the_list_is_narrowed_by_source_owner_and_component(viewer: Client) -> None:
    runbook()
    runbook("web/slow.md", "Slow pages")
    runbook("unused.md", "Unused", source="other")
    rule("ApiErrors")
    rule("WebSlow", "web/slow.md", team="web", component="ui")
    assert titles(viewer, "&source=other") == ["Unused"]
    assert titles(viewer, "&owner=web") == ["Slow pages"]
    assert titles(viewer, "&component=api") == ["Errors of the API"]
    assert titles(viewer, "&component=api&component=ui") == ["Errors of the API", "Slow pages"]
    assert titles(viewer, "&owner=not-set") == ["Unused"]
    assert viewer.get(f"{LIST}?format=csv&owner=no-such").status_code == 400


def test_the_list_is_sorted_by_title_last_use_and_last_change(viewer: Client) -> None:
    runbook("b.md", "b", changed_at=ago(days=1))
    runbook("a.md", "A", changed_at=None)
    runbook("c.md", "c", changed_at=ago(days=9))
    alert(path="c.md")
    assert titles(viewer) == ["A", "b", "c"]
    assert titles(viewer, "&sort=-changed") == ["b", "c", "A"]
    assert titles(viewer, "&sort=-used") == ["c", "A", "b"]


def test_the_file_holds_what_the_list_shows(viewer: Client) -> None:
    runbook(title="=cmd()")
    rule("ApiErrors")
    answer = viewer.get(f"{LIST}?format=csv")
    [row] = csv.DictReader(io.StringIO(answer.content.decode()))
    assert row["title"] == "'=cmd()"
    assert (row["rules"], row["owners"], row["components"]) == ("ApiErrors", "konflux-infra", "api")
    assert row["link"] == "http://testserver/runbooks/sop/api/errors.md/"


def test_runbooks_of_a_source_that_left_the_fleet_file_are_gone(viewer: Client) -> None:
    runbook(source="gone")
    assert titles(viewer) == []
    assert viewer.get("/runbooks/gone/api/errors.md/").status_code == 404


def test_a_source_that_is_down_leaves_its_runbooks_with_their_age(viewer: Client) -> None:
    runbook()
    down(Source.objects.get(key="runbooks/sop"))
    Source.objects.filter(key="runbooks/sop").update(succeeded_at=ago(hours=3))
    for address in (LIST, "/runbooks/sop/api/errors.md/"):
        text = text_of(html_of(viewer, address))
        assert "is down: what it told is from 3 h" in text
        assert "Errors of the API" in text


def test_without_a_source_the_list_says_so(viewer: Client, tmp_path: Path, settings: Settings) -> None:
    FleetFileOfTest(tmp_path, settings).put("portal: {name: Stonesoup}\n")
    assert "the fleet file names no source of runbooks" in text_of(html_of(viewer, LIST))


def test_a_runbooks_page_shows_it_without_values_and_who_uses_it(viewer: Client) -> None:
    runbook(text="# Errors of the API\n\nRun `oc -n <namespace> get pods`.\n\n1. Look")
    rule("ApiErrors")
    alert(labels={"namespace": "secret-of-the-alert"})
    alert("ApiSlow", fingerprint="aa", began_at=ago(days=2), ended_at=ago(days=1))
    html = html_of(viewer, "/runbooks/sop/api/errors.md/")
    text = text_of(html)
    assert "oc -n &lt;namespace&gt; get pods" in html
    assert "secret-of-the-alert" not in html
    assert 'role="checkbox"' not in html
    assert "Who fires now ApiErrors stone-prd-m01" in text
    assert "ApiErrors api · konflux-infra · appsre" in text
    assert "When it was used ApiSlow" in text
    assert "Last change 3 d" in text
    assert f'href="{BASE}api/errors.md"' in html


def test_a_runbook_that_is_not_known_is_not_found(viewer: Client) -> None:
    assert viewer.get("/runbooks/sop/none.md/").status_code == 404
    assert viewer.get("/runbooks/none/api/errors.md/").status_code == 404
    assert viewer.get("/runbooks/sop/%2e%2e/x.md/").status_code == 404


def test_a_page_that_stays_open_learns_of_a_new_revision(viewer: Client) -> None:
    kept = runbook()
    html = html_of(viewer, "/runbooks/sop/api/errors.md/")
    assert viewer.get(asked_again(html), HTTP_HX_REQUEST="true").status_code == 204
    Runbook.objects.filter(pk=kept.pk).update(text="1. Another step")
    raise_topics(["runbooks"])
    assert "Another step" in viewer.get(asked_again(html), HTTP_HX_REQUEST="true").content.decode()


def test_hostile_titles_paths_and_names_are_only_text(viewer: Client) -> None:
    runbook("api/<img src=x>.md", HOSTILE, HOSTILE, changed_by=HOSTILE, problem=HOSTILE, revision=HOSTILE)
    rule(HOSTILE, "api/%3Cimg%20src=x%3E.md", team=HOSTILE, component=HOSTILE)
    for address in (LIST, "/runbooks/sop/api/%3Cimg%20src=x%3E.md/"):
        assert "<img src=x" not in html_of(viewer, address)


@pytest.mark.parametrize("kind", ["image/png", "image/svg+xml"])
def test_an_image_comes_with_its_own_type_and_may_do_nothing(viewer: Client, kind: str) -> None:
    RunbookFile.objects.create(source="sop", path="api/img/a.png", content_type=kind, data=PNG)
    answer = viewer.get("/runbooks/-/file/sop/api/img/a.png")
    assert (answer.status_code, answer.content, answer["Content-Type"]) == (200, PNG, kind)
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Security-Policy"].split("; ")[:3] == [
        "default-src 'none'",
        "style-src 'unsafe-inline'",
        "sandbox",
    ]


@pytest.mark.parametrize("kind", ["text/html", "application/xhtml+xml", "text/javascript", ""])
def test_what_is_no_image_is_never_given(viewer: Client, kind: str) -> None:
    RunbookFile.objects.create(source="sop", path="a.html", content_type=kind, data=b"<script>alert(1)</script>")
    assert viewer.get("/runbooks/-/file/sop/a.html").status_code == 404
    assert viewer.get("/runbooks/-/file/sop/none.png").status_code == 404


def test_an_alerts_panel_shows_its_runbook_filled_in() -> None:
    runbook(text="# Errors of the API\n\n1. `oc -n <namespace> get pods -l <app>`")
    html = panel_of(alert(labels={"namespace": "build-service", "app": "a b"}))
    text = text_of(f"<main{html}")
    assert '<a href="/runbooks/sop/api/errors.md/">' in html
    assert "build-service</mark>" in html
    assert "0 of 1 steps done" in text
    assert "Not filled, since the alert’s value is not safe in a command: &lt;app&gt;" in text


def test_an_alerts_link_into_a_runbook_leads_to_its_heading() -> None:
    runbook()
    assert 'href="/runbooks/sop/api/errors.md/#rb-fix-it"' in panel_of(alert(url=f"{BASE}api/errors.md#fix-it"))


@pytest.mark.parametrize(
    ("url", "words"),
    [
        (None, "This alert links no runbook."),
        ("", "This alert’s runbook_url is empty."),
        (f"{BASE}none.md", "Dead link: sop has no none.md."),
        ("https://elsewhere.example/x", "No runbook source covers its link."),
        ("javascript:alert(1)", "Its link is not a web address: javascript:alert(1)"),
    ],
)
def test_an_alerts_panel_says_why_there_is_no_runbook(url: str | None, words: str) -> None:
    annotations = {} if url is None else {"runbook_url": url}
    html = panel_of(episode_row("X", runbook_url=url or "", annotations=annotations))
    assert words in text_of(f"<main{html}")
    assert 'href="javascript' not in html


def test_a_source_that_was_never_read_is_not_known_yet() -> None:
    RunbookTree.objects.all().delete()
    assert "Not known yet: sop has not been read." in text_of(f"<main{panel_of(alert())}")


def test_pages_cost_few_queries_however_many_runbooks_there_are(viewer: Client) -> None:
    for number in range(30):
        runbook(f"{number}.md", f"Runbook {number}")
        rule(f"Rule{number}", f"{number}.md")
        alert(f"Alert{number}", f"{number}.md", fingerprint=f"{number:016x}")
    few = queries_of(viewer, LIST)
    for number in range(30, 60):
        runbook(f"{number}.md", f"Runbook {number}")
    assert queries_of(viewer, LIST) == few
    assert few <= 18
    assert queries_of(viewer, "/runbooks/sop/1.md/") <= 24


def test_what_the_list_says_of_now_is_of_now(viewer: Client) -> None:
    runbook()
    began: datetime = ago(minutes=1)
    alert(began_at=began)
    assert "1 fires now" in text_of(html_of(viewer, LIST))
    Episode.objects.update(ended_at=database_now())
    assert "fires now" not in text_of(html_of(viewer, LIST))
