"""The Wall: what needs somebody, in letters that are read from afar. It reads what Now reads, and the severities."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Q
from django.http import HttpRequest

from apps.alerts.models import Episode
from apps.core.environment import PARAMETER
from apps.core.tones import Tone
from apps.core.verdict.alert import BY_SEVERITY
from apps.fleet.overlay import Overlay

from .clusters import ClusterRow
from .context import NEEDING
from .now import Strip, has_something_to_say, now_shown

ROWS = 24
SEVERITIES_SHOWN = 3


@dataclass(frozen=True)
class Tiles:
    """Clusters of one role: those with a name, those that are a shape, and how many quiet ones are only counted."""

    title: str
    named: Sequence[ClusterRow]
    shapes: Sequence[ClusterRow]
    quiet: int


@dataclass(frozen=True)
class Figure:
    """A number that is read from afar."""

    tone: Tone
    count: int
    words: str


def wall_shown(request: HttpRequest, overlay: Overlay) -> dict[str, Any]:
    """What the Wall shows of the environment asked for; Now's own context goes along."""
    shown = now_shown(request, overlay)
    severities = severities_of(overlay, shown["environment"])
    totals = shown["totals"]
    broken = sum(totals.applications[tone] for tone in (Tone.CRITICAL.value, Tone.WARNING.value))
    worst = Tone.CRITICAL if totals.applications[Tone.CRITICAL.value] else Tone.WARNING
    return {
        **shown,
        "title": "Wall",
        "rows": shown["rows"][:ROWS],
        "tiles": [tiles_of(strip) for strip in shown["strips"]],
        "figures": [*severities, figure(broken, worst, "Applications broken", is_known=overlay.are_applications_known)],
        "unknown": totals.applications[Tone.UNKNOWN.value],
        "is_dark": not overlay.fresh_count,
    }


def severities_of(overlay: Overlay, environment: str) -> Iterable[Figure]:
    """How many alerts of each severity need somebody, the gravest first, others together. One query."""
    firing = Episode.objects.firing().current(overlay).with_shown_tone(overlay).filter(Q(shown_tone__in=NEEDING))
    within = firing.filter(**({PARAMETER: environment} if environment else {})).order_by()
    counts = dict(within.values_list("severity").annotate(Count("pk")))
    known = [severity for severity in BY_SEVERITY if counts.get(severity)][:SEVERITIES_SHOWN]
    for severity in known or ["critical"]:
        tone, count = BY_SEVERITY[severity].tone, counts.pop(severity, 0)
        yield figure(count, tone, f"{severity} alerts", is_known=overlay.are_alerts_known)
    if others := sum(counts.values()):
        yield Figure(Tone.WARNING, others, "other alerts")


def figure(count: int, tone: Tone, words: str, *, is_known: bool) -> Figure:
    """A number of things in a tone; none of them is well only where they are known."""
    none = Tone.WELL if is_known else Tone.UNKNOWN
    return Figure(tone if count else none, count, words)


def tiles_of(strip: Strip) -> Tiles:
    """A role's clusters: the quiet ones of a fleet that is too big for names are counted."""
    telling = [row for row in strip.others if has_something_to_say(row)]
    return Tiles(strip.title, strip.cards, telling, len(strip.others) - len(telling))
