"""Pictures of the last day and the last week: how clusters were reached, and how many Applications were broken.

Each is drawn from the timeline's lines and the present rows, with gaps where nothing was known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count as CountOf

from apps.core.clock import database_now
from apps.core.keeping import Keeper, is_younger
from apps.core.tones import Tone
from apps.fleet.models import Cluster
from apps.fleet.overlay import Overlay
from apps.fleet.past import reach_of, steps_of_source
from apps.gitops.models import Application
from apps.timeline.figures import Availability, Count, Counts, availability, counted_back, counts
from apps.timeline.models import TONE, Kind, Transition
from apps.timeline.standing import AWAY, OK, REACHED, Lines, all_read, standing_lines
from apps.timeline.steps import Span, Steps, Window, steps_of, values_at

DAY, WEEK = timedelta(hours=24), timedelta(days=7)
WIDTH, HEIGHT = 240, 24
TOP, FLOOR = 2.0, 22.0
KEPT_SECONDS = 60.0
PICTURE_BORNE_SECONDS, WALKED_BORNE_SECONDS = 90.0, 600.0
MOST_LINES = 200_000
BROKEN = frozenset({Tone.CRITICAL.value, Tone.WARNING.value})
Place = tuple[str, str, str]
Changes = Sequence[tuple[datetime, Count]]


@dataclass(frozen=True)
class Bar:
    """A rectangle of a picture; `state` is its class in the style sheet."""

    x: float
    y: float
    width: float
    height: float
    state: str


@dataclass(frozen=True)
class Picture:
    """One small picture, WIDTH × HEIGHT, with its figure in words; `figure` is the shortest that can be said."""

    title: str
    words: str
    figure: str
    bars: tuple[Bar, ...] = ()
    curve: str = ""
    doubt: str = ""

    @property
    def viewbox(self) -> str:
        """For the SVG."""
        return f"0 0 {WIDTH} {HEIGHT}"


@dataclass(frozen=True)
class Walked:
    """What the pictures of Applications are made of: the changes of a week by place, and how many are where now."""

    at: datetime
    changes: Mapping[Place, Changes]
    present: Mapping[Place, Count]


WALKED: Keeper[Walked] = Keeper(1)
PICTURES: Keeper[list[Picture]] = Keeper(32)


def cluster_pictures(cluster: Cluster, overlay: Overlay) -> dict[str, list[Picture]]:
    """`reached` and `broken` of a cluster, each for the last day and the last week. Four queries at most."""
    lines = standing_lines(overlay.now - WEEK)
    windows = windows_until(overlay.now)
    reached = [reached_picture(availability(each, reach_of(cluster, lines, overlay, each))) for each in windows]
    return {"reached": reached, "broken": broken_on(cluster, lines, overlay)}


def availabilities(clusters: Iterable[Cluster], overlay: Overlay) -> dict[str, Picture]:
    """How each of the clusters was reached in the last day, by name. One query."""
    lines = standing_lines(overlay.now - DAY)
    window = Window(overlay.now - DAY, overlay.now)
    return {
        each.name: reached_picture(availability(window, reach_of(each, lines, overlay, window))) for each in clusters
    }


def broken_pictures(overlay: Overlay, environment: str = "") -> list[Picture]:
    """How many Applications of an environment ("": of all) were broken in the last day and week.

    Kept for a minute while as many are broken now and the sources stand alike. One query then, else five.
    """
    fresh = fresh_count(overlay, **({"environment": environment} if environment else {}))

    def make() -> list[Picture]:
        walked = walked_lately(overlay)
        instances = {place[0] for place in walked.present if environment in {"", place[2]}}
        lines = standing_lines(overlay.now - WEEK)
        changes = changes_at(walked, lambda place: environment in {"", place[2]}, fresh)
        return broken_of(changes, fresh, instances, lines, overlay)

    key = (environment, fresh, overlay.digest)
    return PICTURES.get(
        key, is_good=is_kept, is_bearable=lambda _, age, __: is_younger(age, PICTURE_BORNE_SECONDS), make=make
    )


def broken_on(cluster: Cluster, lines: Lines, overlay: Overlay) -> list[Picture]:
    """How many of a cluster's Applications were broken; none where it has none."""
    walked = walked_lately(overlay)
    instances = {instance for instance, name, _ in walked.present if name == cluster.name}
    if not instances:
        return []
    fresh = fresh_count(overlay, cluster=cluster.name)
    changes = changes_at(walked, lambda place: place[1] == cluster.name, fresh)
    return broken_of(changes, fresh, instances, lines, overlay, cluster)


