"""From when on something is known of what sources tell: nothing from before the first read, nor what is not kept."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from apps.core.ages import duration_words

from .fleetfile import fleet_file_or_empty
from .models import Source

FEW_DAYS = timedelta(days=2)
ROUND = timedelta(minutes=5)


def kept_since(now: datetime) -> datetime:
    """The moment before which nothing is kept any more, by the fleet file's retention."""
    return now - fleet_file_or_empty().portal.retention


def told_since(alertmanager: str, sources: Iterable[Source], now: datetime) -> datetime:
    """From when on it is known what a group of Alertmanagers tells: since the first of its members was read.

    Where one was read before the portal wrote that down, what is kept alone bounds it.
    """
    members = [each for each in sources if (each.kind, each.group) == (Source.Kind.ALERTMANAGER, alertmanager)]
    firsts = [each.first_read_at for each in members if each.succeeded_at]
    read = [first for first in firsts if first]
    return max(kept_since(now), min(read)) if read and len(read) == len(firsts) else kept_since(now)


def known_for(asked: timedelta, since: datetime, now: datetime) -> timedelta:
    """Of how much of the time that is asked for something is known; what differs by minutes is all of it."""
    known = max(timedelta(), now - since)
    return asked if known >= asked - ROUND else known


def known_words(asked: timedelta, known: timedelta, *, whole: str) -> str:
    """`whole` where all of the time is known, else "in the 12 days that are kept", "in the 5 h that are kept"."""
    if known >= asked:
        return whole
    told = f"{known.days} days" if known >= FEW_DAYS else duration_words(known)
    return f"in the {told} that are kept"
