"""The list of alerts as its page shows it."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from django.db.models import Count, F, Q

from apps.core.ages import age_words
from apps.core.drawn import columns_of
from apps.core.lists import Asked, Sort
from apps.core.offering import options_lately
from apps.core.ranking import rows_in_order, tone_counts
from apps.core.tones import Tone
from apps.core.verdict import Verdict
from apps.core.verdict.alert import BY_SEVERITY
from apps.fleet.overlay import Overlay
from apps.notes.models import Acknowledgement, Subjects
from apps.sources.evidence import Evidence, evidence_of
from apps.sources.models import Source, SourceState

from .causes import Cause, causes_of
from .filters import (
    DEFAULT_GROUPING,
    DEFAULT_SORT,
    GROUPING_WORDS,
    GROUPINGS,
    SORTS,
    STATES,
    AlertFilters,
    filters_read,
    options_of,
)
from .flapping import flapping_lately
from .grouping import Span, rows_on
from .matching import condition_of
from .models import Episode, EpisodeQuerySet, shown_verdict
from .narrowing import Narrower, Narrowing, labels_that_name, narrowings_of
from .noting import subject_of
from .support import Support, supports_of

ENDED_LATELY = timedelta(hours=1)
MOST_ENDED = 50
PLAIN_REASONS = frozenset({"SLO alert", *(verdict.reason for verdict in BY_SEVERITY.values())})


@dataclass(frozen=True)
class EpisodeRow:
    """One alert as a row: its verdict with what lies over it, what quiets it, how many members hold it, and whether it
    is supported.

    `narrowings` are links to the list by what the row shows; empty on other pages.
    """

    episode: Episode
    verdict: Verdict
    causes: tuple[Cause, ...]
    holders: tuple[str, ...]
    member_count: int
    is_doubtful: bool
    support: Support
    narrowings: Mapping[str, Narrowing] = field(default_factory=dict)
    is_flapping: bool = False
    acknowledgement: Acknowledgement | None = None

    @property
    def runbook(self) -> str:
        """The runbook's address where it is one that can be opened, else ""."""
        return self.support.runbook

    @property
    def summary(self) -> str:
        """What it says of itself in short."""
        told = self.episode.annotations
        return told.get("summary") or told.get("message") or told.get("description") or ""

    @property
    def remark(self) -> str:
        """What its verdict says beyond its severity and what quiets it; "" where that is all."""
        reason = self.verdict.reason
        is_said = reason in PLAIN_REASONS or (self.causes and not self.is_doubtful)
        return "" if is_said else reason

    @property
    def is_held_by_all(self) -> bool:
        """Whether every member of its Alertmanager group holds it."""
        return len(self.holders) >= self.member_count

    def shows(self, now: datetime) -> object | None:
        """What its markup depends on (apps.core.drawn); None where that is other alerts and silences too."""
        if self.causes:
            return None
        told = columns_of(self.episode), self.verdict, self.holders, self.member_count, self.is_doubtful, self.support
        said = self.acknowledgement.shows if self.acknowledgement else ()
        return *told, dict(self.narrowings), self.is_flapping, said, age_words(self.episode.began_at, now)


@dataclass(frozen=True)
class EpisodeGroup:
    """Alerts that stand together. `size` and `worst` are of all of the group, of which `rows` are on this page.

    `labels` are what its head names, with the links that narrow the list by it.
    """

    first: Episode
    size: int
    worst: Tone
    rows: tuple[EpisodeRow, ...]
    has_head: bool
    labels: tuple[tuple[str, str, Narrowing], ...] = ()


@dataclass(frozen=True)
class Wanted:
    """What the address asks for: its filters and order, and the alerts that fit them in all but the tone."""

    asked: Asked
    options: Mapping[str, list[str]]
    filters: AlertFilters
    sort: Sort
    firing: EpisodeQuerySet
    ended: EpisodeQuerySet

    @property
    def shown(self) -> EpisodeQuerySet:
        """Those that fire and fit in their tone too."""
        tones = self.filters.tones
        return self.firing.filter(Q(shown_tone__in=tones)) if tones else self.firing


def wanted_by(asked: Asked, overlay: Overlay) -> Wanted:
    """Reads the address. A query for the words of its filters, which are kept for a moment, and one for each matcher
    with a regular expression."""
    current = Episode.objects.current(overlay)
    lately = current.filter(Q(ended_at=None) | Q(ended_at__gte=overlay.now - ENDED_LATELY))
    options = options_lately(
        asked,
        ("alerts", overlay.archived_alertmanagers, frozenset(member_counts(overlay)), overlay.places),
        lambda: options_of(current.firing(), known_words(overlay)),
    )
    filters = filters_read(asked, options)
    fitting = filters.kept(lately).filter(condition_of(filters.matchers, filters.kept(lately)))
    return Wanted(
        asked=asked,
        options=options,
        filters=filters,
        sort=asked.sort(SORTS, default=DEFAULT_SORT),
        firing=filters.in_state(fitting.firing()).with_shown_tone(overlay),
        ended=fitting.exclude(ended_at=None),
    )


def known_words(overlay: Overlay) -> dict[str, Iterable[str]]:
    """Column → the words that the list's filters offer though no alert has them."""
    names, environments = zip(*overlay.places, strict=True) if overlay.places else ((), ())
    groups = sorted({source.group for source in alertmanagers(overlay)})
    return {"cluster": names, "environment": environments, "alertmanager": groups}


