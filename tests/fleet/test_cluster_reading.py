"""Reading clusters over the wire: rows, transitions, reachability (F1, F7, F8, F11, F12, F16 to F18, F32, F55, F56)."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.core.clock import database_now
from apps.core.models import Lease
from apps.core.tones import Tone
from apps.core.topics import version_of, versions_of
from apps.fleet.models import Cluster, ClusterObject
from apps.fleet.services import cluster_told_by_argocd, clusters_align, clusters_judge_lost
from apps.fleet.standing import LATENCIES
from apps.fleet.tasks import read_cluster
from apps.sources.fleetfile.schema import LostAfter
from apps.sources.models import Source
from apps.timeline.models import Transition
from tests.fleet.api_server import CONTROL, HOST, MEMBER_M01, MEMBER_RH01, PATHS, ApiServer, refused
from tests.fleet_in_force import FleetFileOfTest
from tests.integrations.wire_server import Asked, Script, WireServer, head, reply

pytestmark = pytest.mark.database

NAME = "stone-prd-host1"
KEY = f"kubernetes/{NAME}"
LOST_AFTER = LostAfter(failures=3, within=timedelta(minutes=2))

Serve = Callable[..., WireServer]


@pytest.fixture(autouse=True)
def token(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("CLUSTER_TOKEN", "a-token-that-nobody-may-see")
    return "a-token-that-nobody-may-see"


class Fleet:
    """One cluster with an API server of the test's, and another source that can answer."""

    def __init__(self, fleet_file: FleetFileOfTest, serve: Serve) -> None:
        self._fleet_file = fleet_file
        self._serve = serve
        self.api = ApiServer(HOST)

    def start(self, recordings: dict[str, str], *, role: str = "host", more: str = "") -> None:
        self.api = ApiServer(recordings)
        self.server = self._serve(self.api, keeps_alive=True)
        self.put(self.server.url, role=role, more=more)

    def put(self, url: str, *, role: str = "host", more: str = "", deadline: str = "2s") -> None:
        self._fleet_file.put(
            f"""
environments: [{{name: production}}]
clusters:
  - name: {NAME}
    role: {role}
    environment: production
    kubernetes: {{server: '{url}', token: env:CLUSTER_TOKEN, deadline: {deadline}, connect_timeout: 1s}}
    {more}
prometheuses: [{{name: prom, url: 'http://127.0.0.1:9'}}]
"""
        )

    def read(self) -> Cluster:
        """One read, whatever back-off there was."""
        Source.objects.update(not_before=None)
        read_cluster(KEY)
        return Cluster.objects.get(name=NAME)


@pytest.fixture
def fleet(fleet_file: FleetFileOfTest, serve: Serve) -> Fleet:
    return Fleet(fleet_file, serve)


def rows(kind: str) -> dict[str, tuple[str, str]]:
    """name → (tone, status) of a kind."""
    listed = ClusterObject.objects.filter(kind=kind).values_list("name", "tone", "status")
    return {name: (tone, status) for name, tone, status in listed}


def lines(**conditions: object) -> list[tuple[str, str, str]]:
    found = Transition.objects.told().filter(kind="cluster", **conditions).order_by("pk")
    return list(found.values_list("field", "before", "after"))


def source() -> Source:
    return Source.objects.get(key=KEY)


def test_a_host_is_read_with_its_toolchain(fleet: Fleet) -> None:
    fleet.start(HOST)
    cluster = fleet.read()
    assert set(rows("Node").values()) == {("well", "Ready")}
    assert rows("ToolchainStatus") == {"toolchain-status": ("warning", "NotReady")}
    assert {name for name, _ in ClusterObject.objects.filter(kind="SpaceProvisionerConfig").values_list("name", "pk")}
    assert (cluster.tone, cluster.kubernetes_version) == ("warning", "v1.34.4")
    assert "components not ready: [members]" in cluster.reason
    assert cluster.openshift_version.startswith("4.")
    assert cluster.reached_at is not None
    assert (source().items, source().error) == (ClusterObject.objects.count(), "")
    assert not lines(), "the first sight of a cluster is no news"


