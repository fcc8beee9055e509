"""The page of one Application."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from apps.accounts.models import Role
from apps.core.clock import database_now
from apps.gitops.commits import commit_key
from apps.gitops.models import Application, ApplicationDetail, Commit, Project
from apps.sources.models import Source
from tests.pages import HOSTILE, RTL, ends_of, html_of, queries_of, text_of
from tests.rows import (
    REVISION,
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
    window_row,
)

NAME = "build-service-stone-prd-m01"
URL = f"/apps/production/argocd/{NAME}/"


@pytest.fixture(autouse=True)
def source(db: None) -> Source:
    return source_row(
        "argocd/production", title="Argo CD production: Applications", address="https://argocd.example.com"
    )


def resource(kind: str, name: str, **fields: Any) -> dict[str, Any]:
    return {"group": "apps", "version": "v1", "kind": kind, "namespace": "build-service", "name": name, **fields}


def detailed(row: Application, **data: Any) -> ApplicationDetail:
    """The Application's details, as read a minute ago."""
    told = {"namespace": "argocd", "name": row.name, "project": "default", "is_complete": True}
    return ApplicationDetail.objects.create(
        application=row,
        asked_at=ago(minutes=2),
        read_at=ago(minutes=1),
        data={"application": {**told, **data.pop("application", {})}, **data},
    )


def test_the_verdict_stands_first_in_one_sentence(viewer: Client) -> None:
    broken(NAME)
    html = html_of(viewer, URL)
    assert "2 Deployments exceed their progress deadline" in html.partition("<dl")[0]


def test_state_policy_and_place_are_told(viewer: Client) -> None:
    cluster_row("stone-prd-m01", tone="busy", reason="upgrade under way")
    source_row("kubernetes/stone-prd-m01")
    application_row(NAME, auto_sync=True, self_heal=True, auto_prune=True, health_message="all of it runs")
    html = html_of(viewer, URL)
    text = text_of(html)
    for told in ("Synced for 3 h", "Healthy for 3 h", "on, with self-heal, with prune", "all of it runs"):
        assert told in text
    assert "upgrade under way" in text
    assert 'href="/clusters/stone-prd-m01/"' in html


def test_conditions_are_shown_with_message_and_age(viewer: Client) -> None:
    told = {"type": "SyncError", "message": "one object failed to apply", "at": ago(minutes=33).isoformat()}
    application_row(NAME, conditions=[told], condition_types=" SyncError ")
    text = text_of(html_of(viewer, URL))
    assert "SyncError for 33 m one object failed to apply" in text


def test_the_operation_is_shown_with_results_the_failed_first(viewer: Client) -> None:
    operation = {
        "phase": "Failed",
        "message": "one or more objects failed to apply",
        "started_at": ago(minutes=35).isoformat(),
        "finished_at": ago(minutes=33).isoformat(),
        "retry_count": 5,
        "initiated_by": "remy",
        "infos": [["reason", "rollback"]],
        "revision": REVISION,
    }
    application = broken(NAME, operation=operation, operation_phase="Failed")
    detailed(
        application,
        operation_resources=[
            resource("ConfigMap", "settings", status="Synced", message="configured"),
            resource("Deployment", "manager", status="SyncFailed", message="field is immutable"),
        ],
    )
    text = text_of(html_of(viewer, URL))
    for told in ("Failed", "tried again 5 times", "by remy", "reason rollback", "one or more objects failed"):
        assert told in text
    assert text.index("field is immutable") < text.index("configured")


def test_resources_that_are_not_right_are_listed_and_the_rest_is_counted(viewer: Client) -> None:
    well = [resource("Service", f"svc-{n}", status="Synced", health_status="Healthy") for n in range(20)]
    odd = [
        resource("ConfigMap", "drifted", status="OutOfSync", requires_pruning=True),
        resource("Deployment", "manager", status="Synced", health_status="Degraded", health_message="no progress"),
    ]
    detailed(application_row(NAME), resources=[*well, *odd])
    text = text_of(html_of(viewer, URL))
    assert text.index("no progress") < text.index("drifted")
    assert "to be pruned" in text
    assert "22 resources, read 1 m ago" in text
    assert "svc-3" not in text


