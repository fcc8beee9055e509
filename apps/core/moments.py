"""Moments that people tell, and moments in UTC."""

from __future__ import annotations

from datetime import UTC, datetime

from django.utils.dateparse import parse_datetime

EARLIEST, TOO_LATE = datetime(2000, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)


def moment_read(told: str) -> datetime | None:
    """A moment of this time, in UTC where it names no zone; None of anything else, as of one that UTC cannot say.

    A "+" that the address made a blank is one.
    """
    try:
        moment = parse_datetime(told) or parse_datetime(told.replace(" ", "+"))
        if moment is None:
            return None
        moment = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return moment if EARLIEST <= moment < TOO_LATE else None


def in_utc(moment: datetime) -> datetime:
    """The moment in UTC; of one at the calendar's very end that UTC cannot say, the same time of that day."""
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        return moment.replace(tzinfo=UTC)