def fresh_count(overlay: Overlay, **where: str) -> Count:
    """How many are broken and not known by their own verdict at this moment. One query."""
    rows = Application.objects.current(overlay).filter(tone__in=[*BROKEN, Tone.UNKNOWN.value], **where).order_by()
    return summed(weighed(tone, count) for tone, count in rows.values_list("tone").annotate(CountOf("pk")))


def changes_at(walked: Walked, is_meant: Callable[[Place], bool], fresh: Count) -> Changes:
    """The changes at the places meant, the oldest first; what has changed since they were read is one more."""
    changes = [change for place, told in walked.changes.items() if is_meant(place) for change in told]
    changes.sort(key=lambda change: change[0])
    known = summed(count for place, count in walked.present.items() if is_meant(place))
    since = Count(fresh.broken - known.broken, fresh.unknown - known.unknown)
    return [*changes, (walked.at, since)] if since != Count() else changes


def broken_of(
    changes: Changes,
    present: Count,
    instances: Iterable[str],
    lines: Lines,
    overlay: Overlay,
    cluster: Cluster | None = None,
) -> list[Picture]:
    """The pictures of Applications that are `present` so many now, with gaps while an instance was not read."""
    keys = [f"argocd/{instance}" for instance in instances]
    pictures = []
    for window in windows_until(overlay.now):
        read = all_read([steps_of_source(key, lines, overlay, window) for key in keys], window)
        reach = reach_of(cluster, lines, overlay, window) if cluster else steps_of(window, REACHED, [])
        steps = with_gaps(counted_back(window, present, changes), read, reach)
        pictures.append(broken_picture(counts(window, steps)))
    return pictures


def with_gaps(counted: Steps[Count | None], read: Steps[str], reach: Steps[str]) -> Steps[Count | None]:
    """The counts, None while not every Argo CD was read or the cluster was away."""
    moments = sorted({moment for steps in (counted, read, reach) for moment, _ in steps})
    rows = zip(moments, values_at(counted, moments), values_at(read, moments), values_at(reach, moments), strict=True)
    return [(moment, count if is_read == OK and stood != AWAY else None) for moment, count, is_read, stood in rows]


def windows_until(now: datetime) -> list[Window]:
    """The last day and the last week."""
    return [Window(now - DAY, now), Window(now - WEEK, now)]


def walked_lately(overlay: Overlay) -> Walked:
    """The changes of all Applications in the last week; read at most once a minute and process. Two queries."""
    return WALKED.get(
        "",
        is_good=is_kept,
        is_bearable=lambda _, age, __: is_younger(age, WALKED_BORNE_SECONDS),
        make=lambda: walked_now(overlay),
    )


def is_kept(_: object, age: float) -> bool:
    """Whether what is kept is given without a question."""
    return is_younger(age, KEPT_SECONDS)


def walked_now(overlay: Overlay) -> Walked:
    """Read now, at one moment of the database's."""
    now = database_now()
    lines = Transition.objects.filter(field=TONE, kind=Kind.APPLICATION, seen_at__gt=now - WEEK)
    lines = lines.order_by("-seen_at", "-pk")
    changes: dict[Place, list[tuple[datetime, Count]]] = {}
    columns = ("seen_at", "source", "cluster", "environment", "before", "after")
    for seen_at, source, cluster, environment, before, after in lines.values_list(*columns)[:MOST_LINES].iterator(5000):
        place = (source.removeprefix("argocd/"), cluster, environment)
        changes.setdefault(place, []).append((seen_at, difference(before, after)))
    present: dict[Place, Count] = {}
    rows = Application.objects.current(overlay).order_by().values_list("instance", "cluster", "environment", "tone")
    for *names, tone, count in rows.annotate(CountOf("pk")):
        place = (names[0], names[1], names[2])
        present[place] = summed([present.get(place, Count()), weighed(tone, count)])
    return Walked(now, {place: told[::-1] for place, told in changes.items()}, present)


