"""Whether a rule keeps the conventions of the service's rules, in words for the rule's owner."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from apps.core.matchers import are_met
from apps.sources.fleetfile.schema import Alerts

from .carrying import Fate, label_fate
from .rules import RuleTold

SEVERITIES = ("critical", "high", "warning", "info")
SLO_SEVERITY = "critical"
DESCRIBED = ("summary", "description", "team")
NO_CLUSTER = "its expression drops every label that names a cluster: only an external label could name it"


@dataclass(frozen=True, slots=True)
class Lint:
    """What a rule lacks, each a short sentence; `cluster` says whether its alerts will name a cluster."""

    remarks: tuple[str, ...]
    cluster: Fate


def lint_of(rule: RuleTold, alerts: Alerts, *, has_own_cluster: bool = False) -> Lint:
    """What is to be mended; `has_own_cluster` where the rule's Prometheus watches one cluster, which names it."""
    fate = Fate.CARRIED if has_own_cluster else cluster_fate(rule, alerts)
    lost = [NO_CLUSTER] if fate is Fate.LOST else []
    return Lint((*_severity(rule, alerts), *_missing(rule, alerts), *lost), fate)


def cluster_fate(rule: RuleTold, alerts: Alerts) -> Fate:
    """Whether its alerts will name a cluster."""
    if any(rule.labels.get(name) for name in alerts.cluster_labels):
        return Fate.CARRIED
    return label_fate(rule.query, alerts.cluster_labels)


def _severity(rule: RuleTold, alerts: Alerts) -> Iterator[str]:
    """Severity is one of four words, and critical goes with SLO alerts and with nothing else."""
    slo, is_slo = " ".join(map(str, alerts.slo)), are_met(alerts.slo, rule.labels)
    if not rule.severity:
        yield f"no severity: it is one of {', '.join(SEVERITIES)}"
    elif rule.severity not in SEVERITIES:
        yield f"severity “{rule.severity}” is none of {', '.join(SEVERITIES)}"
    if is_slo and rule.severity != SLO_SEVERITY:
        yield f"{slo}, but its severity is not {SLO_SEVERITY}"
    elif rule.severity == SLO_SEVERITY and not is_slo:
        yield f"severity {SLO_SEVERITY}, but not {slo}"
    misplaced = [each.name for each in alerts.slo if each.name in rule.annotations]
    yield from (f"{name} stands among its annotations: it counts as a label only" for name in misplaced)


def _missing(rule: RuleTold, alerts: Alerts) -> Iterator[str]:
    """What people and the routing need to read."""
    yield from (f"no {name}" for name in DESCRIBED if not rule.told(name))
    if are_met(alerts.slo, rule.labels):
        if not rule.told("alert_team_handle") and not rule.told("alert_routing_key"):
            yield "no alert_team_handle: nobody is named when it pages"
    elif not rule.told("alert_routing_key"):
        yield "no alert_routing_key: it reaches no team's channel"
