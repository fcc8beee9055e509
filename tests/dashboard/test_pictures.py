"""Small pictures of the last day and week, from the timeline's lines and the rows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.test import Client
from pytest_django import Settings

from apps.core.clock import database_now
from apps.dashboard.pictures import HEIGHT, PICTURES, WALKED, WIDTH, broken_pictures, cluster_pictures
from apps.fleet.models import Cluster
from apps.fleet.overlay import overlay_now
from apps.gitops.models import Application
from apps.sources.models import Source
from apps.timeline.models import Transition
from tests.pages import html_of, queries_of
from tests.rows import ago, application_row, broken, change_row, cluster_row, down, source_row, stale

pytestmark = pytest.mark.database
NAME = "stone-prd-m01"


@pytest.fixture(autouse=True)
def cluster(db: None) -> Iterator[Cluster]:
    """A cluster that was reached long ago for the first time, read just now, like its Argo CD."""
    source_row(f"kubernetes/{NAME}")
    source_row("argocd/production")
    WALKED.forget()
    PICTURES.forget()
    yield cluster_row(NAME, reached_at=ago(days=30))
    WALKED.forget()
    PICTURES.forget()


def reach(before: str, after: str, **when: float) -> None:
    change_row(NAME, kind="cluster", subject=NAME, field="reachable", before=before, after=after, seen_at=ago(**when))


def source_change(key: str, before: str, after: str, seen_after: float = 0.0, **when: float) -> None:
    moment = ago(hours=seen_after) if seen_after else None
    told = {"kind": "source", "subject": key, "field": "state", "cluster": "", "seen_after": moment}
    change_row(key, before=before, after=after, seen_at=ago(**when), **told)


def tone(name: str, before: str, after: str, *, cluster: str = NAME, **when: float) -> None:
    told = {"field": "tone", "source": "argocd/production", "environment": "production", "cluster": cluster}
    change_row(name, before=before, after=after, seen_at=ago(**when), **told)


def words(what: str) -> list[str]:
    """The words of the cluster's pictures."""
    pictures = cluster_pictures(Cluster.objects.get(name=NAME), overlay_now())
    return [picture.words for picture in pictures[what]]


def test_how_a_cluster_was_reached_in_a_day_and_a_week() -> None:
    reach("reached", "lost: slow", hours=30)
    reach("lost", "reached", hours=18)
    reach("reached", "not reached: slow", hours=2)
    reach("not reached", "reached", hours=1)
    day, week = words("reached")
    assert re.fullmatch(r"reached 70\.8 % of 24 h, away twice for (7 h|6 h 59 m) in all", day)
    assert re.fullmatch(r"reached 92\.2 % of 7 d, away twice for (13 h|12 h 59 m) in all", week)


def test_a_cluster_that_is_away_now_counts_to_this_moment() -> None:
    reach("reached", "lost: slow", hours=6)
    Cluster.objects.update(lost_since=ago(hours=6), unreached_since=ago(hours=6))
    assert re.fullmatch(r"reached (75|74\.9) % of 24 h, away once for 6 h", words("reached")[0])


def test_a_cluster_whose_reads_stopped_is_not_known_since() -> None:
    row = source_row("kubernetes/other")
    cluster_row("other", reached_at=ago(days=3))
    row.succeeded_at = ago(hours=6)
    row.save()
    pictures = cluster_pictures(Cluster.objects.get(name="other"), overlay_now())
    assert re.fullmatch(r"reached 100 % of the (18 h|17 h 59 m) of 24 h that are known", pictures["reached"][0].words)
    assert "gap" in {bar.state for bar in pictures["reached"][0].bars}


def test_a_cluster_that_only_argo_cd_tells_of_is_known_while_one_of_them_is_read() -> None:
    cluster_row("bare", has_credentials=False, reached_at=ago(days=3), told_by={"production": {"status": "Successful"}})
    bare = Cluster.objects.get(name="bare")
    assert cluster_pictures(bare, overlay_now())["reached"][0].words == "not known in 24 h"
    source_row("argocd-inventory/production")
    assert cluster_pictures(bare, overlay_now())["reached"][0].words == "reached 100 % of 24 h"


def test_broken_applications_are_counted_back_from_the_rows() -> None:
    broken("one")
    application_row("two")
    application_row("other", cluster="elsewhere")
    tone("one", "well", "warning", hours=2)
    tone("two", "well", "critical", hours=5)
    tone("two", "critical", "well", hours=1.5)
    tone("gone", "warning", "", hours=20)
    tone("other", "well", "warning", cluster="elsewhere", hours=1)
    day, week = cluster_pictures(Cluster.objects.get(name=NAME), overlay_now())["broken"]
    assert re.fullmatch(r"most 2 broken at \d\d:\d\d UTC, 1 now", day.words)
    assert re.fullmatch(r"most 2 broken at \d\d:\d\d UTC on \d+ \w+, 1 now", week.words)
    assert day.figure == "1"
    assert day.curve.startswith("M0 ")