def weighed(tone: str, count: int = 1) -> Count:
    """What `count` Applications in a tone add."""
    return Count(broken=count if tone in BROKEN else 0, unknown=count if tone == Tone.UNKNOWN.value else 0)


def difference(before: str, after: str) -> Count:
    """What a change of tone adds and takes."""
    was, stands = weighed(before), weighed(after)
    return Count(stands.broken - was.broken, stands.unknown - was.unknown)


def summed(many: Iterable[Count]) -> Count:
    """All of them together."""
    found = list(many)
    return Count(sum(each.broken for each in found), sum(each.unknown for each in found))


def reached_picture(told: Availability) -> Picture:
    """A thin line while it was reached, a block while it was away, dots while that is not known."""
    shapes = {REACHED: (FLOOR - 3, 3.0, "reached"), AWAY: (TOP, FLOOR - TOP, "away")}
    bars = []
    for span in told.spans:
        y, height, state = shapes.get(span.state, (FLOOR - 2, 1.0, "gap"))
        x, width = placed(span, told.window)
        bars.append(Bar(x, y, max(width, 1.0) if state == "away" else width, height, state))
    return Picture(title_of(told.window), told.words, told.figure, tuple(bars))


def broken_picture(told: Counts) -> Picture:
    """A curve of how many were broken, above it one of those not known beside; dots where nothing is known."""
    top = max((span.state.broken + span.state.unknown for span in told.known), default=0)
    gaps = [placed(span, told.window) for span in told.spans if span.state is None]
    now = str(told.known[-1].state.broken) if told.is_known_now else "not known"
    has_unknown = bool(told.most.unknown)
    return Picture(
        title_of(told.window),
        told.words,
        now,
        tuple(Bar(x, FLOOR - 2, width, 1.0, "gap") for x, width in gaps),
        curve(told, lambda count: count.broken / top if top else 0.0),
        curve(told, lambda count: (count.broken + count.unknown) / top if top else 0.0) if has_unknown else "",
    )


def curve(told: Counts, height: Callable[[Count], float]) -> str:
    """The path of a curve, at most one point a unit of width: of what happened within one, the highest is drawn."""
    parts = []
    for columns in runs(told, height):
        points = " ".join(f"L{x} {FLOOR - share * (FLOOR - TOP):.1f}" for x, share in columns)
        parts.append(f"M{points[1:]}")
    return " ".join(parts)


def runs(told: Counts, height: Callable[[Count], float]) -> Iterator[list[tuple[int, float]]]:
    """The columns of a curve between the gaps, corners alone: (x, share of the height)."""
    columns: dict[int, float] = {}
    for span in told.known:
        first = int(told.window.share(span.start) * WIDTH)
        last = max(first, int(told.window.share(span.end) * WIDTH) - (0 if span.end >= told.window.end else 1))
        share = height(span.state)
        for x in range(first, last + 1):
            columns[x] = max(columns.get(x, 0.0), share)
    run: list[tuple[int, float]] = []
    for x in sorted(columns):
        if run and x > run[-1][0] + 1:
            yield corners(run)
            run = []
        run.append((x, columns[x]))
    if run:
        yield corners(run)


def corners(run: list[tuple[int, float]]) -> list[tuple[int, float]]:
    """Of points at one height only the first and the last."""
    return [
        point
        for place, point in enumerate(run)
        if place in {0, len(run) - 1} or not run[place - 1][1] == point[1] == run[place + 1][1]
    ]


def placed(span: Span[Any], window: Window) -> tuple[float, float]:
    """Where a span begins in the picture, and how wide it is."""
    x = window.share(span.start) * WIDTH
    return round(x, 1), round(window.share(span.end) * WIDTH - x, 1)


def title_of(window: Window) -> str:
    """ "24 h" or "7 d"."""
    return "24 h" if window.length == DAY else "7 d"
