"""What was before the first read, or longer ago than the portal keeps, is not known."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client

from apps.actions.silences.preview import preview_of
from apps.core.clock import database_now
from apps.core.matchers import matchers_read
from apps.sources.models import Source
from apps.sources.reading import ReadOutcome, source_succeeded
from tests.fleet_in_force import FleetFileOfTest
from tests.pages import html_of, text_of
from tests.rows import ago, cluster_row, episode_row, source_row

pytestmark = pytest.mark.database
M01 = "stone-prd-m01"
KEYS = (f"kubernetes/{M01}", "argocd/production", "alertmanager/appsre/0")
ALL_READ = "every source was read all the time"


@pytest.fixture(autouse=True)
def fleet(db: None) -> None:
    """A cluster that is read, with its Argo CD and its Alertmanager."""
    for key in KEYS:
        source_row(key)
    cluster_row(M01, tone_since=ago(days=9))


def told(client: Client, url: str = "/handover/") -> str:
    return text_of(html_of(client, url))


def test_a_handover_of_2001_knows_nothing(viewer: Client) -> None:
    words = told(viewer, "/handover/?from=2001-01-01T00:00&until=2001-01-01T12:00")
    assert "Nothing that is known was open at the end" in words
    assert ALL_READ not in words
    assert "nothing is kept any more in all of this time" in words
    assert "Not known before" in words
    assert f"{M01} 12 h not known" in words
    assert "no cluster was critical" not in words
    assert "the one cluster was not critical" not in words


@pytest.mark.parametrize("has_line", [True, False])
def test_a_shift_from_before_the_first_read_is_not_known_until_then(viewer: Client, has_line: bool) -> None:
    for key in KEYS:
        if has_line:
            Source.objects.filter(key=key).update(succeeded_at=None)
            source_succeeded(key=key, outcome=ReadOutcome(items=1))
        else:
            Source.objects.filter(key=key).update(first_read_at=ago(minutes=5))
    words = told(viewer)
    assert ALL_READ not in words
    assert "had never been read" in words
    assert "Nothing that is known is open" in words


def test_the_first_read_stays_the_first(db: None) -> None:
    key = KEYS[0]
    Source.objects.filter(key=key).update(succeeded_at=None)
    source_succeeded(key=key, outcome=ReadOutcome(items=1))
    first = Source.objects.get(key=key).first_read_at
    source_succeeded(key=key, outcome=ReadOutcome(items=1))
    assert first is not None
    assert Source.objects.get(key=key).first_read_at == first


def test_a_source_that_was_read_before_that_was_written_down_has_no_first_read() -> None:
    source_succeeded(key=KEYS[0], outcome=ReadOutcome(items=1))
    assert Source.objects.get(key=KEYS[0]).first_read_at is None


def test_the_alerts_page_counts_the_days_that_are_kept(viewer: Client, fleet_file: FleetFileOfTest) -> None:
    episode = episode_row(began_at=ago(minutes=12))
    page = f"/alerts/appsre/{episode.fingerprint}/"
    assert "Fired once in 30 days" in told(viewer, page)
    fleet_file.put("portal: {retention: 12d}\n")
    assert "Fired once in the 12 days that are kept" in told(viewer, page)
    Source.objects.filter(key=KEYS[2]).update(first_read_at=ago(days=3, hours=1), is_archived=False)
    assert "Fired once in the 3 days that are kept" in told(viewer, page)


def test_what_a_silence_would_have_hidden_is_of_the_days_that_are_kept() -> None:
    group, matchers, now = "appsre", matchers_read('alertname="X"'), database_now()
    assert preview_of(group, matchers, now, ago(days=90)).past_time == "in the last 7 days"
    assert preview_of(group, matchers, now, now - timedelta(days=4, hours=2)).past_time == "in the 4 days that are kept"
    assert preview_of(group, matchers, now, now - timedelta(minutes=30)).past_time == "in the 30 m that are kept"
