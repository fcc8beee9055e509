"""What a rule's owner is told of the conventions, and whether its alerts will name a cluster."""

from __future__ import annotations

from typing import Any

import pytest

from apps.runbooks.carrying import Fate, label_fate
from apps.runbooks.lint import NO_CLUSTER, lint_of
from apps.runbooks.rules import RuleTold
from apps.sources.fleetfile.schema import Alerts, FleetFile

ALERTS = Alerts()
ANNOTATIONS = {"summary": "a", "description": "b", "team": "c", "alert_routing_key": "d", "alert_team_handle": "e"}
CARRIED, LOST, UNTOLD = Fate.CARRIED, Fate.LOST, Fate.UNTOLD


def rule(labels: dict[str, str] | None = None, **more: Any) -> RuleTold:
    told = {"query": "sum by (cluster) (up) == 0", "annotations": ANNOTATIONS}
    return RuleTold("Down", labels={"severity": "warning", **(labels or {})}, **{**told, **more})


def remarks(told: RuleTold) -> list[str]:
    return list(lint_of(told, ALERTS).remarks)


def test_a_rule_that_keeps_them_all_has_no_remark() -> None:
    assert remarks(rule()) == []
    assert remarks(rule({"severity": "critical", "slo": "true"})) == []
    assert remarks(rule({"severity": "info", "slo": "false"})) == []


def test_severity_is_one_of_four_words_and_critical_is_for_slo_alerts_alone() -> None:
    assert remarks(rule({"severity": "page"})) == ["severity “page” is none of critical, high, warning, info"]
    assert remarks(rule({"severity": ""})) == ["no severity: it is one of critical, high, warning, info"]
    assert remarks(rule({"severity": "critical"})) == ['severity critical, but not slo="true"']
    assert remarks(rule({"slo": "true"})) == ['slo="true", but its severity is not critical']


def test_slo_goes_by_the_fleet_files_matchers() -> None:
    paging = FleetFile.model_validate({"alerts": {"slo": 'pages="yes"'}}).alerts
    assert lint_of(rule({"severity": "critical", "pages": "yes"}), paging).remarks == ()
    assert lint_of(rule({"severity": "critical", "slo": "true"}), paging).remarks == (
        'severity critical, but not pages="yes"',
    )


def test_what_people_and_routing_need_is_missed() -> None:
    none = {"summary": " ", "slo": "true"}
    assert remarks(rule(annotations=none)) == [
        "slo stands among its annotations: it counts as a label only",
        "no summary",
        "no description",
        "no team",
        "no alert_routing_key: it reaches no team's channel",
    ]
    slo = {"severity": "critical", "slo": "true", "team": "a label does"}
    told = {name: ANNOTATIONS[name] for name in ("summary", "description")}
    assert remarks(rule(slo, annotations=told)) == ["no alert_team_handle: nobody is named when it pages"]
    assert remarks(rule(slo, annotations={**told, "alert_routing_key": "x"})) == []


def test_a_lost_cluster_label_is_told_and_one_that_cannot_be_told_is_no_fault() -> None:
    assert remarks(rule(query="sum(up) == 0")) == [NO_CLUSTER]
    assert remarks(rule({"source_cluster": "m01"}, query="sum(up) == 0")) == []
    assert lint_of(rule(query="sum(up) == 0"), ALERTS, has_own_cluster=True).remarks == ()
    untold = lint_of(rule(query="up == 0"), ALERTS)
    assert (untold.remarks, untold.cluster) == ((), UNTOLD)


@pytest.mark.parametrize(
    ("expression", "fate"),
    [
        ("up == 0", UNTOLD),
        ('up{c=""} == 0', UNTOLD),
        ('up{c="m01"} == 0', CARRIED),
        ('up{c!=""}', CARRIED),
        ('up{c=~"m.*"}', CARRIED),
        ('up{c=~"m.*|"}', UNTOLD),
        ('up{c!~"m.*"}', UNTOLD),
        ('up{c=~"("}', UNTOLD),
        ('up{job="c"}', UNTOLD),
        ("sum(up) by (c) > 1", CARRIED),
        ("sum by (job, c) (rate(up[5m])) > 1", CARRIED),
        ("sum by (job) (up)", LOST),
        ("sum(up)", LOST),
        ("sum without (c) (up)", LOST),
        ("sum without (job) (up)", UNTOLD),
        ("sum by (c) (sum(up))", LOST),
        ("sum by (c) (sum by (c, job) (up))", CARRIED),
        ("max(sum by (c) (up))", LOST),
        ("topk(3, up)", UNTOLD),
        ("topk(3, sum by (c) (up))", CARRIED),
        ("quantile(0.9, up)", LOST),
        ("histogram_quantile(0.99, sum by (le, c) (rate(x_bucket[5m]))) > 1", CARRIED),
        ("histogram_quantile(0.99, sum by (le) (rate(x_bucket[5m]))) > 1", LOST),
        ('absent(up{job="a"})', LOST),
        ('absent(up{c="m01"})', CARRIED),
        ('absent_over_time(up{c=~"m.*"}[5m])', LOST),
        ("vector(1)", LOST),
        ("vector(1) > time()", LOST),
        ('label_replace(sum(up), "c", "m01", "", "")', CARRIED),
        ('label_replace(sum(up), "d", "m01", "", "")', LOST),
        ("sum by (c) (a) / sum by (c) (b) > 0.1", CARRIED),
        ("100 * sum by (c) (a) > 5", CARRIED),
        ("5 < sum(a)", LOST),
        ("a / b > 0.1", UNTOLD),
        ("sum by (c) (a) / on (c) group_left (team) b", CARRIED),
        ("a / on (job) b", LOST),
        ("a / on (c) b", CARRIED),
        ("a * ignoring (c) b", LOST),
        ("a * on (job) group_left () sum by (job) (b)", UNTOLD),
        ("sum by (job) (a) * on (job) group_right () b", UNTOLD),
        ("sum by (c) (a) > 1 and on () sum(b) > 1", CARRIED),
        ("sum(a) > 1 unless sum by (c) (b)", LOST),
        ("sum by (c) (a) or sum(b)", UNTOLD),
        ("(sum by (c) (a)) or (sum by (c) (b))", CARRIED),
        ("-sum(a) offset 5m < -3", LOST),
        ("max_over_time(sum by (c) (up)[1h:5m]) @ end()", CARRIED),
        ("# sum by (c)\nsum(up)", LOST),
        ("sum(", UNTOLD),
        ("", UNTOLD),
        ("(" * 2000 + "up" + ")" * 2000, UNTOLD),
    ],
)
def test_what_becomes_of_a_label_in_an_expression(expression: str, fate: Fate) -> None:
    assert label_fate(expression, ("c",)) is fate


def test_of_several_labels_one_is_enough_and_only_all_are_lost() -> None:
    assert label_fate("sum by (b) (up)", ("a", "b")) is CARRIED
    assert label_fate("sum without (a) (up)", ("a", "b")) is UNTOLD
    assert label_fate("sum(up)", ("a", "b")) is LOST
