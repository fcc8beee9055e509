"""Which rule an alert comes from, and the values of its measure around one episode."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil, isfinite
from typing import Any

from apps.core.text import clean, clean_all
from apps.integrations.prometheus import PrometheusClient, RangeAnswer
from apps.sources.models import Source

from .expressions import Measure, measure_of
from .models import Episode, Rule

BEFORE_IT = timedelta(hours=2)
MOST_POINTS = 200
MOST_SERIES = 5
FINEST_STEP = 15.0
TEMPLATED = "{{"
NAME = "__name__"
MAY_LACK = "By its Prometheus' own word data may be missing."


@dataclass(frozen=True)
class Chart:
    """The measure's values from `start` to `end`, a point each `step` seconds; see AlertGraph."""

    measure: Measure
    start: datetime
    end: datetime
    step: float
    series: list[dict[str, Any]]
    told: int
    problem: str

    def columns(self) -> dict[str, Any]:
        """As AlertGraph has them."""
        return {
            "expression": self.measure.expression,
            "sign": self.measure.sign,
            "threshold": self.measure.threshold,
            "start": self.start,
            "end": self.end,
            "step": self.step,
            "series": self.series,
            "told": self.told,
            "problem": clean(self.problem, 500),
        }


def rule_of(episode: Episode) -> Rule | None:
    """The rule of the alert's name whose own labels it has; before others one of a Prometheus that feeds its
    Alertmanager, then the one with the most labels. Two queries."""
    rules = [rule for rule in Rule.objects.filter(name=episode.name) if is_rule_of(rule, episode)]
    if not rules:
        return None
    sources = Source.objects.filter(kind=Source.Kind.PROMETHEUS, is_archived=False).values_list("group", "feeds")
    feeding = {group for group, feeds in sources if episode.alertmanager in {group, *feeds}}
    return max(rules, key=lambda rule: (rule.prometheus in feeding, len(rule.labels), -rule.pk))


def is_rule_of(rule: Rule, episode: Episode) -> bool:
    """Whether the alert has all labels that the rule adds; one that the rule makes by a template may be any."""
    return all(episode.labels.get(name) == value for name, value in rule.labels.items() if TEMPLATED not in value)


def charted(client: PrometheusClient, rule: Rule, episode: Episode, now: datetime) -> Chart:
    """Asks for the values from two hours before the alert began until its end, or now. Raises UpstreamError."""
    measure = measure_of(rule.query)
    start, end = episode.began_at - BEFORE_IT, max(episode.began_at, min(episode.ended_at or now, now))
    step = step_of(end - start)
    answer = client.query_range(
        measure.expression, start, end, step, wanted=lambda labels: is_of_alert(labels, rule, episode)
    )
    series = series_of(answer)
    return Chart(measure, start, end, step, series, answer.told, problem_of(answer, series))


def step_of(span: timedelta) -> float:
    """Seconds between two points, whole ones, so that there are MOST_POINTS at the most."""
    return float(max(FINEST_STEP, ceil(span.total_seconds() / (MOST_POINTS - 1))))


def is_of_alert(labels: Mapping[str, str], rule: Rule, episode: Episode) -> bool:
    """Whether a series is one that the alert is made of: the alert has all its labels but those that the rule sets."""
    return all(
        episode.labels.get(name) == value
        for name, value in labels.items()
        if name != NAME and name not in rule.labels and value
    )


def series_of(answer: RangeAnswer) -> list[dict[str, Any]]:
    """The series as they are kept; what is no number is a gap."""
    told = [
        {
            "labels": clean_all(dict(series.labels), 300),
            "points": [[at.timestamp(), value] for at, value in series.points[:MOST_POINTS] if isfinite(value)],
        }
        for series in answer.series[:MOST_SERIES]
    ]
    return [each for each in told if each["points"]]


def problem_of(answer: RangeAnswer, series: list[dict[str, Any]]) -> str:
    """Why nothing can be drawn, or why something may be missing; "" where all is well."""
    if answer.warnings or answer.unreadable:
        return MAY_LACK
    if series:
        return ""
    if not answer.told:
        return "Its Prometheus has no values of it for that time."
    several = f"Its Prometheus told {answer.told} series, none of them with this alert's labels."
    return several if answer.told > 1 else "The one series that its Prometheus told has other labels than this alert."
