"""The page Now and the frame around every page."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from pathlib import Path

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries, Settings

from apps.core.clock import database_now
from apps.core.models import Lease
from apps.core.topics import raise_topics
from tests.fleet_in_force import FleetFileOfTest
from tests.pages import asked_again
from tests.rows import (
    ago,
    application_row,
    broken,
    change_row,
    cluster_row,
    down,
    episode_row,
    never,
    source_row,
    stale,
)

pytestmark = pytest.mark.database

QUERIES = 26
POLL = {"HX-Request": "true"}


@pytest.fixture(autouse=True)
def quiet_fleet(db: None) -> None:
    """One cluster with one Application, four fresh sources, a beating schedule, nothing wrong."""
    Lease.objects.create(name="beat", holder="tick", expires_at=database_now() + timedelta(seconds=30))
    cluster_row("stone-prd-m01", position=1)
    for key in ("argocd/production", "argocd-inventory/production", "alertmanager/appsre/0", "prometheus/appsre"):
        source_row(key)
    source_row("kubernetes/stone-prd-m01", cluster="stone-prd-m01", environment="production")
    application_row()


def text_of(client: Client, path: str = "/", **headers: str) -> str:
    """What the page says, without its tags and with single blanks."""
    answer = client.get(path, headers=headers)
    assert answer.status_code == 200
    body = answer.content.decode().split("<body>")[-1]
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", body)).split())


def rows_of(client: Client, path: str = "/") -> list[str]:
    """The titles of the list, in its order."""
    body = client.get(path).content.decode()
    return [
        unescape(re.sub(r"<[^>]*>", "", title)) for title in re.findall(r'<span class="title">(.*?)</span>\n', body)
    ]


def test_nothing_needs_anybody_is_said_with_the_age_of_the_evidence(viewer: Client) -> None:
    told = text_of(viewer)
    assert re.search(r"Nothing needs anybody\. The oldest answer of 5 sources is \d+ s old\.", told)
    assert "In all: 1 Application well; 1 cluster well." in told


@pytest.mark.parametrize("fails", [stale, down, never])
def test_nothing_is_called_well_while_a_source_is_not_fresh(viewer: Client, fails: object) -> None:
    fails(source_row("prometheus/other"))  # type: ignore[operator]
    told = text_of(viewer)
    assert "Nothing needs anybody" not in told
    assert "1 thing needs you" in told
    assert "prometheus other" in told


def test_nothing_is_called_well_while_nothing_is_being_read(viewer: Client) -> None:
    Lease.objects.update(expires_at=ago(seconds=1))
    told = text_of(viewer)
    assert "Nothing is being read: no worker has told of itself since" in told
    assert "Nothing needs anybody" not in told
    assert "Nothing is known to need anybody, but that is not certain" in told


def test_nothing_known_at_all_is_said_so(viewer: Client) -> None:
    from apps.fleet.models import Cluster
    from apps.gitops.models import Application
    from apps.sources.models import Source

    for model in (Application, Cluster, Source, Lease):
        model.objects.all().delete()
    told = text_of(viewer)
    assert "Nothing is known yet: no source has been read." in told
    assert "No cluster is known yet" in told
    assert "Nothing needs anybody" not in told


def test_never_fetched_is_no_zero(viewer: Client) -> None:
    from apps.gitops.models import Application
    from apps.sources.models import Source

    Application.objects.all().delete()
    Source.objects.update(succeeded_at=None)
    told = text_of(viewer)
    assert "no apps" not in told
    assert "apps not known" in told
    assert "Applications ? not known" in told


def test_a_lost_cluster_leads_with_what_came_of_it_and_its_clock(
    viewer: Client, tmp_path: Path, settings: Settings
) -> None:
    FleetFileOfTest(tmp_path, settings).path.write_text("portal: {recovery_time_objective: 2d}")
    cluster_row(
        "stone-prd-rh01",
        position=2,
        tone="critical",
        reason="lost: it refuses connections",
        lost_since=ago(minutes=12),
        unreached_since=ago(minutes=13),
    )
    down(source_row("kubernetes/stone-prd-rh01", cluster="stone-prd-rh01", environment="production"))
    for number in range(14):
        application_row(f"app-{number}", cluster="stone-prd-rh01")
    broken("build-service-stone-prd-m01-b")
    told = text_of(viewer)
    assert rows_of(viewer) == ["stone-prd-rh01", "build-service-stone-prd-m01-b"]
    assert "RTO 47 h 4" in told
    assert "1 source · 14 Applications not known" in told
    assert "14 of 14 apps not known" in told


def test_what_a_failing_argo_cd_leaves_unknown_is_one_row(viewer: Client) -> None:
    for number in range(35):
        application_row(f"app-{number}")
    down(source_row("argocd/staging"))
    for number in range(5):
        application_row(f"app-{number}", instance="staging", environment="staging", cluster="")
    assert rows_of(viewer) == ["argocd staging"]
    assert "5 Applications not known" in text_of(viewer)


REPO_SERVER = "Not known: comparison failed: Failed to load target state: rpc error: code = Unavailable desc = {}"
GIT = "Not known: comparison failed: Failed to load target state: failed to list refs: authentication required {}"


@pytest.mark.parametrize(
    ("reason", "title"),
    [
        (REPO_SERVER, "Repo-server of Argo CD production fails: 36 not compared"),
        (GIT, "Argo CD production cannot read Git: 36 not compared"),
        ("Not known: comparison failed: rpc {}", "36 Applications on Argo CD production"),
    ],
)
def test_what_keeps_many_from_being_compared_is_one_row(viewer: Client, reason: str, title: str) -> None:
    for number in range(36):
        application_row(f"app-{number}", tone="unknown", reason=reason.format(number))
    assert rows_of(viewer) == [title]
    assert (
        'href="/apps/?environment=all&amp;instance=production&amp;tone=unknown">See them all'
        in viewer.get("/").content.decode()
    )


def test_applications_that_each_have_a_cause_of_their_own_stay_apart(viewer: Client) -> None:
    for name in ("build", "has", "gitops"):
        application_row(name, tone="unknown", reason=f"Not known: comparison failed: {name}: app path does not exist")
    assert len(rows_of(viewer)) == 3


def test_one_component_broken_alike_on_many_clusters_is_one_row(viewer: Client) -> None:
    for number in range(4):
        broken(f"release-m0{number}", set_name="release", cluster=f"m0{number}")
    broken("other", set_name="other")
    assert sorted(rows_of(viewer)) == ["4 Applications of release", "other"]


def test_one_component_without_a_set_is_looked_up_by_its_name_where_the_page_is(viewer: Client) -> None:
    for number in range(4):
        broken("release", set_name="", cluster=f"m0{number}", namespace=f"argocd-{number}")
    for shown in ("all", "production"):
        body = viewer.get(f"/?environment={shown}").content.decode()
        [address] = re.findall(r'href="([^"]*)"[^>]*>See them all', body)
        assert unescape(address) == f"/apps/?environment={shown}&q=release&tone=warning"
        assert viewer.get(unescape(address)).content.decode().count("data-row=") == 4


def test_an_alert_that_fires_hundreds_of_times_is_counted_in_full_and_hides_no_other(viewer: Client) -> None:
    for number in range(300):
        episode_row("NodeFull", fingerprint=f"f{number}", cluster=f"m{number}", environment="production")
    episode_row("EtcdNoLeader", severity="warning")
    assert rows_of(viewer) == ["NodeFull", "EtcdNoLeader"]
    assert "300 alerts" in text_of(viewer)


def test_more_than_are_looked_at_one_by_one_are_counted_all_the_same(viewer: Client) -> None:
    for number in range(230):
        application_row(f"app-{number}", tone="unknown", reason=REPO_SERVER.format("x"))
    assert rows_of(viewer) == ["Repo-server of Argo CD production fails: 230 not compared"]
    assert "230 Applications" in text_of(viewer)


SUBJECT = "production/argocd/build-service-stone-prd-rh01"
NAMING = {"dest_namespace": "build-service", "name": "build-service-stone-prd-rh01"}


def test_alerts_on_a_broken_application_are_one_row_with_it(viewer: Client) -> None:
    broken("build-service-stone-prd-rh01")
    episode_row("DegradedArgocdApp", severity="warning", labels=NAMING, application=SUBJECT)
    assert rows_of(viewer) == ["build-service-stone-prd-rh01"]
    assert "1 alert" in text_of(viewer)


def test_a_worse_alert_on_a_broken_application_leads(viewer: Client) -> None:
    broken("build-service-stone-prd-rh01")
    episode_row("BuildServiceDown", is_slo=True, labels=NAMING, application=SUBJECT)
    assert rows_of(viewer) == ["BuildServiceDown"]
    assert "1 Application" in text_of(viewer)


def test_an_alert_that_only_fires_in_the_namespace_of_a_broken_application_stands_alone(viewer: Client) -> None:
    broken("build-service-stone-prd-rh01")
    labels = {"alertname": "KubePodCrashLooping", "namespace": "build-service", "name": "x"}
    episode_row("KubePodCrashLooping", severity="warning", labels=labels, application=SUBJECT)
    assert rows_of(viewer) == ["KubePodCrashLooping", "build-service-stone-prd-rh01"]


def test_an_alert_on_an_application_that_is_well_stands_alone(viewer: Client) -> None:
    application_row("build-service-stone-prd-rh01")
    episode_row("BuildServiceDown", fingerprint="b", application=SUBJECT)
    assert rows_of(viewer) == ["BuildServiceDown"]


def test_alerts_on_applications_that_are_broken_for_one_cause_stand_beside_that_cause(viewer: Client) -> None:
    for number in range(5):
        application_row(f"app-{number}", tone="unknown", reason=GIT.format(number))
    for number, name in enumerate(("BuildServiceDown", "EtcdNoLeader")):
        labels = {"dest_namespace": "x", "name": f"app-{number}"}
        episode_row(name, fingerprint=name, labels=labels, application=f"production/argocd/app-{number}")
    assert sorted(rows_of(viewer)[:2]) == ["BuildServiceDown", "EtcdNoLeader"]
    assert rows_of(viewer)[2:] == ["Argo CD production cannot read Git: 5 not compared"]


def test_one_alert_on_many_clusters_is_one_row(viewer: Client) -> None:
    for number in range(4):
        episode_row("NodeFull", fingerprint=f"f{number}", cluster=f"m0{number}", severity="warning")
    assert rows_of(viewer) == ["NodeFull"]
    assert "4 places" in text_of(viewer)


def test_everything_stale_is_one_row(viewer: Client) -> None:
    from apps.sources.models import Source

    Source.objects.update(succeeded_at=ago(minutes=10))
    assert rows_of(viewer) == ["No source is fresh"]
    assert "1 cluster · " in text_of(viewer)


def test_a_portal_that_reaches_nothing_says_so_in_one_row_beside_what_was_lost_before(viewer: Client) -> None:
    from apps.sources.models import Source

    cluster_row("stone-prd-m02", tone="unknown", reason="cannot be reached: slow", unreached_since=ago(minutes=1))
    source_row("kubernetes/stone-prd-m02", cluster="stone-prd-m02", environment="production")
    cluster_row("stone-prd-m03", tone="critical", reason="lost: slow", lost_since=ago(hours=1))
    Source.objects.update(succeeded_at=None)
    assert rows_of(viewer) == ["stone-prd-m03", "No source is fresh"]
    assert "2 clusters" in text_of(viewer)


def test_sources_of_clusters_that_are_away_are_not_counted_twice(viewer: Client) -> None:
    for name in ("m02", "m03", "m04", "m05"):
        cluster_row(name, tone="unknown", reason="cannot be reached: slow", unreached_since=ago(minutes=1))
        down(source_row(f"kubernetes/{name}", cluster=name, environment="production"))
        down(source_row(f"prometheus/{name}", environment="production"))
    assert sorted(rows_of(viewer)) == ["4 sources: down", "m02", "m03", "m04", "m05"]


def test_the_runbook_is_the_next_step_and_an_unsafe_one_is_none(viewer: Client) -> None:
    episode_row("Good", runbook_url="https://example.com/runbook.md", fingerprint="a")
    episode_row("Bad", runbook_url="javascript:alert(1)", fingerprint="b")
    body = viewer.get("/").content.decode()
    assert 'href="https://example.com/runbook.md" target="_blank" rel="noopener noreferrer"' in body
    assert "javascript:" not in body
    assert "not supported: its runbook is not a web address" in text_of(viewer)


def test_held_and_well_things_need_nobody(viewer: Client) -> None:
    episode_row("Silenced", tone="held", state="silenced")
    episode_row("Watchdog", tone="well", fingerprint="w", severity="none")
    application_row("held", tone="held", reason="auto-sync off")
    assert rows_of(viewer) == []
    assert "1 Application well, 1 held" in text_of(viewer)


def test_hostile_text_is_text(viewer: Client) -> None:
    hostile = "<script>alert(1)</script>\u202egnp.exe"
    episode_row(hostile, reason=hostile, cluster_told=hostile, cluster="")
    broken(hostile, reason=hostile)
    change_row(hostile, after=hostile, by=hostile, link="javascript:alert(1)")
    body = viewer.get("/").content.decode()
    assert "<script>alert" not in body
    assert "\u202e" not in body
    assert "javascript:" not in body
    assert '&lt;script&gt;alert(1)&lt;/script&gt;<span class="odd">U+202E</span>gnp.exe' in body


def test_what_changed_in_the_last_hour(viewer: Client) -> None:
    change_row("new-one", after="Degraded", by="remy")
    change_row("old-one", seen_at=ago(minutes=61))
    told = text_of(viewer)
    assert "new-one Healthy → Degraded by remy" in told
    assert "old-one" not in told


def test_an_environment_shows_what_is_in_it(viewer: Client) -> None:
    cluster_row("stone-stg-m01", environment="staging", position=0)
    broken("stg", environment="staging", cluster="stone-stg-m01")
    broken("prd")
    assert rows_of(viewer, "/?environment=staging") == ["stg"]
    assert rows_of(viewer, "/?environment=production") == ["prd"]
    assert rows_of(viewer, "/?environment=all") == ["prd", "stg"]
    assert "Applications 1 need somebody" in text_of(viewer, "/?environment=staging")


def test_an_unknown_environment_is_told_and_all_is_shown(viewer: Client) -> None:
    broken("prd")
    told = text_of(viewer, "/?environment=moon")
    assert "There is no environment “moon”: that filter is left out." in told
    assert "prd" in told


def test_a_fleet_of_a_hundred_clusters_stays_readable(viewer: Client) -> None:
    for number in range(100):
        cluster_row(f"m{number:03}", position=number + 2)
    cluster_row("m-bad", position=200, tone="warning", reason="Node w1: not ready")
    body = viewer.get("/").content.decode()
    assert body.count('<li class="card') == 1
    assert "101 more, quiet" in body


def test_a_big_fleet_shows_one_line_of_those_with_most_to_say(viewer: Client) -> None:
    for number in range(20):
        cluster_row(f"m{number:02}", position=number + 2)
        episode_row("NodeFull", fingerprint=f"f{number}", cluster=f"m{number:02}", severity="warning")
    episode_row("Down", fingerprint="down", cluster="m19", severity="critical")
    body = viewer.get("/").content.decode()
    cards = re.findall(r'<li class="card [a-z]+"><h3><a [^>]*>([^<]*)<', body)
    assert len(cards) == 8
    assert cards[0] == "m19"
    assert "13 more, 12 of them with something to look at" in body


def test_a_long_list_is_cut_and_says_so(viewer: Client) -> None:
    for number in range(60):
        broken(f"app-{number}", reason=f"Degraded {number}")
    assert len(rows_of(viewer)) == 40
    assert "and 20 more, less urgent" in text_of(viewer)
    assert "60 things need you" in text_of(viewer)


def test_counts_tell_what_needs_somebody(viewer: Client) -> None:
    broken("one")
    episode_row("Two", fingerprint="a")
    episode_row("Three", fingerprint="b")
    body = viewer.get("/").content.decode()
    assert "<title>(3) Now · Stonesoup</title>" in body
    told = text_of(viewer)
    assert "Alerts 2 need somebody Applications 1 need somebody Clusters Runbooks Actions Timeline" in told


def test_the_chip_tells_how_fresh_it_all_is(viewer: Client) -> None:
    assert re.search(r"5 of 5 sources , \d+ s", text_of(viewer))
    down(source_row("prometheus/other"))
    assert "5 of 6 sources" in text_of(viewer)


def test_a_banner_names_who_does_not_answer(viewer: Client) -> None:
    down(source_row("prometheus/other"))
    assert "prometheus other is down since" in text_of(viewer)
    stale(source_row("prometheus/another"))
    assert "prometheus another is stale since" in text_of(viewer)


def test_an_upstreams_own_words_are_for_admins_only(viewer: Client, admin: Client) -> None:
    down(source_row("prometheus/other"), "refused our credentials (401): account svc-portal at 10.1.2.3")
    assert "svc-portal" not in text_of(viewer)
    assert "refused our credentials (401)" in text_of(viewer)


def test_the_frame_tells_who_is_there(viewer: Client) -> None:
    told = text_of(viewer)
    assert "viewer-person viewer" in told
    assert "Sign out" in told


def test_a_poll_brings_the_fragment_and_the_frames_live_parts(viewer: Client) -> None:
    address = asked_again(viewer.get("/").content.decode())
    assert viewer.get(address, headers=POLL).status_code == 204
    broken("new")
    raise_topics(["apps"])
    answer = viewer.get(address, headers=POLL)
    body = answer.content.decode()
    assert body.startswith('<div id="live"')
    assert "<html" not in body
    assert re.search(r'<span class="count" id="count-applications" hx-swap-oob="true">1<', body)
    assert 'id="freshness"' in body
    assert "<title>(1) Now · Stonesoup</title>" in body


def test_a_poll_of_somebody_signed_out_leads_to_the_sign_in_page(client: Client) -> None:
    answer = client.get("/", headers=POLL)
    assert answer["HX-Redirect"].startswith("/accounts/sign-in/")
    assert answer.content == b""


@pytest.mark.parametrize("many", [1, 60])
def test_the_number_of_queries_is_constant(
    viewer: Client, many: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(many):
        cluster_row(f"m{number}", position=number, tone="warning")
        source_row(f"kubernetes/m{number}", cluster=f"m{number}")
        broken(f"app-{number}", cluster=f"m{number}")
        application_row(f"unknown-{number}", tone="unknown", reason="Not known: x")
        episode_row(f"Alert{number}", fingerprint=f"f{number}", cluster=f"m{number}")
        change_row(f"change-{number}")
    viewer.get("/")
    with django_assert_num_queries(QUERIES):
        viewer.get("/")


def test_a_poll_without_news_costs_little(viewer: Client, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    address = asked_again(viewer.get("/").content.decode())
    with django_assert_num_queries(8):
        viewer.get(address, headers=POLL)
