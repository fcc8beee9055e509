"""A handover's facts out of plain values."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from apps.handover.facts import facts_of
from apps.handover.values import OPEN_SHOWN, Deed, Gap, Hold, Known, Lost, Trouble
from tests.handover.shift import SHIFT, at, facts, said, trouble


@pytest.mark.parametrize(
    ("began", "ended", "counts"),
    [
        (at("09:00"), None, (1, 1, 1, 0)),
        (at("07:00"), None, (1, 0, 0, 0)),
        (None, None, (1, 0, 0, 0)),
        (at("09:00"), at("10:00"), (0, 0, 1, 1)),
        (at("07:00"), at("10:00"), (0, 0, 0, 1)),
        (None, at("10:00"), (0, 0, 0, 1)),
        (at("08:00"), at("20:00"), (0, 0, 1, 1)),
        (at("09:00"), at("20:01"), (1, 1, 1, 0)),
        (at("07:00"), at("08:00"), (0, 0, 0, 0)),
        (at("20:00"), None, (0, 0, 0, 0)),
    ],
)
def test_what_is_open_new_began_and_ended(
    began: datetime | None, ended: datetime | None, counts: tuple[int, int, int, int]
) -> None:
    told = facts(troubles=[trouble(began, ended)])
    assert (told.open, told.new, told.began, told.ended) == counts
    assert (len(told.open_matters), len(told.ended_matters)) == (counts[0], counts[3])


def test_an_alert_that_flapped_is_one_with_a_count() -> None:
    flaps = [trouble(at(f"{hour:02d}:00"), at(f"{hour:02d}:05")) for hour in range(9, 13)]
    over = facts(troubles=flaps)
    (matter,) = over.ended_matters
    assert (matter.times, matter.began_at, matter.ended_at) == (4, at("09:00"), at("12:05"))
    assert (over.began, over.ended, over.open) == (1, 1, 0)

    (matter,) = facts(troubles=[*flaps, trouble(at("13:00"))]).open_matters
    assert (matter.times, matter.began_at, matter.ended_at, matter.is_new) == (5, at("13:00"), None, True)


def test_one_that_is_open_is_so_whatever_ended_after_it_began() -> None:
    told = facts(troubles=[trouble(at("09:00")), trouble(at("10:00"), at("10:30"))])
    assert (told.open, told.ended) == (1, 0)


def test_things_alike_are_one_line_unless_somebody_spoke_of_one() -> None:
    several = [trouble(at("09:00") + timedelta(minutes=each), subject=f"appsre/{each}") for each in range(4)]
    several.append(trouble(at("09:00"), subject="appsre/elsewhere", place="m02"))
    told = facts(troubles=several, notes=[said("remy", at("09:30"), "this one", subject="appsre/2")])
    assert [(each.place, each.alike, each.began_at, bool(each.notes)) for each in told.open_matters] == [
        ("m01", 1, at("09:02"), True),
        ("m01", 3, at("09:00"), False),
        ("m02", 1, at("09:00"), False),
    ]
    assert told.open == 5


def test_applications_alike_are_named() -> None:
    several = [
        trouble(at("09:00"), kind="application", subject=f"p/argocd/{name}", title=name, words="Degraded")
        for name in ("d", "a", "c", "b")
    ]
    (matter,) = facts(troubles=several).open_matters
    assert (matter.titles, matter.alike) == (("a", "b", "c"), 4)


def test_the_gravest_comes_first_and_what_somebody_is_at_below_the_others_of_its_tone() -> None:
    named = {
        "acknowledged": trouble(at("11:00"), subject="a/1", title="acknowledged", tone="critical"),
        "older": trouble(at("09:00"), subject="a/2", title="older", tone="critical"),
        "newer": trouble(at("10:00"), subject="a/3", title="newer", tone="critical"),
        "unknown": trouble(at("10:00"), kind="cluster", subject="c", title="unknown", tone="unknown"),
        "lost": trouble(at("08:30"), kind="cluster", subject="m01", title="lost", tone="critical"),
        "warning": trouble(at("12:00"), subject="a/4", title="warning"),
    }
    at_it = said("remy", at("11:05"), "on it", subject="a/1", until=at("21:00"))
    told = facts(troubles=list(named.values()), acknowledged=[at_it])
    assert [each.titles[0] for each in told.open_matters] == [
        "lost",
        "newer",
        "older",
        "acknowledged",
        "warning",
        "unknown",
    ]
    assert told.open_matters[3].acknowledged == at_it


@pytest.mark.parametrize(
    ("began", "until", "holds"),
    [("11:00", at("21:00"), True), ("11:00", at("19:00"), False), ("20:00", at("20:00"), False)],
)
def test_an_acknowledgement_counts_if_it_holds_when_the_span_ends(began: str, until: datetime, holds: bool) -> None:
    told = facts(troubles=[trouble(at("09:00"))], acknowledged=[said("remy", at(began), "on it", until=until)])
    assert bool(told.open_matters[0].acknowledged) is holds


def test_notes_stand_beside_what_is_open_from_its_beginning_on_and_else_by_themselves() -> None:
    notes = [
        said("zoe", at("10:00", day=22), "of another time"),
        said("zoe", at("10:00", day=23), "since then"),
        *(said("remy", at(f"{hour}:00"), f"at {hour}") for hour in range(10, 13)),
        said("remy", at("13:00"), "of another thing", subject="appsre/bb"),
        said("remy", at("07:00"), "before the shift", subject="appsre/bb"),
    ]
    told = facts(troubles=[trouble(at("09:00", day=23))], notes=notes)
    (matter,) = told.open_matters
    assert ([note.text for note in matter.notes], matter.earlier_notes) == (["at 10", "at 11", "at 12"], 1)
    assert [note.text for note in told.notes] == ["of another thing"]


def test_what_was_said_of_what_does_not_fit_is_told_by_itself() -> None:
    many = [
        trouble(at("09:00"), subject=f"appsre/{each}", title=f"A{each}", tone="critical") for each in range(OPEN_SHOWN)
    ]
    at_it = said("remy", at("11:00"), "on it", until=at("21:00"))
    told = facts(troubles=[*many, trouble(at("09:00"))], acknowledged=[at_it])
    assert told.more_open == (("warning", 1),)
    assert told.notes == (at_it,)
    assert (told.open, len(told.open_matters)) == (OPEN_SHOWN + 1, OPEN_SHOWN)


def test_gaps_of_one_time_are_one_and_the_longest_comes_first() -> None:
    def gap(name: str, start: str, end: str, words: str = "not read") -> Gap:
        return Gap(names=(name,), words=words, began_at=at(start), ended_at=at(end))

    told = facts(
        gaps=[
            gap("b", "09:00", "09:10"),
            gap("a", "09:00:20", "09:10:05"),
            gap("c", "09:00", "10:00"),
            gap("d", "09:00", "09:10", "could not be read"),
        ]
    )
    assert [(each.names, each.words) for each in told.gaps] == [
        (("c",), "not read"),
        (("d",), "could not be read"),
        (("a", "b"), "not read"),
    ]


def test_time_lost_is_told_of_the_longest_first_and_what_is_not_known_is_not_counted_as_well() -> None:
    told = facts(
        lost=[
            Lost(cluster="fine"),
            Lost(cluster="doubtful", unknown=600),
            Lost(cluster="short", seconds=60),
            Lost(cluster="long", seconds=3600, unknown=60),
        ]
    )
    assert [each.cluster for each in told.lost] == ["long", "short", "doubtful"]
    assert told.untouched == 1


def test_the_same_values_in_another_order_give_the_same_facts() -> None:
    troubles: list[Trouble] = [
        trouble(at("09:00") + timedelta(minutes=each % 7), at("10:00") if each % 3 else None, subject=f"a/{each}")
        for each in range(60)
    ]
    deeds = [Deed(at=at("09:00"), by=name, what=f"Resync: {name}", tone="well") for name in "abc"]
    holds = [Hold(kind="silence", what=name, by="remy", began_at=at("09:00"), ends_at=at("22:00")) for name in "abc"]
    known = Known(troubles=troubles, deeds=deeds, holds=holds, lost=[Lost(cluster=name, seconds=9) for name in "abc"])
    shuffled = random.Random(7)
    first = facts_of(SHIFT, at("20:00"), known)
    for _ in range(5):
        mixed = {
            name: shuffled.sample(list(rows), len(rows))
            for name in ("troubles", "deeds", "holds", "lost")
            if (rows := getattr(known, name))
        }
        assert facts_of(SHIFT, at("20:00"), replace(known, **mixed)) == first