def test_history_is_folded_newest_first(viewer: Client) -> None:
    history = [
        {"id": n, "revision": f"{n}" * 40, "deployed_at": ago(days=9 - n).isoformat(), "initiated_by": f"person{n}"}
        for n in range(3)
    ]
    detailed(application_row(NAME), history=history, application={"source_count": 2})
    text = text_of(html_of(viewer, URL))
    assert "History: 3 deployments" in text
    assert text.index("person2") < text.index("person0")
    assert "2, of which the first is shown" in text


def commit_row(revision: str, message: str, repo: str = "", **fields: Any) -> Commit:
    """A commit that was read."""
    repo = repo or "https://github.com/redhat-appstudio/infra-deployments.git"
    defaults: dict[str, Any] = {"author": "Alex <alex@example.com>", "date": ago(hours=5), "read_at": ago(hours=1)}
    return Commit.objects.create(
        key=commit_key(repo, revision),
        repo_url=repo,
        revision=revision,
        message=message,
        wanted_at=ago(hours=2),
        **{**defaults, **fields},
    )


def test_history_tells_author_and_message_of_each_commit(viewer: Client) -> None:
    older = "b" * 40
    history = [{"id": n, "revision": each, "initiated_by": "remy"} for n, each in enumerate((older, REVISION))]
    detailed(application_row(NAME), history=history)
    commit_row(REVISION, "Raise the limits\n\nThe rest of it", tags=["v1.2"])
    html = html_of(viewer, URL)
    text = text_of(html).partition("History: 2 deployments")[2]
    assert "Alex &lt;alex@example.com&gt;" in text
    assert "Raise the limits v1.2" in text
    assert "The rest of it" not in text
    assert "not read" in text.partition("bbbbbbb")[2]
    assert f'/commit/{older}"' in html


def test_what_it_is_compared_with_tells_its_commit(viewer: Client) -> None:
    application_row(NAME)
    commit_row(REVISION, "Raise the limits", date=ago(days=3))
    text = text_of(html_of(viewer, URL)).partition("Compared with")[2]
    assert "Raise the limits Alex &lt;alex@example.com&gt; , 3 d ago" in text
    assert "Applications on the same commit" in text


@pytest.mark.parametrize(
    ("hours", "told"), [(1, "newer than here"), (9, "older than here"), (5, "differs"), (None, "differs")]
)
def test_another_revision_elsewhere_is_newer_or_older_where_that_is_known(
    viewer: Client, hours: int | None, told: str
) -> None:
    at = ago(hours=5)
    application_row(NAME)
    application_row("elsewhere", cluster="stone-prd-rh01", sync_revision="9" * 40)
    commit_row(REVISION, "Here", date=at)
    commit_row("9" * 40, "There", date=at if hours == 5 else ago(hours=hours) if hours else None)
    text = text_of(html_of(viewer, URL)).partition("The same component elsewhere")[2].partition("Where")[0]
    assert f"9999999 {told} There" in text


AROUND = {
    "nodes": [
        {
            "kind": "Pod",
            "namespace": "build-service",
            "name": "web-1-x",
            "health_status": "Degraded",
            "message": "Status Reason CrashLoopBackOff",
            "path": ["Deployment web", "ReplicaSet web-1"],
        }
    ],
    "node_count": 12,
    "unhealthy_count": 1,
    "events": [{"type": "Warning", "reason": "OperationCompleted", "message": "Sync failed", "count": 3}],
    "event_count": 80,
}


def test_the_unhealthy_below_it_and_its_events_are_shown_while_it_is_not_well(viewer: Client) -> None:
    application = broken(NAME)
    detail = detailed(application)
    detail.around, detail.around_read_at = AROUND, ago(minutes=2)
    detail.save()
    text = text_of(html_of(viewer, URL))
    assert "Deployment web › ReplicaSet web-1 › Pod web-1-x Degraded Status Reason CrashLoopBackOff" in text
    assert "1 of 12 live resources, read 2 m ago" in text
    assert "Warning OperationCompleted 3 Sync failed" in text
    assert "The first 1 of 80." in text
    Application.objects.update(tone="well", health_status="Healthy")
    assert "Unhealthy below it" not in text_of(html_of(viewer, f"{URL}?again=1"))


