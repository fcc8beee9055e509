"""The values behind the demo's rules over time: on the good side of the threshold until an alert fires, then beyond it.

The demo's rules are plain: "<measure> <sign> <number>", or an expression that has a value only while it is true.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from apps.demo.catalogue import AlertRule
from apps.demo.world.alerts import Alert, AlertBook

COMPARED = re.compile(r"(?P<measure>.+) (?P<sign>==|!=|<|>) (?P<number>[0-9.]+)\Z")
RAMP = 900.0
WAVE = 700.0
THERE_ONLY_WHILE_TRUE = "argocd_app_info{"


@dataclass(frozen=True)
class Course:
    """One series of a measure: its labels, and when its alert was true: (from, until), in seconds."""

    labels: dict[str, str]
    rule: AlertRule
    spans: tuple[tuple[float, float], ...] = ()

    def values(self, moments: Iterable[float]) -> Iterator[tuple[float, str]]:
        """The value at each of the moments at which there is one."""
        for at in moments:
            value = self._value(at)
            if value is not None:
                yield at, f"{value:.6g}"

    def _value(self, at: float) -> float | None:
        compared = COMPARED.match(self.rule.expr)
        if compared is None or THERE_ONLY_WHILE_TRUE in self.rule.expr:
            return 1.0 if self._share(at) == 1.0 else None
        threshold = float(compared["number"])
        good, bad = levels(compared["sign"], threshold)
        if is_switch(compared["sign"], threshold):
            return bad if self._share(at) == 1.0 else good
        wave = math.sin(at / WAVE + len(str(self.labels))) * min(abs(good - threshold), abs(bad - threshold)) / 3
        return good + (bad - good) * self._share(at) + wave

    def _share(self, at: float) -> float:
        """How far it has gone wrong: 0 in good health, 1 while the alert is there, between as it comes near."""
        near = [1.0 - (begins - at) / RAMP for begins, ends in self.spans if at < ends]
        return max(0.0, min(1.0, max(near, default=0.0))) ** 3


def is_switch(sign: str, threshold: float) -> bool:
    """Whether the measure is one that is 0 or 1."""
    return sign in {"==", "!="} or (sign == "<" and threshold == 1) or threshold == 0


def levels(sign: str, threshold: float) -> tuple[float, float]:
    """Where the measure stands in good health, and while the alert fires."""
    if is_switch(sign, threshold):
        bad = {"==": threshold, "!=": 1.0 - threshold, "<": 0.0, ">": 2.0}[sign]
        return (1.0 - bad if sign != ">" else 0.0), bad
    if sign == ">":
        return threshold * 0.6, threshold * 1.2
    return (threshold + (1 - threshold) * 0.7, threshold * 0.8) if threshold < 1 else (threshold * 1.5, threshold * 0.7)


def courses_of(expression: str, book: AlertBook, clusters: Iterable[tuple[str, str]]) -> list[Course] | None:
    """The series of an expression that is a rule's, or the measure of one; None for any other.

    `clusters` are (name, environment): one that no alert is about is told too where the measure is one of clusters.
    """
    rules = [rule for rule in book.rules if expression in {rule.expr, measure_of(rule)}]
    if not rules:
        return None
    found: dict[str, Course] = {}
    for alert, ended_at in [*book.past, *((alert, None) for alert in book.alerts.values())]:
        if alert.rule in rules:
            labels = labels_of(alert)
            key = str(sorted(labels.items()))
            earlier = found[key].spans if key in found else ()
            found[key] = Course(labels, alert.rule, (*earlier, span_of(alert, ended_at)))
    told = {course.labels.get("source_cluster") for course in found.values()}
    calm = [] if measure_of(rules[0]) == rules[0].expr else calm_courses(rules[0], book, clusters, told)
    return [*found.values(), *calm]


def measure_of(rule: AlertRule) -> str:
    """What the rule compares; all of its expression where it compares nothing with a number."""
    compared = COMPARED.match(rule.expr)
    return compared["measure"] if compared else rule.expr


def labels_of(alert: Alert) -> dict[str, str]:
    """The labels of an alert's series: those of the alert without what its rule adds."""
    added = {"alertname", *alert.rule.labels}
    return {name: value for name, value in alert.labels.items() if name not in added}


def span_of(alert: Alert, ended_at: datetime | None) -> tuple[float, float]:
    """From when until when its rule was true: an alert fires once that was so for as long as the rule waits."""
    wait = 0.0 if alert.is_pending else alert.rule.wait
    begins = alert.starts_at - timedelta(seconds=wait)
    return begins.timestamp(), ended_at.timestamp() if ended_at else math.inf


def calm_courses(
    rule: AlertRule, book: AlertBook, clusters: Iterable[tuple[str, str]], told: set[str | None]
) -> Iterator[Course]:
    """A series of each cluster that no alert of the rule is about."""
    if book.name != "rhobs" or rule.per_pod:
        return
    for name, environment in clusters:
        if name not in told:
            yield Course({"source_cluster": name, "source_environment": f"{environment}-cluster"}, rule)