def test_a_member_whose_upgrade_is_under_way_is_read(fleet: Fleet) -> None:
    fleet.start(MEMBER_M01, role="member")
    cluster = fleet.read()
    assert "Working towards" in cluster.update_progress
    tones = {tone for tone, _ in rows("Node").values()}
    assert tones == {"well", "held", "warning"}, "one is cordoned, one under memory pressure"
    assert rows("ClusterVersion")["version"] == ("busy", "Progressing")
    assert "MemberStatus" in set(ClusterObject.objects.values_list("kind", flat=True))


def test_a_node_that_stopped_posting_and_a_degraded_operator_are_warnings(fleet: Fleet) -> None:
    fleet.start(MEMBER_RH01, role="member")
    cluster = fleet.read()
    assert ("warning", "NotReady") in rows("Node").values()
    assert rows("ClusterOperator")["ingress"][0] == "warning"
    assert cluster.tone == "warning"
    assert "Node " in cluster.reason


def test_a_cluster_is_as_it_is_since_the_first_of_its_parts_became_so(fleet: Fleet) -> None:
    fleet.start(MEMBER_RH01, role="member")
    cluster = fleet.read()
    sinces = ClusterObject.objects.filter(tone=cluster.tone).order_by("since").values_list("since", flat=True)
    assert cluster.tone_since == sinces.first()
    assert cluster.tone_since < database_now() - timedelta(hours=1)


def test_a_control_plane_tells_of_argo_cds_operator_and_of_the_hub(fleet: Fleet) -> None:
    operator = "argocd_operator: {namespace: argocd, subscription: openshift-operators/openshift-gitops-operator}"
    fleet.start(CONTROL, role="control-plane", more=operator)
    fleet.read()
    assert rows("Subscription") == {"openshift-operators/openshift-gitops-operator": ("held", "UpgradePending")}
    assert len(rows("ClusterServiceVersion")) == 1
    assert [name.partition("/")[0] for name in rows("ArgoCD")] == ["argocd"] * len(rows("ArgoCD"))
    assert {tone for tone, _ in rows("ManagedCluster").values()} == {"well", "unknown", "busy", "held", "warning"}


def test_a_subscription_that_is_not_there_is_not_known(fleet: Fleet) -> None:
    fleet.start(
        CONTROL, role="control-plane", more="argocd_operator: {namespace: argocd, subscription: openshift-operators/x}"
    )
    fleet.read()
    assert rows("Subscription") == {"openshift-operators/x": ("unknown", "Missing")}


def test_types_that_are_not_installed_are_no_error(fleet: Fleet) -> None:
    fleet.start({"nodes": "nodes_host"}, role="member")
    cluster = fleet.read()
    assert cluster.not_installed == [
        "ClusterOperator",
        "ClusterVersion",
        "MachineConfigPool",
        "MemberStatus",
        "ToolchainCluster",
    ]
    assert (cluster.tone, cluster.not_allowed, source().error) == ("well", [], "")


def test_one_type_that_our_account_may_not_read_costs_only_itself_and_the_well(fleet: Fleet) -> None:
    fleet.start({"nodes": "nodes_host"}, role="member")
    fleet.api.scripts["clusteroperators"] = refused(403, "forbidden")
    cluster = fleet.read()
    assert cluster.not_allowed == ["ClusterOperator"]
    assert (cluster.tone, cluster.reason) == ("unknown", "our account may not read ClusterOperator")
    assert rows("Node")
    assert source().note == "our account may not read ClusterOperator"


def test_a_type_that_is_not_installed_is_no_lack_of_rights_where_the_server_refuses_all_that_is_not_allowed(
    fleet: Fleet,
) -> None:
    """The API server asks for rights before it looks for a route: 403 for a type that there is not."""
    fleet.start({"nodes": "nodes_host"}, role="member")
    answer = fleet.api.script_for

    def without_routes(asked: Asked) -> Script:
        is_discovery = asked.path.count("/") == 3
        script = answer(asked)
        missing = asked.path.startswith("/apis/") and asked.path not in {PATHS[name] for name in fleet.api.told}
        return refused(403, "forbidden") if missing and not is_discovery else script

    fleet.api.script_for = without_routes  # type: ignore[method-assign]
    cluster = fleet.read()
    assert (cluster.tone, cluster.not_allowed, source().error) == ("well", [], "")
    assert set(cluster.not_installed) >= {"ClusterOperator", "ClusterVersion", "MachineConfigPool"}


