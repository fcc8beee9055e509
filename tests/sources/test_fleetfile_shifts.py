"""Shifts in the fleet file."""

from __future__ import annotations

from datetime import time

import pytest

from apps.sources.fleetfile import FleetFileInvalid, fleet_file_parse


def test_shifts_are_times_of_day_in_a_zone() -> None:
    shifts = fleet_file_parse(text='portal: {shifts: {zone: Europe/Prague, starts: ["08:00", "20:00"]}}').portal.shifts
    assert shifts is not None
    assert (shifts.zone, shifts.starts) == ("Europe/Prague", (time(8), time(20)))


def test_without_them_there_are_none_and_without_a_zone_they_are_in_utc() -> None:
    assert fleet_file_parse(text="portal: {}").portal.shifts is None
    shifts = fleet_file_parse(text='portal: {shifts: {starts: ["06:30"]}}').portal.shifts
    assert shifts is not None
    assert shifts.zone == "UTC"


@pytest.mark.parametrize(
    ("told", "path", "words"),
    [
        ("{starts: [20:00]}", "portal.shifts.starts[0]", 'is not a time of day: write it in quotes, like "08:00"'),
        ('{starts: ["24:00"]}', "portal.shifts.starts[0]", 'is not a time of day: write it in quotes, like "08:00"'),
        ('{starts: ["08:00", "08:00"]}', "portal.shifts", "'starts' has a time twice"),
        ("{starts: []}", "portal.shifts", "'starts' must not be empty"),
        ('{zone: Prague, starts: ["08:00"]}', "portal.shifts.zone", "'Prague' is no time zone like Europe/Prague"),
        ('{zone: /etc/passwd, starts: ["08:00"]}', "portal.shifts.zone", "no time zone like Europe/Prague"),
    ],
)
def test_mistakes_are_told_in_plain_words(told: str, path: str, words: str) -> None:
    with pytest.raises(FleetFileInvalid) as refused:
        fleet_file_parse(text=f"portal: {{shifts: {told}}}")
    (problem,) = refused.value.problems
    assert problem.path == path
    assert words in problem.message
