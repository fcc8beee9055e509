"""A source's line in the timeline."""

from __future__ import annotations

from datetime import datetime

from apps.core.tones import Tone
from apps.timeline.models import Kind, Transition

from .models import Source


def source_line(
    source: Source, *, before: str, after: str, tone: Tone, now: datetime, seen_after: datetime | None = None
) -> Transition:
    """One change of a source's state, seen at `now`; `seen_after` is the read before, where a read saw it."""
    return Transition(
        kind=Kind.SOURCE,
        subject=source.key,
        title=source.title,
        cluster=source.cluster,
        environment=source.environment,
        field="state",
        before=before,
        after=after,
        tone=tone,
        source=source.key,
        seen_at=now,
        seen_after=seen_after,
        link=f"/sources/{source.key}/",
    )
