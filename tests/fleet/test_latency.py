"""Which changes of a cluster's latency are told: those that somebody would care for, upwards and downwards."""

from __future__ import annotations

import pytest

from apps.fleet.recording import is_worth_telling


@pytest.mark.parametrize(
    ("before", "now", "is_told"),
    [
        (0.02, 0.08, False),
        (0.02, 0.2, True),
        (0.6, 0.02, True),
        (0.6, 0.4, False),
        (0.6, 0.25, True),
        (0.6, 1.1, False),
        (0.6, 1.3, True),
        (0.11, 0.005, True),
        (0.09, 0.005, False),
    ],
)
def test_only_what_more_than_doubled_or_halved_by_a_tenth_of_a_second_at_least(
    before: float, now: float, is_told: bool
) -> None:
    assert is_worth_telling(before, now) is is_told
