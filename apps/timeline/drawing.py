"""A drawn time line as numbers for an SVG: lanes above each other, bars and ticks on one axis. Pure functions.

Along the axis everything is in percent, so that the drawing scales and its texts do not; heights are in pixels.
However much happened, no more than `most` marks of a lane are drawn: what is left out is counted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from apps.core.ages import duration_words
from apps.core.tones import RANKS, Tone

from .steps import Window

ROW, BAR, TICK, HEAD, GAP = 10, 8, 16, 18, 6
AXIS = 22
COLUMNS = 125
THINNEST = 0.3
NAMED = 3
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
STEPS = (MINUTE, 5 * MINUTE, 10 * MINUTE, 30 * MINUTE, HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 3 * DAY, 7 * DAY)
MOST_LABELS = 9
NarrowedTo = Callable[[datetime, datetime], str]


@dataclass(frozen=True)
class Event:
    """Something that lasted (from `start` to `end`) or happened at `start` alone; `url` is a page of the portal."""

    start: datetime
    title: str
    tone: str
    url: str
    end: datetime | None = None


@dataclass(frozen=True)
class Mark:
    """One bar or tick; `x` and `width` in percent."""

    x: float
    width: float
    y: int
    height: int
    tone: str
    title: str
    url: str


@dataclass(frozen=True)
class Lane:
    """Marks of one sort; `left` is how many there were no room for."""

    title: str
    y: int
    height: int
    marks: tuple[Mark, ...]
    left: int = 0

    @property
    def label_y(self) -> int:
        """The foot of its title."""
        return self.y + HEAD - 6


@dataclass(frozen=True)
class Label:
    """A moment on the axis; `url` shows the time until the next one (`end`). Every second one is `is_spare`."""

    x: float
    text: str
    start: datetime
    end: datetime
    url: str
    is_spare: bool

    @property
    def anchor(self) -> str:
        """How its text stands to its line, so that it is not cut off at an edge."""
        return "start" if self.x < 4 else "end" if self.x > 96 else "middle"


@dataclass(frozen=True)
class Drawing:
    """All of it."""

    window: Window
    lanes: tuple[Lane, ...]
    labels: tuple[Label, ...]

    @property
    def floor(self) -> int:
        """Where the lanes end and the axis begins."""
        return sum(lane.height for lane in self.lanes)

    @property
    def height(self) -> int:
        """Of the whole."""
        return self.floor + AXIS

    @property
    def text_y(self) -> int:
        """The foot of the labels."""
        return self.floor + AXIS - 6

    @property
    def words(self) -> str:
        """What is drawn, for who does not see it; the list below has the same."""
        lanes = ", ".join(f"{lane.title}: {len(lane.marks) + lane.left}" for lane in self.lanes)
        return f"From {self.window.start:%d %b %H:%M} to {self.window.end:%d %b %H:%M} UTC. {lanes}"


def drawing_of(window: Window, lanes: Iterable[Lane], *, narrowed: NarrowedTo) -> Drawing:
    """The lanes above each other, with the axis below; `narrowed` is the address of a part of the time."""
    placed, y = [], 0
    for lane in lanes:
        marks = tuple(moved(mark, y) for mark in lane.marks)
        placed.append(Lane(lane.title, y, lane.height, marks, lane.left))
        y += lane.height
    return Drawing(window, tuple(placed), tuple(labels_of(window, narrowed)))


def moved(mark: Mark, y: int) -> Mark:
    """The mark further down."""
    return Mark(mark.x, mark.width, mark.y + y, mark.height, mark.tone, mark.title, mark.url)


def bars(title: str, events: Sequence[Event], window: Window, *, rows: int, most: int, unread: int = 0) -> Lane:
    """Events as bars that do not lie on each other: those that come first get the upper rows, and a place at all.

    `unread` more there are that nobody looked at.
    """
    taken: list[list[tuple[float, float]]] = [[] for _ in range(rows)]
    marks: list[Mark] = []
    for event in events:
        x, width = extent(event, window)
        row = next((place for place, spans in enumerate(taken) if is_free(spans, x, width)), None)
        if row is None or len(marks) >= most:
            continue
        taken[row].append((x, x + width))
        marks.append(Mark(x, width, HEAD + row * ROW, BAR, event.tone, event.title, event.url))
    used = max(1, sum(bool(spans) for spans in taken))
    return Lane(title, 0, HEAD + used * ROW + GAP, tuple(marks), len(events) - len(marks) + unread)


def extent(event: Event, window: Window) -> tuple[float, float]:
    """Where a bar begins and how wide it is, in percent; wide enough to be seen, and never beyond the edge."""
    x = window.share(event.start) * 100
    width = max(THINNEST, window.share(event.end or event.start) * 100 - x)
    return round(min(x, 100 - width), 2), round(width, 2)


def is_free(spans: Iterable[tuple[float, float]], x: float, width: float) -> bool:
    """Whether a bar has room between those of its row."""
    return all(x >= end + THINNEST or x + width <= start - THINNEST for start, end in spans)


def ticks(title: str, events: Iterable[Event], window: Window, *, narrowed: NarrowedTo, unread: int = 0) -> Lane:
    """Events as ticks, those of one column as one with their count, which leads to `narrowed(start, end)`."""
    columns: dict[int, list[Event]] = {}
    for event in events:
        columns.setdefault(min(COLUMNS - 1, int(window.share(event.start) * COLUMNS)), []).append(event)
    marks = [tick(column, together, window, narrowed) for column, together in sorted(columns.items())]
    return Lane(title, 0, HEAD + TICK + GAP, tuple(marks), unread)


def tick(column: int, together: Sequence[Event], window: Window, narrowed: NarrowedTo) -> Mark:
    """One column's mark, in the strictest tone of what is in it."""
    width = 100 / COLUMNS
    tone = min((event.tone for event in together), key=lambda each: RANKS.get(Tone(each), Tone.UNKNOWN.rank))
    place = (round(column * width, 2), round(width * 0.7, 2), HEAD, TICK, tone)
    if len(together) == 1:
        return Mark(*place, together[0].title, together[0].url)
    start = window.start + window.length * (column / COLUMNS)
    end = window.start + window.length * ((column + 1) / COLUMNS)
    titles = list(dict.fromkeys(event.title for event in together))
    told = "; ".join(titles[:NAMED]) + (f"; and {len(titles) - NAMED} more" if len(titles) > NAMED else "")
    title = f"{len(together)} changes from {start:%H:%M} to {end:%H:%M} UTC: {told}"
    return Mark(*place, title, narrowed(start, end))


