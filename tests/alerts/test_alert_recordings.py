"""The alerts that real Alertmanagers gave, read whole."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.alerts.models import Episode, Silence
from apps.sources.models import Source
from tests.alerts.wire import Json, World, entity_writes

RECORDINGS = Path(__file__).parents[1] / "recordings"


def recorded(name: str) -> list[Json]:
    answer: list[Json] = json.loads((RECORDINGS / f"{name}.json").read_text())["response"]["json"]
    return answer


@pytest.mark.parametrize("version", ["0.25", "0.28"])
def test_the_real_alerts_come_out_as_the_server_told_them(world: World, version: str) -> None:
    names = {"alerts": "alerts", "alerts/groups": "alerts_groups", "silences": "silences"}
    for path, name in names.items():
        world.other.answers[f"/api/v2/{path}"] = recorded(f"alertmanager/{version}/{name}")
    world.read_other()
    told = recorded(f"alertmanager/{version}/alerts")
    assert Source.objects.get(key="alertmanager/other/0").items == len(told) == Episode.objects.count()
    quiet = Counter(
        "silenced" if alert["status"]["silencedBy"] else "inhibited"
        for alert in told
        if alert["status"]["state"] == "suppressed"
    )
    states = Counter(Episode.objects.values_list("state", flat=True))
    assert states == Counter(active=len(told) - quiet.total(), **quiet)
    assert {episode.fingerprint: episode.labels for episode in Episode.objects.all()} == {
        alert["fingerprint"]: alert["labels"] for alert in told
    }
    assert not Episode.objects.filter(was_cut=True).exists()
    assert Episode.objects.get(state="silenced").reason == "silenced by remy"
    assert set(Silence.objects.values_list("state", flat=True)) == {"active", "pending"}
    with CaptureQueriesContext(connection) as queries:
        world.read_other()
    assert entity_writes(queries) == []


def test_slo_alerts_have_a_group_of_their_own_and_are_critical(world: World) -> None:
    """Their route groups by `...`, that is by every label."""
    world.other.answers["/api/v2/alerts"] = recorded("alertmanager/0.28/alerts")
    world.other.answers["/api/v2/alerts/groups"] = recorded("alertmanager/0.28/alerts_groups")
    world.read_other()
    slo = list(Episode.objects.filter(is_slo=True, state="active"))
    assert slo
    for episode in slo:
        assert (episode.tone, episode.reason) == ("critical", "SLO alert")
        assert episode.group_labels == episode.labels


def test_the_alerts_of_an_observatorium_tenant_are_read(world: World) -> None:
    told = recorded("observatorium/main-2026-07/alerts_silenced")
    world.tenant.answers["/api/metrics/v1/rhtap/am/api/v2/alerts"] = told
    world.read_tenant()
    assert Episode.objects.filter(alertmanager="rhobs").count() == len(told)
    assert Episode.objects.filter(state="silenced").count() == sum(bool(a["status"]["silencedBy"]) for a in told)
    assert Source.objects.get(key="alertmanager/rhobs/0").error == ""
