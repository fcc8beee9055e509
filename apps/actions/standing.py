"""How far a bulk has come: its steps, counted by wave and state."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property

from django.db.models import Count

from .models import ActionRequest
from .options import options_of
from .states import ACTIVE, State

BAD = frozenset({State.FAILED, State.REFUSED, State.TERMINATED, State.NOT_STARTED, State.NOT_KNOWN})
NOT_DONE = frozenset({State.PLANNED, State.LEFT, State.WITHDRAWN, State.EXPIRED, State.ENDED})
LEFT_OUT = 0
"""The wave of the steps that were left out when the bulk was asked for."""


@dataclass(frozen=True)
class Standing:
    """How many steps of a bulk are in which state, wave by wave."""

    counts: Counter[tuple[int, State]]
    has_prune: bool

    @cached_property
    def states(self) -> Counter[State]:
        """Of all that were to be done."""
        states: Counter[State] = Counter()
        for (wave, state), count in self.counts.items():
            states[state] += count if wave != LEFT_OUT else 0
        return states

    @property
    def bad(self) -> frozenset[State]:
        """The states that stop the bulk. Without prune an application may stay out of sync, and is counted."""
        return BAD | {State.STILL_OUT_OF_SYNC} if self.has_prune else BAD

    @property
    def has_failed(self) -> bool:
        """Whether nothing more may begin."""
        return any(self.states[state] for state in self.bad)

    @property
    def planned(self) -> int:
        """How many have not begun."""
        return self.states[State.PLANNED]

    @property
    def active(self) -> int:
        """How many have begun and not ended."""
        return sum(self.states[state] for state in ACTIVE - {State.PLANNED})

    @property
    def done(self) -> int:
        """How many ended as they should."""
        return sum(self.states[state] for state in {State.SUCCEEDED, State.STILL_OUT_OF_SYNC} - self.bad)

    @property
    def wave(self) -> int:
        """The first wave that has not ended; 0 when all have."""
        return min((wave for (wave, state), count in self.counts.items() if count and state in ACTIVE), default=0)

    @property
    def words(self) -> str:
        """What was done and what was not."""
        counts = self.states
        out_of_sync = counts[State.STILL_OUT_OF_SYNC] if not self.has_prune else 0
        told = [
            f"{self.done} of {counts.total()} done" + (f" ({out_of_sync} still out of sync)" if out_of_sync else ""),
            _told(sum(counts[state] for state in self.bad), "not well"),
            _told(self.active, "still under way"),
            _told(sum(counts[state] for state in NOT_DONE), "left undone"),
            _told(self.counts[LEFT_OUT, State.LEFT], "left out from the beginning"),
        ]
        return ", ".join(filter(None, told))


def standing_of(parent: ActionRequest) -> Standing:
    """How the steps of a bulk stand. One query."""
    rows = parent.steps.order_by().values_list("wave", "state").annotate(Count("pk"))
    counts = Counter({(wave, State(state)): count for wave, state, count in rows})
    return Standing(counts, options_of(parent.options).prune)


def _told(count: int, words: str) -> str:
    return f"{count} {words}" if count else ""
