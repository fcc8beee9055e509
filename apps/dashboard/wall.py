"""The Wall: what needs somebody, in letters that are read from afar. It reads what Now reads, and the severities."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Q
from django.http import HttpRequest

from apps.alerts.models import Episode
from apps.core.environment import PARAMETER
from apps.core.tones import Tone
from apps.core.verdict.alert import BY_SEVERITY
from apps.fleet.overlay import Overlay
from apps.gitops.models import Application

from .clusters import ClusterRow
from .context import NEEDING, by_tone
from .now import Strip, Totals, has_something_to_say, now_shown

ROWS = 24
SEVERITIES_SHOWN = 3
BROKEN = (Tone.CRITICAL.value, Tone.WARNING.value)


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
    totals = shown["totals"]
    return {
        **shown,
        "title": "Wall",
        "rows": shown["rows"][:ROWS],
        "tiles": [tiles_of(strip) for strip in shown["strips"]],
        "figures": list(figures_of(overlay, shown["environment"], totals)),
        "unknown": totals.applications[Tone.UNKNOWN.value],
        "is_dark": not overlay.fresh_count,
    }


def figures_of(overlay: Overlay, environment: str, totals: Totals) -> Iterator[Figure]:
    """How many alerts and Applications need somebody and have nobody, and how many somebody is at. Two queries."""
    alerts, broken = alerts_needing(overlay, environment), applications_broken(overlay, environment)
    alerts_held = sum(totals.alerts[tone] for tone in NEEDING) - alerts.total()
    broken_held = sum(totals.applications[tone] for tone in BROKEN) - broken.total()
    yield from severities_of(alerts, none=none_of(alerts_held, is_known=overlay.are_alerts_known))
    worst = Tone.CRITICAL if broken[Tone.CRITICAL.value] else Tone.WARNING
    none = none_of(broken_held, is_known=overlay.are_applications_known)
    yield Figure(worst if broken else none, broken.total(), "Applications broken")
    if (held := alerts_held + broken_held) > 0:
        yield Figure(Tone.HELD, held, "acknowledged")


def alerts_needing(overlay: Overlay, environment: str) -> Counter[str]:
    """How many alerts need somebody and have nobody, by severity. One query."""
    firing = Episode.objects.firing().current(overlay).unacknowledged(overlay).with_shown_tone(overlay)
    within = firing.filter(Q(shown_tone__in=NEEDING), **({PARAMETER: environment} if environment else {})).order_by()
    return Counter(dict(within.values_list("severity").annotate(Count("pk"))))


def applications_broken(overlay: Overlay, environment: str) -> Counter[str]:
    """How many Applications are broken and have nobody, by tone. One query."""
    rows = Application.objects.current(overlay).unacknowledged(overlay).with_shown_tone(overlay)
    return by_tone(rows.filter(Q(shown_tone__in=BROKEN), **({PARAMETER: environment} if environment else {})))


def severities_of(alerts: Mapping[str, int], *, none: Tone) -> Iterator[Figure]:
    """The alerts of each severity, the gravest first, others together; `none` is the tone of there being none."""
    counts = dict(alerts)
    known = [severity for severity in BY_SEVERITY if counts.get(severity)][:SEVERITIES_SHOWN]
    for severity in known or ["critical"]:
        count = counts.pop(severity, 0)
        yield Figure(BY_SEVERITY[severity].tone if count else none, count, f"{severity} alerts")
    if others := sum(counts.values()):
        yield Figure(Tone.WARNING, others, "other alerts")


def none_of(held: int, *, is_known: bool) -> Tone:
    """How it is that nothing is left: held while somebody is at some, well only where they are known."""
    if not is_known:
        return Tone.UNKNOWN
    return Tone.HELD if held > 0 else Tone.WELL


def tiles_of(strip: Strip) -> Tiles:
    """A role's clusters: the quiet ones of a fleet that is too big for names are counted."""
    telling = [row for row in strip.others if has_something_to_say(row)]
    return Tiles(strip.title, strip.cards, telling, len(strip.others) - len(telling))
