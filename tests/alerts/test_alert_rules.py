"""Rules of a Prometheus and of an Observatorium tenant: their state, never an alert."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.alerts.models import Episode, Rule
from apps.sources.models import Source
from tests.alerts.wire import Json, World, entity_writes

pytestmark = pytest.mark.database

RECORDINGS = Path(__file__).parents[1] / "recordings"
RULES, TENANT_RULES = "/api/v1/rules", "/api/metrics/v1/rhtap/api/v1/rules"


def rule(name: str = "KonfluxDown", **more: object) -> Json:
    told = {"type": "alerting", "name": name, "query": "up == 0", "duration": 300, "state": "inactive", "health": "ok"}
    return {**told, "labels": {"severity": "critical", "slo": "true"}, "annotations": {}, "alerts": [], **more}


def tell(world: World, *rules: Any, **more: object) -> None:
    groups = [{"name": "g", "file": "f.yaml", "rules": list(rules)}]
    world.prometheus.answers[RULES] = {"status": "success", "data": {"groups": groups}, **more}


def recorded(name: str) -> Json:
    answer: Json = json.loads((RECORDINGS / name).read_text())["response"]["json"]
    return answer


def source() -> Source:
    return Source.objects.get(key="prometheus/appsre-rules")


def test_rules_are_kept_with_their_state(world: World) -> None:
    tell(world, rule(state="firing"))
    world.prometheus.answers["/api/v1/status/buildinfo"] = {"status": "success", "data": {"version": "2.42.0"}}
    world.read_rules()
    kept = Rule.objects.get()
    assert (kept.prometheus, kept.file, kept.group, kept.name) == ("appsre-rules", "f.yaml", "g", "KonfluxDown")
    assert (kept.state, kept.health, kept.severity, kept.is_slo, kept.duration) == (
        "firing", "ok", "critical", True, 300.0,
    )  # fmt: skip
    assert (source().items, source().version, source().error) == (1, "2.42.0", "")


def test_rules_that_cannot_be_evaluated_are_told_since_their_alerts_cannot_fire(world: World) -> None:
    broken = [rule(f"Broken{number}", health="err", lastError="many-to-many matching") for number in range(4)]
    tell(world, rule(), *broken)
    world.read_rules()
    assert source().note == "4 rules cannot be evaluated, their alerts cannot fire: Broken0, Broken1, Broken2, …"
    tell(world, rule())
    world.read_rules()
    assert source().note == ""


@pytest.mark.parametrize("status", [403, 404, 405])
def test_rules_are_read_though_its_version_is_not_ours_to_read(world: World, status: int) -> None:
    tell(world, rule())
    world.prometheus.statuses["/api/v1/status/buildinfo"] = status
    world.read_rules()
    assert (source().items, source().error) == (1, "")


def test_a_firing_rule_makes_no_alert(world: World) -> None:
    """Decision 5."""
    alert = {"labels": {"alertname": "KonfluxDown"}, "state": "firing", "activeAt": "2026-11-24T10:00:00Z"}
    tell(world, rule(state="firing", alerts=[alert]))
    world.read_rules()
    assert Rule.objects.get().state == "firing"
    assert not Episode.objects.exists()


def test_an_unchanged_round_writes_nothing_and_a_change_one_row(world: World) -> None:
    tell(world, *(rule(f"Rule{number}", lastEvaluation="2026-11-24T10:00:00Z") for number in range(30)))
    world.read_rules()
    tell(world, *(rule(f"Rule{number}", lastEvaluation="2026-11-24T10:01:00Z") for number in range(30)))
    with CaptureQueriesContext(connection) as queries:
        world.read_rules()
    assert entity_writes(queries) == []
    tell(world, *(rule(f"Rule{number}", state="pending" if number == 7 else "inactive") for number in range(30)))
    with CaptureQueriesContext(connection) as queries:
        world.read_rules()
    assert len([sql for sql in entity_writes(queries) if "alerts_rule" in sql]) == 1
    assert Rule.objects.get(state="pending").name == "Rule7"


def test_rules_of_one_name_in_one_group_are_kept_apart(world: World) -> None:
    tell(world, rule(query="a"), rule(query="b"))
    world.read_rules()
    assert list(Rule.objects.order_by("ordinal").values_list("ordinal", "query")) == [(0, "a"), (1, "b")]


def test_rules_go_by_a_complete_answer_only(world: World) -> None:
    tell(world, rule("A"), rule("B"))
    world.read_rules()
    tell(world, rule("A"), {"name": "B", "query": 7})
    world.read_rules()
    assert Rule.objects.count() == 2
    assert (source().items, source().unreadable) == (1, 1)
    tell(world, rule("A"), warnings=["a store did not answer"])
    world.read_rules()
    assert Rule.objects.count() == 2
    assert source().warnings == ["a store did not answer"]
    assert source().note == "its answer may lack data, by its own word"
    tell(world, rule("A"))
    world.read_rules()
    assert [kept.name for kept in Rule.objects.all()] == ["A"]
    assert source().note == ""


def test_the_real_rules_are_read(world: World) -> None:
    world.prometheus.answers[RULES] = recorded("prometheus/2.42/rules.json")
    world.read_rules()
    wanted = sum(len(group["rules"]) for group in recorded("prometheus/2.42/rules.json")["data"]["groups"])
    assert Rule.objects.count() == wanted > 100
    assert "DegradedArgocdApp" in Rule.objects.filter(state="firing").values_list("name", flat=True)


def test_an_observatorium_tenants_rules_are_read(world: World) -> None:
    world.tenant.answers[TENANT_RULES] = recorded("observatorium/main-2026-07/rules_alerting_only.json")
    world.read_rules("rhobs")
    assert Source.objects.get(key="prometheus/rhobs").error == ""
    assert Rule.objects.filter(prometheus="rhobs", is_slo=True).exists()