def test_what_could_not_be_read_around_it_says_why(viewer: Client) -> None:
    detail = detailed(broken(NAME))
    detail.around, detail.around_read_at = {"nodes_error": "refused (403)", "events_error": "timed out"}, ago(minutes=2)
    detail.save()
    text = text_of(html_of(viewer, URL))
    assert "Its live resources could not be read: refused (403)" in text
    assert "Its events could not be read: timed out" in text


def test_a_long_raw_error_is_a_sentence_first_and_in_full_in_a_fold(viewer: Client) -> None:
    raw = "rpc error: code = Unavailable desc = dial tcp 10.0.0.1:8081: connect: connection refused"
    condition = {"type": "ComparisonError", "message": f"{'Failed to load target state: ' * 6}{raw}", "at": None}
    application_row(NAME, tone="unknown", reason=f"Not known: comparison failed: {raw}", conditions=[condition])
    html = html_of(viewer, URL)
    text = text_of(html)
    assert "Not known: comparison failed: a server that it needs could not be reached In full" in text
    assert "A server that it needs could not be reached In full" in text
    assert text.count(raw) == 2
    assert '<details id="in-full"><summary' in html


def resources_told(client: Client) -> str:
    """What the page says of resources that are not right: its shape's tone, and the words."""
    panel = html_of(client, f"{URL}?again={database_now().timestamp()}").partition("Resources that are not right")[2]
    line = panel.partition("</p>")[0]
    return f"{re.findall('#tone-([a-z]+)', line)[0]}: {text_of(f'<main{line}')}"


def test_that_all_resources_are_right_is_green_only_while_that_was_read_lately_of_what_is_there(viewer: Client) -> None:
    row = application_row(NAME)
    detail = detailed(row, resources=[resource("Deployment", "web", status="Synced")], resource_count=601)
    assert resources_told(viewer).startswith("well")
    assert "None of 601." in resources_told(viewer)
    Application.objects.update(sync_since=ago(seconds=10))
    assert resources_told(viewer).startswith("unknown")
    Application.objects.update(sync_since=ago(hours=1))
    ApplicationDetail.objects.update(read_at=ago(minutes=11))
    assert "None of 601 when they were read, 11 m ago" in resources_told(viewer)
    assert resources_told(viewer).startswith("unknown")
    detail.save()
    assert resources_told(viewer).startswith("well")
    down(Source.objects.get())
    assert resources_told(viewer).startswith("unknown")


def test_no_resources_at_all_is_not_well(viewer: Client) -> None:
    detailed(application_row(NAME, sync_status="Unknown", tone="unknown"), resources=[])
    text = text_of(html_of(viewer, URL))
    assert "Argo CD tells of no resources: it could not compare them" in text
    assert "None of 0" not in text


def test_f26_its_own_links_are_links_only_where_they_are_safe(viewer: Client) -> None:
    """`link.argocd.argoproj.io/…` and Ingresses: an address, or "title|address"."""
    detailed(
        application_row(NAME),
        external_urls=[
            "https://build.example.com/",
            "Dashboard|https://grafana.example.com/d/1",
            "javascript:alert(1)",
            "Run me|JaVaScRiPt:alert(1)",
            "data:text/html,x",
            "//evil.example.com",
            "https://user@evil.example.com",
            "|",
            HOSTILE,
        ],
    )
    html = html_of(viewer, URL).partition("Its links")[2].partition("More")[0]
    assert re.findall(r'href="([^"]*)"', html) == ["https://build.example.com/", "https://grafana.example.com/d/1"]
    assert "<bdi>Dashboard</bdi>" in html
    assert "<bdi>Run me</bdi>" in html
    assert "<img" not in html


def test_it_leads_to_its_set_its_cluster_and_its_row_in_the_matrix(viewer: Client) -> None:
    cluster_row("stone-prd-m01")
    application_row(NAME, labels={"app": "build"})
    html = html_of(viewer, URL)
    for address in (
        "/apps/?environment=all&amp;set=build-service",
        "/apps/?environment=all&amp;cluster=stone-prd-m01",
        "/apps/matrix/?environment=all&amp;set=build-service",
        f"/apps/?environment=all&amp;revision={REVISION}",
    ):
        assert f'href="{address}"' in html
    assert "app = build" in text_of(html)


