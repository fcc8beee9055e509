"""Hostile values at each place of each kind of item, through every collector, on both databases (F15, F17, F27, F28).

PostgreSQL refuses NUL, in JSON too, and texts that are longer than their column, where SQLite takes anything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from apps.accounts.models import Role
from apps.alerts.models import Episode, Rule, Silence
from apps.alerts.tasks import read_alertmanager, read_rules
from apps.core.addresses import page_address
from apps.core.topics import version_of
from apps.fleet.models import ClusterObject
from apps.fleet.tasks import read_cluster
from apps.gitops.models import Application, ApplicationDetail, ApplicationSet, ClusterConnection, Project
from apps.gitops.tasks import read_applications, read_details, read_inventory
from apps.sources.models import Source
from tests.alerts.wire import Member, Wire
from tests.faults.spoiling import numbered, recorded, spoilt
from tests.faults.stage import PAGES
from tests.fleet.api_server import HOST, ApiServer
from tests.fleet_in_force import FleetFileOfTest
from tests.gitops.argocd_server import ArgoCDServer, serving
from tests.integrations.wire_server import WireServer

pytestmark = [pytest.mark.database, pytest.mark.django_db]

CLUSTER = "stone-prd-host1"
LISTS_OF_CLUSTER = ("nodes", "clusteroperators", "machineconfigpools", "toolchainclusters", "spaceprovisionerconfigs")


class Upstreams:
    """One server of each kind."""

    def __init__(self, argocd: ArgoCDServer) -> None:
        self.argocd = argocd
        self.member, self.prometheus = Member(), Wire()
        self.api = ApiServer(HOST)
        self.cluster = WireServer(self.api, keeps_alive=True)

    def text(self) -> str:
        """The fleet file that names them."""
        return f"""
environments: [{{name: production}}]
clusters:
  - name: {CLUSTER}
    role: host
    environment: production
    kubernetes: {{server: '{self.cluster.url}', token: env:CLUSTER_TOKEN}}
