"""Ages and durations as the pages say them: "4 s", "12 m", "3 h 12 m", "2 d 4 h"."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from .moments import in_utc

MINUTE, HOUR, DAY = 60, 3600, 86_400
HOURS_ONLY_UNTIL = 2 * DAY
DAYS_ONLY_FROM = 14 * DAY
NOT_AHEAD = 2.0


def duration_words(duration: timedelta) -> str:
    """The two biggest units that matter; hours up to two days, days alone from two weeks on; below zero is "0 s"."""
    seconds = max(0, int(duration.total_seconds()))
    if seconds < MINUTE:
        return f"{seconds} s"
    if seconds < HOUR:
        return f"{seconds // MINUTE} m"
    if seconds < HOURS_ONLY_UNTIL:
        return two_units(seconds, HOUR, "h", MINUTE, "m")
    if seconds < DAYS_ONLY_FROM:
        return two_units(seconds, DAY, "d", HOUR, "h")
    return f"{seconds // DAY:,} d"


def two_units(seconds: int, big: int, big_name: str, small: int, small_name: str) -> str:
    """ "3 h 12 m", without a second part that is zero."""
    rest = seconds % big // small
    return f"{seconds // big} {big_name}" + (f" {rest} {small_name}" if rest else "")


def age_words(moment: datetime, now: datetime) -> str:
    """How long ago `moment` was at `now`; "in 3 m" where it lies ahead by more than two seconds."""
    ahead = (moment - now).total_seconds()
    if ahead > NOT_AHEAD:
        return f"in {duration_words(moment - now)}"
    return duration_words(now - moment)


def moment_words(moment: datetime) -> str:
    """The exact moment: "24 Nov 2026, 22:57:12 UTC"."""
    told = in_utc(moment)
    return f"{told.day} {told:%b} {told.year}, {told:%H:%M:%S} UTC"


def first_after(now: datetime, moments: Iterable[datetime | None]) -> datetime | None:
    """The first of the moments that is still to come: when a page that counts down to them has to be made anew."""
    return min((moment for moment in moments if moment and moment > now), default=None)
