"""Ages and durations in words, odd moments too."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from apps.core.ages import age_words, duration_words, moment_words

NOW = datetime(2026, 11, 24, 22, 57, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-5, "0 s"),
        (0, "0 s"),
        (59.9, "59 s"),
        (60, "1 m"),
        (3599, "59 m"),
        (3600, "1 h"),
        (11520, "3 h 12 m"),
        (172_080, "47 h 48 m"),
        (172_800, "2 d"),
        (190_000, "2 d 4 h"),
        (1_209_600, "14 d"),
        (400 * 86_400, "400 d"),
    ],
)
def test_durations(seconds: float, words: str) -> None:
    assert duration_words(timedelta(seconds=seconds)) == words


def test_a_clock_slightly_ahead_is_now_and_one_far_ahead_is_told() -> None:
    assert age_words(NOW + timedelta(seconds=1.5), NOW) == "0 s"
    assert age_words(NOW + timedelta(minutes=3), NOW) == "in 3 m"


def test_moments_at_the_ends_of_time() -> None:
    assert age_words(datetime(1, 1, 1, tzinfo=UTC), NOW) == "739,943 d"
    assert age_words(datetime(9999, 12, 31, tzinfo=UTC), NOW).startswith("in 2,9")


def test_the_exact_moment_is_told_in_utc() -> None:
    assert moment_words(NOW) == "24 Nov 2026, 22:57:12 UTC"
