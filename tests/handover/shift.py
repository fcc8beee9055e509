"""A shift for the tests: 24 Nov 2026, 08:00 to 20:00 UTC, and plain values of it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from apps.handover.facts import facts_of
from apps.handover.values import Facts, Known, Said, Trouble
from apps.timeline.steps import Window


def at(clock: str, day: int = 24) -> datetime:
    """A moment of November 2026."""
    return datetime.fromisoformat(f"2026-11-{day:02d}T{clock}").replace(tzinfo=UTC)


SHIFT = Window(at("08:00"), at("20:00"))


def trouble(began: datetime | None, ended: datetime | None = None, **fields: Any) -> Trouble:
    """An alert of severity high on m01."""
    told = {
        "kind": "alert",
        "subject": "appsre/aa",
        "title": "PodNotReady",
        "tone": "warning",
        "place": "m01",
        "words": "severity high",
    }
    return Trouble(began_at=began, ended_at=ended, **{**told, **fields})


def said(by: str, moment: datetime, text: str, **fields: Any) -> Said:
    """Something said of that alert."""
    told = {"title": "PodNotReady", "place": "m01", "kind": "alert", "subject": "appsre/aa"}
    return Said(by=by, at=moment, text=text, **{**told, **fields})


def facts(**known: Any) -> Facts:
    """The facts of the shift, made when it ended."""
    return facts_of(SHIFT, at("20:00"), Known(**known))
