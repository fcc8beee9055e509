"""The timeline's page: everything that happened, newest first, and what of it is drawn above."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from apps.core.environment import PARAMETER
from apps.core.lists import PAGE_SIZE, Asked, short
from apps.core.moments import moment_read
from apps.fleet.overlay import Overlay
from apps.timeline.changes import ACKNOWLEDGED, NOTE, changes_told
from apps.timeline.models import Kind, Transition, TransitionQuerySet
from apps.timeline.steps import Window

from .drawn import Scope, drawn, lines_in, stamp

SPANS = {
    "1h": timedelta(hours=1),
    "6h": timedelta(hours=6),
    "24h": timedelta(hours=24),
    "7d": timedelta(days=7),
    "30d": timedelta(days=30),
}
SPAN_WORDS = {"1h": "1 h", "6h": "6 h", "24h": "24 h", "7d": "7 d", "30d": "30 d"}
DEFAULT_SPAN = "24h"
LONGEST_MOMENT = 40
MOST_COUNTED = 10_000
SAID = (ACKNOWLEDGED, NOTE)
FIELDS = {
    Kind.APPLICATION: ("sync", "health", "operation", "revision", "condition", "seen", "life", *SAID),
    Kind.ALERT: ("firing", "silenced", "inhibited", "muted", *SAID),
    Kind.CLUSTER: (
        "reachable",
        "version",
        "update",
        "node",
        "operator",
        "pool",
        "readyz",
        "toolchain",
        "managed",
        "argocd",
        "subscription",
        "csv",
        *SAID,
    ),
    Kind.SOURCE: ("state",),
    Kind.PORTAL: ("wall", "handover"),
    Kind.ACTION: ("action",),
    Kind.RUNBOOK: ("coverage",),
}
COLUMNS = {
    name: (lambda line, name=name: getattr(line, name))
    for name in (
        "at",
        "seen_at",
        "seen_after",
        "kind",
        "title",
        "cluster",
        "application",
        "environment",
        "field",
        "before",
        "after",
        "source",
        "by",
        "link",
    )
}


@dataclass(frozen=True)
class TimelineAsked:
    """What the address asks for; `is_live` while the window ends now."""

    scope: Scope
    fields: tuple[str, ...]
    span: str
    is_live: bool
    is_exact: bool

    @property
    def is_narrow(self) -> bool:
        """Whether anything but the time leaves something out."""
        scope = self.scope
        return bool(scope.kinds or scope.cluster or scope.application or self.fields)

    def lines(self) -> TransitionQuerySet:
        """The lines that it asks for, newest first."""
        return lines_in(self.scope).of(kinds=self.scope.kinds, fields=self.fields)


def timeline_asked(asked: Asked, overlay: Overlay) -> TimelineAsked:
    """Reads the address."""
    environments = dict.fromkeys(cluster.environment for cluster in overlay.clusters if cluster.environment)
    span = asked.choice("span", SPANS) or DEFAULT_SPAN
    window, is_live, is_exact = window_asked(asked, SPANS[span], overlay.now)
    fields = [name for names in FIELDS.values() for name in names]
    return TimelineAsked(
        scope=Scope(
            window=window,
            environment=asked.choice(PARAMETER, environments),
            cluster=asked.choice("cluster", [cluster.name for cluster in overlay.clusters]),
            application=asked.text("application", limit=300),
            kinds=asked.choices("kind", Kind.values),
        ),
        fields=asked.choices("field", fields),
        span="" if is_exact else span,
        is_live=is_live,
        is_exact=is_exact,
    )


def window_asked(asked: Asked, span: timedelta, now: datetime) -> tuple[Window, bool, bool]:
    """The window, whether it ends now, and whether its two ends were asked for: `from`, `to`, `until`, or the span."""
    start, end = moment_asked(asked, "from"), moment_asked(asked, "to") or moment_asked(asked, "until")
    is_live = end is None or end > now
    until = now if end is None or end > now else end
    if start and start >= until:
        asked.problems.append("That time ends before it begins: its beginning is left out.")
        start = None
    return Window(start or until - span, until), is_live and (end is None), start is not None


def moment_asked(asked: Asked, name: str) -> datetime | None:
    """The moment in the address: ISO 8601, in UTC where it names no zone; None where there is none that can be."""
    told = asked.text(name, limit=LONGEST_MOMENT)
    if not told:
        return None
    moment = moment_read(told)
    if moment is None:
        asked.problems.append(f"“{short(told)}” is not a moment like 2026-11-24T22:57Z: it is left out.")
    return moment


def timeline_shown(asked: Asked, overlay: Overlay) -> dict[str, Any]:
    """What the page's template shows of what the address asks for. Eight queries."""
    told = timeline_asked(asked, overlay)
    lines = told.lines()
    counted = lines.order_by().values("pk")[: MOST_COUNTED + 1].count()
    page = asked.page(min(counted, MOST_COUNTED), size=PAGE_SIZE)
    scope = told.scope
    return {
        "title": "Timeline",
        "asked": told,
        "scope": scope,
        "window": scope.window,
        "changes": changes_told(lines[page.rows], most=PAGE_SIZE),
        "page": page,
        "is_cut": counted > MOST_COUNTED,
        "most": MOST_COUNTED,
        "drawn": drawn(scope, overlay),
        "spans": SPAN_WORDS,
        "moves": dict(moves(told, overlay.now)),
        "chosen_cluster": [scope.cluster] if scope.cluster else [],
        "options": {
            "kind": Kind.values,
            "field": fields_of(scope.kinds),
            "cluster": [cluster.name for cluster in overlay.clusters],
        },
        "problems": asked.problems,
    }


def fields_of(kinds: tuple[str, ...]) -> list[str]:
    """The fields that the filter offers for these kinds; all of them where none is asked for."""
    return [name for kind, names in FIELDS.items() if not kinds or kind.value in kinds for name in names]


def moves(told: TimelineAsked, now: datetime) -> Iterator[tuple[str, Mapping[str, str]]]:
    """Where one can go in time: `earlier`, `later`, and `here`, an address that will show the same."""
    window = told.scope.window
    yield "earlier", ends_of(window.start - window.length, window.start)
    if window.end < now:
        yield "later", ends_of(window.end, min(now, window.end + window.length))
    yield "here", ends_of(window.start, window.end)


def ends_of(start: datetime, end: datetime) -> Mapping[str, str]:
    """The two ends as the address carries them."""
    return {"from": stamp(start), "to": stamp(end)}


def exported_lines(told: TimelineAsked) -> Iterator[Transition]:
    """Every line that is asked for, for a file."""
    yield from told.lines().iterator(2000)
