"""States over time: windows, gaps, and what lies over what."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from apps.timeline.figures import Count, availability, counted_back, counts
from apps.timeline.standing import (
    ASLEEP,
    FAILING,
    NEVER,
    NEVER_REACHED,
    OK,
    REACHED,
    UNKNOWN,
    Line,
    Present,
    all_read,
    cluster_steps,
    reach_steps,
    source_steps,
)
from apps.timeline.steps import Window, spans_of, steps_of

STANDS = Present(REACHED)
NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
DAY = Window(NOON - timedelta(hours=24), NOON)
READ = [steps_of(DAY, OK, [])]


def at(hours: float) -> datetime:
    """A moment so many hours before noon."""
    return NOON - timedelta(hours=hours)


def line(hours: float, before: str, after: str, seen_after: datetime | None = None) -> Line:
    return Line(at(hours), seen_after, before, after)


def told(lines: list[Line], present: Present = STANDS, sources: list[list[tuple[datetime, str]]] = READ) -> str:
    """The words about a cluster with these lines."""
    return availability(DAY, reach_steps(cluster_steps(DAY, lines, present), sources)).words


def test_a_cluster_without_lines_stands_as_it_does_now() -> None:
    assert told([], Present(REACHED, at(100))) == "reached 100 % of 24 h"
    assert told([], Present("lost", at(100))) == "reached 0 % of 24 h, away once for 24 h"


def test_a_time_away_within_the_window_is_counted_once() -> None:
    lines = [line(6, "reached", "not reached: slow"), line(5, "not reached", "lost: slow"), line(4, "lost", "reached")]
    assert told(lines) == "reached 91.6 % of 24 h, away once for 2 h"


def test_times_away_that_cross_the_window_or_are_still_open_count_within_it() -> None:
    lines = [line(23, "lost", "reached"), line(1, "reached", "not reached: slow")]
    assert told(lines, Present("not reached")) == "reached 91.6 % of 24 h, away twice for 2 h in all"


def test_what_changed_after_the_window_tells_how_it_stood_within() -> None:
    lines = [Line(NOON + timedelta(hours=3), None, "lost", "reached")]
    assert told(lines) == "reached 0 % of 24 h, away once for 24 h"


def test_changes_before_the_window_do_not_count() -> None:
    assert told([line(30, "reached", "lost"), line(29, "lost", "reached")]) == "reached 100 % of 24 h"


def test_a_cluster_never_reached_is_not_known() -> None:
    assert told([], Present(NEVER_REACHED)) == "not known in 24 h"


def test_the_time_before_its_first_answer_is_not_known() -> None:
    assert told([], Present(REACHED, at(3))) == "reached 100 % of the 3 h of 24 h that are known"
    first_read = source_steps(DAY, [line(3, "never read", "ok")], Present(OK))
    lines = [line(2, "reached", "lost: slow"), line(1.5, "lost", "reached")]
    words = told(lines, sources=[first_read])
    assert words == "reached 83.3 % of the 3 h of 24 h that are known, away once for 30 m"


def test_a_cluster_that_refuses_us_is_not_known() -> None:
    lines = [line(12, "reached", "cannot be read: refused")]
    assert told(lines, Present("cannot be read")) == "reached 100 % of the 12 h of 24 h that are known"


def test_while_nobody_read_its_source_it_is_not_known_even_if_it_was_away() -> None:
    asleep = source_steps(DAY, [line(6, "not read", "ok", at(18))], Present(OK))
    assert [state for _, state in asleep] == [OK, ASLEEP, OK]
    assert told([], Present(REACHED, at(99)), [asleep]) == "reached 100 % of the 12 h of 24 h that are known"
    away = [line(20, "reached", "lost: slow"), line(5, "lost", "reached")]
    assert told(away, sources=[asleep]).endswith("away twice for 3 h in all")


def test_a_read_that_failed_is_what_tells_of_being_away_and_of_nothing_else() -> None:
    failing = source_steps(DAY, [line(4, "ok", "failing: slow"), line(2, "failing", "ok")], Present(OK))
    away = [line(4, "reached", "not reached: slow"), line(2, "not reached", "reached")]
    assert told(away, sources=[failing]) == "reached 91.6 % of 24 h, away once for 2 h"
    assert told([], Present(REACHED, at(99)), [failing]) == "reached 100 % of the 22 h of 24 h that are known"


def test_one_of_several_sources_is_enough() -> None:
    failing = source_steps(DAY, [line(4, "ok", "failing: slow")], Present(FAILING))
    assert told([], Present(REACHED, at(99)), [failing, *READ]) == "reached 100 % of 24 h"


@pytest.mark.parametrize(
    ("present", "states"),
    [
        (Present(OK), [OK]),
        (Present(NEVER), [NEVER]),
        (Present(FAILING), [FAILING]),
        (Present(ASLEEP), [ASLEEP]),
        (Present(ASLEEP, at(2)), [OK, ASLEEP]),
    ],
)
def test_a_source_without_lines_stands_as_its_row_says(present: Present, states: list[str]) -> None:
    assert [state for _, state in source_steps(DAY, [], present)] == states


def test_all_are_read_only_while_every_one_is() -> None:
    failing = source_steps(DAY, [line(4, "ok", "failing: slow"), line(2, "failing", "ok")], Present(OK))
    spans = spans_of(all_read([failing, *READ], DAY), DAY.end)
    assert [(span.state, span.length) for span in spans] == [
        (OK, timedelta(hours=20)),
        (UNKNOWN, timedelta(hours=2)),
        (OK, timedelta(hours=2)),
    ]
    assert [state for _, state in all_read([], DAY)] == [UNKNOWN]


def test_percentages_are_never_rounded_up() -> None:
    lines = [line(1, "reached", "not reached"), Line(at(1) + timedelta(seconds=10), None, "not reached", "reached")]
    assert told(lines).startswith("reached 99.9 % of 24 h, away once for 10 s")
    assert availability(DAY, [(DAY.start, UNKNOWN)]).figure == "not known"
    assert availability(DAY, [(DAY.start, UNKNOWN), (at(2), REACHED)]).figure == "100 % of 2 h"


def test_counts_are_walked_back_from_what_the_rows_say_now() -> None:
    changes = [(at(30), Count(9)), (at(8), Count(5)), (at(6), Count(-3, 2)), (at(1), Count(0, -2))]
    told_now = counts(DAY, counted_back(DAY, Count(4, 0), changes))
    assert [span.state for span in told_now.spans] == [Count(2, 0), Count(7, 0), Count(4, 2), Count(4, 0)]
    assert told_now.words == "most 7 broken at 04:00 UTC, 4 now, up to 2 not known"


def test_what_happened_after_the_window_is_taken_off() -> None:
    steps = counted_back(DAY, Count(4), [(NOON + timedelta(hours=1), Count(3))])
    assert steps == [(DAY.start, Count(1))]


def test_lines_that_are_missing_never_make_a_count_below_none() -> None:
    assert counted_back(DAY, Count(0), [(at(1), Count(3))])[0][1] == Count(0)


def test_counts_with_gaps_say_so() -> None:
    assert counts(DAY, [(DAY.start, Count())]).words == "none broken in 24 h"
    assert counts(DAY, [(DAY.start, None)]).words == "not known in 24 h"
    assert counts(DAY, [(DAY.start, None), (at(3), Count())]).words == "none broken in the 3 h of 24 h that are known"
    assert counts(DAY, [(DAY.start, Count(2)), (at(3), None)]).words == "most 2 broken at 12:00 UTC, not known now"
    week = Window(NOON - timedelta(days=7), NOON)
    assert (
        counts(week, [(week.start, Count(1)), (at(3), Count(0))]).words
        == "most 1 broken at 12:00 UTC on 17 Nov, none now"
    )
