"""When things needed somebody and how long clusters were critical, out of lines and rows."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from apps.handover.troubles import Standing, ToneLine, lost_of, tone_steps, troubles_of
from apps.timeline.standing import ASLEEP, FAILING, NEVER, OK
from apps.timeline.steps import Steps
from tests.handover.shift import SHIFT, at

NOW = at("20:00")
APP, CLUSTER = ("application", "p/argocd/app"), ("cluster", "m01")


def line(moment: datetime, before: str, after: str, *, key: tuple[str, str] = APP, place: str = "m01") -> ToneLine:
    return ToneLine(kind=key[0], subject=key[1], title="it", place=place, at=moment, before=before, after=after)


def standing(tone: str, since: datetime | None = None, words: str = "") -> Standing:
    return Standing(title="it", place="m01", tone=tone, words=words, since=since)


def told(lines: list[ToneLine], present: dict[tuple[str, str], Standing] | None = None) -> list[tuple[Any, ...]]:
    found = troubles_of(lines, present or {}, NOW)
    return [(each.tone, each.words, each.began_at, each.ended_at) for each in found]


def test_an_application_that_broke_and_was_mended() -> None:
    lines = [line(at("09:00"), "well", "warning"), line(at("10:00"), "warning", "well")]
    assert told(lines) == [("warning", "", at("09:00"), at("10:00"))]


def test_one_that_is_broken_still_has_the_words_of_its_row() -> None:
    present = {APP: standing("warning", at("09:00"), "Degraded")}
    assert told([line(at("09:00"), "", "warning")], present) == [("warning", "Degraded", at("09:00"), None)]


def test_one_without_a_line_is_broken_since_its_row_says() -> None:
    assert told([], {APP: standing("critical", at("10:00", day=20), "x")}) == [
        ("critical", "x", at("10:00", day=20), None)
    ]


def test_when_it_began_is_not_known_where_the_lines_begin_with_its_end() -> None:
    assert told([line(at("09:00"), "warning", "well")]) == [("warning", "", None, at("09:00"))]


def test_one_that_went_or_that_no_row_knows_has_ended() -> None:
    assert told([line(at("09:00"), "warning", "")]) == [("warning", "", None, at("09:00"))]
    assert told([line(at("09:00"), "well", "warning")]) == [("warning", "", at("09:00"), NOW)]


def test_one_that_is_not_known_does_not_need_somebody_by_itself() -> None:
    assert told([line(at("09:00"), "well", "unknown"), line(at("10:00"), "unknown", "well")]) == []


def test_one_that_moved_to_another_cluster_goes_on_there() -> None:
    lines = [
        line(at("08:30"), "well", "warning"),
        line(at("09:00"), "warning", "", place="m01"),
        line(at("09:00"), "", "warning", place="m02"),
        line(at("10:00"), "warning", "well", place="m02"),
    ]
    (found,) = troubles_of(lines, {}, NOW)
    assert (found.place, found.began_at, found.ended_at) == ("m02", at("08:30"), at("10:00"))


def test_a_cluster_is_told_as_it_was_at_its_worst() -> None:
    lines = [
        line(at("09:00"), "well", "unknown: cannot be reached: refused", key=CLUSTER),
        line(at("09:02"), "unknown", "critical: lost: refused", key=CLUSTER),
        line(at("09:30"), "critical", "warning: Node w1: not ready", key=CLUSTER),
        line(at("10:00"), "warning", "well: all right", key=CLUSTER),
    ]
    assert told(lines) == [("critical", "lost: refused", at("09:00"), at("10:00"))]


def test_a_cluster_that_was_first_looked_at_in_the_span_was_in_no_trouble_before() -> None:
    first = [line(at("12:06"), "unknown", "warning: Node w1: not ready", key=CLUSTER)]
    assert told(first, {CLUSTER: standing("warning", at("12:06"), "Node w1: not ready")}) == [
        ("warning", "Node w1: not ready", at("12:06"), None)
    ]
    assert told([line(at("12:06"), "unknown", "well: all right", key=CLUSTER)]) == []


def lost(lines: list[ToneLine], present: Standing, *sources: Steps[str]) -> tuple[int, int]:
    """Minutes critical, and minutes not known."""
    found = lost_of("m01", SHIFT, lines, present, sources)
    return found.seconds // 60, found.unknown // 60


def read(*steps: tuple[str, str]) -> Steps[str]:
    """How a source was read: from these times on."""
    return [(at(clock), state) for clock, state in steps]


ALL_READ = read(("08:00", OK))
LOST = [
    line(at("09:00"), "well", "unknown: cannot be reached", key=CLUSTER),
    line(at("09:02"), "unknown", "critical: lost", key=CLUSTER),
    line(at("10:00"), "critical", "well", key=CLUSTER),
]
AWAY = read(("08:00", OK), ("09:00", FAILING), ("10:00", OK))


@pytest.mark.parametrize(
    ("lines", "present", "sources", "minutes"),
    [
        ([], standing("well", at("01:00")), [ALL_READ], (0, 0)),
        ([], standing("critical", at("01:00")), [ALL_READ], (720, 0)),
        (LOST, standing("well", at("10:00")), [AWAY], (58, 2)),
        # nobody looked at it for an hour in which it was lost, and for half of one in which it was well
        (LOST, standing("well"), [read(("08:00", OK), ("09:00", ASLEEP), ("10:30", OK))], (0, 90)),
        # a read that fails tells that it is away, and nothing of what was well before
        ([], standing("well", at("01:00")), [read(("08:00", OK), ("11:00", FAILING), ("12:00", OK))], (0, 60)),
        # one of two that tell of it was read
        ([], standing("well", at("01:00")), [read(("08:00", FAILING)), ALL_READ], (0, 0)),
        # first seen at noon
        ([], standing("well", at("12:00")), [read(("08:00", NEVER), ("12:00", OK))], (0, 240)),
        ([], standing("unknown", at("01:00")), [ALL_READ], (0, 720)),
        ([], standing("well", at("01:00")), [], (0, 720)),
    ],
)
def test_time_lost_is_what_is_known_to_be_critical(
    lines: list[ToneLine], present: Standing, sources: list[Steps[str]], minutes: tuple[int, int]
) -> None:
    assert lost(lines, present, *sources) == minutes


def test_a_line_after_the_span_tells_how_it_stood_in_it() -> None:
    later = [line(at("21:00"), "critical", "well", key=CLUSTER)]
    assert tone_steps(SHIFT, later, standing("well", at("21:00"))) == [(SHIFT.start, "critical")]
