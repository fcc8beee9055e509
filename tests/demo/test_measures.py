"""What the demo's Prometheus measures: its values cross a rule's threshold when the rule's alert fires."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from apps.alerts.expressions import measure_of
from apps.demo.catalogue import CONTROL_PLANE_RULES, DATA_PLANE_RULES, AlertRule
from apps.demo.fleet import RunningFleet
from tests.demo.conftest import Caller

SERVERS = {"appsre": ("prometheus/appsre", ""), "rhobs": ("observatorium/rhobs", "/api/metrics/v1/rhtap")}
CLUSTER = "stone-prd-m01"
TRUE = {
    "==": lambda value, threshold: value == threshold,
    "!=": lambda value, threshold: value != threshold,
    "<": lambda value, threshold: value < threshold,
    ">": lambda value, threshold: value > threshold,
}


def asked(ask: Caller, book: str, query: str, *, hours: float = 2, step: int = 60) -> list[dict[str, Any]]:
    """The series of the last hours."""
    server, below = SERVERS[book]
    end = datetime.now(UTC)
    span = {"start": (end - timedelta(hours=hours)).timestamp(), "end": end.timestamp(), "step": step}
    answer = ask.get(server, f"{below}/api/v1/query_range", params={"query": query, **span})
    assert answer.status_code == 200, answer.text
    data = answer.json()["data"]
    assert data["resultType"] == "matrix"
    found: list[dict[str, Any]] = data["result"]
    return found


@pytest.mark.parametrize("rule", list(DATA_PLANE_RULES), ids=lambda rule: rule.name)
def test_each_rule_is_true_of_its_alert_from_before_it_fired(rule: AlertRule, fleet: RunningFleet, ask: Caller) -> None:
    world = fleet.world
    labels = {"namespace": "build-service", **({"pod": "build-0"} if rule.per_pod else {})}
    at = datetime.now(UTC) - timedelta(minutes=20)
    fired = fleet.call(lambda: world.alert_fire(rule, cluster=world.clusters[CLUSTER], labels=labels, at=at))
    measure = measure_of(rule.expr)
    series = asked(ask, "rhobs", measure.expression, hours=3)
    [own] = [each for each in series if each["metric"].items() <= fired.labels.items()]
    true_from = (at - timedelta(seconds=rule.wait)).timestamp()
    values = [(moment, float(value)) for moment, value in own["values"]]
    if measure.threshold is None:
        assert min(moment for moment, _ in values) >= true_from
        return
    is_true = [TRUE[measure.sign](value, measure.threshold) for _, value in values]
    assert all(now for (moment, _), now in zip(values, is_true, strict=True) if moment >= true_from)
    assert not is_true[0]
    assert sum(before != after for before, after in pairwise(is_true)) == 1
    for calm in series:
        if calm is not own and calm["metric"].get("source_cluster") != CLUSTER:
            alerts = [each for each in world.books["rhobs"].alerts.values() if each.rule is rule]
            if not any(calm["metric"].items() <= each.labels.items() for each in alerts):
                assert not any(TRUE[measure.sign](float(value), measure.threshold) for _, value in calm["values"])


def test_an_application_s_series_is_there_only_while_it_is_degraded(fleet: RunningFleet, ask: Caller) -> None:
    rule = next(rule for rule in CONTROL_PLANE_RULES if rule.name == "DegradedArgocdApp")
    alerts = [each for each in fleet.world.books["appsre"].alerts.values() if each.rule is rule]
    assert alerts
    series = asked(ask, "appsre", measure_of(rule.expr).expression, hours=24, step=600)
    assert len(series) == len(alerts)
    for each in series:
        [alert] = [alert for alert in alerts if each["metric"].items() <= alert.labels.items()]
        assert {value for _, value in each["values"]} == {"1"}
        assert each["values"][0][0] >= (alert.starts_at - timedelta(seconds=rule.wait)).timestamp()


def test_once_the_alert_has_ended_the_values_are_good_again_and_its_time_is_remembered(
    fleet: RunningFleet, ask: Caller
) -> None:
    world = fleet.world
    rule = next(rule for rule in DATA_PLANE_RULES if rule.name == "WorkerNodeHighMemory")
    at = datetime.now(UTC) - timedelta(minutes=30)
    fired = fleet.call(lambda: world.alert_fire(rule, cluster=world.clusters[CLUSTER], at=at))
    fleet.call(lambda: world.alert_end(fired))
    [own] = [
        each
        for each in asked(ask, "rhobs", "node_memory:worker:free_ratio", step=15)
        if each["metric"].get("source_cluster") == CLUSTER
    ]
    values = [float(value) for _, value in own["values"]]
    assert min(values) < 0.1 < values[0]
    server, below = SERVERS["rhobs"]
    answer = ask.get(server, f"{below}/api/v1/query", params={"query": "node_memory:worker:free_ratio"})
    now = [each for each in answer.json()["data"]["result"] if each["metric"].get("source_cluster") == CLUSTER]
    assert float(now[0]["value"][1]) > 0.1


def test_what_is_no_rules_is_refused_as_before(ask: Caller) -> None:
    answer = ask.get(
        "prometheus/appsre", "/api/v1/query_range", params={"query": "sum(", "start": 0, "end": 1, "step": 1}
    )
    assert (answer.status_code, answer.json()["errorType"]) == (400, "bad_data")
