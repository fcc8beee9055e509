"""Which cluster, environment, Application and owner an alert is about."""

from __future__ import annotations

from typing import Any

import pytest

from apps.alerts.joining import AlertJoiner, ApplicationPlace, Joined
from apps.fleet.naming import ClusterNames
from apps.sources.fleetfile.schema import FleetFile

FLEET: dict[str, Any] = {
    "environments": [{"name": "staging", "aliases": ["staging-cluster"]}, {"name": "production"}],
    "clusters": [
        {"name": "appsres05ue1", "role": "control-plane", "environment": "staging"},
        {"name": "appsrep05ue1", "role": "control-plane", "environment": "production"},
        {
            "name": "stone-prd-host1",
            "role": "host",
            "environment": "production",
            "aliases": ["host1", "https://api.stone-prd-host1.example.com:6443"],
        },
        {
            "name": "stone-prd-m01",
            "role": "member",
            "environment": "production",
            "kubernetes": {"server": "https://127.0.0.1:16445"},
        },
        {
            "name": "stone-prd-rh01",
            "role": "member",
            "environment": "production",
            "kubernetes": {"server": "https://127.0.0.1:16446"},
        },
    ],
    "argocd": [
        {"name": "staging", "url": "http://a", "control_plane": "appsres05ue1", "environment": "staging"},
        {"name": "production", "url": "http://b", "control_plane": "appsrep05ue1", "environment": "production"},
    ],
    "owners": [{"name": "o11y team", "matchers": 'component="prometheus"'}],
}
PLACES = [
    ApplicationPlace("production", "argocd", "has-stone-prd-m01", "stone-prd-m01", "application-service", "production"),
    ApplicationPlace("production", "argocd", "image-controller", "stone-prd-rh01", "image-controller", "production"),
    ApplicationPlace("staging", "argocd", "image-controller", "stone-stg-m01", "image-controller", "staging"),
    ApplicationPlace("production", "argocd", "spi-a", "stone-prd-m01", "spi", "production"),
    ApplicationPlace("production", "argocd", "spi-b", "stone-prd-m01", "spi", "production"),
]
# The labels of DegradedArgocdApp as a real Argo CD's metric gives them (recordings/prometheus/2.42/alerts).
DEGRADED = {
    "alertname": "DegradedArgocdApp",
    "control_plane": "true",
    "dest_namespace": "image-controller",
    "dest_server": "https://127.0.0.1:16446",
    "health_status": "Degraded",
    "name": "image-controller",
    "namespace": "argocd",
    "team": "rhtap",
}


def joined(annotations: dict[str, str] | None = None, **labels: str) -> Joined:
    joiner = AlertJoiner(FleetFile.model_validate(FLEET), PLACES)
    return joiner.joined(labels, annotations or {})


@pytest.mark.parametrize(
    "told",
    [
        "stone-prd-host1",
        "Stone-PRD-Host1",
        "HOST1",
        "https://api.stone-prd-host1.example.com:6443",
        "https://API.stone-prd-host1.example.com:6443/",
        "https://api.stone-prd-host1.example.com",
        "api.stone-prd-host1.example.com",
    ],
)
def test_a_cluster_is_known_by_name_alias_and_address_in_any_case(told: str) -> None:
    assert ClusterNames(FleetFile.model_validate(FLEET)).cluster_of(told) == "stone-prd-host1"


@pytest.mark.parametrize("told", ["", "stone-prd", "127.0.0.1", "https://127.0.0.1", "https://[broken", "host1\x00"])
def test_what_names_no_cluster_or_several_joins_none(told: str) -> None:
    assert ClusterNames(FleetFile.model_validate(FLEET)).cluster_of(told) == ""


def test_a_name_that_argo_cd_uses_counts_after_the_fleet_files_own() -> None:
    learnt = [("https://10.0.0.7:6443", "stone-prd-m01"), ("host1", "stone-prd-m01")]
    names = ClusterNames(FleetFile.model_validate(FLEET), learnt)
    assert names.cluster_of("https://10.0.0.7:6443") == "stone-prd-m01"
    assert names.cluster_of("host1") == "stone-prd-host1"


def test_the_first_label_that_is_there_names_the_cluster() -> None:
    alert = joined(source_cluster="stone-prd-m01", tested_cluster="host1", dest_server="https://127.0.0.1:16446")
    assert (alert.cluster, alert.environment) == ("stone-prd-m01", "production")
    assert joined(source_cluster="", tested_cluster="host1").cluster == "stone-prd-host1"
    assert joined(dest_server="https://127.0.0.1:16446").cluster == "stone-prd-rh01"


def test_a_name_that_no_cluster_has_is_kept_as_told() -> None:
    alert = joined(source_cluster="kflux-prd-es01")
    assert (alert.cluster, alert.cluster_told, alert.environment) == ("", "kflux-prd-es01", "")
    assert joined(source_cluster="m" * 999).cluster_told.endswith("… [cut]")


