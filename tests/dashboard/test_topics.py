"""Pages listen to what they show: what no list shows has topics of its own, which the pages that show it must name."""

from __future__ import annotations

import pytest
from django.test import Client

from apps.core.live import OVERLAY_TOPICS
from apps.fleet.standing import LATENCIES
from apps.gitops.commits import TOPIC as COMMITS
from apps.gitops.details import topic_of
from tests.pages import topics_on
from tests.rows import application_row, cluster_row, source_row


@pytest.fixture(autouse=True)
def _fleet(db: None) -> None:
    source_row("argocd/production")
    cluster_row("stone-prd-m01")


def test_an_application_s_page_hears_of_its_details_and_of_commits(viewer: Client) -> None:
    row = application_row("build-service")
    assert {topic_of(row), COMMITS} <= topics_on(viewer, "/apps/production/argocd/build-service/")


@pytest.mark.parametrize("path", ["/", "/clusters/", "/clusters/stone-prd-m01/"])
def test_pages_that_show_a_latency_hear_of_it_alone(viewer: Client, path: str) -> None:
    """And so does what lies over the rows, which has the clusters' rows."""
    assert {LATENCIES, "cluster:stone-prd-m01"} & topics_on(viewer, path)
    assert LATENCIES in OVERLAY_TOPICS


@pytest.mark.parametrize("path", ["/apps/", "/alerts/", "/timeline/", "/wall/"])
def test_lists_do_not(viewer: Client, path: str) -> None:
    assert not {LATENCIES, COMMITS} & topics_on(viewer, path)