def test_rows_of_a_type_whose_right_was_taken_away_stay(fleet: Fleet) -> None:
    fleet.start(HOST)
    fleet.read()
    operators = rows("ClusterOperator")
    fleet.api.scripts["clusteroperators"] = refused(403, "forbidden")
    fleet.read()
    assert rows("ClusterOperator") == operators


def test_an_unchanged_cluster_writes_no_entity_row(fleet: Fleet) -> None:
    fleet.start(HOST)
    fleet.read()
    for item in fleet.api.told["nodes"]["items"]:
        item["metadata"]["resourceVersion"] = "999999"
        for condition in item["status"]["conditions"]:
            condition["lastHeartbeatTime"] = "2026-11-24T13:00:00Z"
    before = version_of(["clusters", f"cluster:{NAME}"])
    with CaptureQueriesContext(connection) as queries:
        fleet.read()
    written = [query["sql"] for query in queries if query["sql"].startswith(("UPDATE", "INSERT", "DELETE"))]
    assert not [sql for sql in written if "fleet_" in sql or "timeline_" in sql]
    assert version_of(["clusters", f"cluster:{NAME}"]) == before


def test_a_latency_alone_is_told_to_the_pages_that_show_it(fleet: Fleet) -> None:
    fleet.start(HOST)
    fleet.read()
    topics = ["clusters", LATENCIES, f"cluster:{NAME}"]
    Cluster.objects.update(latency=9.0)
    before = versions_of(topics)
    fleet.read()
    assert {name for name, version in versions_of(topics).items() if version != before[name]} == {*topics[1:]}
    Cluster.objects.update(latency=9.0, tone=Tone.CRITICAL)
    before = versions_of(topics)
    fleet.read()
    assert {name for name, version in versions_of(topics).items() if version != before[name]} == {topics[0], topics[2]}


def test_what_changed_is_written_alone_with_its_line(fleet: Fleet) -> None:
    fleet.start(HOST)
    fleet.read()
    name = fleet.api.item("nodes")["metadata"]["name"]
    fleet.api.condition(
        "nodes", 0, "Ready", status="False", message="PLEG is not healthy", lastTransitionTime="2026-11-24T12:30:00Z"
    )
    with CaptureQueriesContext(connection) as queries:
        fleet.read()
    updates = [query["sql"] for query in queries if query["sql"].startswith('UPDATE "fleet_clusterobject"')]
    assert len(updates) == 1
    row = ClusterObject.objects.get(kind="Node", name=name)
    assert (row.tone, row.reason) == ("warning", "not ready: PLEG is not healthy")
    assert row.since is not None
    assert row.since.isoformat() == "2026-11-24T12:30:00+00:00"
    assert lines() == [(f"node/{name}", "Ready", "NotReady: not ready: PLEG is not healthy")]
    line = Transition.objects.told().get(kind="cluster")
    assert (line.at, line.tone, line.cluster, line.link) == (row.since, "warning", NAME, f"/clusters/{NAME}/")


def test_all_nodes_not_ready_is_critical(fleet: Fleet) -> None:
    fleet.start(HOST)
    for index in range(len(fleet.api.told["nodes"]["items"])):
        fleet.api.condition("nodes", index, "Ready", status="Unknown")
    assert fleet.read().tone == "critical"


def test_a_change_of_its_verdict_leaves_a_line_for_figures_that_no_list_shows(fleet: Fleet) -> None:
    fleet.start(HOST)
    fleet.read()
    for index in range(len(fleet.api.told["nodes"]["items"])):
        fleet.api.condition("nodes", index, "Ready", status="Unknown")
    cluster = fleet.read()
    fleet.read()
    first, second = Transition.objects.filter(kind="cluster", field="tone").order_by("pk")
    assert (first.before, first.after.partition(": ")[0]) == ("unknown", "warning")
    assert (second.before, second.after) == ("warning", f"critical: {cluster.reason}")
    assert second.at == cluster.tone_since
    assert (second.cluster, second.source) == (NAME, KEY)


