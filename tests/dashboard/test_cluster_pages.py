"""The list of clusters, and the page of one."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from apps.accounts.models import Role
from apps.fleet.models import Cluster
from apps.gitops.models import Application, ClusterConnection
from apps.sources.fleetfile.current import fleet_file_look_again
from tests.pages import HOSTILE, RTL, ends_of, html_of, queries_of, text_of
from tests.rows import (
    ago,
    application_row,
    broken,
    change_row,
    cluster_row,
    down,
    episode_row,
    object_row,
    source_row,
    stale,
)

LIST = "/clusters/"
URL = "/clusters/stone-prd-m01/"
LOST = {"tone": "critical", "reason": "lost: connection refused"}


@pytest.fixture
def two_days(tmp_path: Path, settings: Settings) -> None:
    """A fleet file with a recovery-time objective of two days."""
    file = tmp_path / "fleet.yaml"
    file.write_text("portal: {recovery_time_objective: 2d}\n")
    settings.PORTAL_FLEET = str(file)
    fleet_file_look_again()


def read_cluster(name: str = "stone-prd-m01", **fields: Any) -> Cluster:
    """A cluster whose API was read just now."""
    source_row(f"kubernetes/{name}", title=f"Kubernetes API of {name}")
    return cluster_row(name, **fields)


def names_in(html: str) -> list[str]:
    """The names of the clusters in their order on the page."""
    return re.findall(r'<th scope="row" class="name">(?:<a [^>]*>)?<bdi>(.*?)</bdi>', html)


def condition(status: str, reason: str, message: str = "") -> dict[str, str | None]:
    return {"type": "Ready", "status": status, "reason": reason, "message": message, "at": ago(hours=4).isoformat()}


def test_clusters_stand_by_environment_and_role_in_the_fleet_files_order(viewer: Client) -> None:
    for position, (name, role, environment) in enumerate(
        [
            ("m2", "member", "staging"),
            ("m1", "member", "production"),
            ("h1", "host", "production"),
            ("c", "control-plane", "staging"),
        ]
    ):
        read_cluster(name, role=role, environment=environment, position=position)
    html = html_of(viewer, LIST)
    assert names_in(html) == ["c", "m2", "h1", "m1"]
    assert re.findall(r'scope="rowgroup" colspan="9">(\w+)<', html) == ["staging", "production"]


def test_a_row_tells_reach_version_alerts_and_applications(viewer: Client) -> None:
    source_row("argocd/production")
    source_row("alertmanager/appsre/0")
    read_cluster(update_progress="Working towards 4.16.5: 67%", ring=3)
    episode_row("One")
    episode_row("Two", tone="held", severity="info")
    broken("app-1")
    application_row("app-2")
    html = html_of(viewer, LIST)
    text = text_of(html)
    for told in ("12 ms", "4.16.4", "upgrade", "member ring 3", "1 of 2"):
        assert told in text
    assert "/alerts/?environment=all&amp;cluster=stone-prd-m01" in html
    assert "/apps/?environment=all&amp;cluster=stone-prd-m01" in html


@pytest.mark.parametrize("query", ["role=host", "environment=staging", "tone=warning", "q=FIND"])
def test_each_filter_leaves_what_fits(viewer: Client, query: str) -> None:
    read_cluster("left-out")
    read_cluster("find-me", role="host", environment="staging", tone="warning", reason="a node is not ready")
    assert names_in(html_of(viewer, f"{LIST}?{query}")) == ["find-me"]


@pytest.mark.parametrize(
    ("sort", "expected"), [("name", ["a", "b", "c"]), ("-name", ["c", "b", "a"]), ("tone", ["b", "c", "a"])]
)
def test_it_sorts(viewer: Client, sort: str, expected: list[str]) -> None:
    read_cluster("c", tone="warning")
    read_cluster("a")
    read_cluster("b", tone="critical")
    assert names_in(html_of(viewer, f"{LIST}?sort={sort}")) == list(expected)


@pytest.mark.parametrize("query", ["role=queen", "tone=pink", "sort=x", "page=99", "page=x", "environment=nowhere"])
def test_a_bad_filter_is_told_and_the_rest_is_shown(viewer: Client, query: str) -> None:
    read_cluster("here")
    html = html_of(viewer, f"{LIST}?{query}")
    assert 'class="problems"' in html
    assert names_in(html) == ["here"]


def test_without_clusters_nothing_is_known(viewer: Client) -> None:
    assert "No cluster is known yet" in text_of(html_of(viewer, LIST))


def test_filters_that_fit_nothing_say_so(viewer: Client) -> None:
    read_cluster("here")
    assert "No clusters fit these filters." in text_of(html_of(viewer, f"{LIST}?q=zzz"))


def test_archived_clusters_are_not_listed_and_their_page_says_so(viewer: Client) -> None:
    read_cluster("gone", is_archived=True)
    assert names_in(html_of(viewer, LIST)) == []
    html = html_of(viewer, "/clusters/gone/")
    assert "The fleet file does not name this cluster any more" in text_of(html)
    assert 'class="pill well"' not in html


def test_a_lost_cluster_shows_its_clock(viewer: Client, two_days: None) -> None:
    down(source_row("kubernetes/stone-prd-m01"))
    cluster_row(lost_since=ago(minutes=9), unreached_since=ago(minutes=12), reached_at=ago(minutes=12), **LOST)
    object_row("stone-prd-m01", "Node", "ip-1")
    text = text_of(html_of(viewer, URL))
    assert "Lost for 12 m" in text
    assert "To be restored within 47 h 50 m" in text
    assert "What follows is from 10 m ago" in text
    assert "Was right" in text
    assert "All right" not in text
    assert "RTO 47 h 50 m left" in text_of(html_of(viewer, LIST))


def test_of_a_lost_cluster_what_is_not_known_for_that_alone_is_one_line(viewer: Client, two_days: None) -> None:
    down(source_row("kubernetes/stone-prd-m01"))
    source_row("argocd/production")
    cluster_row(lost_since=ago(minutes=9), unreached_since=ago(minutes=12), reached_at=ago(minutes=12), **LOST)
    broken("degraded")
    for name in ("fine-1", "fine-2"):
        application_row(name)
    panel = text_of(html_of(viewer, URL)).partition("Applications: 3 of 3 need somebody")[2]
    assert "degraded" in panel
    assert "2 more are not known since it was lost" in panel
    assert "fine-1" not in panel
    Application.objects.filter(name="degraded").delete()
    panel = text_of(html_of(viewer, URL)).partition("Applications: 2 of 2 need somebody")[2]
    assert panel.lstrip().startswith("not known 2 are not known since it was lost") or panel.lstrip().startswith(
        "2 are"
    )
    assert "None needs anybody" not in panel


def test_a_missed_objective_says_so(viewer: Client, two_days: None) -> None:
    cluster_row(lost_since=ago(days=3), unreached_since=ago(days=3), **LOST)
    assert "The recovery-time objective was missed 24 h ago." in text_of(html_of(viewer, URL))


@pytest.mark.parametrize("page", [URL, LIST, "/", "/wall/"])
def test_every_page_that_counts_down_to_the_objective_is_made_anew_when_it_is_missed(
    viewer: Client, two_days: None, page: str
) -> None:
    lost_since = ago(days=2) + timedelta(minutes=5)
    cluster_row(lost_since=lost_since, **LOST)
    assert ends_of(html_of(viewer, page)) == pytest.approx((lost_since + timedelta(days=2)).timestamp(), abs=0.01)


def test_without_an_objective_no_clock_is_invented(viewer: Client, settings: Settings) -> None:
    settings.PORTAL_FLEET = ""
    cluster_row(lost_since=ago(minutes=9), unreached_since=ago(minutes=12), **LOST)
    assert "To be restored" not in text_of(html_of(viewer, URL))


def test_what_it_may_not_read_and_what_is_not_installed_are_said_plainly(viewer: Client) -> None:
    read_cluster(not_allowed=["MachineConfigPool"], not_installed=["ManagedCluster"])
    text = text_of(html_of(viewer, URL))
    assert "our account may not read MachineConfigPool" in text
    assert "Not installed ManagedCluster" in text


def test_a_cluster_that_refuses_us_says_why_and_is_not_lost(viewer: Client) -> None:
    read_cluster(cannot_read="its certificate is not trusted", tone="unknown", reason="cannot be read: certificate")
    text = text_of(html_of(viewer, URL))
    assert "cannot be read" in text
    assert "its certificate is not trusted" in text
    assert "Lost for" not in text


def test_a_cluster_without_credentials_says_so(viewer: Client) -> None:
    cluster_row(has_credentials=False, reached_at=None, tone="held", reason="Argo CD reaches it", latency=None)
    text = text_of(html_of(viewer, URL))
    assert "The fleet file gives no credentials" in text
    assert "Nothing inside it is known: the fleet file gives no credentials for its API." in text


def test_things_that_are_not_right_come_first_and_the_rest_is_folded(viewer: Client) -> None:
    read_cluster(tone="warning", reason="a node is not ready")
    for number in range(5):
        object_row("stone-prd-m01", "Node", f"ip-{number}", data={"roles": ["worker"]})
    object_row("stone-prd-m01", "Node", "ip-cordoned", tone="held", status="Ready", reason="cordoned")
    object_row(
        "stone-prd-m01", "Node", "ip-bad", tone="warning", status="NotReady", reason="not ready: kubelet stopped"
    )
    object_row("stone-prd-m01", "ClusterOperator", "dns", status="Available", data={"version": "4.16.4"})
    text = text_of(html_of(viewer, URL))
    assert "Nodes: 2 of 7 not right" in text
    assert text.index("ip-bad") < text.index("ip-cordoned") < text.index("5 right")
    assert "kubelet stopped" in text
    assert "Cluster operators: 1" in text


def test_an_upgrade_tells_where_it_goes_and_how_far_it_is(viewer: Client) -> None:
    read_cluster(tone="busy", update_progress="Working towards 4.16.5: 67%")
    data = {"version": "4.16.4", "desired": "4.16.5", "available_updates": ["4.16.6"]}
    object_row("stone-prd-m01", "ClusterVersion", "version", tone="busy", status="Progressing", reason="67%", data=data)
    text = text_of(html_of(viewer, URL))
    assert "4.16.4 → 4.16.5" in text
    assert "Working towards 4.16.5: 67%" in text
    assert "1 update available" in text


def pair() -> None:
    """A member and its host, each with its own view; the host names the member as the Toolchain does."""
    read_cluster("host1", role="host")
    read_cluster("stone-prd-m01", host="host1")
    parts = {
        "member member-stone-prd-m01": [condition("False", "ToolchainClusterNotReady", "the host cannot reach it")]
    }
    object_row(
        "host1", "ToolchainStatus", "s", data={"conditions": [condition("False", "ComponentsNotReady")], "parts": parts}
    )
    object_row(
        "host1", "ToolchainCluster", "member-stone-prd-m01", tone="warning", status="NotReady", reason="not ready"
    )
    capacity = {"toolchain_cluster": "member-stone-prd-m01", "space_count": 740, "memory_usage": {"worker": 71}}
    object_row("host1", "SpaceProvisionerConfig", "config", data=capacity)
    object_row("stone-prd-m01", "MemberStatus", "m", data={"conditions": [condition("True", "AllComponentsReady")]})


def test_the_hosts_view_of_a_member_stands_beside_the_members_own(viewer: Client) -> None:
    pair()
    for url in (URL, "/clusters/host1/"):
        text = text_of(html_of(viewer, url))
        of_host, of_member = text.partition("What the host says of it")[2].split("What the member says")[:2]
        assert "the host cannot reach it" in of_host
        assert "740 there" in of_host
        assert "memory of worker nodes 71 %" in of_host
        assert "AllComponentsReady" in of_member
        assert "the host cannot reach it" not in of_member


def test_what_a_lost_member_said_of_itself_is_not_shown_as_well(viewer: Client) -> None:
    pair()
    Cluster.objects.filter(name="stone-prd-m01").update(
        lost_since=ago(minutes=9), unreached_since=ago(minutes=12), **LOST
    )
    of_member = html_of(viewer, URL).partition("What the member says")[2].partition("</section>")[0]
    assert "tone-well" not in of_member
    assert "Not fresh" in of_member


def test_a_member_without_a_host_shows_its_own_conditions(viewer: Client) -> None:
    read_cluster()
    object_row("stone-prd-m01", "MemberStatus", "m", data={"conditions": [condition("True", "AllComponentsReady")]})
    text = text_of(html_of(viewer, URL))
    assert "Member conditions: 1" in text
    assert "AllComponentsReady" in text


@pytest.mark.parametrize(
    ("status", "tone"), [("Successful", "well"), ("Failed", "warning"), ("Unknown", "unknown"), ("Odd", "unknown")]
)
def test_argo_cds_connection_is_shown_with_its_message(viewer: Client, status: str, tone: str) -> None:
    read_cluster()
    source_row("argocd-inventory/production")
    ClusterConnection.objects.create(
        instance="production", server="https://x", cluster="stone-prd-m01", status=status, message="dial tcp: refused"
    )
    part = html_of(viewer, URL).partition("Argo CD's connection")[2].partition("</section>")[0]
    assert f"tone-{tone}" in part
    assert "dial tcp: refused" in part


def test_a_stale_success_of_argo_cd_is_not_well(viewer: Client) -> None:
    read_cluster()
    stale(source_row("argocd-inventory/production"))
    ClusterConnection.objects.create(
        instance="production", server="https://x", cluster="stone-prd-m01", status="Successful"
    )
    part = html_of(viewer, URL).partition("Argo CD's connection")[2].partition("</section>")[0]
    assert "tone-well" not in part


def test_alerts_applications_and_changes_stand_beside(viewer: Client) -> None:
    read_cluster()
    source_row("argocd/production")
    source_row("alertmanager/appsre/0")
    episode_row("HighErrorRate")
    broken("degraded")
    application_row("fine")
    change_row("stone-prd-m01", kind="cluster", subject="stone-prd-m01", field="reachable", after="lost")
    text = text_of(html_of(viewer, URL))
    for told in ("HighErrorRate", "degraded", "Applications: 1 of 2 need somebody", "See all 2", "lost"):
        assert told in text
    assert "fine" not in text.partition("Applications: 1")[2]


def test_no_alerts_are_good_news_only_when_alertmanagers_are_fresh(viewer: Client) -> None:
    read_cluster()
    assert "None that the portal knows; not every Alertmanager" in text_of(html_of(viewer, URL))
    source = source_row("alertmanager/appsre/0")
    assert "Alerts None." in text_of(html_of(viewer, URL))
    stale(source)
    assert "None that the portal knows; not every Alertmanager" in text_of(html_of(viewer, URL))


def test_a_stale_cluster_is_not_known_without_a_write(viewer: Client) -> None:
    stale(source_row("kubernetes/stone-prd-m01", title="Kubernetes API of stone-prd-m01"))
    cluster_row(reached_at=ago(minutes=10))
    object_row("stone-prd-m01", "Node", "ip-1")
    for url in (LIST, URL):
        html = html_of(viewer, url).partition("<main")[2]
        assert "Not known: Kubernetes API of stone-prd-m01 is stale" in text_of(f"<main{html}")
        assert "tone-well" not in html.partition("Argo CD's connection")[0]


def test_f25_and_f28_hostile_text_is_only_text(viewer: Client) -> None:
    read_cluster(
        reason=HOSTILE, tone="warning", update_progress=RTL, console="javascript:alert(1)", not_installed=[HOSTILE]
    )
    object_row("stone-prd-m01", "Node", HOSTILE, tone="warning", status=HOSTILE, reason=RTL)
    object_row("stone-prd-m01", "MemberStatus", "m", data={"conditions": [condition(HOSTILE, HOSTILE, RTL)]})
    for url in (LIST, URL):
        html = html_of(viewer, url).partition("<main")[2]
        assert "<img" not in html
        assert "javascript:" not in html
    assert "U+202E" in html


def test_a_cluster_that_is_not_known_is_404(viewer: Client) -> None:
    assert viewer.get("/clusters/none/").status_code == 404


def test_queries_are_constant_in_the_size_of_the_fleet(viewer: Client) -> None:
    def fill(count: int, start: int) -> None:
        for number in range(start, start + count):
            read_cluster(f"m{number}", host="host1")
            object_row(f"m{number}", "Node", "ip-1", tone="warning")
            object_row("host1", "Node", f"ip-{number}", tone="warning")
            object_row("host1", "ToolchainCluster", f"member-m{number}")
            episode_row(f"Alert{number}", cluster="host1")
            broken(f"app{number}", cluster="host1", project=f"p{number}")
            change_row(f"change{number}", cluster="host1")

    read_cluster("host1", role="host")
    fill(10, 0)
    few = [queries_of(viewer, url) for url in (f"{LIST}?environment=all", "/clusters/host1/")]
    fill(90, 10)
    assert [queries_of(viewer, url) for url in (f"{LIST}?environment=all", "/clusters/host1/")] == few
    assert max(few) <= 35


@pytest.mark.parametrize("role", list(Role))
def test_every_role_sees_them(signed_in: Callable[[Role], Client], role: Role) -> None:
    read_cluster()
    client = signed_in(role)
    assert client.get(LIST).status_code == client.get(URL).status_code == 200


def test_nobody_without_a_role_sees_them(nobody: Client, client: Client) -> None:
    read_cluster()
    assert nobody.get(URL).status_code == nobody.get(LIST).status_code == 403
    assert client.get(URL).status_code == client.get(LIST).status_code == 302


def test_the_clock_counts_from_when_it_was_lost(viewer: Client, two_days: None) -> None:
    lost_since = ago(hours=1)
    cluster_row(lost_since=lost_since, unreached_since=ago(hours=2), **LOST)
    by = lost_since + timedelta(days=2)
    assert f"by {by.day} {by:%b, %H:%M} UTC" in text_of(html_of(viewer, URL))


def test_the_last_answer_is_the_sources_since_an_unchanged_row_is_not_written(viewer: Client) -> None:
    read_cluster(reached_at=ago(hours=5))
    assert re.search(r"last answer \d s ago", text_of(html_of(viewer, URL)))


def test_a_hosts_conditions_that_are_not_right_stand_apart(viewer: Client) -> None:
    read_cluster(role="host")
    parts = {"hostOperator": [condition("True", "DeploymentReady")]}
    summary = {"conditions": [condition("False", "ComponentsNotReady", "[members]")], "parts": parts}
    object_row("stone-prd-m01", "ToolchainStatus", "s", data=summary)
    text = text_of(html_of(viewer, URL))
    assert "Host conditions: 1 not right" in text
    assert text.index("ComponentsNotReady") < text.index("All right") < text.index("hostOperator")


def node(name: str, role: str = "worker", **fields: Any) -> None:
    """A node of 16 cores, of which pods may use 15.5."""
    data = {"roles": [role], "cpu": 15.5, "memory": 62 * 1024**3, "pods": 250, **fields.pop("data", {})}
    object_row("stone-prd-m01", "Node", name, data=data, **fields)


def test_capacity_is_what_nodes_that_take_pods_offer(viewer: Client) -> None:
    read_cluster()
    for name in ("w1", "w2"):
        node(name)
    node("w3", data={"is_cordoned": True}, tone="held", reason="cordoned")
    node("w4", status="NotReady", tone="warning", reason="not ready")
    node("m1", role="master")
    usage = {"memory_usage": {"worker": 88}}
    object_row("stone-prd-m01", "MemberStatus", "toolchain-member-status", data=usage)
    told = text_of(html_of(viewer, URL))
    assert "worker 2 of 4 nodes take pods · 31 cores · 124 GiB · 500 pods · memory 88 % in use" in told
    assert "master 1 of 1 nodes take pods · 15.5 cores · 62 GiB · 250 pods" in told


def test_a_node_that_tells_nothing_leaves_capacity_not_told(viewer: Client) -> None:
    read_cluster()
    node("w1")
    node("w2", data={"cpu": None, "memory": None, "pods": None})
    assert "worker 2 of 2 nodes take pods · what they offer is not told" in text_of(html_of(viewer, URL))


def test_capacity_of_a_cluster_that_is_not_reached_is_called_old(viewer: Client) -> None:
    read_cluster(unreached_since=ago(minutes=5), lost_since=ago(minutes=3), **LOST)
    node("w1")
    assert "Capacity as it was" in text_of(html_of(viewer, URL))


def test_the_list_is_a_file_too_with_the_same_filter(viewer: Client) -> None:
    read_cluster("m1")
    read_cluster("m2", unreached_since=ago(minutes=5), lost_since=ago(minutes=3), **LOST)
    told = viewer.get(f"{LIST}?tone=critical&format=json").json()["rows"]
    assert [(row["name"], row["state"], row["reachable"]) for row in told] == [("m2", "critical", "lost")]
    assert told[0]["link"] == "http://testserver/clusters/m2/"
    assert viewer.get(f"{LIST}?format=csv").content.decode().count("\r\n") == 3
