"""Tones as numbers in a query, so that the database can order by them and count them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from django.db.models import Case, IntegerField, Value, When

from .tones import Tone


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
