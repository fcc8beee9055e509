"""Tones as numbers in a query, so that the database can order by them and count them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from django.db.models import Case, IntegerField, Model, QuerySet, Value, When

from .tones import Tone

M = TypeVar("M", bound=Model)


def rank_of(field: str) -> Case:
    """The rank of the tone in `field` (0 critical … 5 well); what is no tone ranks as unknown."""
    ranks = [When(**{field: tone.value}, then=Value(tone.rank)) for tone in Tone]
    return Case(*ranks, default=Value(Tone.UNKNOWN.rank), output_field=IntegerField())


def tone_counts(pairs: Iterable[tuple[str, int]]) -> Mapping[Tone, int]:
    """Every tone in order of precedence with its count, 0 where `pairs` (tone, count) names none."""
    counts = dict.fromkeys(Tone, 0)
    for word, count in pairs:
        counts[Tone(word) if word in set(Tone) else Tone.UNKNOWN] += count
    return counts


def rows_in_order(keys: Iterable[Any], rows: QuerySet[M]) -> list[M]:
    """The rows with these primary keys, in the order of the keys; one that is gone meanwhile is left out.

    Sorting keys first and fetching the rows of one page then is far cheaper than sorting all rows in full.
    """
    wanted = list(keys)
    found = rows.in_bulk(wanted)
    return [found[key] for key in wanted if key in found]
