"""Pages whose rows change with time alone: windows open and close, and times in state pass a mark."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from functools import cached_property

from apps.fleet.overlay import Overlay, overlay_now


@dataclass(frozen=True)
class OverlayOfAMinute(Overlay):
    """An overlay that is true until the minute is over at the longest."""

    @cached_property
    def valid_until(self) -> datetime:
        """The first second of the next minute, or earlier where a source turns stale before."""
        turn = self.now.replace(second=1, microsecond=0) + timedelta(minutes=1)
        until = super().valid_until
        return min(turn, until) if until else turn


def overlay_of_this_minute() -> OverlayOfAMinute:
    """The overlay of this moment, for pages that are made anew each minute."""
    overlay = overlay_now()
    return OverlayOfAMinute(**{each.name: getattr(overlay, each.name) for each in fields(overlay)})