def test_the_environment_is_its_labels_or_else_its_clusters() -> None:
    assert joined(source_environment="Staging-cluster", source_cluster="host1").environment == "staging"
    assert joined(source_environment="moon", source_cluster="host1").environment == "production"


def test_what_labels_do_not_tell_the_alertmanagers_own_place_does() -> None:
    joiner = AlertJoiner(FleetFile.model_validate(FLEET), default_cluster="host1", default_environment="staging")
    alert = joiner.joined({"alertname": "X"}, {})
    assert (alert.cluster, alert.environment) == ("host1", "staging")


def test_in_cluster_is_the_control_plane_of_the_environments_argo_cd() -> None:
    own = "https://kubernetes.default.svc"
    assert joined(dest_server=own, source_environment="production").cluster == "appsrep05ue1"
    assert joined(dest_server=own).cluster == ""


def test_an_alert_of_argo_cd_names_its_application() -> None:
    alert = joined(**DEGRADED)
    assert alert.application == "production/argocd/image-controller"
    assert (alert.cluster, alert.owner, alert.is_control_plane) == ("stone-prd-rh01", "rhtap", True)


def test_a_name_that_two_applications_have_and_nothing_tells_apart_joins_none() -> None:
    assert joined(alertname="ArgoCDSyncAlert", name="image-controller").application == ""


def test_a_name_label_of_something_else_is_no_applications() -> None:
    assert joined(alertname="ClusterOperatorDown", name="has-stone-prd-m01").application == ""


def test_another_alert_joins_the_only_application_of_its_cluster_and_namespace() -> None:
    assert joined(source_cluster="stone-prd-m01", namespace="application-service").application == (
        "production/argocd/has-stone-prd-m01"
    )
    assert joined(source_cluster="stone-prd-m01", namespace="spi").application == "", "two are deployed there"
    assert joined(namespace="application-service").application == "", "no cluster is told"


def test_the_owner_is_the_fleet_files_then_a_labels_then_an_annotations() -> None:
    assert joined(component="prometheus", team="x").owner == "o11y team"
    assert joined({"team": "annotated"}, component="has").owner == "annotated"
    assert joined(component="has").owner == "has"
    assert joined().owner == ""


def test_slo_and_control_plane_are_by_the_fleet_files_matchers() -> None:
    assert (joined(slo="true").is_slo, joined(slo="false").is_slo, joined().is_slo) == (True, False, False)
    assert joined(control_plane="true").is_control_plane


PROXIED: dict[str, Any] = {
    "environments": [{"name": "production"}],
    "clusters": [
        {
            "name": name,
            "role": "member",
            "environment": "production",
            "aliases": [f"https://rancher.example.com/k8s/clusters/{name}"],
        }
        for name in ("c-1", "c-2")
    ]
    + [
        {
            "name": "kind",
            "role": "member",
            "environment": "production",
            "aliases": ["https://127.0.0.1:40001", "api.kind.example.com"],
        }
    ],
}


@pytest.mark.parametrize(
    ("told", "cluster"),
    [
        ("https://rancher.example.com/k8s/clusters/c-2", "c-2"),
        ("https://rancher.example.com:443/k8s/clusters/c-1/", "c-1"),
        ("https://rancher.example.com/k8s/clusters/c-3", ""),
        ("https://rancher.example.com", ""),
        ("https://127.0.0.1:40001", "kind"),
        ("127.0.0.1:40001", "kind"),
        ("https://127.0.0.1:40002", ""),
        ("https://127.0.0.1:40001/k8s/clusters/c-9", ""),
        ("https://api.kind.example.com:6443", "kind"),
    ],
)
def test_clusters_behind_one_host_are_told_apart_by_port_and_path(told: str, cluster: str) -> None:
    assert ClusterNames(FleetFile.model_validate(PROXIED)).cluster_of(told) == cluster


@pytest.mark.parametrize("own", ["https://kubernetes.default.svc:443/", "https://kubernetes.default.svc.cluster.local"])
def test_in_cluster_has_many_spellings(own: str) -> None:
    assert joined(dest_server=own, source_environment="production").cluster == "appsrep05ue1"


def test_an_argo_cd_without_an_environment_is_of_its_control_planes() -> None:
    fleet = {**FLEET, "argocd": [{"name": "a", "url": "http://a", "control_plane": "appsrep05ue1"}]}
    joiner = AlertJoiner(FleetFile.model_validate(fleet))
    labels = {"dest_server": "https://kubernetes.default.svc"}
    assert joiner.joined({**labels, "source_environment": "production"}, {}).cluster == "appsrep05ue1"
    assert joiner.joined({**labels, "source_environment": "staging"}, {}).cluster == ""
