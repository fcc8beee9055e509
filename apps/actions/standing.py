"""How far a bulk has come: its steps, counted by wave and state."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property

from django.db.models import Count, Q, QuerySet

from .models import ActionRequest
from .options import options_of
from .outcomes import CANNOT_TELL
from .states import ACTIVE, State

BAD = frozenset({State.FAILED, State.REFUSED, State.TERMINATED, State.NOT_STARTED, State.NOT_KNOWN})
NOT_DONE = frozenset({State.PLANNED, State.LEFT, State.WITHDRAWN, State.EXPIRED, State.ENDED})
IS_UNTOLD = Q(state=State.STILL_OUT_OF_SYNC, outcome__startswith=CANNOT_TELL)
LEFT_OUT = 0
"""The wave of the steps that were left out when the bulk was asked for."""


@dataclass(frozen=True)
class Standing:
    """How many steps of a bulk are in which state, wave by wave.

    `untold` are those that stay out of sync as far as can be told, which is not at all.
    """

    counts: Counter[tuple[int, State]]
    has_prune: bool
    untold: int = 0

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
        return self.not_well > 0

    @property
    def not_well(self) -> int:
        """How many ended as they should not."""
        is_counted = State.STILL_OUT_OF_SYNC in self.bad
        return sum(self.states[state] for state in self.bad) + (0 if is_counted else self.untold)

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
        return self.states[State.SUCCEEDED] + self.out_of_sync

    @property
    def out_of_sync(self) -> int:
        """How many of those stay out of sync, as they may without prune."""
        return 0 if self.has_prune else self.states[State.STILL_OUT_OF_SYNC] - self.untold

    @property
    def wave(self) -> int:
        """The first wave that has not ended; 0 when all have."""
        return min((wave for (wave, state), count in self.counts.items() if count and state in ACTIVE), default=0)

    @property
    def has_begun_wave(self) -> bool:
        """Whether a step of that wave has begun."""
        return any(
            count for (wave, state), count in self.counts.items() if wave == self.wave and state != State.PLANNED
        )

    @property
    def words(self) -> str:
        """What was done and what was not."""
        counts = self.states
        out_of_sync = f" ({self.out_of_sync} still out of sync)" if self.out_of_sync else ""
        told = [
            f"{self.done} of {counts.total()} done{out_of_sync}",
            _told(self.not_well, "not well"),
            _told(self.active, "still under way"),
            _told(sum(counts[state] for state in NOT_DONE), "left undone"),
            _told(self.counts[LEFT_OUT, State.LEFT], "left out from the beginning"),
        ]
        return ", ".join(filter(None, told))


def bad_steps_of(parent: ActionRequest) -> QuerySet[ActionRequest]:
    """Those that stop it."""
    is_bad = Q(state__in=Standing(Counter(), options_of(parent.options).prune).bad) | IS_UNTOLD
    return parent.steps.filter(is_bad).exclude(wave=LEFT_OUT)


def standing_of(parent: ActionRequest) -> Standing:
    """How the steps of a bulk stand. One query."""
    steps = parent.steps.order_by().values_list("wave", "state")
    rows = list(steps.annotate(Count("pk"), untold=Count("pk", filter=IS_UNTOLD)))
    counts = Counter({(wave, State(state)): count for wave, state, count, _ in rows})
    return Standing(counts, options_of(parent.options).prune, sum(untold for *_, untold in rows))


def _told(count: int, words: str) -> str:
    return f"{count} {words}" if count else ""