def labels_of(window: Window, narrowed: NarrowedTo) -> Iterator[Label]:
    """Round moments on the axis, MOST_LABELS at the most."""
    step = next((step for step in STEPS if window.length / step <= MOST_LABELS), window.length / MOST_LABELS)
    midnight = datetime(window.start.year, window.start.month, window.start.day, tzinfo=UTC)
    number = -(-(window.start - midnight) // step)
    moment, place = midnight + number * step, 0
    while moment <= window.end:
        end = min(moment + step, window.end)
        url = narrowed(moment, end) if end - moment >= MINUTE else ""
        x = round(window.share(moment) * 100, 2)
        yield Label(x, label_text(moment, step), moment, end, url, place % 2 == 1)
        moment, place = moment + step, place + 1


def label_text(moment: datetime, step: timedelta) -> str:
    """The time of day; the day at midnight and where the steps are days."""
    is_day = step >= DAY or (moment.hour, moment.minute) == (0, 0)
    return f"{moment.day} {moment:%b}" if is_day else f"{moment:%H:%M}"


def lasted_words(start: datetime, end: datetime | None, now: datetime) -> str:
    """ "from 12:03 UTC for 12 m", "since 24 Nov 12:03 UTC"."""
    told = f"{start.astimezone(UTC):%H:%M} UTC"
    if now - start > DAY:
        told = f"{start.day} {start:%b} {told}"
    return f"from {told} for {duration_words(end - start)}" if end else f"since {told}"
