"""What the portal relies on of a Prometheus, a Thanos, or an Observatorium tenant's metrics, reading only."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import pytest

from apps.alerts.expressions import measure_of
from apps.core.errors import UpstreamNotInstalled, UpstreamRejected
from apps.integrations.prometheus import PrometheusClient
from tests.contract.calls import everything_is_readable, facts_are_told

RULE_STATES = {"inactive", "pending", "firing", "unknown"}
"""Since 3.x a rule that has not been evaluated yet is "unknown" (rules/alerting.go of Prometheus)."""
RULE_HEALTHS = {"ok", "err", "unknown"}
WARNS_OF_A_QUANTILE = 3
MOST_ASKED = 200


def test_its_alerting_rules_are_readable_in_known_words(prometheus: PrometheusClient) -> None:
    listing = prometheus.rules()
    everything_is_readable(prometheus, listing)
    facts_are_told(prometheus)
    for rule in listing.items:
        assert rule.name
        assert rule.query
        assert rule.duration >= 0
        assert rule.state in RULE_STATES, rule.name
        assert rule.health in RULE_HEALTHS, rule.name
        assert {alert.state for alert in rule.alerts} <= RULE_STATES, rule.name


def test_a_rule_that_fires_tells_its_alerts(prometheus: PrometheusClient) -> None:
    for rule in prometheus.rules().items:
        if rule.state == "firing":
            assert rule.alerts, rule.name
        assert all(alert.labels and alert.active_at for alert in rule.alerts), rule.name


def test_a_vector_of_one_is_one(prometheus: PrometheusClient) -> None:
    answer = prometheus.query("vector(1)")
    facts_are_told(prometheus)
    (sample,) = answer.samples
    assert (sample.value, sample.labels, answer.unreadable) == (1.0, {}, ())


def test_what_is_drawn_of_each_rule_can_be_asked_for(prometheus: PrometheusClient) -> None:
    end = datetime.now(UTC)
    queries = dict.fromkeys(rule.query for rule in prometheus.rules().items)
    for query in list(queries)[:MOST_ASKED]:
        prometheus.query_range(measure_of(query).expression, end - timedelta(minutes=5), end, 60)


def test_a_query_over_a_range_tells_its_points_in_order(prometheus: PrometheusClient) -> None:
    end = datetime.now(UTC).replace(second=0, microsecond=0)  # a frontend moves what lies between steps
    start = end - timedelta(minutes=5)
    answer = prometheus.query_range("vector(1)", start, end, 60)
    assert answer.unreadable == ()
    (series,) = answer.series
    assert [moment for moment, _ in series.points] == [start + timedelta(minutes=minute) for minute in range(6)]
    assert {value for _, value in series.points} == {1.0}


def test_what_it_cannot_understand_it_rejects_in_its_own_words(prometheus: PrometheusClient) -> None:
    with pytest.raises(UpstreamRejected, match="parse error"):
        prometheus.query("sum(")


def test_its_warnings_come_with_the_answer(prometheus: PrometheusClient) -> None:
    answer = prometheus.query("quantile(2, vector(1))")
    assert [sample.value for sample in answer.samples] == [math.inf]
    assert all("quantile" in warning for warning in answer.warnings)
    assert answer.warnings or not warns_of_a_quantile(prometheus), "a quantile above 1 and not one warning"


def warns_of_a_quantile(client: PrometheusClient) -> bool:
    """Whether it is surely new enough; a gateway tells no version, and Thanos counts from 0."""
    try:
        return int(client.build_version().partition(".")[0]) >= WARNS_OF_A_QUANTILE
    except UpstreamNotInstalled:
        return False
