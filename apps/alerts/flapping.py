"""Alerts that flap: three times within a day they ended before ten minutes were over."""

from __future__ import annotations

from collections.abc import Iterable, Set
from datetime import datetime, timedelta

from django.db.models import Count, F

from apps.core.keeping import Keeper, is_younger

from .models import Episode

SHORT = timedelta(minutes=10)
TIMES = 3
WITHIN = timedelta(hours=24)
KEPT_SECONDS, BORNE_SECONDS = 60.0, 600.0
Identity = tuple[str, str]

FLAPPING: Keeper[Set[Identity]] = Keeper(1)


def is_short(episode: Episode) -> bool:
    """Whether it ended before ten minutes were over."""
    return episode.lasted is not None and episode.lasted <= SHORT


def flaps_among(episodes: Iterable[Episode]) -> set[int]:
    """Of one alert's episodes the primary keys of those that are part of a flapping: short, and TIMES within a day."""
    short = sorted(filter(is_short, episodes), key=lambda each: each.began_at)
    found: set[int] = set()
    for first, last in zip(range(len(short)), range(TIMES - 1, len(short)), strict=False):
        if short[last].began_at - short[first].began_at <= WITHIN:
            found |= {each.pk for each in short[first : last + 1]}
    return found


def flaps_now(episodes: Iterable[Episode], now: datetime) -> bool:
    """Whether one alert flapped within the last day."""
    return bool(flaps_among(each for each in episodes if each.began_at >= now - WITHIN))


def flapping_lately(now: datetime) -> Set[Identity]:
    """The alerts (alertmanager, fingerprint) that flapped within the last day. One query, kept for a minute."""
    return FLAPPING.get(
        "",
        is_good=lambda _, age: is_younger(age, KEPT_SECONDS),
        is_bearable=lambda _, age, __: is_younger(age, BORNE_SECONDS),
        make=lambda: flapping_at(now),
    )


def flapping_at(now: datetime) -> Set[Identity]:
    """The same of this moment."""
    short = Episode.objects.filter(ended_at__gte=now - WITHIN, began_at__gte=now - WITHIN).filter(
        ended_at__lte=F("began_at") + SHORT
    )
    times = short.order_by().values_list("alertmanager", "fingerprint").annotate(times=Count("pk"))
    return {(alertmanager, fingerprint) for alertmanager, fingerprint, _ in times.filter(times__gte=TIMES)}
