"""What an Argo CD instance knows beside Applications."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.core.clock import database_now
from apps.core.errors import UpstreamError
from apps.fleet.models import Cluster
from apps.gitops.inventory import inventory_read
from apps.gitops.models import ApplicationSet, ClusterConnection, Project
from apps.gitops.tasks import read_inventory
from apps.sources.catalog import sources_of
from apps.sources.fleetfile.schema import FleetFile
from apps.sources.models import Source
from apps.sources.reading import ReadOutcome
from tests.gitops.argocd_server import ArgoCDServer, Json

pytestmark = pytest.mark.database

Read = Callable[[], ReadOutcome]


@pytest.fixture
def read(fleet: FleetFile) -> Read:
    spec = next(spec for spec in sources_of(fleet) if spec.key == "argocd-inventory/production")
    return lambda: inventory_read(spec, fleet)


def cluster(name: str, status: str = "Successful", server: str = "", message: str = "") -> Json:
    state = {"status": status, "message": message}
    server = server or f"https://api.{name}.example.com:6443"
    return {"name": name, "server": server, "info": {"connectionState": state, "serverVersion": "v1.34"}}


def project(name: str, *windows: Json) -> Json:
    return {"metadata": {"name": name}, "spec": {"syncWindows": list(windows)}}


def test_clusters_projects_and_sets_become_rows(argocd: ArgoCDServer, read: Read) -> None:
    window = {"kind": "deny", "schedule": "0 22 * * *", "duration": "8h", "timeZone": "Europe/Prague"}
    argocd.clusters = [cluster("m01"), cluster("host-by-name", server="https://1.2.3.4"), cluster("stranger")]
    argocd.projects = [project("default"), project("frozen", window)]
    wrong = {"type": "ErrorOccurred", "status": "True", "message": "no such generator"}
    argocd.sets = [{"metadata": {"name": "build", "namespace": "argocd"}, "status": {"conditions": [wrong]}}]
    outcome = read()
    assert (outcome.items, outcome.version, outcome.note) == (6, "v3.6.0", "")
    joined = ClusterConnection.objects.order_by("name").values_list("name", "cluster", "status", "server_version")
    assert list(joined) == [
        ("host-by-name", "host1", "Successful", "v1.34"),
        ("m01", "m01", "Successful", "v1.34"),
        ("stranger", "", "Successful", "v1.34"),
    ]
    assert Project.objects.get(name="frozen").sync_windows[0]["time_zone"] == "Europe/Prague"
    assert ApplicationSet.objects.get().error == "no such generator"


def test_what_is_unchanged_is_not_written(argocd: ArgoCDServer, read: Read) -> None:
    argocd.clusters = [cluster("m01"), cluster("host-by-name")]
    argocd.sets = [{"metadata": {"name": "build", "namespace": "argocd"}}]
    read()
    with CaptureQueriesContext(connection) as queries:
        read()
    assert [q["sql"] for q in queries if q["sql"].startswith(("INSERT", "UPDATE", "DELETE"))] == []


def test_a_connection_that_failed_is_evidence_on_a_cluster_without_credentials(
    argocd: ArgoCDServer, read: Read
) -> None:
    argocd.clusters = [cluster("m01", "Failed", message="dial tcp: connection refused")]
    read()
    told = ClusterConnection.objects.get()
    assert (told.status, told.status_since is not None) == ("Failed", True)
    assert Cluster.objects.get(name="m01").unreached_since is not None


def test_not_being_monitored_is_no_evidence(argocd: ArgoCDServer, read: Read) -> None:
    before = Cluster.objects.filter(name="m01").values().get()
    argocd.clusters = [cluster("m01", "Unknown", message="Cluster has no applications and is not being monitored.")]
    read()
    assert ClusterConnection.objects.get().status == "Unknown"
    assert Cluster.objects.filter(name="m01").values().get() == before


def test_a_cluster_that_argo_cd_stopped_monitoring_is_not_held_for_reached_for_ever(
    argocd: ArgoCDServer, read: Read
) -> None:
    argocd.clusters = [cluster("m01"), cluster("stranger")]
    read()
    assert Cluster.objects.get(name="m01").tone == "held"
    argocd.clusters = [cluster("m01", "Unknown"), cluster("stranger")]
    read()
    assert Cluster.objects.get(name="m01").tone == "held", "a cache that was emptied fills again in a moment"
    ClusterConnection.objects.filter(name="m01").update(status_since=database_now() - timedelta(minutes=11))
    read()
    row = Cluster.objects.get(name="m01")
    assert (row.tone, row.told_by) == ("unknown", {})


def test_a_lost_cluster_that_argo_cd_does_not_list_any_more_is_not_lost_for_ever(
    argocd: ArgoCDServer, read: Read
) -> None:
    argocd.clusters = [cluster("m01", "Failed"), cluster("stranger"), cluster("other")]
    read()
    Cluster.objects.filter(name="m01").update(lost_since=database_now(), tone="critical")
    argocd.clusters = [cluster("stranger"), cluster("other")]
    read()
    row = Cluster.objects.get(name="m01")
    assert (row.tone, row.lost_since, row.unreached_since) == ("unknown", None, None)


def test_of_two_addresses_of_one_cluster_one_that_is_reached_is_enough(argocd: ArgoCDServer, read: Read) -> None:
    argocd.clusters = [cluster("m01"), cluster("m01", "Failed", server="https://10.0.0.1:6443")]
    read()
    assert Cluster.objects.get(name="m01").unreached_since is None


def test_a_status_that_changes_is_dated_anew_and_another_message_is_not(argocd: ArgoCDServer, read: Read) -> None:
    argocd.clusters = [cluster("m01")]
    read()
    first = ClusterConnection.objects.get().status_since
    argocd.clusters = [cluster("m01", message="other")]
    read()
    assert ClusterConnection.objects.get().status_since == first
    argocd.clusters = [cluster("m01", "Failed")]
    read()
    assert ClusterConnection.objects.get().status_since != first


def test_an_empty_list_of_an_account_without_rights_removes_nothing(argocd: ArgoCDServer, read: Read) -> None:
    argocd.clusters = [cluster("m01"), cluster("host-by-name")]
    read()
    argocd.clusters, argocd.can_i = None, False
    assert "may have lost its rights: 2 of 2 clusters" in read().note
    assert ClusterConnection.objects.count() == 2


def test_sets_that_are_gone_for_sure_are_removed_on_a_right_to_those_of_all_projects(
    argocd: ArgoCDServer, read: Read
) -> None:
    argocd.sets = [{"metadata": {"name": "build", "namespace": "teams"}}]
    read()
    argocd.sets, argocd.asked = [], []
    assert read().note == ""
    assert not ApplicationSet.objects.exists()
    assert "/api/v1/account/can-i/applicationsets/get/*/*" in argocd.asked
    assert "/api/v1/applicationsets/build?appsetNamespace=teams" in argocd.asked


def test_clusters_that_are_gone_for_sure_are_removed(argocd: ArgoCDServer, read: Read) -> None:
    argocd.clusters = [cluster("m01"), cluster("host-by-name")]
    read()
    argocd.clusters = None
    assert read().note == ""
    assert not ClusterConnection.objects.exists()


def test_an_unreadable_item_costs_itself_and_nothing_is_removed(argocd: ArgoCDServer, read: Read) -> None:
    # F17
    argocd.projects = [project("default"), project("frozen"), project("third")]
    read()
    argocd.projects = [project("default"), {"metadata": {"name": "frozen"}, "spec": "a text"}]
    outcome = read()
    assert outcome.unreadable == 1
    assert outcome.unreadable_reason.startswith("projects frozen: ")
    assert set(Project.objects.values_list("name", flat=True)) == {"default", "frozen", "third"}


def test_a_failing_version_is_a_failure_of_the_whole_read(
    argocd: ArgoCDServer, fleet: FleetFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(_: object) -> str:
        raise UpstreamError("argocd-inventory/production", "out of order")

    monkeypatch.setattr("apps.integrations.argocd.ArgoCDClient.version", fails)
    read_inventory(key="argocd-inventory/production")
    assert Source.objects.get(key="argocd-inventory/production").error == "out of order"
    assert not Project.objects.exists()