def test_f25_f28_hostile_commits_trees_and_events_are_only_text(viewer: Client) -> None:
    application = broken(NAME, labels={HOSTILE: RTL})
    detail = detailed(application, history=[{"id": 1, "revision": REVISION, "initiated_by": HOSTILE}])
    commit_row(REVISION, f"{HOSTILE}{RTL}", author=HOSTILE, tags=[HOSTILE, RTL])
    node = {"kind": HOSTILE, "namespace": RTL, "name": RTL, "health_status": HOSTILE, "path": [HOSTILE, RTL]}
    event = {"type": HOSTILE, "reason": RTL, "message": HOSTILE}
    detail.around = {"nodes": [node], "events": [event]}
    detail.save()
    html = html_of(viewer, URL).partition("<main")[2]
    assert "<img" not in html
    assert "\u202e" not in html
    assert "{{7919*7}}" in html


def test_opening_the_page_asks_for_details_and_polling_does_not(viewer: Client) -> None:
    application = application_row(NAME)
    viewer.get(URL, headers={"HX-Request": "true"})
    assert not ApplicationDetail.objects.exists()
    assert "Being read: they show here by themselves." in text_of(html_of(viewer, URL))
    asked = ApplicationDetail.objects.get(application=application).asked_at
    assert asked is not None
    html_of(viewer, URL)
    assert ApplicationDetail.objects.get(application=application).asked_at == asked


def test_details_that_could_not_be_read_say_why(viewer: Client) -> None:
    ApplicationDetail.objects.create(
        application=application_row(NAME), asked_at=ago(minutes=2), read_at=database_now(), error="refused us (403)"
    )
    text = text_of(html_of(viewer, URL))
    assert "Its details could not be read: refused us (403)" in text
    assert "Not read yet" not in text


def test_sync_windows_say_why_and_whether_a_sync_by_hand_is_allowed(viewer: Client) -> None:
    window = {"kind": "deny", "schedule": "0 0 * * *", "duration": "24h", "applications": ["*"], "description": "night"}
    Project.objects.create(instance="production", name="frozen", sync_windows=[window])
    application_row(NAME, project="frozen")
    text = text_of(html_of(viewer, URL))
    assert "closed" in text
    assert "a deny window is active (night)" in text
    assert "a sync by hand is not allowed either" in text


def test_the_page_is_made_anew_when_its_window_opens(viewer: Client) -> None:
    opens_at = window_row("nightly")
    application_row(NAME, project="nightly")
    html = html_of(viewer, URL)
    assert "opens in" in text_of(html)
    assert ends_of(html) == opens_at.timestamp()


def test_the_same_component_elsewhere_marks_another_revision(viewer: Client) -> None:
    application_row(NAME)
    application_row("build-service-stone-prd-rh01", cluster="stone-prd-rh01", sync_revision="9" * 40)
    application_row("build-service-staging", instance="staging", cluster="stone-stg-m01")
    application_row("unrelated", set_name="has")
    text = text_of(html_of(viewer, URL)).partition("The same component elsewhere")[2].partition("Where")[0]
    assert "build-service-stone-prd-rh01" in text
    assert "9999999 differs" in text
    assert text.count("differs") == 1
    assert "build-service-staging" in text
    assert "unrelated" not in text


def test_alerts_joined_to_it_or_on_its_namespace_are_shown(viewer: Client) -> None:
    application_row(NAME)
    episode_row("Joined", cluster="", application=f"production/argocd/{NAME}")
    episode_row("Near", cluster="stone-prd-m01", labels={"namespace": "build-service"})
    episode_row("OtherNamespace", cluster="stone-prd-m01", labels={"namespace": "has"})
    episode_row("OtherCluster", cluster="stone-prd-rh01", labels={"namespace": "build-service"})
    episode_row("Ended", cluster="stone-prd-m01", labels={"namespace": "build-service"}, ended_at=ago(minutes=1))
    text = text_of(html_of(viewer, URL))
    assert "Joined" in text
    assert "Near" in text
    for other in ("OtherNamespace", "OtherCluster", "Ended"):
        assert other not in text


def test_its_own_changes_are_shown(viewer: Client) -> None:
    application_row(NAME)
    change_row(NAME, field="sync", before="Synced", after="OutOfSync")
    change_row("another", field="sync", before="Synced", after="Unknown")
    text = text_of(html_of(viewer, URL)).partition("What changed")[2]
    assert "Synced → OutOfSync" in text
    assert "Synced → Unknown" not in text


