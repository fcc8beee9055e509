"""The Wall: what Now ranks, in big; clusters that are quiet are counted, and evidence that fails is seen."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client

from apps.core.clock import database_now
from apps.core.models import Lease
from apps.fleet.models import ClusterRole
from apps.sources.models import Source
from tests.pages import html_of, queries_of, text_of
from tests.rows import ago, application_row, broken, cluster_row, down, episode_row, source_row

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def being_read() -> None:
    Lease.objects.create(name="beat", holder="tick", expires_at=database_now() + timedelta(minutes=5))
    source_row("argocd/production")
    source_row("alertmanager/appsre/0")


def test_says_in_one_sentence_that_nothing_needs_anybody(viewer: Client) -> None:
    application_row()
    assert "Nothing needs anybody." in text_of(html_of(viewer, "/wall/"))


def test_shows_the_most_urgent_rows_with_place_age_and_how_many_there_are(viewer: Client) -> None:
    for number in range(30):
        broken(f"app-{number:02d}", set_name=f"set-{number}", cluster=f"c{number}")
    episode_row("EtcdDown", began_at=ago(minutes=12))
    text = text_of(html_of(viewer, "/wall/"))
    assert text.index("EtcdDown") < text.index("app-")
    assert "12 m" in text
    assert "31 in all need somebody" in text


def test_counts_alerts_by_severity_and_broken_applications(viewer: Client) -> None:
    for number, severity in enumerate(["critical", "critical", "high", "odd"]):
        episode_row(f"A{number}", severity=severity, fingerprint=str(number))
    broken("one")
    text = text_of(html_of(viewer, "/wall/"))
    assert "2 critical alerts" in text
    assert "1 high alerts" in text
    assert "1 other alerts" in text
    assert "1 Applications broken" in text


def test_none_is_green_only_where_it_is_known(viewer: Client) -> None:
    text = text_of(html_of(viewer, "/wall/"))
    assert "0 critical alerts" in text
    assert "0 Applications broken" in text
    for source in Source.objects.all():
        down(source)
    told = html_of(viewer, "/wall/")
    assert "? critical alerts" in text_of(told)
    assert "? Applications broken" in text_of(told)
    assert '<p class="well"' not in told


def test_none_is_not_known_where_nothing_was_ever_read(viewer: Client) -> None:
    Source.objects.all().delete()
    source_row("prometheus/appsre")
    text = text_of(html_of(viewer, "/wall/"))
    assert "? critical alerts" in text
    assert "? Applications broken" in text


def test_no_cluster_is_quiet_whose_alerts_are_not_known(viewer: Client) -> None:
    for number in range(20):
        cluster_row(f"m{number:02d}", role=ClusterRole.MEMBER)
        source_row(f"kubernetes/m{number:02d}", cluster=f"m{number:02d}")
        application_row(f"app-{number}", cluster=f"m{number:02d}")
    assert "20 quiet" in text_of(html_of(viewer, "/wall/"))
    down(Source.objects.get(key="alertmanager/appsre/0"))
    html = html_of(viewer, "/wall/")
    assert "quiet</li>" not in html
    assert html.count('class="unknown" title="m') + html.count('<li class="tile"><span class="unknown">') == 20


def test_the_age_of_the_evidence_grows_young_again_when_all_of_it_is_younger(viewer: Client) -> None:
    assert re.search(r'id="wall-age"><time [^>]*data-age=evidence>', html_of(viewer, "/wall/"))


def test_a_hundred_clusters_are_named_drawn_or_counted(viewer: Client) -> None:
    for number in range(100):
        cluster_row(f"m{number:03d}", role=ClusterRole.MEMBER, tone="warning" if number < 20 else "well")
        source_row(f"kubernetes/m{number:03d}", cluster=f"m{number:03d}")
    html = html_of(viewer, "/wall/")
    assert html.count('class="tile"') + html.count('class="warning" title="m0') == 20
    assert "80 quiet" in text_of(html)


def test_shows_the_environment_of_the_address(viewer: Client) -> None:
    broken("in-production")
    broken("in-staging", environment="staging", cluster="")
    cluster_row("stone-stg", environment="staging")
    text = text_of(html_of(viewer, "/wall/?environment=staging"))
    assert "in-staging" in text
    assert "in-production" not in text


def test_evidence_that_fails_in_part_or_whole_is_seen(viewer: Client) -> None:
    failing = source_row("prometheus/appsre")
    assert 'id="live" class=""' in html_of(viewer, "/wall/")
    down(failing)
    assert 'id="live" class="partly"' in html_of(viewer, "/wall/")


def test_without_any_fresh_source_the_whole_page_is_hatched(viewer: Client) -> None:
    for source in Source.objects.all():
        down(source)
    html = html_of(viewer, "/wall/")
    assert 'id="live" class="stale"' in html
    assert "0 of 2 sources fresh" in text_of(html)
    assert "not known" in text_of(html)


def test_is_dark_unless_somebody_chose_light(viewer: Client) -> None:
    assert 'data-theme="dark"' in html_of(viewer, "/wall/")
    viewer.cookies["theme"] = "light"
    assert 'data-theme="light"' in html_of(viewer, "/wall/")


def test_queries_do_not_grow(viewer: Client) -> None:
    few = queries_of(viewer, "/wall/?environment=all")
    for number in range(20):
        broken(f"app-{number}")
        episode_row(f"A{number}", fingerprint=str(number))
        cluster_row(f"c{number}")
    assert queries_of(viewer, "/wall/?environment=all") <= few
