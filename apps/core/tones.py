"""The six tones in which the portal speaks of state, in their order of precedence."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class Tone(StrEnum):
    """A verdict's weight. Members stand in order of precedence: the first of several wins."""

    CRITICAL = "critical"
    WARNING = "warning"
    UNKNOWN = "unknown"
    HELD = "held"
    BUSY = "busy"
    WELL = "well"

    @property
    def rank(self) -> int:
        """0 for critical up to 5 for well."""
        return RANKS[self]

    @property
    def needs_somebody(self) -> bool:
        """Whether a thing in this tone belongs on the list of what needs a person."""
        return self in {Tone.CRITICAL, Tone.WARNING, Tone.UNKNOWN}

    @property
    def in_doubt(self) -> Tone:
        """The tone of what it was said of once that is not certain any more: what is in doubt is not well."""
        return Tone.UNKNOWN if self is Tone.WELL else self


RANKS: Mapping[str, int] = {tone: rank for rank, tone in enumerate(Tone)}


def strictest(tones: Iterable[Tone]) -> Tone:
    """The tone that wins among several; UNKNOWN of none, since nothing known is not well."""
    return min(tones, key=RANKS.__getitem__, default=Tone.UNKNOWN)