def test_links_lead_to_argo_cd_and_git(viewer: Client) -> None:
    application_row(NAME)
    html = html_of(viewer, URL)
    assert f'href="https://argocd.example.com/applications/argocd/{NAME}"' in html
    repository = "https://github.com/redhat-appstudio/infra-deployments"
    assert f'href="{repository}/tree/main/components/build-service/production"' in html
    assert f'href="{repository}/commit/{REVISION}"' in html


@pytest.mark.parametrize("repo", ["javascript:alert(1)", "git@github.com:a/b.git", "oci://quay.io/x", "https://a@b/c"])
def test_f26_a_repository_without_a_web_address_is_text(viewer: Client, repo: str) -> None:
    application_row(NAME, repo_url=repo)
    html = html_of(viewer, URL)
    assert f'href="{repo}' not in html
    assert f"<bdi>{repo}</bdi>" in html
    assert ">Git<" not in html


@pytest.mark.parametrize(
    ("prepare", "told"),
    [
        (stale, "is stale: what it told is from 10 m ago"),
        (down, "is down: what it told is from 10 m ago ( could not be reached ); next try:"),
        (never, "was never reached"),
    ],
)
def test_a_doubtful_source_makes_it_not_known(
    viewer: Client, source: Source, prepare: Callable[[Source], Source], told: str
) -> None:
    prepare(source)
    application_row(NAME)
    html = html_of(viewer, URL)
    assert told in text_of(html)
    assert 'class="pill unknown"' in html
    assert "last known: Synced and Healthy" in text_of(html)


def test_what_the_stream_has_not_told_is_said_to_be_missing(viewer: Client) -> None:
    application_row(NAME, details_known=False, tone="unknown", reason="its conditions have not been read yet")
    assert "Its conditions are not known yet" in text_of(html_of(viewer, URL))


def test_f25_and_f28_hostile_text_is_only_text(viewer: Client) -> None:
    application = broken(
        NAME,
        reason=HOSTILE,
        health_message=RTL,
        conditions=[{"type": HOSTILE, "message": HOSTILE, "at": None}],
        destination_namespace=RTL,
        path=HOSTILE,
        target_revision="../../evil",
    )
    detailed(application, resources=[resource(HOSTILE, RTL, status=HOSTILE, health_message=HOSTILE)])
    html = html_of(viewer, URL).partition("<main")[2]
    assert "<img" not in html
    assert "\u202e" not in html
    assert "U+202E" in html
    assert "55433" not in text_of(f"<main{html}")


def test_f27_huge_texts_keep_the_page_bounded(viewer: Client) -> None:
    application = application_row(NAME, reason="r" * 1000, health_message="h" * 1000)
    huge = [resource("Deployment", f"d{n}", status="OutOfSync", health_message="m" * 1000) for n in range(500)]
    detailed(application, resources=huge)
    html = html_of(viewer, URL)
    assert len(html) < 300 * 1500 + 40_000
    assert "500 resources" in text_of(html)


def test_an_application_that_is_not_there_is_404(viewer: Client) -> None:
    assert viewer.get("/apps/production/argocd/none/").status_code == 404
    assert viewer.get("/apps/production/a%2Fb/none/").status_code == 404


def test_queries_are_constant_in_what_stands_around_it(viewer: Client) -> None:
    def fill(count: int, start: int) -> None:
        for number in range(start, start + count):
            application_row(f"sibling-{number}", cluster=f"m{number}", project=f"project{number}")
            episode_row(f"Alert{number}", labels={"namespace": "build-service"}, silenced_by=["x"])
            change_row(NAME, before=f"{number}")

    application_row(NAME)
    fill(10, 0)
    few = queries_of(viewer, URL)
    fill(290, 10)
    assert queries_of(viewer, URL) == few
    assert few <= 29


@pytest.mark.parametrize("role", list(Role))
def test_every_role_sees_it(signed_in: Callable[[Role], Client], role: Role) -> None:
    application_row(NAME)
    assert signed_in(role).get(URL).status_code == 200


def test_nobody_without_a_role_sees_it(nobody: Client, client: Client) -> None:
    application_row(NAME)
    assert nobody.get(URL).status_code == 403
    assert client.get(URL).status_code == 302
