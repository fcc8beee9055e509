"""What a silence hides: which alerts that fire, and which of the last days it would have hidden.

By the labels that the portal keeps of the group's alerts, with the matchers' own meaning in Alertmanager: each silence
that fits silences, whether the alert is quiet by something else already or not.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from django.db.models import Count, Q

from apps.alerts.matching import condition_of
from apps.alerts.models import Episode, EpisodeQuerySet
from apps.core.matchers import LabelMatcher, are_met
from apps.core.text import clean

PAST = timedelta(days=7)
MOST_NAMES = 20
ALERTNAME = "alertname"
LONGEST_NAME = 300
COLUMNS = (
    "alertmanager", "fingerprint", "name", "severity", "cluster", "environment", "is_slo", "tone", "state", "began_at",
    "labels",
)  # fmt: skip


@dataclass(frozen=True)
class Hidden:
    """An alert that fires and that the silence hides. `state` is what it is now."""

    alertmanager: str
    fingerprint: str
    name: str
    severity: str
    cluster: str
    environment: str
    is_slo: bool
    tone: str
    state: str
    began_at: datetime

    @property
    def title(self) -> str:
        """Its name, or words that say that it has none."""
        return self.name or "alert without a name"

    @property
    def is_critical_slo(self) -> bool:
        """Whether it is one that pages."""
        return self.is_slo and self.severity == "critical"


@dataclass(frozen=True)
class Preview:
    """What a silence would hide. `past` are the alerts of the last days by name, those that fire still among them."""

    hidden: tuple[Hidden, ...] = ()
    past: tuple[tuple[str, int], ...] = ()

    @cached_property
    def clusters(self) -> Sequence[str]:
        """Where those that fire are; what is told of no known cluster counts as one."""
        return sorted({each.cluster for each in self.hidden})

    @cached_property
    def environments(self) -> Sequence[str]:
        """Those of the alerts that fire."""
        return sorted({each.environment for each in self.hidden})

    @cached_property
    def critical_slo(self) -> Sequence[Hidden]:
        """Those that page."""
        return [each for each in self.hidden if each.is_critical_slo]

    @property
    def past_count(self) -> int:
        """How many it would have hidden."""
        return sum(count for _, count in self.past)

    @property
    def past_shown(self) -> Sequence[tuple[str, int]]:
        """The most frequent by name."""
        return self.past[:MOST_NAMES]

    @property
    def past_more(self) -> int:
        """How many names are not shown."""
        return max(len(self.past) - MOST_NAMES, 0)


def preview_of(alertmanager: str, matchers: Sequence[LabelMatcher], now: datetime) -> Preview:
    """What a silence with these matchers hides in that group. Two queries, and those of `condition_of`.

    Without a matcher nothing: Alertmanager takes no such silence.
    """
    if not matchers:
        return Preview()
    return Preview(hidden_by(alertmanager, matchers), past_of(alertmanager, matchers, now))


def hidden_by(alertmanager: str, matchers: Sequence[LabelMatcher]) -> tuple[Hidden, ...]:
    """The alerts that fire and meet every matcher, the worst first. One query."""
    rows = _named(Episode.objects.firing().filter(alertmanager=alertmanager), matchers).order_by()
    found = [Hidden(*told) for *told, labels in rows.values_list(*COLUMNS) if are_met(matchers, labels)]
    found.sort(key=lambda each: (not each.is_critical_slo, each.severity != "critical", each.name, each.cluster))
    return tuple(found)


def past_of(alertmanager: str, matchers: Sequence[LabelMatcher], now: datetime) -> tuple[tuple[str, int], ...]:
    """(name, how often) of the alerts that fired in the last days and meet every matcher, the most frequent first."""
    lately = Episode.objects.filter(Q(ended_at=None) | Q(ended_at__gte=now - PAST), alertmanager=alertmanager)
    among = _named(lately, matchers)
    counted = among.filter(condition_of(matchers, among)).order_by().values_list("name").annotate(Count("pk"))
    return tuple(Counter(dict(counted)).most_common())


def _named(episodes: EpisodeQuerySet, matchers: Iterable[LabelMatcher]) -> EpisodeQuerySet:
    """Those of the name that the matchers want, where they want one: a column, which is quicker than a label."""
    for each in matchers:
        if each.name == ALERTNAME and each.operator == "=":
            return episodes.filter(name=clean(each.value, LONGEST_NAME))
    return episodes
