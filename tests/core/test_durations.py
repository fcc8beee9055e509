"""Durations as people write them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from apps.core.durations import duration_read, duration_text


@pytest.mark.parametrize(
    ("written", "seconds"),
    [("30s", 30), ("1h30m", 5400), ("2d", 172_800), ("1w", 604_800), ("1d12h", 129_600), (15, 15), (0.5, 0.5), (0, 0)],
)
def test_it_reads_texts_and_seconds(written: object, seconds: float) -> None:
    assert duration_read(written) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "written",
    [
        "",
        " ",
        "soon",
        "5",
        "-5s",
        "5 s",
        "30m1h",
        "1.5h",
        "5ms",
        None,
        True,
        [],
        {},
        -1,
        float("nan"),
        float("inf"),
        1e300,
        10**400,
        "9" * 5000,
    ],
)
def test_it_refuses_what_is_no_duration(written: object) -> None:
    with pytest.raises(ValueError, match=r"duration") as refused:
        duration_read(written)
    assert len(str(refused.value)) < 150


@pytest.mark.parametrize("text", ["0s", "30s", "1m", "1h30m", "2d", "90d", "1d1h1m1s"])
def test_it_writes_what_it_reads(text: str) -> None:
    assert duration_text(duration_read(text)) == text
