"""States over time as steps: pure functions over what is known, so that the arithmetic can be tested alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, TypeVar

T = TypeVar("T")
U = TypeVar("U")
Steps = list[tuple[datetime, T]]


@dataclass(frozen=True)
class Window:
    """A piece of time; `end` lies after `start`."""

    start: datetime
    end: datetime

    @property
    def length(self) -> timedelta:
        """How long it is."""
        return self.end - self.start

    def share(self, moment: datetime) -> float:
        """Where a moment lies in it: 0 at its start, 1 at its end, never beyond."""
        return min(1.0, max(0.0, (moment - self.start) / self.length))


@dataclass(frozen=True)
class Span(Generic[T]):
    """A piece of time in which something stood in one state."""

    start: datetime
    end: datetime
    state: T

    @property
    def length(self) -> timedelta:
        """How long it lasted."""
        return self.end - self.start


def steps_of(window: Window, first: T, changes: Iterable[tuple[datetime, T]]) -> Steps[T]:
    """The state at the window's start, `first` unless a change before it says otherwise, and each change within."""
    steps: Steps[T] = [(window.start, first)]
    for moment, state in sorted(changes, key=lambda change: change[0]):
        if moment <= steps[-1][0]:
            steps[-1] = (steps[-1][0], state)
        elif moment < window.end and state != steps[-1][1]:
            steps.append((moment, state))
    return steps


def joined(steps: Steps[T], others: Sequence[Steps[U]], judge: Callable[[T, tuple[U, ...]], str]) -> Steps[str]:
    """What `judge` makes of the state and of the others' states, at each moment at which one of them changes.

    All of them begin at one moment.
    """
    moments = sorted({moment for moment, _ in steps} | {moment for each in others for moment, _ in each})
    states = values_at(steps, moments)
    beside = [values_at(each, moments) for each in others]
    told: Steps[str] = []
    for place, moment in enumerate(moments):
        state = judge(states[place], tuple(each[place] for each in beside))
        if not told or told[-1][1] != state:
            told.append((moment, state))
    return told


def values_at(steps: Steps[T], moments: Sequence[datetime]) -> list[T]:
    """The state at each of the moments, which are in order and not before the first step."""
    found, place = [], 0
    for moment in moments:
        while place + 1 < len(steps) and steps[place + 1][0] <= moment:
            place += 1
        found.append(steps[place][1])
    return found


def spans_of(steps: Steps[T], end: datetime) -> list[Span[T]]:
    """The steps as pieces of time, the last of which ends at `end`."""
    ends = [*(moment for moment, _ in steps[1:]), end]
    return [Span(start, until, state) for (start, state), until in zip(steps, ends, strict=True) if until > start]
