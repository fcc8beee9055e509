"""Hostile, huge and odd alerts, made fit to keep."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.db.models import CharField, Model

from apps.alerts.joining import AlertJoiner
from apps.alerts.models import AlertState, Episode, Holding
from apps.alerts.telling import (
    Told,
    alert_told,
    fit_fingerprint,
    fit_texts,
    group_key,
    groupings_of,
    stand_in_grouping,
)
from apps.integrations.alertmanager.values import Alert, Group
from apps.sources.fleetfile.schema import FleetFile
from apps.timeline.models import Transition
from tests.alerts.wire import World, told_alert

HOSTILE = [
    "<img src=x onerror=alert(1)>",
    "{{7*7}}",
    "'\"",
    "</script>",
    "\u202egnp.exe",
    "a\u200bb",
    "javascript:alert(1)",
]


def told(**changes: object) -> Told:
    alert = {
        "fingerprint": "00ff00ff00ff00ff",
        "labels": {"alertname": "X"},
        "annotations": {},
        "state": "active",
        "starts_at": datetime(2026, 11, 24, tzinfo=UTC),
        **changes,
    }
    grouping = stand_in_grouping({"alertname": "X"}, ())
    return alert_told(Alert(**alert), grouping=grouping, joiner=AlertJoiner(FleetFile()))


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_kept_as_the_text_it_is(text: str) -> None:
    """F25, F26, F28: pages show text as text; nothing is lost on the way."""
    content = told(labels={"alertname": text}, annotations={"summary": text}, generator_url=text).content
    assert (content.name, content.annotations, content.generator_url) == (text, {"summary": text}, text)
    assert not content.was_cut


def test_nul_and_lone_surrogates_become_something_that_every_database_takes() -> None:
    """F28."""
    content = told(labels={"alertname": "a\x00b"}, annotations={"a\x00": "\ud800"}).content
    assert (content.name, content.annotations) == ("a\ufffdb", {"a\ufffd": "?"})


def test_huge_texts_are_cut_with_a_mark() -> None:
    """F27: a 1 MB annotation, 500 labels, a name of 10,000 characters."""
    labels = {"alertname": "n" * 10_000, **{f"label{number:03}": "v" * 5_000 for number in range(500)}}
    content = told(labels=labels, annotations={"description": "d" * 1_000_000, "runbook_url": "u" * 3_000}).content
    assert content.was_cut
    assert len(content.labels) == 64
    assert len(content.name) == 300
    assert "alertname" in content.labels
    assert max(map(len, content.labels.values())) == 4_000
    assert len(content.annotations["description"]) == 16_000
    assert content.annotations["description"].endswith("… [cut]")
    assert len(content.runbook_url) == 2_000


def test_joins_see_labels_that_are_cut_away() -> None:
    many = {f"a{number:03}": "x" for number in range(100)}
    assert "slo" not in fit_texts({**many, "slo": "true"}, 10)
    assert told(labels={**many, "slo": "true"}).joined.is_slo


def test_huge_alerts_fit_into_their_columns(world: World) -> None:
    """F27: what SQLite takes PostgreSQL would refuse, so the columns' own limits are asked."""
    alert = told_alert("n" * 10_000, severity="s" * 10_000, source_cluster="c" * 10_000, team="t" * 10_000)
    huge = {**alert, "fingerprint": "/../" * 500, "generatorURL": "g" * 10_000, "receivers": [{"name": "r" * 10_000}]}
    huge["annotations"] = {"runbook_url": "u" * 10_000, **{f"k{number}": "v" * 20_000 for number in range(70)}}
    huge["status"] = {"state": "w" * 1_000, "silencedBy": ["i" * 1_000] * 99, "inhibitedBy": [], "mutedBy": []}
    world.other.tell(huge, group_by=tuple(alert["labels"]))
    world.read_other()
    for model in (Episode, Holding, Transition):
        assert {name for row in model.objects.all() for name in too_long(row)} == set()
    assert Episode.objects.get().was_cut
    assert "/" not in Episode.objects.get().fingerprint


def too_long(row: Model) -> list[str]:
    """The columns whose text is longer than they are."""
    columns = [column for column in row._meta.fields if isinstance(column, CharField)]
    return [column.name for column in columns if len(getattr(row, column.name)) > (column.max_length or 0)]


@pytest.mark.parametrize("odd", ["", "../../x", "a b", "x" * 101, "é"])
def test_a_fingerprint_that_fits_no_address_is_known_by_a_digest(odd: str) -> None:
    """F29."""
    assert fit_fingerprint(odd).startswith("odd-")
    assert fit_fingerprint(odd) == fit_fingerprint(odd) != fit_fingerprint(odd + "x")
    assert fit_fingerprint("09221f2b326072e4") == "09221f2b326072e4"


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({"state": "active"}, AlertState.ACTIVE),
        ({"state": "unprocessed"}, AlertState.ACTIVE),
        ({"state": "active", "silenced_by": ("s",)}, AlertState.ACTIVE),
        ({"state": "active", "muted_by": ("nights",)}, AlertState.MUTED),
        ({"state": "suppressed", "silenced_by": ("s",), "inhibited_by": ("f",)}, AlertState.SILENCED),
        ({"state": "suppressed", "inhibited_by": ("f",)}, AlertState.INHIBITED),
        ({"state": "suppressed"}, AlertState.MUTED),
        ({"state": "ended"}, AlertState.ACTIVE),
    ],
)
def test_states_in_the_portals_words(changes: dict[str, object], state: AlertState) -> None:
    """F16."""
    assert told(**changes).status.state is state


def test_groups_give_an_alert_the_first_of_its_groups() -> None:
    groups = [
        Group({"alertname": "X"}, "pager", ("f1", "f2"), {"f1": ("nights",)}),
        Group({"alertname": "X", "namespace": "a"}, "chat", ("f1",), {}),
    ]
    found = groupings_of(groups)
    assert (found["f1"].labels, found["f1"].muted_by) == ({"alertname": "X", "namespace": "a"}, ())
    assert found["f2"].key == 'alertname="X"'


def test_stand_in_groups_take_the_labels_that_are_there() -> None:
    labels = {"alertname": "X", "slo": "true"}
    assert stand_in_grouping(labels, ()).labels == {"alertname": "X"}
    assert stand_in_grouping(labels, ("slo", "namespace")).labels == {"slo": "true"}
    assert stand_in_grouping(labels, ("...",)).labels == labels


def test_long_group_keys_stay_apart() -> None:
    one, two = ({"a": "x" * 600 + end} for end in "12")
    assert len(group_key(one)) <= 500
    assert group_key(one) != group_key(two)
