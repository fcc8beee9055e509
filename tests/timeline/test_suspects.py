"""Which changes likely led to something, in which order, and why each is listed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from apps.timeline.models import Transition
from apps.timeline.suspects import Nearness, Scene, nearness_of, suspects_of

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
APP, NEIGHBOUR, TWIN = "prod/argocd/build-m01", "prod/argocd/pruner-m01", "prod/argocd/build-m02"
SCENE = Scene(
    moment=NOW,
    application=APP,
    cluster="m01",
    environment="production",
    neighbours=frozenset({NEIGHBOUR}),
    twins=frozenset({TWIN}),
    itself=("alert", "appsre/5"),
)


def line(subject: str = APP, *, minutes: float = 10, kind: str = "application", **fields: Any) -> Transition:
    """A revision of an Application on m01, ten minutes before, unless told otherwise."""
    defaults = {"field": "revision", "before": "a" * 40, "after": "b" * 40, "tone": "", "cluster": "m01"}
    title = subject.rpartition("/")[2]
    at = NOW - timedelta(minutes=minutes)
    told = {**defaults, "environment": "production", "application": subject if kind == "application" else "", **fields}
    return Transition(kind=kind, subject=subject, title=title, seen_at=at, **told)


def node(**fields: Any) -> Transition:
    told = {"field": "node/w1", "before": "ready", "after": "not ready", "tone": "warning", "link": "/clusters/m01/"}
    return line("m01", kind="cluster", **{**told, **fields})


def health(subject: str = APP, **fields: Any) -> Transition:
    return line(subject, **{"field": "health", "before": "Healthy", "after": "Degraded", "tone": "warning", **fields})


def synced(subject: str = APP, **fields: Any) -> Transition:
    return line(subject, **{"field": "operation", "before": "Running", "after": "Succeeded", "tone": "well", **fields})


def action(subject: str = APP, **fields: Any) -> Transition:
    told = {"field": "action/sync", "before": "", "after": "Resync succeeded", "tone": "well", "by": "remy"}
    return line(subject, kind="action", **{**told, **fields})


def alert(**fields: Any) -> Transition:
    told = {"field": "firing", "before": "", "after": "begins", "tone": "critical"}
    return line("appsre/9", kind="alert", **{**told, **fields})


@pytest.mark.parametrize(
    ("nearer", "further"),
    [
        (line(APP), line(NEIGHBOUR)),
        (line(NEIGHBOUR), line("prod/argocd/other-m01")),
        (line("prod/argocd/other-m01"), line(TWIN, cluster="m02")),
        (line(TWIN, cluster="m02"), line("prod/argocd/other-m02", cluster="m02")),
        (line(minutes=4), line(minutes=5)),
        (line(), health()),
        (synced(), health()),
        (action(), health()),
        (node(), node(after="ready", tone="well")),
        (line(), line(field="sync", before="Synced", after="OutOfSync", tone="warning")),
        (node(field="version", before="4.16", after="4.17", tone="busy"), node()),
        (alert(), health("prod/argocd/other-m01")),
        (synced(), synced(after="Succeeded (dry run)")),
        (line(NEIGHBOUR, minutes=40), line("prod/argocd/other-m02", cluster="m02", minutes=1)),
        (node(minutes=2), line(APP, minutes=110)),
    ],
)
def test_the_likelier_of_two_comes_first(nearer: Transition, further: Transition) -> None:
    [[first], [second]] = [suspects_of([each], SCENE) for each in (nearer, further)]
    assert first.score > second.score > 0
    assert suspects_of([further, nearer], SCENE)[0].change.title == nearer.title


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        (synced(minutes=4), "4 m before, same Application"),
        (node(minutes=2), "2 m before, same cluster"),
        (action("prod/argocd/other-m01"), "10 m before, same cluster"),
        (line(NEIGHBOUR), "10 m before, same namespace"),
        (line(TWIN, cluster="m02"), "10 m before, same component elsewhere"),
        (line("prod/argocd/x-m02", cluster="m02", minutes=90), "1 h 30 m before, same environment"),
        (line(minutes=0), "at the same moment, same Application"),
        (line(minutes=-0.5), "at the same moment, same Application"),
    ],
)
def test_each_says_why_it_is_listed(changed: Transition, reason: str) -> None:
    [found] = suspects_of([changed], SCENE)
    assert found.reason == reason


@pytest.mark.parametrize(
    "changed",
    [
        line("appsre/5", kind="alert", field="firing", after="begins"),
        alert(after="ends"),
        alert(field="silenced", after="silenced"),
        line("kubernetes/m01", kind="source", field="state", after="ok", tone="well"),
        line("stg/argocd/x", cluster="m09", environment="staging"),
        line(minutes=-2),
        line(field="tone", before="well", after="warning"),
    ],
)
def test_what_explains_nothing_is_not_listed(changed: Transition) -> None:
    assert suspects_of([changed], SCENE) == []


def test_words_say_what_was_done() -> None:
    followed = [health(after="Progressing", tone="busy"), line(field="sync", after="OutOfSync", tone="warning")]
    [one] = suspects_of([synced(), line(), *followed], SCENE)
    assert one.change.words == "synced, revision aaaaaaa → bbbbbbb"
    [failed] = suspects_of([synced(after="Failed: no such path")], SCENE)
    assert failed.change.words == "operation Failed: no such path"
    [by_hand] = suspects_of([action()], SCENE)
    assert (by_hand.change.words, by_hand.change.by) == ("Resync succeeded", "remy")


def test_what_happened_alike_is_one_and_no_more_are_listed_than_asked_for() -> None:
    many = [health(f"prod/argocd/a{number}-m01") for number in range(20)]
    [one] = suspects_of(many, SCENE)
    assert one.change.others == 19
    apart = [line(f"prod/argocd/a{number}-m01", minutes=number) for number in range(20)]
    assert len(suspects_of(apart, SCENE, most=5)) == 5


def test_an_alert_on_the_same_application_is_near_by_it() -> None:
    assert nearness_of(alert(application=APP, cluster=""), SCENE) is Nearness.APPLICATION


def test_nothing_known_is_near_to_nothing() -> None:
    nowhere = line("", cluster="", environment="")
    assert nearness_of(nowhere, Scene(moment=NOW)) is None
    assert suspects_of([nowhere], Scene(moment=NOW)) == []
