"""Alerts in groups: which of them stand on one page, found without sorting every alert that fires."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from django.db.models import Count, F, Max, Min

from apps.core.lists import Page, Sort
from apps.core.ranking import rank_of
from apps.core.tones import Tone

from .filters import GROUPINGS, order_of
from .models import EpisodeQuerySet

Key = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Span:
    """A group's size and worst tone, and which of its rows stand on the page."""

    size: int
    worst: Tone
    first: int
    last: int


ALONE = Span(1, Tone.UNKNOWN, 0, 1)


def rows_on(page: Page, episodes: EpisodeQuerySet, grouping: str, sort: Sort) -> dict[int, Span]:
    """The primary keys of the page's rows in their order, each with its group. At most two queries.

    The group with the worst and newest alert comes first; within a group they stand in the order `sort`.
    """
    ranked = episodes.annotate(shown_rank=rank_of("shown_tone"))
    columns = GROUPINGS[grouping]
    if not columns:
        return dict.fromkeys(ranked.order_by(*order_of(sort)).values_list("pk", flat=True)[page.rows], ALONE)
    spans = dict(_spans(page, ranked, columns))
    narrowed = ranked.filter(**{f"{column}__in": {key[at] for key in spans} for at, column in enumerate(columns)})
    members: dict[Key, list[int]] = defaultdict(list)
    for pk, *key in narrowed.order_by(*order_of(sort)).values_list("pk", *columns):
        members[tuple(key)].append(pk)
    return {pk: span for key, span in spans.items() for pk in members[key][span.first : span.last]}


def _spans(page: Page, ranked: EpisodeQuerySet, columns: Key) -> Iterator[tuple[Key, Span]]:
    groups = (
        ranked.order_by()
        .values_list(*columns)
        .annotate(worst=Min("shown_rank"), newest=Max("began_at"), size=Count("pk"))
        .order_by("worst", F("newest").desc(), *columns)
    )
    begins, wanted = 0, page.rows
    for *key, worst, _, size in groups[: wanted.stop]:
        if begins >= wanted.stop:
            return
        if begins + size > wanted.start:
            yield tuple(key), Span(size, list(Tone)[worst], max(wanted.start - begins, 0), wanted.stop - begins)
        begins += size
