"""What lies over the rows when they are shown (faults.md, F1 to F3, F55)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from apps.core.tones import Tone
from apps.fleet.models import Cluster
from apps.fleet.overlay import WATCHDOG_MISSING, Overlay, overlay_now, overlay_of
from apps.fleet.shown import shown_verdict
from apps.sources.models import Source, SourceState

pytestmark = pytest.mark.database

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def source(key: str, age: float | None = 5.0, **columns: object) -> Source:
    """A source "<kind>/<group>[/<member>]" read `age` seconds ago, with an interval of 15 s (stale after 45 s)."""
    kind, group = key.split("/")[:2]
    read = None if age is None else NOW - timedelta(seconds=age)
    kind = {"argocd-inventory": "argocd_inventory"}.get(kind, kind)
    return Source(key=key, kind=kind, group=group, title=f"the {key}", interval=15.0, succeeded_at=read, **columns)


def overlay(*sources: Source, clusters: tuple[Cluster, ...] = ()) -> Overlay:
    return overlay_of(now=NOW, sources=sources, clusters=clusters)


def test_a_fresh_source_doubts_nothing() -> None:
    told = overlay(source("argocd/one"), source("alertmanager/main/0"))
    assert not told.doubtful_instances
    assert not told.doubtful_alertmanagers
    assert told.state_of("argocd/one") is SourceState.FRESH


@pytest.mark.parametrize(
    ("columns", "age", "words"),
    [
        ({}, None, "the argocd/one was never reached"),
        ({}, 100.0, "the argocd/one is stale; last read at 24 Nov 11:58:20 UTC"),
        (
            {"failures": 3, "error": "refused"},
            10.0,
            "the argocd/one is down: refused; last read at 24 Nov 11:59:50 UTC",
        ),
    ],
)
def test_an_instance_that_is_not_fresh_is_doubtful_and_says_why(
    columns: dict[str, object], age: float | None, words: str
) -> None:
    assert overlay(source("argocd/one", age, **columns)).doubtful_instances == {"one": words}


def test_an_inventory_that_is_stale_does_not_make_the_applications_doubtful() -> None:
    assert not overlay(source("argocd/one"), source("argocd-inventory/one", 500)).doubtful_instances


def test_f1_one_member_of_two_that_answers_is_enough_for_its_group() -> None:
    down = {"failures": 3, "error": "refused"}
    told = overlay(source("alertmanager/main/0", **down), source("alertmanager/main/1"), source("argocd/one"))
    assert not told.doubtful_alertmanagers
    assert (told.fresh_count, told.total_count) == (2, 3)


def test_f2_all_sources_never_reached_are_no_zero() -> None:
    told = overlay(source("argocd/one", None), source("alertmanager/main/0", None))
    assert set(told.doubtful_instances) == {"one"}
    assert set(told.doubtful_alertmanagers) == {"main"}
    assert (told.fresh_count, told.oldest_fresh_age, told.valid_until) == (0, None, None)


def test_f3_all_sources_down_after_data_are_told_with_their_last_read() -> None:
    down = {"failures": 5, "error": "refused"}
    told = overlay(source("argocd/one", 600, **down), source("alertmanager/main/0", 600, **down))
    assert "last read at 24 Nov 11:50:00 UTC" in told.doubtful_instances["one"]
    assert "last read at 24 Nov 11:50:00 UTC" in told.doubtful_alertmanagers["main"]


def test_a_missing_watchdog_makes_silence_prove_nothing() -> None:
    missing = source("alertmanager/main/0", warnings=[WATCHDOG_MISSING])
    assert "watchdog" in overlay(missing).doubtful_alertmanagers["main"]
    assert not overlay(missing, source("alertmanager/main/1")).doubtful_alertmanagers, "one member has it"


def test_a_prometheus_that_feeds_it_and_is_not_known_makes_silence_prove_nothing() -> None:
    """Decision 6."""
    stale = source("prometheus/prom", 500, feeds=["main"])
    told = overlay(source("alertmanager/main/0"), source("alertmanager/other/0"), stale)
    assert list(told.doubtful_alertmanagers) == ["main"]
    assert "the prometheus/prom" in told.doubtful_alertmanagers["main"]


def test_f55_what_left_the_file_is_archived_and_not_counted() -> None:
    gone = source("argocd/old", is_archived=True)
    told = overlay(gone, source("argocd-inventory/old", is_archived=True), source("argocd/one"))
    assert told.archived_instances == {"old"}
    assert (told.total_count, told.doubtful_instances) == (1, {})
    assert told.state_of("argocd/old") is SourceState.NEVER


def test_a_group_of_which_one_member_left_is_not_archived() -> None:
    told = overlay(source("alertmanager/main/0"), source("alertmanager/main/1", is_archived=True))
    assert told.archived_alertmanagers == frozenset()


def test_it_is_valid_until_the_first_fresh_source_turns_stale() -> None:
    told = overlay(source("argocd/one", 5), source("argocd/two", 20), source("argocd/three", 300))
    assert told.valid_until == NOW + timedelta(seconds=25)
    assert told.oldest_fresh_age == timedelta(seconds=20)


def cluster(**columns: object) -> Cluster:
    given = {"name": "m01", "has_credentials": True, "tone": "well", "reason": "all right", **columns}
    return Cluster(**given)


EARLIER = NOW - timedelta(minutes=5)


def test_a_lost_cluster_is_doubtful() -> None:
    told = overlay(source("kubernetes/m01", 500), clusters=(cluster(lost_since=EARLIER, unreached_since=EARLIER),))
    assert told.doubtful_clusters == {"m01": "m01 is lost since 24 Nov 11:55 UTC"}


def test_one_missed_read_does_not_make_a_cluster_doubtful_and_a_stale_source_does() -> None:
    missed = cluster(unreached_since=EARLIER)
    assert not overlay(source("kubernetes/m01", 30), clusters=(missed,)).doubtful_clusters
    assert overlay(source("kubernetes/m01", 90), clusters=(missed,)).doubtful_clusters == {
        "m01": "m01 cannot be reached since 24 Nov 11:55 UTC"
    }


def test_a_cluster_that_argo_cd_does_not_reach_is_doubtful_at_once() -> None:
    untold = cluster(unreached_since=EARLIER, has_credentials=False)
    assert set(overlay(clusters=(untold,)).doubtful_clusters) == {"m01"}


def test_a_cluster_that_refuses_us_is_not_doubtful_since_argo_cd_still_tells_of_it() -> None:
    told = overlay(source("kubernetes/m01", 500), clusters=(cluster(cannot_read="401"),))
    assert not told.doubtful_clusters


@pytest.mark.parametrize("tone", ["well", "busy", "held"])
def test_a_cluster_whose_source_is_stale_is_not_known(tone: str) -> None:
    verdict = shown_verdict(cluster(tone=tone), overlay(source("kubernetes/m01", 500)))
    assert verdict.tone is Tone.UNKNOWN
    assert "last known: all right" in verdict.reason
    assert shown_verdict(cluster(tone=tone), overlay(source("kubernetes/m01"))).tone == tone


@pytest.mark.parametrize("tone", ["critical", "warning"])
def test_what_was_wrong_stays_wrong_while_its_source_is_stale(tone: str) -> None:
    assert shown_verdict(cluster(tone=tone), overlay(source("kubernetes/m01", 500))).tone == tone


def test_a_cluster_without_credentials_is_as_sure_as_an_argo_cd_that_tells_of_it() -> None:
    untold = cluster(has_credentials=False, tone="held", told_by={"one": {}, "two": {}})
    stale, fresh = source("argocd-inventory/one", 500), source("argocd-inventory/two")
    assert shown_verdict(untold, overlay(stale, fresh)).tone is Tone.HELD
    assert shown_verdict(untold, overlay(stale)).tone is Tone.UNKNOWN


@pytest.mark.django_db
def test_it_takes_five_queries_however_big_the_fleet(django_assert_num_queries: object) -> None:
    Source.objects.bulk_create([source(f"kubernetes/m{number}") for number in range(50)])
    Cluster.objects.bulk_create([Cluster(name=f"m{number}", role="member") for number in range(50)])
    with django_assert_num_queries(5):  # type: ignore[operator]
        assert overlay_now().total_count == 50
