"""The control endpoint: servers, faults, logs, and things that are made to happen."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from apps.demo.fleet import RunningFleet
from tests.demo.conftest import Caller

NAME = "gitops-stone-prd-rh01"


@pytest.fixture
def control(fleet: RunningFleet) -> Any:
    """Posts to the control endpoint and returns what it says."""

    def post(path: str, status: int = 200, **document: Any) -> Any:
        answer = requests.post(fleet.control_url + path, json=document, timeout=5)
        assert answer.status_code == status, answer.text
        return answer.json()

    return post


def test_it_lists_the_servers(fleet: RunningFleet) -> None:
    servers = requests.get(f"{fleet.control_url}/servers", timeout=5).json()
    assert {each["name"]: each["url"] for each in servers} == fleet.urls
    assert {each["fault"] for each in servers} == {"none"}


def test_it_switches_faults(control: Any, ask: Caller) -> None:
    assert control("/faults/argocd/production", fault="429", retry_after=7)["fault"] == "429"
    assert ask.get("argocd/production", "/api/v1/applications").headers["Retry-After"] == "7"
    control("/faults/argocd/production", fault="none")
    assert ask.get("argocd/production", "/api/v1/applications").status_code == 200


def test_it_refuses_what_it_does_not_know(control: Any, fleet: RunningFleet) -> None:
    assert "unknown fault" in control("/faults/argocd/production", 400, fault="explode")["error"]
    control("/faults/argocd/nowhere", 400, fault="hang")
    control("/world/nothing", 400)
    control("/world/application", 400, instance="production", application=NAME, fields={"name": "x"})
    plain = requests.post(f"{fleet.control_url}/world/lose", data='{"cluster": "stone-prd-m01"}', timeout=5)
    assert plain.status_code == 415


def test_it_counts_what_each_server_was_asked(fleet: RunningFleet, ask: Caller) -> None:
    ask.get("prometheus/appsre", "/api/v1/rules?type=alert")
    log = requests.get(f"{fleet.control_url}/log/prometheus/appsre", timeout=5).json()["prometheus/appsre"]
    assert log["count"] == 1
    assert (log["requests"][0]["method"], log["requests"][0]["path"]) == ("GET", "/api/v1/rules?type")
    requests.delete(f"{fleet.control_url}/log", timeout=5)
    assert requests.get(f"{fleet.control_url}/log", timeout=5).json()["prometheus/appsre"]["count"] == 0


def test_a_cluster_is_lost_and_comes_back(control: Any, ask: Caller) -> None:
    control("/world/lose", cluster="stone-prd-rh01")
    with pytest.raises(requests.ConnectionError):
        ask.get("kubernetes/stone-prd-rh01", "/version")
    states = _connections(ask)
    assert (states["stone-prd-rh01"], states["stone-prd-m01"]) == ("Failed", "Successful")
    lost = ask.get("argocd/production", f"/api/v1/applications/{NAME}").json()["status"]
    assert (lost["sync"]["status"], lost["health"]["status"]) == ("Unknown", "Healthy")
    assert lost["conditions"][0]["type"] == "ComparisonError"
    assert "connection refused" in lost["conditions"][0]["message"]
    assert _unready_members(ask) == ["member-stone-prd-rh01"]

    control("/world/bring-back", cluster="stone-prd-rh01")
    assert ask.get("kubernetes/stone-prd-rh01", "/readyz").text == "ok"
    back = ask.get("argocd/production", f"/api/v1/applications/{NAME}").json()["status"]
    assert back["sync"]["status"] == "Synced"
    assert "conditions" not in back
    assert _unready_members(ask) == []


def _connections(ask: Caller) -> dict[str, str]:
    items = ask.get("argocd/production", "/api/v1/clusters").json()["items"]
    return {each["name"]: each["connectionState"]["status"] for each in items}


def _unready_members(ask: Caller) -> list[str]:
    path = "/apis/toolchain.dev.openshift.com/v1alpha1/namespaces/toolchain-host-operator/toolchainstatuses"
    status = ask.get("kubernetes/stone-prd-host1", path).json()["items"][0]["status"]
    members = status["members"]
    unready = [each["clusterName"] for each in members if each["memberStatus"]["conditions"][0]["status"] != "True"]
    assert (status["conditions"][0]["status"] == "False") is bool(unready)
    return unready


def test_alerts_are_fired_and_ended(control: Any, ask: Caller) -> None:
    def names(member: int) -> list[str]:
        alerts = ask.get(f"alertmanager/appsre/{member}", "/api/v2/alerts").json()
        return [each["labels"]["alertname"] for each in alerts]

    fired = control("/world/fire", rule="RepoServerNotReady", labels={"namespace": "argocd"})
    assert "RepoServerNotReady" in names(0)
    assert "RepoServerNotReady" in names(1)
    assert control("/world/resolve", fingerprint=fired["fingerprint"]) == {"ended": 1}
    assert "RepoServerNotReady" not in names(0)


def test_a_pending_alert_is_prometheus_alone_until_it_fires(control: Any, ask: Caller) -> None:
    control("/world/fire", rule="RepoServerNotReady", pending=60)
    groups = ask.get("prometheus/appsre", "/api/v1/rules").json()["data"]["groups"]
    states = {rule["name"]: rule["state"] for group in groups for rule in group["rules"]}
    assert (states["RepoServerNotReady"], states["Watchdog"]) == ("pending", "firing")
    alerts = ask.get("alertmanager/appsre/0", "/api/v2/alerts").json()
    assert "RepoServerNotReady" not in {each["labels"]["alertname"] for each in alerts}

    control("/world/advance", seconds=61)
    alerts = ask.get("alertmanager/appsre/0", "/api/v2/alerts").json()
    assert "RepoServerNotReady" in {each["labels"]["alertname"] for each in alerts}


def test_applications_and_nodes_are_changed(control: Any, ask: Caller, fleet: RunningFleet) -> None:
    fields = {"health": "Degraded", "health_message": "told by a test"}
    control("/world/application", instance="production", application=NAME, fields=fields)
    health = ask.get("argocd/production", f"/api/v1/applications/{NAME}").json()["status"]["health"]
    assert (health["status"], health["message"]) == ("Degraded", "told by a test")

    control("/world/node", cluster="stone-prd-m01", node=0, ready="False")
    nodes = ask.get("kubernetes/stone-prd-m01", "/api/v1/nodes").json()["items"]
    ready = [c["status"] for each in nodes for c in each["status"]["conditions"] if c["type"] == "Ready"]
    assert ready.count("False") == 1

    before = {name: each.revision for name, each in fleet.world.argocds["staging"].applications.items()}
    assert control("/world/change", count=5) == {"changed": 5}
    after = {name: each.revision for name, each in fleet.world.argocds["staging"].applications.items()}
    assert sum(before[name] != after[name] for name in before) == 5

    control("/world/remove-application", instance="production", application=NAME)
    path = f"/api/v1/applications/{NAME}?project=default"
    assert ask.get("argocd/production", path).status_code == 404
