"""The drawn time line: where marks stand, and that there are never too many."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from apps.timeline.drawing import COLUMNS, MOST_LABELS, Event, Lane, bars, drawing_of, ticks
from apps.timeline.steps import Window

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
DAY = Window(NOON - timedelta(hours=24), NOON)


def narrowed(start: datetime, end: datetime) -> str:
    return f"/timeline/?from={start:%H:%M}&to={end:%H:%M}"


def event(hours: float, lasted: float = 0.0, *, tone: str = "warning", title: str = "it") -> Event:
    start = NOON - timedelta(hours=hours)
    return Event(start, title, tone, "/there/", start + timedelta(hours=lasted))


def test_a_bar_stands_where_it_was() -> None:
    [mark] = bars("Alerts", [event(12, 6)], DAY, rows=2, most=10).marks
    assert (mark.x, mark.width) == (50.0, 25.0)


def test_a_bar_that_crosses_the_edges_is_cut_and_one_of_a_moment_is_seen() -> None:
    across, moment = bars("Alerts", [event(30, 40), event(0)], DAY, rows=2, most=10).marks
    assert (across.x, across.width) == (0.0, 100.0)
    assert moment.x + moment.width == pytest.approx(100)
    assert moment.width > 0


def test_bars_do_not_lie_on_each_other_and_what_has_no_room_is_counted() -> None:
    lane = bars("Alerts", [event(12, 6), event(10, 6), event(3, 1), event(12, 2)], DAY, rows=2, most=10, unread=5)
    assert len({mark.y for mark in lane.marks}) == 2
    assert [mark.x for mark in lane.marks] == [50.0, 58.33, 87.5]
    assert lane.left == 1 + 5


def test_ticks_of_one_column_are_one_mark_with_their_count_in_the_strictest_tone() -> None:
    events = [event(5, tone="well", title="b"), event(5.01, tone="critical", title="a"), event(1, title="c")]
    together, alone = ticks("Syncs", events, DAY, narrowed=narrowed).marks
    assert together.title.startswith("2 changes from 06:")
    assert together.title.endswith("UTC: b; a")
    assert (together.tone, alone.tone, alone.url) == ("critical", "warning", "/there/")
    assert together.url.startswith("/timeline/?from=06:")


def test_however_much_happened_there_are_few_marks() -> None:
    many = [event(24 * number / 10_000, 0.5) for number in range(10_000)]
    lane = bars("Alerts", many, DAY, rows=10, most=120)
    assert len(lane.marks) + lane.left == 10_000
    assert len(lane.marks) <= 120
    assert len(ticks("Syncs", many, DAY, narrowed=narrowed).marks) == COLUMNS


@pytest.mark.parametrize("hours", [0.05, 0.5, 1, 5, 24, 60, 24 * 7, 24 * 30, 24 * 400])
def test_the_axis_has_few_round_moments_that_lead_to_their_part(hours: float) -> None:
    window = Window(NOON - timedelta(hours=hours, minutes=1), NOON)
    labels = drawing_of(window, [], narrowed=narrowed).labels
    assert 2 <= len(labels) <= MOST_LABELS + 1
    assert all(0 <= label.x <= 100 for label in labels)
    assert labels[0].url.startswith("/timeline/?from=")


def test_midnight_is_told_as_its_day() -> None:
    texts = [label.text for label in drawing_of(DAY, [], narrowed=narrowed).labels]
    assert texts == ["12:00", "15:00", "18:00", "21:00", "24 Nov", "03:00", "06:00", "09:00", "12:00"]


def test_lanes_stand_above_each_other() -> None:
    lanes = [bars(name, [event(5, 1)], DAY, rows=3, most=9) for name in ("Alerts", "Clusters")]
    drawing = drawing_of(DAY, lanes, narrowed=narrowed)
    first, second = drawing.lanes
    assert second.y == first.height
    assert second.marks[0].y == first.marks[0].y + first.height
    assert drawing.height > drawing.floor == first.height + second.height
    assert drawing.words == "From 23 Nov 12:00 to 24 Nov 12:00 UTC. Alerts: 1, Clusters: 1"
    assert isinstance(first, Lane)
