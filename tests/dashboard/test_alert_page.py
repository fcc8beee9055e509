"""The Alert page in full: what it measures, what likely led to it, its past, what else fires, whom it reaches."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from apps.alerts.graphs import KEPT, topic_of
from apps.alerts.models import AlertGraph, Episode
from apps.core.clock import database_now
from apps.core.topics import raise_topics
from tests.fleet_in_force import FleetFileOfTest
from tests.pages import HOSTILE, asked_again, html_of, queries_of, text_of
from tests.rows import ago, application_row, broken, change_row, cluster_row, episode_row, held_by, source_row

pytestmark = pytest.mark.database

MEMBERS = ("alertmanager/appsre/0", "alertmanager/appsre/1")
M01 = "stone-prd-m01"
APP = f"production/argocd/build-service-{M01}"


@pytest.fixture(autouse=True)
def _fleet(db: None) -> None:
    for key in (*MEMBERS, "argocd/production", f"kubernetes/{M01}"):
        source_row(key)
    cluster_row(M01)


def page_of(episode: Episode) -> str:
    return f"/alerts/{episode.alertmanager}/{episode.fingerprint}/"


def panel(html: str, name: str) -> str:
    """The text of one panel."""
    found = re.search(rf'<section class="panel" id="{name}".*?</section>', html, re.DOTALL)
    assert found, name
    return text_of(f"<main {found.group()}")


def graph_row(episode: Episode, *values: float, **fields: Any) -> AlertGraph:
    """A graph of three hours, a value each ten minutes."""
    now = database_now()
    start = now - timedelta(hours=3)
    points = [[(start + timedelta(minutes=10 * place)).timestamp(), value] for place, value in enumerate(values)]
    defaults = {
        "asked_at": now,
        "read_at": now,
        "prometheus": "rhobs",
        "expression": "lag",
        "sign": ">",
        "threshold": 0.9,
        "start": start,
        "end": now,
        "step": 600.0,
        "series": [{"labels": {}, "points": points}] if points else [],
        "told": 1,
    }
    return AlertGraph.objects.create(episode=episode, **{**defaults, **fields})


# --- what it measures


def test_opening_the_page_asks_for_the_values_and_asking_again_does_not(viewer: Client) -> None:
    episode = episode_row()
    html = html_of(viewer, page_of(episode))
    assert "Being read: it shows here by itself." in panel(html, "graph")
    graph = AlertGraph.objects.get(episode=episode)
    assert graph.is_awaited
    AlertGraph.objects.all().delete()
    viewer.get(asked_again(html), headers={"HX-Request": "true"})
    assert not AlertGraph.objects.exists()


def test_the_values_are_drawn_with_the_threshold_and_said_in_words(viewer: Client) -> None:
    episode = episode_row(began_at=ago(hours=1))
    graph_row(episode, 0.5, 0.6, 0.7, 0.95, 0.97)
    html = html_of(viewer, page_of(episode))
    told = panel(html, "graph")
    assert "Fires while it is above 0.9 (dashed)." in told
    assert "between 0.5 and 0.97, last 0.97." in told
    assert "By Prometheus rhobs , read" in told
    drawn = re.findall(r'<svg class="drawn".*?</svg>\s*<g', html, re.DOTALL)[0]
    assert drawn.count("<path") == 3
    assert "stroke-dasharray" in drawn
    assert "style=" not in drawn
    [path] = re.findall(r'<path d="([^"]+)" stroke-width', drawn)
    heights = [float(each.split()[1]) for each in re.findall(r"[ML]([\d.]+ [\d.]+)", path)]
    assert len(heights) == 6  # the first is a short line of its own
    assert heights == sorted(heights, reverse=True)


def test_where_no_threshold_can_be_read_that_is_said(viewer: Client) -> None:
    episode = episode_row()
    graph_row(episode, 1, 1, sign="", threshold=None)
    told = panel(html_of(viewer, page_of(episode)), "graph")
    assert "No threshold can be read" in told
    assert "always 1" in told


def test_a_gap_breaks_the_line(viewer: Client) -> None:
    episode = episode_row()
    row = graph_row(episode, 1, 2, 3, 4)
    del row.series[0]["points"][2]
    row.save()
    [path] = re.findall(r'<path d="([^"]+)" stroke-width', html_of(viewer, page_of(episode)))
    assert [path.count(letter) for letter in "ML"] == [4, 1]  # two lines begin, each with a point of its own


def test_why_there_are_no_values_is_said_in_their_place(viewer: Client) -> None:
    episode = episode_row()
    graph_row(episode, problem="Prometheus rhobs gave no values (could not be reached).")
    assert "gave no values (could not be reached)" in panel(html_of(viewer, page_of(episode)), "graph")


def test_the_page_follows_when_the_values_come(viewer: Client) -> None:
    episode = episode_row()
    html = html_of(viewer, page_of(episode))
    answer = viewer.get(asked_again(html), headers={"HX-Request": "true"})
    assert answer.status_code == 204
    AlertGraph.objects.all().delete()
    graph_row(episode, 1, 2)
    raise_topics([topic_of(episode)])
    answer = viewer.get(asked_again(html), headers={"HX-Request": "true"})
    assert "between 1 and 2" in answer.content.decode()


def test_an_old_graph_is_asked_for_again_and_shown_meanwhile(viewer: Client) -> None:
    episode = episode_row()
    graph_row(episode, 1, 2, read_at=ago(minutes=10), asked_at=ago(minutes=11))
    told = panel(html_of(viewer, page_of(episode)), "graph")
    assert "between 1 and 2" in told
    assert "being read again" in told
    assert timedelta(minutes=10) > KEPT


# --- what changed before


def test_what_likely_led_to_it_comes_first_with_the_reason(viewer: Client) -> None:
    app = broken(f"build-service-{M01}")
    application_row("build-service-stone-prd-m02", cluster="stone-prd-m02")
    began = ago(hours=1)
    episode = episode_row(began_at=began, application=APP, labels={"namespace": "build-service"})
    change_row(app.name, application=APP, seen_at=began - timedelta(minutes=1))
    change_row(
        app.name, field="operation", after="Succeeded", application=APP, seen_at=began - timedelta(minutes=4, seconds=1)
    )
    change_row(
        M01, kind="cluster", subject=M01, field="node/w1", after="not ready", seen_at=began - timedelta(minutes=20)
    )
    change_row(
        "has",
        kind="action",
        subject="production/argocd/has",
        field="action/sync",
        after="Resync succeeded",
        by="remy",
        tone="well",
        seen_at=began - timedelta(minutes=10),
    )
    change_row(
        "build-service-stone-prd-m02",
        field="revision",
        cluster="stone-prd-m02",
        environment="production",
        application="production/argocd/build-service-stone-prd-m02",
        seen_at=began - timedelta(minutes=30),
    )
    told = panel(html_of(viewer, page_of(episode)), "before")
    reasons = [
        "synced 4 m before, same Application",
        "Resync succeeded by remy 10 m before, same cluster",
        "1 m before, same Application",
        "20 m before, same cluster",
        "30 m before, same component elsewhere",
    ]
    places = [told.find(reason) for reason in reasons]
    assert places == sorted(places), told
    assert -1 not in places, told


def test_where_nothing_changed_that_is_said(viewer: Client) -> None:
    told = panel(html_of(viewer, page_of(episode_row())), "before")
    assert f"Nothing that the portal saw on {M01} or near it." in told
    nowhere = episode_row("Nowhere", cluster="", environment="")
    assert "Not known" in panel(html_of(viewer, page_of(nowhere)), "before")


# --- its past


def past(count: int, *, minutes: float, hours_apart: float = 2, **fields: Any) -> None:
    for number in range(1, count + 1):
        began = ago(hours=hours_apart * number)
        ended = began + timedelta(minutes=minutes)
        episode_row("Flap", fingerprint="f", began_at=began, ended_at=ended, state="ended", **fields)


def test_its_past_is_drawn_and_told_and_flapping_is_marked(viewer: Client) -> None:
    past(4, minutes=5)
    episode = episode_row("Flap", fingerprint="f", began_at=ago(minutes=10))
    html = html_of(viewer, page_of(episode))
    told = panel(html, "history")
    assert "Fired 5 times in 30 days, 30 m in all, flapping." in told
    assert told.count("flapping") == 5
    assert '<a class="badge warning" href="#history">flapping</a>' in html
    drawn = re.findall(r'<rect class="critical"|<rect class="warning"', html)
    assert len(drawn) >= 1


def test_of_many_times_the_last_are_told_and_all_are_drawn(viewer: Client) -> None:
    past(60, minutes=30, hours_apart=10)
    episode = episode_row("Flap", fingerprint="f")
    html = html_of(viewer, page_of(episode))
    told = panel(html, "history")
    assert "Fired 61 times in 30 days" in told
    assert told.count("ended") == 19
    assert "and 41 more, drawn above" in told
    oldest = Episode.objects.order_by("began_at")[0]
    told = panel(
        html_of(viewer, f"{page_of(episode)}?episode={oldest.began_at.isoformat().replace('+', '%2B')}"), "history"
    )
    assert "and 40 more" in told


def test_long_ones_are_no_flapping(viewer: Client) -> None:
    past(4, minutes=30)
    html = html_of(viewer, page_of(episode_row("Flap", fingerprint="f")))
    assert "flapping" not in panel(html, "history")
    assert 'href="#history">flapping' not in html


def test_what_fired_once_says_once(viewer: Client) -> None:
    assert "Fired once in 30 days, 12 m in all." in panel(html_of(viewer, page_of(episode_row())), "history")


def test_time_before_the_thirty_days_is_not_counted(viewer: Client) -> None:
    episode = episode_row(began_at=ago(days=40))
    assert "Fired once in 30 days, 30 d in all." in panel(html_of(viewer, page_of(episode)), "history")


# --- what it concerns


def test_the_application_that_is_not_well_can_be_resynced_from_here(responder: Client) -> None:
    broken(f"build-service-{M01}")
    episode = episode_row(application=APP)
    html = html_of(responder, page_of(episode))
    assert f'value="sync|{APP}|' in html
    assert 'data-resync="/actions/new/?action=sync' in html


def test_who_may_not_act_sees_no_button_and_well_ones_have_none(viewer: Client, responder: Client) -> None:
    app = broken(f"build-service-{M01}")
    episode = episode_row(application=APP)
    assert "sync|" not in html_of(viewer, page_of(episode))
    app.tone, app.health_status = "well", "Healthy"
    app.save()
    assert "sync|" not in html_of(responder, page_of(episode))


def test_the_applications_of_its_namespace_stand_beside_it(viewer: Client) -> None:
    application_row("pruner")
    application_row("elsewhere", cluster="stone-prd-m02")
    application_row("other", destination_namespace="other")
    episode = episode_row(labels={"alertname": "X", "namespace": "build-service"})
    told = panel(html_of(viewer, page_of(episode)), "concerns")
    assert "pruner same namespace" in told
    assert "elsewhere" not in told
    assert "other" not in told


# --- what else fires, whom it reaches


def test_others_on_its_cluster_and_by_its_name_are_counted_with_their_list(viewer: Client) -> None:
    episode = episode_row("Slow", application=APP)
    episode_row("Slow", fingerprint="2", cluster="stone-prd-m02")
    episode_row("Beside", application=APP)
    for number in range(12):
        episode_row(f"Other{number}", fingerprint=f"o{number}")
    episode_row("Ended", ended_at=ago(minutes=1), state="ended")
    episode_row("Far", cluster="stone-prd-m02")
    html = html_of(viewer, page_of(episode))
    told = panel(html, "related")
    assert f"1 on the same Application · 1 by the same name · 13 on {M01}" in told
    assert told.index("Beside") < told.index("Slow") < told.index("Other")
    assert "Far" not in told
    assert "Ended" not in told
    assert told.count("Other") <= 6
    lists = re.findall(r'<a class="see" href="([^"]+)">', html)
    for url, count in zip(lists, (2, 14), strict=True):
        listed = text_of(html_of(viewer, url.replace("&amp;", "&")))
        assert f"of {count} alerts" in listed


def test_alone_is_said(viewer: Client) -> None:
    assert "Nothing else" in panel(html_of(viewer, page_of(episode_row())), "related")


def test_the_owner_is_told_with_the_way_to_them(viewer: Client, tmp_path: Path, settings: Settings) -> None:
    owners = """
