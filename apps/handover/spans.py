"""The span of a handover: a shift of the fleet file, or two moments."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from apps.core.lists import Asked, short
from apps.core.moments import moment_read
from apps.sources.fleetfile.shifts import Shifts
from apps.timeline.steps import Window

USUAL = timedelta(hours=12)
LONGEST = timedelta(days=31)
LONGEST_MOMENT = 40
THIS, LAST = "this", "last"
DAYS_AROUND = range(-2, 2)


@dataclass(frozen=True)
class SpanAsked:
    """The span, and by which word it was asked for: THIS, LAST, or "" where its two ends were told.

    `until` is its end as it was asked for, which may be yet to come; None: up to now, whenever that is.
    """

    window: Window
    word: str
    until: datetime | None = None


def shift_at(shifts: Shifts | None, moment: datetime) -> Window:
    """The shift in which a moment lies, its end included as yet to come; without shifts the 12 hours up to it."""
    if shifts is None:
        return Window(moment - USUAL, moment)
    starts = starts_around(shifts, moment)
    began = max(start for start in starts if start <= moment)
    return Window(began, min(start for start in starts if start > moment))


def starts_around(shifts: Shifts, moment: datetime) -> list[datetime]:
    """The moments, in UTC, at which shifts begin in the days around. A time that a clock change leaves out counts as
    the moment after the change; of one that comes twice the first counts."""
    zone = ZoneInfo(shifts.zone)
    day = moment.astimezone(zone).date()
    days = [day + timedelta(days=each) for each in DAYS_AROUND]
    return sorted({datetime.combine(each, start, zone).astimezone(UTC) for each in days for start in shifts.starts})


def shift_before(shifts: Shifts | None, moment: datetime) -> Window:
    """The shift before the one in which the moment lies, whole."""
    began = shift_at(shifts, moment).start
    if shifts is None:
        return Window(began - USUAL, began)
    return Window(shift_at(shifts, began - timedelta(microseconds=1)).start, began)


def span_asked(asked: Asked, shifts: Shifts | None, now: datetime) -> SpanAsked:
    """Reads `span`, `from` and `until` of an address or a form. What cannot be is told, and this shift is taken."""
    start, end = moment_asked(asked, "from"), moment_asked(asked, "until")
    if start is None and end is None:
        word = asked.choice("span", [THIS, LAST]) or THIS
        window = shift_before(shifts, now) if word == LAST else shift_at(shifts, now)
        until = window.end if shifts or word == LAST else None
        return SpanAsked(Window(window.start, min(window.end, now)), word, until)
    until, end = end, min(end or now, now)
    start = start or end - USUAL
    if start >= end:
        asked.problems.append("That time ends before it begins: the 12 hours before its end are shown.")
        start = end - USUAL
    if end - start > LONGEST:
        asked.problems.append(
            f"A handover is of {LONGEST.days} days at the most: the last ones of that time are shown."
        )
        start = end - LONGEST
    return SpanAsked(Window(start, end), "", until)


def moment_asked(asked: Asked, name: str) -> datetime | None:
    """The moment in the address: ISO 8601, in UTC where it names no zone; None where there is none that can be."""
    told = asked.text(name, limit=LONGEST_MOMENT)
    moment = moment_read(told) if told else None
    if told and moment is None:
        asked.problems.append(f"“{short(told)}” is not a moment like 2026-11-24T22:57Z: it is left out.")
    return moment
