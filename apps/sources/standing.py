"""How all sources stand at one moment."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import Self

from apps.core.clock import database_now
from apps.core.leases import BEAT, lease_end

from .models import Source, SourceState

BRIEF = ("key", "kind", "interval", "succeeded_at", "failures", "latency")


@dataclass(frozen=True)
class Standing:
    """The sources of the fleet file by key, at the moment `now` (the database's).

    `read_until` is when the schedule will have been silent for too long, if it does not tell of itself again.
    """

    now: datetime
    sources: Mapping[str, Source] = field(default_factory=dict)
    read_until: datetime | None = None

    def state_of(self, key: str) -> SourceState:
        """The state of a source now; NEVER of one that is not there."""
        return self._states.get(key, SourceState.NEVER)

    def in_state(self, state: SourceState) -> list[Source]:
        """The sources that are in this state now."""
        return [source for key, source in self.sources.items() if self._states[key] is state]

    @cached_property
    def _states(self) -> dict[str, SourceState]:
        return {key: source.state(self.now) for key, source in self.sources.items()}

    @cached_property
    def fresh(self) -> tuple[Source, ...]:
        """The sources that are fresh."""
        return tuple(self.in_state(SourceState.FRESH))

    @property
    def fresh_count(self) -> int:
        """How many sources are fresh."""
        return len(self.fresh)

    @property
    def total_count(self) -> int:
        """How many sources the fleet file makes."""
        return len(self.sources)

    @property
    def is_being_read(self) -> bool:
        """Whether the schedule has told of itself lately; else nothing reads the sources."""
        return self.read_until is not None and self.now < self.read_until

    @cached_property
    def valid_until(self) -> datetime | None:
        """When the first of the fresh sources, or the schedule, turns doubtful by itself; None when none can."""
        ends = [until for source in self.fresh if (until := source.fresh_until())]
        return min([*ends, self.read_until] if self.read_until and self.is_being_read else ends, default=None)

    @cached_property
    def digest(self) -> str:
        """All that changes here without a write, in a few letters: each source's state, and whether they are read.

        What is doubtful because of them follows from it and from rows, whose topics rise when they are written.
        """
        states = sorted(f"{key}={state}" for key, state in self._states.items())
        told = "\n".join([*states, f"read={self.is_being_read}"])
        return hashlib.blake2b(told.encode(), digest_size=6).hexdigest()

    @cached_property
    def oldest_fresh_age(self) -> timedelta | None:
        """The age of what the fresh source read longest ago told; None when none is fresh."""
        moments = [source.succeeded_at for source in self.fresh if source.succeeded_at]
        return self.now - min(moments) if moments else None

    def at(self, now: datetime) -> Self:
        """The same at a later moment, by which nothing has turned stale (`valid_until`)."""
        return replace(self, now=now)


def standing_now(*, is_brief: bool = False) -> Standing:
    """The standing of this moment. Three queries: the clock, the schedule and the sources.

    A brief one tells states and ages alone, for who asks often: any other column would be a query of its own.
    """
    now, read_until = database_now(), lease_end(name=BEAT)
    sources = Source.objects.filter(is_archived=False).order_by("pk")
    if is_brief:
        sources = sources.only(*BRIEF)
    return Standing(now, {source.key: source for source in sources}, read_until)
