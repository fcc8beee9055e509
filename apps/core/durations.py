"""Durations as people write them: "2d", "1h30m", "30s", or a number of seconds."""

from __future__ import annotations

import math
import re
from datetime import timedelta

UNITS = {"w": 604_800, "d": 86_400, "h": 3_600, "m": 60, "s": 1}
PATTERN = r"^(\d{1,9}w)?(\d{1,9}d)?(\d{1,9}h)?(\d{1,9}m)?(\d{1,9}s)?$"
_WRITTEN = re.compile(PATTERN)
_LONGEST = timedelta(days=36_500).total_seconds()


def duration_read(value: object) -> timedelta:
    """The duration that a text ("1h30m") or a number of seconds names; ValueError with plain words otherwise."""
    seconds = _seconds_of(value)
    if seconds is None or not math.isfinite(seconds):
        raise ValueError(f"{_shown(value)} is not a duration: write it like 30s, 1h30m or 2d")
    if not 0 <= seconds <= _LONGEST:
        raise ValueError(f"{_shown(value)} is out of all bounds for a duration")
    return timedelta(seconds=seconds)


def duration_text(duration: timedelta) -> str:
    """The shortest text that `duration_read` reads as this duration; parts of a second are dropped."""
    left, parts = int(duration.total_seconds()), []
    for unit, size in UNITS.items():
        if unit != "w" and left >= size:
            parts.append(f"{left // size}{unit}")
            left %= size
    return "".join(parts) or "0s"


def _seconds_of(value: object) -> float | None:
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return math.inf if abs(value) > _LONGEST * 10 else float(value)
    if isinstance(value, str) and value and (match := _WRITTEN.match(value)):
        parts = zip(match.groups(), UNITS.values(), strict=True)
        return float(sum(int(part[:-1]) * size for part, size in parts if part))
    return None


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:40]}…"