def test_a_node_that_is_gone_is_removed_and_a_new_one_is_told(fleet: Fleet) -> None:
    fleet.start(HOST)
    fleet.read()
    gone = fleet.api.told["nodes"]["items"].pop()["metadata"]["name"]
    fleet.read()
    assert gone not in rows("Node")
    assert lines() == [(f"node/{gone}", "Ready", "removed")]


def test_an_upgrade_that_ended_is_one_line(fleet: Fleet) -> None:
    fleet.start(HOST)
    was = fleet.read().openshift_version
    version = fleet.api.told["clusterversion"]["status"]
    version["history"].insert(0, {**version["history"][0], "version": "4.99.1"})
    version["desired"]["version"] = "4.99.1"
    fleet.read()
    assert ("version", was, "4.99.1") in lines()


def test_f17_f18_one_unreadable_node_costs_itself_and_is_not_removed(fleet: Fleet) -> None:
    """F17 and F18: an item whose field has another type."""
    fleet.start(HOST)
    fleet.read()
    nodes = rows("Node")
    fleet.api.item("nodes")["status"]["conditions"] = "none"
    fleet.read()
    assert rows("Node") == nodes
    assert source().unreadable == 1
    assert source().unreadable_reason.startswith("Node ")


def test_f16_a_status_that_nobody_knows_is_not_well(fleet: Fleet) -> None:
    fleet.start(HOST)
    fleet.api.condition("clusteroperators", 0, "Available", status="Perhaps")
    fleet.read()
    assert rows("ClusterOperator")[fleet.api.item("clusteroperators")["metadata"]["name"]] == ("unknown", "Unknown")


def test_f1_a_cluster_that_refuses_connections_is_unknown_and_keeps_what_it_told(fleet: Fleet) -> None:
    fleet.start(HOST)
    fleet.read()
    before = ClusterObject.objects.count()
    fleet.server.stop()
    cluster = fleet.read()
    assert cluster.tone == "unknown"
    assert cluster.reason.startswith("cannot be reached: ")
    assert (cluster.unreached_since is not None, cluster.lost_since) == (True, None)
    assert ClusterObject.objects.count() == before
    assert lines()[0][:2] == ("reachable", "reached")
    since = cluster.unreached_since
    assert fleet.read().unreached_since == since
    assert len(lines()) == 1, "it is told once"


@pytest.mark.parametrize(
    ("script", "words"),
    [
        pytest.param(refused(401, "unauthorized"), "credentials", id="F7 401"),
        pytest.param(refused(403, "anonymous"), "credentials", id="F7 403"),
    ],
)
def test_f7_a_cluster_that_refuses_us_cannot_be_read_and_is_not_lost(
    fleet: Fleet, script: Script, words: str, token: str, caplog: pytest.LogCaptureFixture
) -> None:
    fleet.start(HOST)
    fleet.read()
    fleet.api.scripts["all"] = script
    cluster = fleet.read()
    assert (cluster.tone, cluster.unreached_since, cluster.lost_since) == ("unknown", None, None)
    assert cluster.reason.startswith("cannot be read: ")
    assert source().error_kind == words
    assert token not in caplog.text + cluster.reason + source().error
    assert lines()[0][0] == "reachable"
    assert rows("Node")


def test_a_token_without_any_right_cannot_read_even_where_readyz_is_open(fleet: Fleet) -> None:
    fleet.start(HOST)
    fleet.api.scripts["all"] = refused(401, "unauthorized")
    answers = fleet.api.script_for
    fleet.api.script_for = lambda asked: (  # type: ignore[method-assign]
        reply("ok", Content_Type="text/plain") if asked.path == "/readyz" else answers(asked)
    )
    assert fleet.read().cannot_read


