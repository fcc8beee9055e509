"""What the rows of a panel rest on: the sources that tell them, and how far these can be trusted now."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from .models import Source, SourceState


@dataclass(frozen=True)
class Witness:
    """A source and its state at the moment the page is made."""

    source: Source
    state: SourceState

    @property
    def is_fresh(self) -> bool:
        """Whether what it told can carry a well."""
        return self.state is SourceState.FRESH


@dataclass(frozen=True)
class Evidence:
    """The sources of one panel. `noun` names one of them in the panel's words ("Argo CD", "Alertmanager")."""

    noun: str
    witnesses: tuple[Witness, ...]

    @property
    def doubtful(self) -> tuple[Witness, ...]:
        """Those that are stale, down or were never reached."""
        return tuple(witness for witness in self.witnesses if not witness.is_fresh)

    @property
    def fresh_count(self) -> int:
        """How many are fresh."""
        return len(self.witnesses) - len(self.doubtful)

    @property
    def total_count(self) -> int:
        """How many there are."""
        return len(self.witnesses)

    @property
    def told_at(self) -> datetime | None:
        """The last answer of the fresh source that answered longest ago; of any source where none is fresh."""
        fresh = [witness.source.succeeded_at for witness in self.witnesses if witness.is_fresh]
        told = fresh or [witness.source.succeeded_at for witness in self.witnesses]
        return min((moment for moment in told if moment), default=None)

    @property
    def face(self) -> str:
        """Which face a panel without rows shows: missing (no source at all), never, down, stale or empty."""
        states = {witness.state for witness in self.witnesses}
        if not states:
            return "missing"
        if states == {SourceState.NEVER}:
            return "never"
        if SourceState.FRESH in states:
            return "empty"
        return "stale" if SourceState.STALE in states else "down"


def evidence_of(noun: str, sources: Iterable[Source], now: datetime) -> Evidence:
    """The evidence that these sources give at `now`."""
    return Evidence(noun, tuple(Witness(source, source.state(now)) for source in sources))
