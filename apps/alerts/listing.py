"""The list of alerts as its page shows it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby
from typing import Any

from django.db.models import Count, F, Max, Min, Q, Value, Window

from apps.core.links import safe_link
from apps.core.lists import Asked, Sort
from apps.core.ranking import rank_of, rows_in_order, tone_counts
from apps.core.verdict import Verdict
from apps.core.verdict.alert import BY_SEVERITY
from apps.fleet.models import Cluster
from apps.fleet.overlay import Overlay
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
    order_of,
)
from .models import Episode, EpisodeQuerySet, shown_verdict

ENDED_LATELY = timedelta(hours=1)
MOST_ENDED = 50
PLAIN_REASONS = frozenset({"SLO alert", *(verdict.reason for verdict in BY_SEVERITY.values())})


@dataclass(frozen=True)
class EpisodeRow:
    """One alert as a row: its verdict with what lies over it, what quiets it, and how many members hold it."""

    episode: Episode
    verdict: Verdict
    causes: tuple[Cause, ...]
    holders: tuple[str, ...]
    member_count: int
    is_doubtful: bool

    @property
    def runbook(self) -> str:
        """The runbook's address where it is one that can be opened, else ""."""
        return safe_link(self.episode.runbook_url)

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


@dataclass(frozen=True)
class EpisodeGroup:
    """Alerts that stand together. `size` counts all of the group, of which `rows` are on this page."""

    first: Episode
    size: int
    rows: tuple[EpisodeRow, ...]
    has_head: bool


def alerts_listed(asked: Asked, overlay: Overlay) -> dict[str, Any]:
    """What the list's template shows of what the address asks for."""
    current = Episode.objects.current(overlay)
    clusters = Cluster.objects.current().values_list("name", "environment")
    names, environments = zip(*clusters, strict=True) if clusters else ((), ())
    groups = {source.group for source in alertmanagers(overlay)}
    options = options_of(
        current.firing(), {"cluster": names, "environment": environments, "alertmanager": sorted(groups)}
    )
    filters = filters_read(asked, options)
    sort = asked.sort(SORTS, default=DEFAULT_SORT)
    firing = filters.in_state(filters.kept(current.firing())).with_shown_tone(overlay)
    counts = tone_counts(firing.order_by().values_list(F("shown_tone")).annotate(Count("pk")))
    page = asked.page(sum(count for tone, count in counts.items() if not filters.tones or tone in filters.tones))
    shown = firing.filter(Q(shown_tone__in=filters.tones)) if filters.tones else firing
    sizes = dict(grouped(shown, filters.grouping, sort).values_list("pk", F("group_size"))[page.rows])
    rows = rows_in_order(sizes, Episode.objects.prefetch_related("holdings"))
    return {
        "title": "Alerts",
        "groups": groups_of(rows, sizes, filters.grouping, overlay),
        "page": page,
        "sort": sort,
        "filters": filters,
        "options": options,
        "states": STATES,
        "groupings": GROUPING_WORDS,
        "counts": counts,
        "problems": asked.problems,
        "evidence": alertmanager_evidence(overlay, filters),
        "doubts": doubts_of(overlay, filters),
        **ended_lately(filters.kept(current), overlay),
    }


def alertmanagers(overlay: Overlay) -> list[Source]:
    """The members of all Alertmanager groups."""
    return [source for source in overlay.sources.values() if source.kind == Source.Kind.ALERTMANAGER]


def grouped(episodes: EpisodeQuerySet, grouping: str, sort: Sort) -> EpisodeQuerySet:
    """The episodes group after group, the group with the worst and newest alert first; in each in the order `sort`."""
    columns = GROUPINGS[grouping]
    ranked = episodes.annotate(shown_rank=rank_of("shown_tone"))
    if not columns:
        return ranked.annotate(group_size=Value(1)).order_by(*order_of(sort))
    return ranked.annotate(
        group_rank=Window(Min("shown_rank"), partition_by=[F(column) for column in columns]),
        group_began=Window(Max("began_at"), partition_by=[F(column) for column in columns]),
        group_size=Window(Count("pk"), partition_by=[F(column) for column in columns]),
    ).order_by("group_rank", F("group_began").desc(), *columns, *order_of(sort))


def groups_of(
    episodes: Sequence[Episode], sizes: Mapping[int, int], grouping: str, overlay: Overlay
) -> list[EpisodeGroup]:
    """The episodes of a page as groups, in their order; `sizes` of their groups by primary key. Two queries."""
    columns = GROUPINGS[grouping]
    rows = episode_rows(episodes, overlay)
    found = []
    for _, together in groupby(rows, key=lambda row: [getattr(row.episode, column) for column in columns]):
        of_group = tuple(together)
        size = sizes[of_group[0].episode.pk]
        has_head = bool(columns) and (size > 1 or grouping != DEFAULT_GROUPING)
        found.append(EpisodeGroup(of_group[0].episode, size, of_group, has_head))
    return found


def episode_rows(episodes: Iterable[Episode], overlay: Overlay) -> list[EpisodeRow]:
    """Each episode as a row; their `holdings` should have been fetched with them."""
    shown = list(episodes)
    causes = causes_of(shown)
    members = member_counts(overlay)
    return [
        EpisodeRow(
            episode,
            shown_verdict(episode, overlay),
            causes[episode.pk],
            tuple(holding.source for holding in episode.holdings.all()),
            members.get(episode.alertmanager, 0),
            episode.is_unconfirmed or episode.alertmanager in overlay.doubtful_alertmanagers,
        )
        for episode in shown
    ]


def member_counts(overlay: Overlay) -> dict[str, int]:
    """How many members each Alertmanager group has."""
    counts: dict[str, int] = {}
    for source in alertmanagers(overlay):
        counts[source.group] = counts.get(source.group, 0) + 1
    return counts


def ended_lately(episodes: EpisodeQuerySet, overlay: Overlay) -> dict[str, Any]:
    """Those that ended within the last hour, newest first, and how many they are."""
    ended = episodes.filter(ended_at__gte=overlay.now - ENDED_LATELY).order_by("-ended_at", "name")
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
    answering = {source.group for source in alertmanagers(overlay) if source.state(overlay.now) is SourceState.FRESH}
    return [
        f"{group}: {doubt}"
        for group, doubt in overlay.doubtful_alertmanagers.items()
        if group in answering and (not asked_for or group in asked_for)
    ]