def test_f8_a_cluster_that_asks_us_to_wait_is_not_unreached(fleet: Fleet) -> None:
    fleet.start(HOST)
    fleet.read()
    fleet.api.scripts["readyz"] = reply("{}", status=429, Retry_After="120")
    cluster = fleet.read()
    assert (cluster.unreached_since, source().failures, source().error_kind) == (None, 0, "throttled")


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(reply("<html>Sign in</html>", Content_Type="text/html"), id="F11 sign-in page"),
        pytest.param(reply('{"items": [{"metadata": {"na', Content_Type="application/json"), id="F12 cut JSON"),
        pytest.param(lambda peer, asked: peer.send(head(Content_Length="9999"), '{"items": ['), id="F12 cut body"),
    ],
)
def test_f11_f12_half_an_answer_is_none(fleet: Fleet, script: Any) -> None:
    """F11, F12: the round is dropped whole, also what was read before the cut."""
    fleet.start(HOST)
    fleet.read()
    before = list(ClusterObject.objects.order_by("pk").values())
    fleet.api.condition("nodes", 0, "Ready", status="False")
    fleet.api.scripts["machineconfigpools"] = script
    fleet.read()
    assert list(ClusterObject.objects.order_by("pk").values()) == before
    assert source().error_kind in {"bad_reply", "unavailable"}
    assert source().failures == 1


def test_f32_a_certificate_that_nobody_vouches_for_is_not_a_lost_cluster(fleet: Fleet, serve: Serve) -> None:
    import ssl

    import trustme

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    fleet.put(serve(ApiServer(HOST), tls=context, keeps_alive=True).url)
    cluster = fleet.read()
    assert source().error_kind == "tls"
    assert cluster.cannot_read
    assert (cluster.unreached_since, cluster.tone) == (None, "unknown")


def test_an_api_server_that_is_not_ready_is_a_warning(fleet: Fleet) -> None:
    fleet.start({"nodes": "nodes_host"}, role="member")
    fleet.api.scripts["readyz"] = reply(
        "[+]ping ok\n[-]etcd failed: reason withheld\nreadyz check failed\n", status=500
    )
    cluster = fleet.read()
    assert cluster.tone == "warning"
    assert "etcd" in cluster.reason


class Silence:
    """A cluster that has not answered three times, the first time `ago`."""

    def __init__(self, fleet: Fleet, ago: timedelta) -> None:
        fleet.start(HOST)
        fleet.read()
        fleet.server.stop()
        for _ in range(3):
            fleet.read()
        Cluster.objects.update(unreached_since=database_now() - ago)

    def others_answer(self, ago: timedelta) -> None:
        Source.objects.filter(key="prometheus/prom").update(succeeded_at=database_now() - ago)


def test_lost_after_enough_failures_over_enough_time_while_another_source_answers(fleet: Fleet) -> None:
    """Decision 13."""
    Silence(fleet, timedelta(minutes=3)).others_answer(timedelta(seconds=10))
    assert clusters_judge_lost(lost_after=LOST_AFTER) == [NAME]
    cluster = Cluster.objects.get(name=NAME)
    assert (cluster.tone, cluster.lost_since) == ("critical", cluster.unreached_since)
    assert cluster.reason.startswith("lost: ")
    assert lines()[-1][1] == "not reached"
    assert clusters_judge_lost(lost_after=LOST_AFTER) == []


def test_not_lost_before_its_time(fleet: Fleet) -> None:
    Silence(fleet, timedelta(minutes=1)).others_answer(timedelta(seconds=10))
    assert clusters_judge_lost(lost_after=LOST_AFTER) == []


def test_not_lost_after_too_few_failures(fleet: Fleet) -> None:
    Silence(fleet, timedelta(minutes=9)).others_answer(timedelta(seconds=10))
    Source.objects.filter(key=KEY).update(failures=2)
    assert clusters_judge_lost(lost_after=LOST_AFTER) == []


def test_not_lost_when_nothing_else_answers_since_it_may_be_our_own_network(fleet: Fleet) -> None:
    Silence(fleet, timedelta(minutes=3)).others_answer(timedelta(minutes=5))
    assert clusters_judge_lost(lost_after=LOST_AFTER) == []
    assert Cluster.objects.get(name=NAME).tone == "unknown"


def test_a_lost_cluster_comes_back_with_its_line(fleet: Fleet, serve: Serve) -> None:
    Silence(fleet, timedelta(minutes=3)).others_answer(timedelta(seconds=10))
    clusters_judge_lost(lost_after=LOST_AFTER)
    fleet.put(serve(fleet.api, keeps_alive=True).url)
    cluster = fleet.read()
    assert (cluster.unreached_since, cluster.lost_since) == (None, None)
    assert cluster.tone == "warning", "as its API says"
    assert lines(field="reachable")[-1] == ("reachable", "lost", "reached")