argocd: [{{name: production, url: '{self.argocd.url}', control_plane: {CLUSTER}, environment: production}}]
alertmanagers: [{{name: appsre, members: ['{self.member.url}']}}]
prometheuses: [{{name: appsre, url: '{self.prometheus.url}'}}]
"""

    def stop(self) -> None:
        for server in (self.member.server, self.prometheus.server, self.cluster):
            server.stop()


@pytest.fixture
def upstreams(tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Upstreams]:
    monkeypatch.setattr("apps.gitops.reading.REPLAY_DEADLINE", 3.0)
    monkeypatch.setattr("apps.fleet.recording.LATENCY_WORTH_TELLING", 60.0)
    monkeypatch.setenv("CLUSTER_TOKEN", "a-token")
    with serving() as argocd:
        made = Upstreams(argocd)
        FleetFileOfTest(tmp_path, settings).put(made.text())
        yield made
        made.stop()


@pytest.fixture
def browser(signed_in: Callable[[Role | None], Client]) -> Client:
    return signed_in(Role.ADMIN)


def read_twice(task: Callable[..., object], key: str) -> Source:
    """Its row after two reads that told the same, of which the second changed nothing."""
    task(key=key)
    first = Source.objects.get(key=key)
    assert (first.error_kind, first.error) == ("", "")
    assert first.items
    before = version_of(["apps", "alerts", "silences", "rules", "clusters"])
    task(key=key)
    assert version_of(["apps", "alerts", "silences", "rules", "clusters"]) == before, "it is not kept as it is compared"
    return first


def assert_pages_stand(browser: Client, *more: str) -> None:
    for path in (*PAGES, *more):
        answer = browser.get(path)
        assert answer.status_code == 200, path
        assert b"<img src=x" not in answer.content, path
        assert b"\x00" not in answer.content, path


def application_items() -> list[Any]:
    item = recorded("argocd/3.6/application_sync_retrying")
    return numbered([*spoilt(item), item], ("metadata", "name"), "app-{}")


def test_applications_of_the_list_and_the_stream(upstreams: Upstreams, browser: Client) -> None:
    items = application_items()
    upstreams.argocd.applications = {str(number): item for number, item in enumerate(items)}
    source = read_twice(read_applications, "argocd/production")
    assert Application.objects.count() > len(upstreams.argocd.applications) * 0.5
    assert source.unreadable
    rows = Application.objects.order_by("name")[::40]
    addresses = [page_address("dashboard:application-show", row.instance, row.namespace, row.name) for row in rows]
    assert_pages_stand(browser, "/apps/?page=2", *filter(None, addresses))


def test_details_of_an_application(upstreams: Upstreams, browser: Client) -> None:
    for number, item in enumerate(application_items()[::40]):
        item["metadata"]["name"] = f"one-{number}"
        upstreams.argocd.applications[f"one-{number}"] = item
    read_applications(key="argocd/production")
    for _ in range(6):
        read_details()
    assert ApplicationDetail.objects.exclude(data={}).count() >= 5
    assert_pages_stand(browser, *(f"/apps/production/argocd/{name}/" for name in ("one-0", "one-1", "one-2")))


def test_clusters_projects_and_sets_of_an_argo_cd(upstreams: Upstreams, browser: Client) -> None:
    [cluster, *_] = recorded("argocd/3.6/clusters")["items"]
    [_, project, *_] = recorded("argocd/3.6/projects")["items"]
    [one_set, *_] = recorded("argocd/3.6/applicationsets")["items"]
    upstreams.argocd.clusters = numbered([*spoilt(cluster), cluster], ("server",), "https://{}.example.com")
    upstreams.argocd.projects = numbered([*spoilt(project), project], ("metadata", "name"), "project-{}")
    upstreams.argocd.sets = numbered([*spoilt(one_set), one_set], ("metadata", "name"), "set-{}")
    source = read_twice(read_inventory, "argocd-inventory/production")
    assert source.unreadable
    for model in (ClusterConnection, Project, ApplicationSet):
        assert model.objects.count() > 10
    assert_pages_stand(browser, f"/clusters/{CLUSTER}/")


def test_alerts_groups_and_silences(upstreams: Upstreams, browser: Client) -> None:
    alert = recorded("alertmanager/0.28/alerts")[0]
    silence = recorded("alertmanager/0.28/silences")[0]
    alerts = numbered([*spoilt(alert), alert], ("fingerprint",), "{:016x}")
    upstreams.member.answers["/api/v2/alerts"] = alerts
    group = recorded("alertmanager/0.28/alerts_groups")[0]
    upstreams.member.answers["/api/v2/alerts/groups"] = [*spoilt({**group, "alerts": alerts[-3:]}), group]
    upstreams.member.tell_silences(*numbered([*spoilt(silence), silence], ("id",), "silence-{}"))
    source = read_twice(read_alertmanager, "alertmanager/appsre/0")
    assert Episode.objects.firing().count() > len(alerts) * 0.5
    assert Silence.objects.count() > 10
    assert source.unreadable
    assert_pages_stand(browser, "/alerts/?page=2", f"/alerts/appsre/{0:016x}/", f"/alerts/appsre/{9:016x}/")


def test_rules(upstreams: Upstreams, browser: Client) -> None:
    answer = recorded("prometheus/2.42/rules")
    [group, *_] = answer["data"]["groups"]
    rule = group["rules"][0]
    groups = [*spoilt({**group, "rules": [rule]}), {**group, "rules": [*spoilt(rule), rule]}]
    upstreams.prometheus.answers["/api/v1/rules"] = {"status": "success", "data": {"groups": groups}}
    source = read_twice(read_rules, "prometheus/appsre")
    assert Rule.objects.count() > 20
    assert source.unreadable
    assert_pages_stand(browser)


@pytest.mark.parametrize("name", LISTS_OF_CLUSTER)
def test_things_of_a_cluster(upstreams: Upstreams, browser: Client, name: str) -> None:
    item = upstreams.api.item(name)
    upstreams.api.told[name]["items"] = numbered([*spoilt(item), item], ("metadata", "name"), f"{name}-{{}}")
    source = read_twice(read_cluster, f"kubernetes/{CLUSTER}")
    assert ClusterObject.objects.filter(name__startswith=f"{name}-").count() > 10
    assert source.unreadable
    assert_pages_stand(browser, f"/clusters/{CLUSTER}/")