def alerts_listed(asked: Asked, overlay: Overlay) -> dict[str, Any]:
    """What the list's template shows of what the address asks for."""
    wanted = wanted_by(asked, overlay)
    filters, grouping = wanted.filters, wanted.filters.grouping
    counts = tone_counts(wanted.firing.order_by().values_list(F("shown_tone")).annotate(Count("pk")))
    page = asked.page(sum(count for tone, count in counts.items() if not filters.tones or tone in filters.tones))
    spans = rows_on(page, wanted.shown, grouping, wanted.sort)
    narrower = Narrower(asked.query, filters.matchers)
    episodes = rows_in_order(spans, Episode.objects.prefetch_related("holdings"))
    rows = episode_rows(episodes, overlay, narrower, flapping=flapping_lately(overlay.now))
    return {
        "title": "Alerts",
        "groups": groups_of(rows, spans, grouping, narrower),
        "page": page,
        "sort": wanted.sort,
        "filters": filters,
        "chips": narrower.chips(),
        "options": wanted.options,
        "states": STATES,
        "groupings": GROUPING_WORDS,
        "counts": counts,
        "problems": asked.problems,
        "evidence": alertmanager_evidence(overlay, filters),
        "doubts": doubts_of(overlay, filters),
        **ended_lately(wanted.ended),
    }


def alertmanagers(overlay: Overlay) -> list[Source]:
    """The members of all Alertmanager groups."""
    return [source for source in overlay.sources.values() if source.kind == Source.Kind.ALERTMANAGER]


def groups_of(
    rows: Sequence[EpisodeRow], spans: Mapping[int, Span], grouping: str, narrower: Narrower
) -> list[EpisodeGroup]:
    """The rows of a page as groups, in their order; `spans` are their groups by primary key."""
    columns = GROUPINGS[grouping]
    found = []
    for _, together in groupby(rows, key=lambda row: [getattr(row.episode, column) for column in columns]):
        of_group = tuple(together)
        span = spans[of_group[0].episode.pk]
        has_head = bool(columns) and (span.size > 1 or grouping != DEFAULT_GROUPING)
        labels = tuple(head_labels(of_group[0], grouping, narrower)) if has_head else ()
        rows_shown = tuple(below_head(of_group, labels)) if has_head else of_group
        found.append(EpisodeGroup(of_group[0].episode, span.size, span.worst, rows_shown, has_head, labels))
    return found


def below_head(rows: Iterable[EpisodeRow], labels: Iterable[tuple[str, str, Narrowing]]) -> Iterator[EpisodeRow]:
    """The rows of a group, without the links that its head has for all of them."""
    of_head = {links for _, _, links in labels}
    for row in rows:
        own = {name: links for name, links in row.narrowings.items() if links not in of_head}
        yield replace(row, narrowings=own)


def head_labels(row: EpisodeRow, grouping: str, narrower: Narrower) -> Iterator[tuple[str, str, Narrowing]]:
    """What a group's head names, as (name, value, links). Which label names a cluster differs from row to row."""
    episode = row.episode
    if grouping == DEFAULT_GROUPING:
        yield from ((name, value, narrower.by_label(name, value)) for name, value in episode.group_labels.items())
    elif grouping == "severity":
        yield grouping, episode.severity, row.narrowings[grouping]
    else:
        word = getattr(episode, grouping)
        yield grouping, word, narrower.by_word(grouping, word)


def episode_rows(
    episodes: Iterable[Episode],
    overlay: Overlay,
    narrower: Narrower | None = None,
    *,
    flapping: Container[tuple[str, str]] = (),
) -> list[EpisodeRow]:
    """Each episode as a row; their `holdings` should have been fetched with them. Two queries where any is quiet, and
    one for runbooks where any links one and there are sources of them."""
    shown = list(episodes)
    causes, supports = causes_of(shown), supports_of(shown)
    members = member_counts(overlay)
    naming = labels_that_name() if narrower else None
    return [
        EpisodeRow(
            episode,
            shown_verdict(episode, overlay),
            causes[episode.pk],
            tuple(holding.source for holding in episode.holdings.all()),
            members.get(episode.alertmanager, 0),
            episode.is_unconfirmed or episode.alertmanager in overlay.doubtful_alertmanagers,
            supports[episode.pk],
            narrowings_of(episode, narrower, naming) if narrower and naming else {},
            (episode.alertmanager, episode.fingerprint) in flapping,
            overlay.acknowledged(Subjects.ALERT, subject_of(episode)),
        )
        for episode in shown
    ]


def member_counts(overlay: Overlay) -> dict[str, int]:
    """How many members each Alertmanager group has."""
    counts: dict[str, int] = {}
    for source in alertmanagers(overlay):
        counts[source.group] = counts.get(source.group, 0) + 1
    return counts


def ended_lately(episodes: EpisodeQuerySet) -> dict[str, Any]:
    """The newest of those that ended within the last hour, and how many they are."""
    ended = episodes.order_by("-ended_at", "name")
    shown, count = list(ended[:MOST_ENDED]), ended.count()
    return {"ended": shown, "ended_count": count, "ended_left": count - len(shown)}


def alertmanager_evidence(overlay: Overlay, filters: AlertFilters) -> Evidence:
    """The members of the Alertmanagers whose alerts are asked for."""
    groups = filters.words["alertmanager"]
    asked_for = [source for source in alertmanagers(overlay) if not groups or source.group in groups]
    return evidence_of("Alertmanager", asked_for, overlay.now)


def doubts_of(overlay: Overlay, filters: AlertFilters) -> list[str]:
    """Why having no alerts proves nothing, by Alertmanager group asked for, where its members are not the reason."""
    asked_for = filters.words["alertmanager"]
    answering = {source.group for source in alertmanagers(overlay) if overlay.state_of(source.key) is SourceState.FRESH}
    return [
        f"{group}: {doubt}"
        for group, doubt in overlay.doubtful_alertmanagers.items()
        if group in answering and (not asked_for or group in asked_for)
    ]
