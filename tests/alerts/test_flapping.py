"""Alerts that flap: three times within a day they ended before ten minutes were over."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.test import Client

from apps.alerts.flapping import flapping_lately, flaps_among, flaps_now
from apps.alerts.models import Episode
from apps.core.clock import database_now
from tests.pages import html_of, text_of
from tests.rows import episode_row, source_row

pytestmark = pytest.mark.database

NOW = datetime.fromisoformat("2026-11-24T12:00:00+00:00")


def past(*spans: tuple[float, float], now: datetime = NOW) -> list[Episode]:
    """Episodes by (hours before now, minutes that it lasted); one of no end fires still."""
    return [
        Episode(
            pk=number,
            alertmanager="appsre",
            fingerprint="f",
            began_at=now - timedelta(hours=hours),
            first_seen_at=now,
            ended_at=now - timedelta(hours=hours) + timedelta(minutes=minutes) if minutes else None,
        )
        for number, (hours, minutes) in enumerate(spans, start=1)
    ]


@pytest.mark.parametrize(
    ("spans", "flaps", "is_so_now"),
    [
        ([(3, 5), (2, 10), (1, 1)], {1, 2, 3}, True),
        ([(3, 5), (2, 11), (1, 1)], set(), False),
        ([(3, 5), (1, 1)], set(), False),
        ([(3, 5), (2, 5), (0.1, 0)], set(), False),
        ([(25, 5), (2, 5), (1, 5)], {1, 2, 3}, False),
        ([(26, 5), (2, 5), (1, 5)], set(), False),
        ([(73, 5), (72, 5), (71, 5), (1, 5)], {1, 2, 3}, False),
        ([(5, 5), (4, 60), (3, 5), (2, 5), (1, 30)], {1, 3, 4}, True),
        ([], set(), False),
    ],
)
def test_three_short_ones_within_a_day_are_a_flapping(
    spans: list[tuple[float, float]], flaps: set[int], is_so_now: bool
) -> None:
    episodes = past(*spans)
    assert flaps_among(episodes) == flaps
    assert flaps_among(reversed(episodes)) == flaps
    assert flaps_now(episodes, NOW) is is_so_now


def test_the_query_finds_the_same(db: None) -> None:
    now = database_now()
    told: dict[str, list[tuple[float, float]]] = {
        "flaps": [(3, 5), (2, 10), (1, 1)],
        "lasts": [(3, 5), (2, 11), (1, 1)],
        "twice": [(3, 5), (2, 5), (0.1, 0)],
        "old": [(30, 5), (29, 5), (28, 5)],
    }
    for fingerprint, spans in told.items():
        for each in past(*spans, now=now):
            each.pk, each.fingerprint = None, fingerprint
            each.save()
    assert flapping_lately(now) == {("appsre", "flaps")}


def test_the_list_marks_those_that_flap(viewer: Client) -> None:
    source_row("alertmanager/appsre/0")
    now = database_now()
    for each in past((3, 5), (2, 5), (1, 5), now=now):
        each.pk = None
        each.save()
    episode_row("Flaps", fingerprint="f")
    episode_row("Calm", fingerprint="c")
    rows = html_of(viewer, "/alerts/").split("<tr data-row=")[1:]
    assert {row[:10]: "flapping" in text_of(f"<main {row}") for row in rows} == {
        '"appsre/f"': True,
        '"appsre/c"': False,
    }
