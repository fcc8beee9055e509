"""The timeline's lines as people read them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from apps.timeline.changes import CHANGES_SHOWN, changes_told, words_of
from apps.timeline.models import Transition

NOW = datetime(2026, 11, 24, 22, 57, 50, tzinfo=UTC)


def line(title: str = "has", **fields: Any) -> Transition:
    """A change of an Application, seen at NOW and not saved."""
    defaults = {"kind": "application", "subject": f"production/argocd/{title}", "seen_at": NOW, "tone": "busy"}
    return Transition(title=title, **{**defaults, **fields})


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"field": "sync", "before": "OutOfSync", "after": "Synced"}, "OutOfSync → Synced"),
        ({"field": "revision", "before": "3f2c1d0aa", "after": "9ab01e2bb"}, "revision 3f2c1d0 → 9ab01e2"),
        ({"field": "revision", "before": "", "after": "9ab01e2bb"}, "revision none → 9ab01e2"),
        ({"field": "operation", "before": "Running", "after": "Succeeded"}, "operation Succeeded"),
        ({"field": "condition", "before": "SyncError", "after": ""}, "no longer SyncError"),
        ({"field": "seen", "before": "", "after": "appeared"}, "appeared"),
        ({"kind": "alert", "field": "firing", "after": "begins"}, "began"),
        ({"kind": "alert", "field": "silenced", "before": "active", "after": "silenced"}, "silenced"),
        ({"kind": "alert", "field": "silenced", "before": "silenced", "after": "active"}, "no longer silenced"),
        ({"kind": "cluster", "field": "node/w1", "before": "ready", "after": "not ready"}, "node w1: not ready"),
        ({"kind": "source", "field": "state", "before": "ok", "after": "failing: slow"}, "failing: slow"),
        ({"field": "life", "before": "uid-1", "after": "uid-2"}, "made anew under the same name"),
        ({"field": "condition", "before": "A B", "after": "A C"}, "C, no longer B"),
        ({"field": "operation", "before": "Running", "after": ""}, "its operation was taken away"),
        ({"field": "other", "after": ""}, "other"),
        ({"kind": "cluster", "field": "reachable", "before": "lost", "after": "reached"}, "API reached again"),
        ({"kind": "cluster", "field": "reachable", "before": "reached", "after": "lost: slow"}, "API lost: slow"),
        ({"kind": "cluster", "field": "version", "before": "4.16.4", "after": "4.16.5"}, "version 4.16.4 → 4.16.5"),
        ({"kind": "cluster", "field": "update", "after": "Updating: 3 %"}, "update: Updating: 3 %"),
        ({"kind": "source", "field": "state", "before": "failing", "after": "ok"}, "answers again"),
        ({"kind": "source", "field": "state", "before": "never read", "after": "ok"}, "first read"),
    ],
)
def test_words(fields: dict[str, str], words: str) -> None:
    assert words_of(line(**fields)) == words


def test_what_happened_to_one_thing_in_a_minute_is_one_change_in_its_order() -> None:
    newest_first = [
        line(field="health", before="Progressing", after="Healthy", tone="well"),
        line(field="sync", before="OutOfSync", after="Synced", by="remy", seen_at=NOW - timedelta(seconds=9)),
    ]
    [change] = changes_told(newest_first)
    assert (change.words, change.tone, change.by) == ("OutOfSync → Synced, Progressing → Healthy", "well", "remy")
    assert change.at == NOW


def test_what_happened_alike_to_several_things_is_one_change() -> None:
    told = changes_told([line("has", field="seen", after="new"), line("spi", field="seen", after="new")])
    assert [(change.title, change.others) for change in told] == [("has", 1)]


def test_a_change_stands_where_its_upstream_says_that_it_happened() -> None:
    early = line("early", field="seen", after="new", at=NOW - timedelta(minutes=30))
    ahead = line("ahead", field="seen", after="gone", at=NOW + timedelta(minutes=30))
    told = changes_told([early, line("seen", field="seen", after="old"), ahead])
    assert [(change.title, change.at) for change in told] == [
        ("seen", NOW),
        ("ahead", NOW),
        ("early", NOW - timedelta(minutes=30)),
    ]


def test_there_and_back_is_told_as_one_way() -> None:
    newest_first = [
        line(field="health", before="Progressing", after="Healthy"),
        line(field="health", before="Healthy", after="Progressing"),
        line(field="seen", after="new"),
    ]
    assert changes_told(newest_first)[0].words == "new, Healthy → Progressing → Healthy"


def test_different_things_stay_apart() -> None:
    lines = [
        line("has", field="seen", after="new"),
        line("spi", field="seen", after="gone"),
        line("has", field="seen", after="new", seen_at=NOW - timedelta(minutes=1)),
        line("has", field="seen", after="new", kind="cluster", subject="has"),
    ]
    assert [change.others for change in changes_told(lines)] == [0, 0, 0, 0]


def test_much_is_cut() -> None:
    busy = [line(field=f"node/{number}", after=f"step {number}") for number in range(9, 0, -1)]
    assert changes_told(busy)[0].words == "… step 6, step 7, step 8, step 9"
    many = [line(str(number), field="seen", after=f"new {number}") for number in range(100)]
    assert len(changes_told(many)) == CHANGES_SHOWN


@pytest.mark.parametrize("link", ["https://evil.example/", "//evil.example/", "javascript:alert(1)", ""])
def test_a_change_leads_to_the_portals_own_pages_alone(link: str) -> None:
    assert changes_told([line(field="seen", link=link)])[0].url == ""
    assert changes_told([line(field="seen", link="/apps/")])[0].url == "/apps/"
