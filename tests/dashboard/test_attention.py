"""The order of what needs somebody, and what becomes one row."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from apps.core.tones import Tone
from apps.dashboard.attention import Problem, Weight, counted, first_cause, ranked

NOW = datetime(2026, 11, 24, 22, 0, tzinfo=UTC)
ENVIRONMENTS = ["staging", "production"]


def problem(name: str, **fields: Any) -> Problem:
    """A warning of an Application in production, ten minutes old."""
    defaults: dict[str, Any] = {
        "title": name,
        "tone": Tone.WARNING,
        "weight": Weight.APPLICATION,
        "environment": "production",
        "since": NOW - timedelta(minutes=10),
        "noun": "Application",
    }
    return Problem(name=name, **{**defaults, **fields})


def order(*problems: Problem) -> list[str]:
    """The titles in the order in which they are shown; it does not hang on the order in which they were found."""
    rows = ranked(problems, ENVIRONMENTS)
    assert [row.title for row in ranked(problems[::-1], ENVIRONMENTS)] == [row.title for row in rows]
    return [row.title for row in rows]


def test_tone_comes_first() -> None:
    stale = problem("stale", tone=Tone.UNKNOWN)
    lost = problem("lost", tone=Tone.CRITICAL, environment="staging", since=NOW - timedelta(days=3))
    assert order(stale, problem("degraded"), lost) == ["lost", "degraded", "stale"]


def test_then_the_environment_that_more_people_use() -> None:
    staging = problem("staging", environment="staging", weight=Weight.SLO_ALERT)
    nowhere = problem("nowhere", environment="", since=NOW - timedelta(minutes=20))
    assert order(staging, problem("production"), nowhere) == ["production", "nowhere", "staging"]


def test_then_what_it_is() -> None:
    names = [weight.name for weight in Weight]
    assert order(*(problem(weight.name, weight=weight) for weight in Weight)) == names
    assert names[:3] == ["LOST_CLUSTER", "SLO_ALERT", "CONTROL_PLANE_ALERT"]


def test_a_row_stands_where_the_most_urgent_in_it_would_stand_alone_and_says_so() -> None:
    app = problem("app", title="app")
    slo = problem("slo", title="slo", cause="app", weight=Weight.SLO_ALERT, noun="alert")
    others = [problem(f"alert-{number}", weight=Weight.ALERT, noun="alert") for number in range(3)]
    assert order(app, slo, *others)[0] == "app"
    [row, *_] = ranked([app, slo, *others], ENVIRONMENTS)
    assert row.why.startswith("warning: an alert on an SLO that came with it in production, which weighs most")


def test_then_the_newest() -> None:
    old, new = problem("old", since=NOW - timedelta(days=30)), problem("new")
    assert order(old, new, problem("never told", since=None)) == ["new", "old", "never told"]


def test_what_comes_of_a_lost_cluster_is_one_row_with_it() -> None:
    lost = problem("cluster/rh01", title="rh01", tone=Tone.CRITICAL, weight=Weight.LOST_CLUSTER, noun="cluster")
    apps = problem("unknown/rh01", cause="cluster/rh01", tone=Tone.UNKNOWN, count=14, noun="Application not known")
    source = problem("source/rh01", cause="cluster/rh01", noun="source")
    [row] = ranked([source, apps, lost], ENVIRONMENTS)
    assert row.lead is lost
    assert row.counts == {"source": 1, "Application not known": 14}
    assert [words for words, _ in row.all_links] == ["1 source", "14 Applications not known"]
    assert [member.name for member in row.shown_members] == ["source/rh01"]


def test_a_cause_of_a_cause_leads() -> None:
    all_stale = problem("sources/stale", title="9 sources: stale", noun="source")
    source = problem("source/argocd/production", cause="sources/stale", noun="source")
    apps = problem("unknown/production", cause="source/argocd/production", count=36, noun="Application not known")
    assert order(apps, source, all_stale) == ["9 sources: stale"]


def test_a_circle_of_causes_loses_nothing() -> None:
    causes = {"a": "b", "b": "a"}
    assert {first_cause("a", causes), first_cause("b", causes)} <= {"a", "b"}
    rows = ranked([problem("a", cause="b"), problem("b", cause="a")], ENVIRONMENTS)
    assert {row.lead.name for row in rows} | {each.name for row in rows for each in row.members} == {"a", "b"}


def test_one_alert_in_many_places_is_one_row_under_its_own_name() -> None:
    alerts = [
        problem(
            f"alert/{place}",
            title="PipelineRunsPending",
            cause="alerts/PipelineRunsPending",
            place=place,
            noun="alert",
            weight=Weight.ALERT,
        )
        for place in ("m01", "m02", "m03")
    ]
    [row] = ranked(alerts, ENVIRONMENTS)
    assert (row.title, row.counts, row.is_spread, row.places) == (
        "PipelineRunsPending",
        {"alert": 3},
        True,
        ["m01", "m02", "m03"],
    )


def test_many_alike_are_one_row_in_the_name_of_all() -> None:
    apps = [
        problem(
            f"app-{number}", cause="applications/production/comparison", together="{count} Applications on production"
        )
        for number in range(36)
    ]
    [row] = ranked(apps, ENVIRONMENTS)
    assert row.title == "36 Applications on production"
    assert len(row.shown_members) == 6
    assert [words for words, _ in row.all_links] == ["36 Applications"]


def test_no_alert_leads_many_alike() -> None:
    apps = [problem(f"app-{number}", cause="git/x", together="Git fails: {count}") for number in range(5)]
    alert = problem("alert", cause="app-1", tone=Tone.CRITICAL, weight=Weight.ALERT, noun="alert")
    [row] = ranked([alert, *apps], ENVIRONMENTS)
    assert (row.title, row.lead.noun) == ("Git fails: 5", "Application")
    assert alert in row.shown_members


def test_one_alone_keeps_its_own_title_though_it_names_a_cause() -> None:
    [row] = ranked([problem("app", cause="applications/production/x", together="{count} Applications")], ENVIRONMENTS)
    assert (row.title, row.members) == ("app", ())


@pytest.mark.parametrize("weight", list(Weight))
def test_every_row_says_why_it_stands_there(weight: Weight) -> None:
    [row] = ranked([problem("x", weight=weight)], ENVIRONMENTS)
    assert row.why.startswith("warning: a")
    assert "production, which weighs most" in row.why


def test_numbers_and_nouns_agree() -> None:
    assert counted(1, "Application not known") == "1 Application not known"
    assert counted(2, "cluster") == "2 clusters"


def test_nothing_is_no_row() -> None:
    assert ranked([], ENVIRONMENTS) == []