owners:
  - {name: konflux-infra, matchers: 'team="infra"', contact: "#forum-infra", link: "https://teams.example/infra"}
"""
    FleetFileOfTest(tmp_path, settings).put(owners)
    episode = episode_row(
        owner="konflux-infra",
        receivers=["pagerduty", "slack"],
        labels={"alertname": "X", "team": "infra"},
        annotations={"alert_routing_key": "perfandscale", "alert_team_handle": "<!subteam^S1>"},
    )
    html = html_of(viewer, page_of(episode))
    told = panel(html, "routing")
    for words in ("konflux-infra", "#forum-infra", "pagerduty, slack", "infra", "perfandscale", "&lt;!subteam^S1&gt;"):
        assert words in told
    assert 'href="https://teams.example/infra"' in html


# --- all of it


def test_f25_hostile_words_are_words(viewer: Client) -> None:
    episode = episode_row(
        HOSTILE,
        fingerprint="f25",
        owner=HOSTILE,
        receivers=[HOSTILE],
        annotations={"team": HOSTILE},
        labels={"alertname": HOSTILE},
    )
    graph_row(episode, 1, 2, expression=HOSTILE, prometheus=HOSTILE, problem=HOSTILE)
    episode_row(HOSTILE, fingerprint="other")
    change_row(HOSTILE, after=HOSTILE, by=HOSTILE, link="javascript:alert(1)")
    html = html_of(viewer, page_of(episode))
    assert "<img" not in html
    assert not re.search(r'href="\s*javascript:', html, re.IGNORECASE)
    assert "55433" not in text_of(html)


def test_the_page_costs_few_queries_however_much_there_is(viewer: Client) -> None:
    app = broken(f"build-service-{M01}")
    told = {"application": APP, "labels": {"namespace": "build-service", "alertname": "One"}}
    episode = held_by(episode_row("One", silenced_by=["s"], **told), *MEMBERS)
    graph_row(episode, 1, 2)
    fill(app.name, 5)
    few = queries_of(viewer, page_of(episode))
    fill(app.name, 200, start=5)
    assert queries_of(viewer, page_of(episode)) == few
    assert few <= 29


def fill(name: str, count: int, *, start: int = 0) -> None:
    for number in range(start, start + count):
        application_row(f"near-{number}")
        application_row(f"twin-{number}", cluster="stone-prd-m02")
        change_row(name, field="revision", after=f"{number}", seen_at=ago(minutes=20 + number / 10))
        change_row(f"twin-{number}", cluster="stone-prd-m02", environment="production", field="revision")
        held_by(episode_row(f"Other{number}", fingerprint=f"o{number}"), *MEMBERS)
        began = ago(days=1, minutes=number)
        episode_row("One", began_at=began, ended_at=began + timedelta(seconds=9), state="ended")
