"""How all sources stand at one moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property

from apps.core.clock import database_now

from .models import Source, SourceState


@dataclass(frozen=True)
class Standing:
    """The sources of the fleet file by key, at the moment `now` (the database's)."""

    now: datetime
    sources: Mapping[str, Source] = field(default_factory=dict)

    def state_of(self, key: str) -> SourceState:
        """The state of a source now; NEVER of one that is not there."""
        source = self.sources.get(key)
        return source.state(self.now) if source else SourceState.NEVER

    @cached_property
    def fresh(self) -> tuple[Source, ...]:
        """The sources that are fresh."""
        return tuple(source for source in self.sources.values() if source.state(self.now) is SourceState.FRESH)

    @property
    def fresh_count(self) -> int:
        """How many sources are fresh."""
        return len(self.fresh)

    @property
    def total_count(self) -> int:
        """How many sources the fleet file makes."""
        return len(self.sources)

    @cached_property
    def valid_until(self) -> datetime | None:
        """When the first of the fresh sources turns stale by itself; None when none is fresh."""
        return min((until for source in self.fresh if (until := source.fresh_until())), default=None)

    @cached_property
    def oldest_fresh_age(self) -> timedelta | None:
        """The age of what the fresh source read longest ago told; None when none is fresh."""
        moments = [source.succeeded_at for source in self.fresh if source.succeeded_at]
        return self.now - min(moments) if moments else None


def standing_now() -> Standing:
    """The standing of this moment. Two queries: the clock and the sources."""
    now = database_now()
    return Standing(now, {source.key: source for source in Source.objects.filter(is_archived=False).order_by("pk")})