def test_those_not_known_are_drawn_beside_so_that_the_curve_is_not_greener_than_its_evidence() -> None:
    application_row("one", tone="unknown", reason="comparison failed")
    tone("one", "well", "unknown", hours=2)
    [day, _] = cluster_pictures(Cluster.objects.get(name=NAME), overlay_now())["broken"]
    assert day.words == "none broken in 24 h, up to 1 not known"
    assert day.doubt
    assert day.doubt != day.curve


def test_while_its_argo_cd_was_not_read_or_the_cluster_was_away_the_number_is_not_known() -> None:
    broken("one")
    source_change("argocd/production", "ok", "failing: slow", hours=20)
    source_change("argocd/production", "failing", "ok", hours=18)
    reach("reached", "lost: slow", hours=10)
    reach("lost", "reached", hours=9)
    [day, _] = cluster_pictures(Cluster.objects.get(name=NAME), overlay_now())["broken"]
    assert day.curve.count("M") == 3
    assert [bar.state for bar in day.bars] == ["gap", "gap"]


def test_the_time_before_its_argo_cd_was_first_read_is_not_known() -> None:
    application_row("one")
    source_change("argocd/production", "never read", "ok", hours=3)
    assert words("broken")[0] == "none broken in the 3 h of 24 h that are known"
    assert words("broken")[1] == "none broken in the 3 h of 7 d that are known"


def test_a_source_that_is_down_now_leaves_the_number_unknown_now() -> None:
    broken("one")
    row = down(stale(source_row("argocd/second")))
    broken("two", instance="second")
    source_change("argocd/second", "ok", "failing: slow", minutes=10)
    assert row.failures
    assert re.fullmatch(r"most 2 broken at \d\d:\d\d UTC, not known now", words("broken")[0])


def test_a_cluster_without_applications_has_no_picture_of_them(viewer: Client) -> None:
    assert words("broken") == []
    assert "Broken, 24 h" not in html_of(viewer, f"/clusters/{NAME}/")


def test_an_environments_pictures_leave_the_others_out() -> None:
    broken("one")
    broken("two", environment="staging", cluster="s1")
    assert [picture.figure for picture in broken_pictures(overlay_now())] == ["2", "2"]
    assert [picture.figure for picture in broken_pictures(overlay_now(), "staging")] == ["1", "1"]


def test_what_is_kept_for_a_minute_still_says_how_many_are_broken_now(settings: Settings) -> None:
    settings.PAGES_KEPT_SECONDS = 1.0
    application_row("one")
    assert words("broken")[0] == "none broken in 24 h"
    Application.objects.update(tone="warning")
    assert re.fullmatch(r"most 1 broken at \d\d:\d\d UTC, 1 now", words("broken")[0])
    assert [picture.figure for picture in broken_pictures(overlay_now())] == ["1", "1"]


def test_what_is_kept_is_not_given_once_argo_cd_is_away(settings: Settings) -> None:
    settings.PAGES_KEPT_SECONDS = 1.0
    application_row("one")
    assert [picture.figure for picture in broken_pictures(overlay_now())] == ["0", "0"]
    down(Source.objects.get(key="argocd/production"))
    assert [picture.figure for picture in broken_pictures(overlay_now())] == ["not known", "not known"]


def test_curves_stay_in_the_picture_and_small_whatever_happened() -> None:
    application_row("one")
    now = database_now()
    Transition.objects.bulk_create(
        Transition(
            kind="application",
            subject="x",
            title="x",
            field="tone",
            source="argocd/production",
            cluster=NAME,
            before="well" if number % 2 else "warning",
            after="warning" if number % 2 else "well",
            seen_at=now - timedelta(seconds=60 * number),
        )
        for number in range(5_000)
    )
    for picture in cluster_pictures(Cluster.objects.get(name=NAME), overlay_now())["broken"]:
        points = [tuple(map(float, point[1:].split())) for point in re.findall(r"[ML][\d.]+ [\d.]+", picture.curve)]
        assert 2 <= len(points) <= WIDTH + 1
        assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in points)


def test_the_pages_show_them_with_their_words(viewer: Client) -> None:
    broken("one")
    page = html_of(viewer, f"/clusters/{NAME}/")
    assert 'aria-label="24 h: reached 100 % of 24 h"' in page
    assert "Broken Applications, 7 d" in page
    assert 'aria-label="24 h: reached 100 % of 24 h"' in html_of(viewer, "/clusters/")


def test_the_lists_pictures_cost_one_query_however_many_clusters(viewer: Client) -> None:
    few = queries_of(viewer, "/clusters/?environment=all")
    for number in range(30):
        source_row(f"kubernetes/k{number}")
        cluster_row(f"k{number}")
        change_row("k", kind="cluster", subject=f"k{number}", field="reachable", before="reached", after="lost")
    assert queries_of(viewer, "/clusters/?environment=all") == few
