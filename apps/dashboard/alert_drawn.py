"""An alert drawn: the values behind it with their threshold, and how often it fired in thirty days."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.db.models import Q

from apps.alerts.flapping import flaps_among, flaps_now
from apps.alerts.models import AlertGraph, Episode
from apps.core.addresses import page_address
from apps.core.ages import duration_words
from apps.core.tones import Tone
from apps.fleet.overlay import Overlay
from apps.sources.kept import known_for, known_words, told_since
from apps.timeline.drawing import Drawing, Event, Label, bars, drawing_of, labels_of, lasted_words
from apps.timeline.figures import times_words
from apps.timeline.steps import Window

from .drawn import Scope

WIDTH, HEIGHT = 1000, 100
MARGIN = 0.2
GAP_STEPS = 1.6
HISTORY = timedelta(days=30)
MOST_EPISODES = 100
EPISODES_TOLD = 20
HISTORY_ROWS = 3
SIGN_WORDS = {
    ">": "above {}",
    ">=": "at {} or above",
    "<": "below {}",
    "<=": "at {} or below",
    "==": "{}",
    "!=": "not {}",
}


@dataclass(frozen=True)
class Graph:
    """A graph as numbers for an SVG: paths in WIDTH × HEIGHT, `threshold_y` and `began_x` in the same ("" for none).

    `marked` are the highest and the lowest value drawn, each with its height; `words` say what is drawn, for who does
    not see it, `fires` when the alert does ("above 0.9", "" where that cannot be told).
    """

    paths: tuple[str, ...]
    threshold_y: str
    began_x: str
    labels: tuple[Label, ...]
    marked: tuple[tuple[str, str], ...]
    words: str
    fires: str
    row: AlertGraph

    @property
    def viewbox(self) -> str:
        """For the SVG."""
        return f"0 0 {WIDTH} {HEIGHT}"


@dataclass(frozen=True)
class History:
    """An alert's `episodes` of thirty days, newest first, as many as are told, and how many are `left`.

    `flaps` are those that are part of a flapping.
    """

    episodes: Sequence[Episode]
    left: int
    flaps: frozenset[int]
    is_flapping: bool
    words: str
    drawing: Drawing


Point = tuple[float, float]


def graph_drawn(row: AlertGraph | None, episode: Episode) -> Graph | None:
    """The graph; None while there is nothing to draw."""
    series = [points for each in row.series if (points := points_of(each))] if row else []
    if row is None or row.start is None or row.end is None or not series or row.end <= row.start:
        return None
    window = Window(row.start, row.end)
    scale = scale_of(series, row.threshold)
    return Graph(
        paths=tuple(path_of(points, window, scale, row.step) for points in series),
        threshold_y=scale.y(row.threshold) if row.threshold is not None else "",
        began_x=f"{window.share(episode.began_at) * WIDTH:.1f}",
        labels=tuple(labels_of(window, lambda start, end: "")),
        marked=tuple((number(value), scale.y(value)) for value in dict.fromkeys([scale.high, scale.low])),
        words=words_of_graph(series, window),
        fires=SIGN_WORDS[row.sign].format(number(row.threshold)) if row.threshold is not None else "",
        row=row,
    )


def points_of(series: dict[str, Any]) -> list[Point]:
    """The points of a series as they are kept."""
    return [(float(at), float(value)) for at, value in series.get("points", [])]


@dataclass(frozen=True)
class Scale:
    """From values to heights; `low` and `high` are the lowest and the highest drawn, with `room` around them."""

    low: float
    high: float
    room: float

    def y(self, value: float) -> str:
        """How far from the top."""
        return f"{(self.high + self.room - value) / (self.high - self.low + 2 * self.room) * HEIGHT:.1f}"


def scale_of(series: Sequence[Sequence[Point]], threshold: float | None) -> Scale:
    """The scale on which all values and the threshold have room."""
    values = [value for points in series for _, value in points]
    values += [threshold] if threshold is not None else []
    low, high = min(values), max(values)
    return Scale(low, high, (high - low) * MARGIN or abs(high) * MARGIN or 1.0)


def path_of(points: Sequence[Point], window: Window, scale: Scale, step: float) -> str:
    """The path of one series; where a point is missing the line is broken, and a single point is a short one."""
    parts, last = [], float("-inf")
    for at, value in points:
        x = window.share(datetime.fromtimestamp(at, UTC)) * WIDTH
        place = f"{x:.1f} {scale.y(value)}"
        parts.append(f"L{place}" if at - last <= step * GAP_STEPS else f"M{place} h1 M{place}")
        last = at
    return " ".join(parts)


def words_of_graph(series: Sequence[Sequence[Point]], window: Window) -> str:
    """ "From 10:02 to 12:34 UTC: between 0.41 and 0.97, last 0.95"."""
    values = [value for points in series for _, value in points]
    low, high = min(values), max(values)
    between = f"always {number(low)}" if low == high else f"between {number(low)} and {number(high)}"
    last = max(series, key=lambda points: points[-1][0])[-1][1]
    lines = f"{len(series)} lines, " if len(series) > 1 else ""
    told = f"From {moment_told(window.start, window)} to {moment_told(window.end, window)} UTC: {lines}{between}"
    return told if low == high else f"{told}, last {number(last)}"


def moment_told(moment: datetime, window: Window) -> str:
    """The time of day, with its day where there are several."""
    told = moment.astimezone(UTC)
    return f"{told:%H:%M}" if window.length <= timedelta(hours=20) else f"{told.day} {told:%b %H:%M}"


def number(value: float) -> str:
    """A number in few letters: "0.97", "12,345", "1.2e+15"."""
    if abs(value) >= 1e12:
        return f"{value:.3g}"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def history_of(episode: Episode, overlay: Overlay) -> History:
    """The alert's episodes of the last thirty days, or of as many as are kept. One query."""
    now = overlay.now
    since = told_since(episode.alertmanager, overlay.sources.values(), now)
    time = known_words(HISTORY, known_for(HISTORY, since, now), whole="in 30 days")
    same = Episode.objects.filter(alertmanager=episode.alertmanager, fingerprint=episode.fingerprint)
    lately = same.filter(Q(ended_at=None) | Q(ended_at__gte=now - HISTORY) | Q(pk=episode.pk))
    episodes = list(lately.order_by("-began_at", "-pk")[:MOST_EPISODES])
    within = [each for each in episodes if each.ended_at is None or each.ended_at >= now - HISTORY]
    flaps, is_flapping = frozenset(flaps_among(episodes)), flaps_now(episodes, now)
    window = Window(now - HISTORY, now)
    scope = Scope(window, environment=episode.environment, cluster=episode.cluster)
    events = [event_of(each, now) for each in within]
    lane = bars("Fired", events, window, rows=HISTORY_ROWS, most=MOST_EPISODES)
    drawing = drawing_of(window, [lane], narrowed=scope.narrowed)
    words = history_words(within, now, time, is_flapping=is_flapping)
    shown = [each for place, each in enumerate(episodes) if place < EPISODES_TOLD or each.pk == episode.pk]
    return History(shown, len(episodes) - len(shown), flaps, is_flapping, words, drawing)


