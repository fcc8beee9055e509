"""Pictures of the past as numbers: how much of a time something was reached, how many of something there were.

What is not known is a gap: it counts neither as good nor as bad, and the words say of how much they speak.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from apps.core.ages import duration_words

from .standing import AWAY, REACHED
from .steps import Span, Steps, Window, spans_of

ROUND = timedelta(seconds=60)
TIMES = {1: "once", 2: "twice"}


class Count(NamedTuple):
    """How many are broken, and how many are not known."""

    broken: int = 0
    unknown: int = 0


@dataclass(frozen=True)
class Availability:
    """How a cluster was reached in a window: its spans are REACHED, AWAY or UNKNOWN."""

    window: Window
    spans: Sequence[Span[str]]

    def lasted(self, state: str) -> timedelta:
        """How long it stood so in all."""
        return sum((span.length for span in self.spans if span.state == state), timedelta())

    @property
    def known(self) -> timedelta:
        """Of how much of the window it is known whether it was reached."""
        return self.lasted(REACHED) + self.lasted(AWAY)

    @property
    def percent(self) -> str:
        """ "99.2 %" of the known time; never rounded up, so that 100 % is all of it; "" where nothing is known."""
        if not self.known:
            return ""
        tenths = int(self.lasted(REACHED) / self.known * 1000)
        return f"{tenths // 10} %" if tenths % 10 == 0 else f"{tenths / 10:.1f} %"

    @property
    def is_whole(self) -> bool:
        """Whether all of the window is known, but for a moment."""
        return self.known >= self.window.length - ROUND

    @property
    def figure(self) -> str:
        """ "99.2 %", "100 % of 12 m" where no more is known, "not known"."""
        if not self.known:
            return "not known"
        return self.percent if self.is_whole else f"{self.percent} of {duration_words(self.known)}"

    @property
    def words(self) -> str:
        """ "reached 99.2 % of 24 h, away twice for 12 m in all"."""
        asked = duration_of(self.window)
        if not self.known:
            return f"not known in {asked}"
        of = asked if self.is_whole else f"the {duration_words(self.known)} of {asked} that are known"
        times = sum(span.state == AWAY for span in self.spans)
        in_all = " in all" if times > 1 else ""
        away = f", away {TIMES.get(times, f'{times} times')} for {duration_words(self.lasted(AWAY))}{in_all}"
        return f"reached {self.percent} of {of}{away if times else ''}"


@dataclass(frozen=True)
class Counts:
    """How many were broken in a window; the state of a span is None while it is not known."""

    window: Window
    spans: Sequence[Span[Count | None]]

    @property
    def known(self) -> list[Span[Count]]:
        """The spans of which it is known."""
        return [Span(span.start, span.end, span.state) for span in self.spans if span.state is not None]

    @property
    def most(self) -> Count:
        """The most of either, at whatever time."""
        states = [span.state for span in self.known]
        return Count(
            max((each.broken for each in states), default=0), max((each.unknown for each in states), default=0)
        )

    @property
    def peak_at(self) -> datetime | None:
        """Since when the most were broken, the first time that it was so."""
        most = self.most.broken
        return next((span.start for span in self.known if span.state.broken == most), None)

    @property
    def is_known_now(self) -> bool:
        """Whether the last span is not a gap."""
        return bool(self.spans) and self.spans[-1].state is not None

    @property
    def words(self) -> str:
        """ "most 14 broken at 03:10 UTC, 2 now"."""
        if not self.known or self.peak_at is None:
            return f"not known in {duration_of(self.window)}"
        most, now = self.most, self.known[-1].state
        parts = [f"most {most.broken} broken at {told_at(self.peak_at, self.window)}"] if most.broken else []
        if not self.is_known_now:
            parts.append("not known now" if most.broken else "none broken while it was known, not known now")
        else:
            parts.append(f"{now.broken or 'none'} now" if most.broken else f"none broken in {self._known_words()}")
        if most.unknown:
            parts.append(f"up to {most.unknown} not known")
        return ", ".join(parts)

    def _known_words(self) -> str:
        known = sum((span.length for span in self.known), timedelta())
        asked = duration_of(self.window)
        is_whole = known >= self.window.length - ROUND
        return asked if is_whole else f"the {duration_words(known)} of {asked} that are known"


def times_words(times: int) -> str:
    """ "once", "twice", "3 times"."""
    return TIMES.get(times, f"{times} times")


def duration_of(window: Window) -> str:
    """ "24 h", "7 d"."""
    hours = round(window.length.total_seconds() / 3600)
    return f"{hours} h" if hours <= 48 or hours % 24 else f"{hours // 24} d"


def told_at(moment: datetime, window: Window) -> str:
    """The time of day, with its day where the window has more than one."""
    told = moment.astimezone(UTC)
    return f"{told:%H:%M} UTC" if window.length <= timedelta(hours=24) else f"{told:%H:%M} UTC on {told.day} {told:%b}"


def availability(window: Window, reach: Steps[str]) -> Availability:
    """Of the steps of a cluster."""
    return Availability(window, spans_of(reach, window.end))


def counts(window: Window, steps: Steps[Count | None]) -> Counts:
    """Of the steps of a count."""
    return Counts(window, spans_of(steps, window.end))


def counted_back(window: Window, present: Count, changes: Sequence[tuple[datetime, Count]]) -> Steps[Count | None]:
    """The counts of a window from the count now and the changes up to now, the oldest first, each with its difference.

    It is walked backwards, so that the present is what the rows say, whatever lines are missing far back.
    """
    steps: Steps[Count | None] = []
    count = present
    for moment, difference in reversed(changes):
        if moment <= window.start:
            break
        if moment < window.end:
            steps.append((moment, count))
        count = Count(max(0, count.broken - difference.broken), max(0, count.unknown - difference.unknown))
    return [(window.start, count), *reversed(steps)]