@pytest.fixture
def untold(fleet_file: FleetFileOfTest) -> Callable[..., Cluster]:
    """A cluster without credentials, told of by Argo CD; returns its row."""
    fleet_file.put(
        f"environments: [{{name: production}}]\nclusters: [{{name: {NAME}, role: host, environment: production}}]\n"
        "argocd: [{name: one, url: 'http://127.0.0.1:9'}]\n"
    )

    def tell(status: str, message: str = "", instance: str = "one") -> Cluster:
        cluster_told_by_argocd(cluster=NAME, instance=instance, status=status, message=message)
        return Cluster.objects.get(name=NAME)

    return tell


def test_without_credentials_argo_cds_word_is_the_evidence(untold: Callable[..., Cluster]) -> None:
    assert untold("Successful").tone == "held", "reached, but nobody knows whether it is well"
    cluster = untold("Failed", "dial tcp: i/o timeout")
    assert (cluster.tone, cluster.unreached_since is None) == ("unknown", False)
    assert cluster.reason == "cannot be reached: Argo CD one: dial tcp: i/o timeout"
    assert lines() == [("reachable", "reached", "not reached: Argo CD one: dial tcp: i/o timeout")]
    assert untold("Unknown", "not being monitored") == cluster, "no evidence"
    assert untold("Successful").unreached_since is None


def test_one_instance_that_reaches_it_is_enough(untold: Callable[..., Cluster]) -> None:
    untold("Successful", instance="two")
    assert untold("Failed", "no route").unreached_since is None
    assert untold("Failed", "no route", instance="two").unreached_since is not None


def test_a_cluster_without_credentials_is_lost_by_time_while_another_source_answers(
    untold: Callable[..., Cluster],
) -> None:
    untold("Failed", "no route")
    Cluster.objects.update(unreached_since=database_now() - timedelta(minutes=3))
    Source.objects.filter(key="argocd/one").update(succeeded_at=database_now())
    assert clusters_judge_lost(lost_after=LOST_AFTER) == [NAME]
    assert untold("Successful").lost_since is None


def test_what_argo_cd_tells_of_a_cluster_that_we_read_ourselves_changes_nothing(fleet: Fleet) -> None:
    fleet.start(HOST)
    fleet.read()
    assert cluster_told_by_argocd(cluster=NAME, instance="one", status="Failed", message="x") is False
    assert Cluster.objects.get(name=NAME).unreached_since is None


def test_f55_a_cluster_that_left_the_file_is_archived(fleet: Fleet, fleet_file: FleetFileOfTest) -> None:
    fleet.start(HOST)
    fleet.read()
    empty = fleet_file.put("prometheuses: [{name: prom, url: 'http://127.0.0.1:9'}]\n")
    assert not Cluster.objects.current().exists()
    assert Cluster.objects.get(name=NAME).is_archived
    before = version_of(["clusters"])
    clusters_align(fleet=empty)
    assert version_of(["clusters"]) == before


READER = """
import os, sys, django
django.setup()
from django.conf import settings
settings.PORTAL_FLEET = sys.argv[1]
settings.DATABASES["default"]["NAME"] = sys.argv[2]
from apps.fleet.tasks import read_cluster
print("reading", flush=True)
read_cluster(sys.argv[3])
"""


@pytest.mark.django_db(transaction=True)
def test_f56_a_reader_that_is_ended_in_the_middle_leaves_no_half_snapshot(
    fleet: Fleet, fleet_file: FleetFileOfTest, serve: Serve
) -> None:
    """F56: SIGTERM while the API hangs half-way through its answer."""
    fleet.start(HOST)
    fleet.read()
    before = list(ClusterObject.objects.order_by("pk").values())
    fleet.api.condition("nodes", 0, "Ready", status="False")
    fleet.api.scripts["machineconfigpools"] = lambda peer, asked: peer.hang()
    name = str(connection.settings_dict["NAME"])
    asked_before = len(fleet.server.asked)
    reader = subprocess.Popen(
        [sys.executable, "-c", READER, str(fleet_file.path), name, KEY],
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "stonesoup_portal.settings.test"},
    )
    try:
        until(lambda: any("machineconfigpools" in asked.path for asked in fleet.server.asked[asked_before:]))
        reader.send_signal(signal.SIGTERM)
        assert reader.wait(20) != 0
    finally:
        reader.kill()
        reader.wait(5)
    assert list(ClusterObject.objects.order_by("pk").values()) == before
    assert source().failures == 0
    del fleet.api.scripts["machineconfigpools"]
    Lease.objects.filter(name=f"read:{KEY}").update(expires_at=database_now())  # as it does by itself
    fleet.read()
    assert ("warning", "NotReady") in rows("Node").values(), "the next reader takes over"