def history_words(episodes: Sequence[Episode], now: datetime, time: str, *, is_flapping: bool) -> str:
    """ "Fired 7 times in 30 days, 2 h 10 m in all, flapping"; what overlaps counts once, what came before does not."""
    if not episodes:
        return f"Did not fire {time}"
    most = "more than " if len(episodes) >= MOST_EPISODES else ""
    told = f"Fired {most}{times_words(len(episodes))} {time}, {duration_words(time_in_all(episodes, now))} in all"
    return f"{told}, flapping" if is_flapping else told


def time_in_all(episodes: Iterable[Episode], now: datetime) -> timedelta:
    """How long it fired in the last thirty days."""
    spans = sorted((max(each.began_at, now - HISTORY), min(each.ended_at or now, now)) for each in episodes)
    total, until = timedelta(), now - HISTORY
    for start, end in spans:
        total += max(timedelta(), end - max(start, until))
        until = max(until, end)
    return total


def event_of(episode: Episode, now: datetime) -> Event:
    """The bar of one episode, which leads to it."""
    url = page_address("dashboard:alert-show", episode.alertmanager, episode.fingerprint)
    query = urlencode({"episode": episode.began_at.isoformat()})
    tone = episode.tone if episode.ended_at is None else Tone.WARNING.value
    title = f"{episode.title} {lasted_words(episode.began_at, episode.ended_at, now)}"
    return Event(episode.began_at, title, tone, f"{url}?{query}", episode.ended_at or now)
