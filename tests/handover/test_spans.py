"""Which span a handover is of."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

import pytest
from django.http import QueryDict

from apps.core.lists import Asked
from apps.handover.spans import LONGEST, shift_at, shift_before, span_asked
from apps.sources.fleetfile.shifts import Shifts
from apps.timeline.steps import Window

PRAGUE = Shifts(zone="Europe/Prague", starts=(time(8), time(20)))


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def window(start: str, end: str) -> Window:
    return Window(at(start), at(end))


@pytest.mark.parametrize(
    ("now", "this", "last"),
    [
        ("2026-11-24T10:00", ("2026-11-24T07:00", "2026-11-24T19:00"), ("2026-11-23T19:00", "2026-11-24T07:00")),
        ("2026-11-24T07:00", ("2026-11-24T07:00", "2026-11-24T19:00"), ("2026-11-23T19:00", "2026-11-24T07:00")),
        ("2026-11-24T06:59", ("2026-11-23T19:00", "2026-11-24T07:00"), ("2026-11-23T07:00", "2026-11-23T19:00")),
        ("2026-07-01T23:30", ("2026-07-01T18:00", "2026-07-02T06:00"), ("2026-07-01T06:00", "2026-07-01T18:00")),
        # the night in which clocks went forward lasts 11 h, the one in which they went back 13 h
        ("2026-03-29T03:00", ("2026-03-28T19:00", "2026-03-29T06:00"), ("2026-03-28T07:00", "2026-03-28T19:00")),
        ("2026-10-25T03:00", ("2026-10-24T18:00", "2026-10-25T07:00"), ("2026-10-24T06:00", "2026-10-24T18:00")),
    ],
)
def test_shifts_begin_at_local_times(now: str, this: tuple[str, str], last: tuple[str, str]) -> None:
    assert shift_at(PRAGUE, at(now)) == window(*this)
    assert shift_before(PRAGUE, at(now)) == window(*last)


def test_a_start_that_a_clock_change_leaves_out_is_the_moment_after_it() -> None:
    shifts = Shifts(zone="Europe/Prague", starts=(time(2, 30),))
    assert shift_at(shifts, at("2026-03-29T02:00")).start == at("2026-03-29T01:30")


def test_one_start_a_day_is_a_shift_of_a_day() -> None:
    assert shift_at(Shifts(starts=(time(6),)), at("2026-11-24T05:00")) == window("2026-11-23T06:00", "2026-11-24T06:00")


def asked(query: str) -> Asked:
    return Asked(QueryDict(query))


@pytest.mark.parametrize(
    ("query", "start", "end", "word"),
    [
        ("", "2026-11-24T07:00", "2026-11-24T10:00", "this"),
        ("span=last", "2026-11-23T19:00", "2026-11-24T07:00", "last"),
        ("from=2026-11-24T01:00&until=2026-11-24T02:00", "2026-11-24T01:00", "2026-11-24T02:00", ""),
        ("from=2026-11-24T01:00%2B01:00", "2026-11-24T00:00", "2026-11-24T10:00", ""),
        ("from=2026-11-24T01:00+01:00", "2026-11-24T00:00", "2026-11-24T10:00", ""),
        ("until=2026-11-24T02:00Z", "2026-11-23T14:00", "2026-11-24T02:00", ""),
        ("from=2026-11-24T01:00&until=2030-01-01T00:00", "2026-11-24T01:00", "2026-11-24T10:00", ""),
    ],
)
def test_a_span_is_a_shift_or_two_moments_and_never_of_what_is_to_come(
    query: str, start: str, end: str, word: str
) -> None:
    told = asked(query)
    found = span_asked(told, PRAGUE, at("2026-11-24T10:00"))
    assert (found.window, found.word, told.problems) == (window(start, end), word, [])


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("from=yesterday", "“yesterday” is not a moment"),
        ("from=0001-01-01T00:00", "is not a moment"),
        ("from=2026-11-24T02:00&until=2026-11-24T02:00", "ends before it begins"),
        ("from=2026-01-01T00:00", "31 days at the most"),
        ("span=next", "no span “next”"),
    ],
)
def test_what_cannot_be_is_told(query: str, words: str) -> None:
    told = asked(query)
    found = span_asked(told, None, at("2026-11-24T10:00")).window
    assert words in told.problems[0]
    assert timedelta() < found.length <= LONGEST


def test_without_shifts_it_is_of_the_last_twelve_hours_and_the_twelve_before() -> None:
    now = at("2026-11-24T10:00")
    assert span_asked(asked(""), None, now).window == window("2026-11-23T22:00", "2026-11-24T10:00")
    assert span_asked(asked("span=last"), None, now).window == window("2026-11-23T10:00", "2026-11-23T22:00")