def until(is_so: Callable[[], bool], seconds: float = 20.0) -> None:
    """Waits until it is so."""
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end, "it never came to that"
        time.sleep(0.05)


def test_a_cluster_whose_api_is_ready_again_is_not_lost_though_a_list_of_it_fails(fleet: Fleet, serve: Serve) -> None:
    Silence(fleet, timedelta(minutes=3)).others_answer(timedelta(seconds=10))
    clusters_judge_lost(lost_after=LOST_AFTER)
    fleet.api.scripts["nodes"] = reply("{}", status=500)
    fleet.put(serve(fleet.api, keeps_alive=True).url)
    cluster = fleet.read()
    assert (cluster.unreached_since, cluster.lost_since) == (None, None)
    assert cluster.tone == "unknown"
    assert cluster.reason.startswith("cannot be read: ")
    assert lines(field="reachable")[-1][1] == "lost"
    assert clusters_judge_lost(lost_after=LOST_AFTER) == []


@pytest.mark.parametrize(
    ("recordings", "role", "name"),
    [(HOST, "host", "toolchainstatus"), (MEMBER_M01, "member", "memberstatus")],
)
def test_a_toolchain_that_lost_its_status_is_not_known(
    fleet: Fleet, recordings: dict[str, str], role: str, name: str
) -> None:
    fleet.start(recordings, role=role)
    fleet.read()
    fleet.api.scripts[name] = reply({"kind": "Status", "message": f"{name} not found", "code": 404}, status=404)
    cluster = fleet.read()
    kind = {"toolchainstatus": "ToolchainStatus", "memberstatus": "MemberStatus"}[name]
    assert list(rows(kind).values()) == [("unknown", "Missing")]
    assert cluster.tone != "well"


def test_a_cluster_of_which_a_node_cannot_be_read_is_not_well(fleet: Fleet) -> None:
    fleet.start({"nodes": "nodes_host"}, role="member")
    assert fleet.read().tone == "well"
    fleet.api.told["nodes"]["items"].append({"metadata": {"name": "new"}, "status": "none"})
    cluster = fleet.read()
    assert (cluster.tone, cluster.reason) == ("unknown", "Node new cannot be read")


def test_a_cluster_whose_credentials_left_the_file_is_not_known_any_more(
    fleet: Fleet, fleet_file: FleetFileOfTest
) -> None:
    fleet.start({"nodes": "nodes_host"}, role="member")
    assert fleet.read().tone == "well"
    fleet_file.put(
        f"environments: [{{name: production}}]\nclusters: [{{name: {NAME}, role: member, environment: production}}]\n"
    )
    cluster = Cluster.objects.get(name=NAME)
    assert (cluster.tone, cluster.reached_at) == ("unknown", None)
    assert cluster.reason.startswith("never read: the fleet file gives no credentials")
    assert not rows("Node")


def test_a_word_of_an_argo_cd_that_left_the_file_counts_no_more(
    untold: Callable[..., Cluster], fleet_file: FleetFileOfTest
) -> None:
    assert untold("Successful").tone == "held"
    fleet_file.put(
        f"environments: [{{name: production}}]\nclusters: [{{name: {NAME}, role: host, environment: production}}]\n"
    )
    assert Cluster.objects.get(name=NAME).tone == "unknown"


def test_a_cluster_whose_every_answer_takes_nearly_as_long_as_it_may_is_read(fleet: Fleet) -> None:
    fleet.start(HOST)
    prompt = fleet.api.script_for

    def slow(asked: Any) -> Script:
        time.sleep(0.7)
        return prompt(asked)

    fleet.api.script_for = slow  # type: ignore[method-assign]
    fleet.put(fleet.server.url, deadline="1s")
    assert fleet.read().reached_at is not None
    assert source().error == ""
