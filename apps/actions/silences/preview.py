"""What a silence hides: which alerts that fire, and which of the last days it would have hidden.

By the labels that the portal keeps of the group's alerts, with the matchers' own meaning in Alertmanager: each silence
that fits silences, whether the alert is quiet by something else already or not.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property, lru_cache

from django.db.models import Q, Value
from django.db.models.functions import Concat
from django.db.models.lookups import Exact

from apps.alerts.matching import LabelValue
from apps.alerts.models import Episode, EpisodeQuerySet
from apps.core.matchers import LabelMatcher
from apps.core.text import clean
from apps.sources.kept import known_for, known_words

PAST = timedelta(days=7)
WEEK = "in the last 7 days"
MOST_NAMES = 20
ALERTNAME = "alertname"
LONGEST_NAME = 300
COLUMNS = (
    "alertmanager", "fingerprint", "name", "severity", "cluster", "environment", "is_slo", "tone", "state", "began_at",
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
    """What a silence would hide. `past` are the alerts of the last days by name, those that fire still among them.

    `past_time` says of which days: "in the last 7 days", or of as many as are kept.
    """

    hidden: tuple[Hidden, ...] = ()
    past: tuple[tuple[str, int], ...] = ()
    past_time: str = WEEK

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


def preview_of(
    alertmanager: str, matchers: Sequence[LabelMatcher], now: datetime, since: datetime | None = None
) -> Preview:
    """What a silence with these matchers hides in that group, of which something is known `since`. Two queries.

    Without a matcher nothing: Alertmanager takes no such silence.
    """
    if not matchers:
        return Preview()
    time = known_words(PAST, known_for(PAST, since or now - PAST, now), whole=WEEK)
    return Preview(hidden_by(alertmanager, matchers), past_of(alertmanager, matchers, now), time)


def hidden_by(alertmanager: str, matchers: Sequence[LabelMatcher]) -> tuple[Hidden, ...]:
    """The alerts that fire and meet every matcher, the worst first. One query."""
    names = _labels_of(matchers)
    rows = _plain(_of_group(Episode.objects.firing(), alertmanager), matchers).order_by()
    told, width, meets = rows.values_list(*COLUMNS, *map(LabelValue, names)), len(COLUMNS), _meeting(matchers, names)
    found = [Hidden(*row[:width]) for row in told if meets(row[width:])]
    found.sort(key=lambda each: (not each.is_critical_slo, each.severity != "critical", each.name, each.cluster))
    return tuple(found)


def past_of(alertmanager: str, matchers: Sequence[LabelMatcher], now: datetime) -> tuple[tuple[str, int], ...]:
    """(name, how often) of the alerts that fired in the last days and meet every matcher, the most frequent first.

    One query, of the labels that are asked about alone: each combination of them is looked at once.
    """
    names = _labels_of(matchers)
    lately = Episode.objects.filter(Q(ended_at=None) | Q(ended_at__gte=now - PAST))
    among = _plain(_of_group(lately, alertmanager), matchers)
    told = Counter(among.order_by().values_list("name", *map(LabelValue, names)))
    found, meets = Counter[str](), _meeting(matchers, names)
    for (name, *of_labels), count in told.items():
        if meets(of_labels):
            found[name] += count
    return tuple(found.most_common())


def _of_group(episodes: EpisodeQuerySet, alertmanager: str) -> EpisodeQuerySet:
    """Those of the group. It is compared as an expression, so that the index of ends is used, and not that of all
    alerts of the group that there ever were."""
    return episodes.alias(group=Concat("alertmanager", Value(""))).filter(group=alertmanager)


def _labels_of(matchers: Iterable[LabelMatcher]) -> list[str]:
    """The labels that the matchers ask about, each once."""
    return list(dict.fromkeys(each.name for each in matchers))


def _plain(episodes: EpisodeQuerySet, matchers: Iterable[LabelMatcher]) -> EpisodeQuerySet:
    """Those that meet the matchers that need no regular expression; the name is a column too."""
    for each in matchers:
        is_it = Q(Exact(LabelValue(each.name), each.value))
        if each.operator == "=" and each.name == ALERTNAME:
            episodes = episodes.filter(name=clean(each.value, LONGEST_NAME))
        if not each.is_regex:
            episodes = episodes.filter(~is_it if each.is_negative else is_it)
    return episodes


def _meeting(matchers: Iterable[LabelMatcher], names: Sequence[str]) -> Callable[[Sequence[str]], bool]:
    """Whether the values of these labels meet every matcher with a regular expression; each value is tried once."""
    asked = [(names.index(each.name), lru_cache(maxsize=None)(each.fits)) for each in matchers if each.is_regex]
    return lambda values: all(fits(values[place]) for place, fits in asked)
