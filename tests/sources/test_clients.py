"""Clients as the fleet file says: credentials, ways there, and one client as long as nothing changed."""

from __future__ import annotations

import base64
import json
import os
import ssl
import subprocess
import sys
from pathlib import Path

import pytest
import trustme

from apps.core.errors import UpstreamDenied, UpstreamRejected, UpstreamUntrusted
from apps.sources.clients import (
    SourceNotConfigured,
    alertmanager_client,
    argocd_client,
    kubernetes_client,
    prometheus_client,
)
from apps.sources.fleetfile import FleetFile, fleet_file_parse
from tests.integrations.wire_server import reply
from tests.sources.answering import Serve, answering, argocd, kubernetes, recorded

CLUSTER = "environments: [{name: e}]\nclusters: [{name: c, role: host, environment: e, kubernetes: {%s}}]"


def cluster(access: str, folder: Path | None = None) -> FleetFile:
    """A fleet of one cluster."""
    return fleet_file_parse(text=CLUSTER % access, folder=folder)


def kubeconfig(server: str, token: str) -> str:
    """A kubeconfig of one context, "c"."""
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "c",
            "contexts": [{"name": "c", "context": {"cluster": "k", "user": "u"}}],
            "clusters": [{"name": "k", "cluster": {"server": server}}],
            "users": [{"name": "u", "user": {"token": token}}],
        }
    )


def test_a_token_is_sent_and_a_rotated_one_counts_at_once(serve: Serve, tmp_path: Path) -> None:
    server = serve(argocd())
    (tmp_path / "token").write_text("first\n")
    fleet = fleet_file_parse(text=f"argocd: [{{name: a, url: '{server.url}', token: 'file:token'}}]", folder=tmp_path)
    client = argocd_client(fleet, "argocd/a")
    assert client.version() == "v3.6.0+unknown"
    (tmp_path / "token").write_text("the second\n")
    client.version()
    assert [asked.headers["authorization"] for asked in server.asked] == ["Bearer first", "Bearer the second"]


def test_a_secret_that_vanished_is_told_as_refused_credentials(tmp_path: Path) -> None:
    fleet = fleet_file_parse(text="argocd: [{name: a, url: 'http://127.0.0.1:1', token: 'file:gone'}]", folder=tmp_path)
    with pytest.raises(
        UpstreamDenied, match=r"our credentials cannot be read: the secret's file .*gone does not exist"
    ):
        argocd_client(fleet, "argocd/a").version()


def test_a_user_name_and_password_are_sent_as_basic(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    server = serve(answering({"/api/v2/alerts": recorded("alertmanager/0.28/alerts")}))
    monkeypatch.setenv("M_PASSWORD", "hunter2")
    fleet = fleet_file_parse(
        text=f"alertmanagers: [{{name: m, members: ['{server.url}'], username: u, password: 'env:M_PASSWORD'}}]"
    )
    assert len(alertmanager_client(fleet, "alertmanager/m/0").alerts().items) > 0
    assert server.asked[0].headers["authorization"] == "Basic " + base64.b64encode(b"u:hunter2").decode()


def test_each_member_is_asked_at_its_own_address(serve: Serve) -> None:
    servers = [serve(answering({"/api/v2/alerts": reply([])})) for _ in range(2)]
    members = ", ".join(f"'{server.url}'" for server in servers)
    fleet = fleet_file_parse(text=f"alertmanagers: [{{name: m, members: [{members}]}}]")
    client = alertmanager_client(fleet, "alertmanager/m/1")
    assert client.source == "alertmanager/m/1"
    assert client.alerts().items == ()
    assert [len(server.asked) for server in servers] == [0, 1]


def test_a_tenant_is_asked_with_a_token_of_its_client(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("O_SECRET", "s3cret")
    base = "/api/metrics/v1/rhtap"
    server = serve(
        answering(
            {
                "/token": reply({"access_token": "fetched", "expires_in": 300}),
                f"{base}/am/api/v2/alerts": recorded("observatorium/main-2026-07/alerts"),
                f"{base}/api/v1/rules": recorded("observatorium/main-2026-07/rules_alerting_only"),
            }
        )
    )
    fleet = fleet_file_parse(
        text=f"""
        observatorium:
          - name: o
            url: {server.url}
            tenant: rhtap
            oauth2:
              {{token_url: "{server.url}/token", client_id: portal, client_secret: "env:O_SECRET", audience: aud}}
        """
    )
    assert len(alertmanager_client(fleet, "alertmanager/o/0").alerts().items) == 12
    assert len(prometheus_client(fleet, "prometheus/o").rules().items) == 124
    tokens, answers = server.asked[::2], server.asked[1::2]
    assert all(b"audience=aud" in asked.body for asked in tokens)
    assert [asked.headers["authorization"] for asked in answers] == ["Bearer fetched"] * 2


@pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")
def test_a_certificate_is_checked_against_the_ca_of_the_file(serve: Serve, tmp_path: Path) -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    server = serve(argocd(), tls=context)
    ways = {"": False, ", ca: ca.pem": True, ", insecure_skip_verify: true": True}
    for way, is_trusted in ways.items():
        fleet = fleet_file_parse(text=f"argocd: [{{name: a, url: '{server.url}'{way}}}]", folder=tmp_path)
        client = argocd_client(fleet, "argocd/a")
        if is_trusted:
            assert client.version() == "v3.6.0+unknown"
        else:
            with pytest.raises(UpstreamUntrusted, match="authority"):
                client.version()


def test_times_and_proxy_are_those_of_the_file() -> None:
    fleet = fleet_file_parse(
        text="prometheuses: [{name: p, url: 'http://p', proxy: 'http://proxy:3128', connect_timeout: 5s, deadline: 1m}]"
    )
    endpoint = prometheus_client(fleet, "prometheus/p").http.endpoint
    assert (endpoint.proxy, endpoint.connect_timeout, endpoint.deadline) == ("http://proxy:3128", 5.0, 60.0)


def test_a_client_is_kept_as_long_as_its_part_of_the_file_is_the_same() -> None:
    text = "argocd: [{name: a, url: 'http://a'}, {name: b, url: 'http://b'}]"
    before, same = fleet_file_parse(text=text), fleet_file_parse(text=text)
    changed = fleet_file_parse(text=text.replace("http://b", "http://c"))
    client = argocd_client(before, "argocd/a")
    assert argocd_client(same, "argocd/a") is client
    assert argocd_client(changed, "argocd/a") is client
    assert argocd_client(before, "argocd-inventory/a") is not client
    other = argocd_client(before, "argocd/b")
    assert argocd_client(changed, "argocd/b") is not other
    assert argocd_client(changed, "argocd/b").http.endpoint.url == "http://c"


@pytest.mark.parametrize(
    ("ask", "key"),
    [
        (argocd_client, "argocd/x"),
        (alertmanager_client, "alertmanager/x/0"),
        (alertmanager_client, "alertmanager/m/1"),
        (prometheus_client, "prometheus/x"),
        (kubernetes_client, "kubernetes/x"),
        (kubernetes_client, "kubernetes/bare"),
    ],
)
def test_a_source_that_left_the_file_is_told(ask: object, key: str) -> None:
    fleet = fleet_file_parse(
        text="""
        environments: [{name: e}]
        clusters: [{name: bare, role: host, environment: e}]
        alertmanagers: [{name: m, members: ["http://m"]}]
        """
    )
    assert callable(ask)
    with pytest.raises(SourceNotConfigured, match=key):
        ask(fleet, key)


def test_a_cluster_is_read_with_a_token(serve: Serve, tmp_path: Path) -> None:
    server = serve(kubernetes())
    (tmp_path / "token").write_text("t\n")
    client = kubernetes_client(cluster(f"server: '{server.url}/', token: 'file:token'", tmp_path), "kubernetes/c")
    assert client.version() == "v1.34.4"
    (tmp_path / "token").write_text("the second")
    assert client.version() == "v1.34.4"
    assert [asked.headers["authorization"] for asked in server.asked] == ["Bearer t", "Bearer the second"]


@pytest.mark.parametrize("kind", ["env", "file"])
def test_a_cluster_is_read_by_its_kubeconfig_and_by_a_new_one(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    server = serve(kubernetes())

    def write(token: str) -> None:
        monkeypatch.setenv("STONESOUP_TEST_KUBECONFIG", kubeconfig(server.url, token))
        (tmp_path / "config").write_text(kubeconfig(server.url, token))

    write("first")
    reference = "env:STONESOUP_TEST_KUBECONFIG" if kind == "env" else "file:config"
    fleet = cluster(f"kubeconfig: '{reference}', context: c, deadline: 7s", tmp_path)
    client = kubernetes_client(fleet, "kubernetes/c")
    assert client.version() == "v1.34.4"
    assert client.http.endpoint.deadline == 7.0
    assert kubernetes_client(fleet, "kubernetes/c") is client
    write("another")
    kubernetes_client(fleet, "kubernetes/c").version()
    assert [asked.headers["authorization"] for asked in server.asked] == ["Bearer first", "Bearer another"]


def test_a_kubeconfig_that_wants_a_process_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    config = json.loads(kubeconfig("http://127.0.0.1:1", "t"))
    config["users"][0]["user"] = {"exec": {"command": "touch", "args": ["started"]}}
    monkeypatch.setenv("STONESOUP_TEST_KUBECONFIG", json.dumps(config))
    with pytest.raises(UpstreamRejected, match="starts a process"):
        kubernetes_client(cluster("kubeconfig: 'env:STONESOUP_TEST_KUBECONFIG'"), "kubernetes/c")
    assert not Path("started").exists()


@pytest.mark.skipif("KUBERNETES_SERVICE_HOST" in os.environ, reason="these tests run in a pod")
def test_outside_of_a_cluster_in_cluster_is_refused() -> None:
    with pytest.raises(UpstreamRejected, match="not a pod"):
        kubernetes_client(cluster("in_cluster: true"), "kubernetes/c")


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("argocd: [{{name: a, url: 'https://a', {pair}}}]", "argocd/a"),
        ("alertmanagers: [{{name: a, members: ['https://a'], {pair}}}]", "alertmanager/a/0"),
        ("prometheuses: [{{name: a, url: 'https://a', {pair}}}]", "prometheus/a"),
        ("observatorium: [{{name: a, url: 'https://a', tenant: t, {pair}}}]", "prometheus/a"),
    ],
)
def test_a_server_that_asks_for_a_client_certificate_gets_one(text: str, key: str, tmp_path: Path) -> None:
    fleet = fleet_file_parse(text=text.format(pair="client_certificate: c.crt, client_key: c.key"), folder=tmp_path)
    kind = key.partition("/")[0]
    client = {"argocd": argocd_client, "alertmanager": alertmanager_client, "prometheus": prometheus_client}[kind]
    assert client(fleet, key).http.endpoint.client_certificate == (str(tmp_path / "c.crt"), str(tmp_path / "c.key"))


def test_the_provider_of_tokens_gets_no_client_certificate_of_the_gateways(serve: Serve, tmp_path: Path) -> None:
    """The files are not there: with them nothing could be asked."""
    issuer = serve(answering({"/token": reply({"access_token": "t", "expires_in": 300})}))
    (tmp_path / "secret").write_text("s")
    oauth2 = f"{{token_url: '{issuer.url}/token', client_id: portal, client_secret: 'file:secret'}}"
    pair = "client_certificate: c.crt, client_key: c.key"
    text = f"observatorium: [{{name: a, url: 'https://127.0.0.1:9', tenant: t, {pair}, oauth2: {oauth2}}}]"
    endpoint = prometheus_client(fleet_file_parse(text=text, folder=tmp_path), "prometheus/a").http.endpoint
    assert endpoint.headers() == {"Authorization": "Bearer t"}


def test_a_client_certificate_goes_with_its_key(tmp_path: Path) -> None:
    fleet = cluster("server: 'https://k', client_certificate: tls.crt, client_key: tls.key", tmp_path)
    endpoint = kubernetes_client(fleet, "kubernetes/c").http.endpoint
    assert endpoint.client_certificate == (str(tmp_path / "tls.crt"), str(tmp_path / "tls.key"))
    assert endpoint.headers() == {}


def test_what_the_file_says_of_the_way_goes_before_the_kubeconfig(tmp_path: Path) -> None:
    config = json.loads(kubeconfig("https://k", "t"))
    config["clusters"][0]["cluster"] |= {"insecure-skip-tls-verify": True, "proxy-url": "http://other:3128"}
    (tmp_path / "config").write_text(json.dumps(config))
    plain = kubernetes_client(cluster("kubeconfig: 'file:config'", tmp_path), "kubernetes/c").http.endpoint
    assert (plain.verify, plain.proxy, plain.ca) == (False, "http://other:3128", None)
    access = "kubeconfig: 'file:config', proxy: 'http://proxy:3128', ca: ca.pem"
    changed = kubernetes_client(cluster(access, tmp_path), "kubernetes/c").http.endpoint
    assert (changed.proxy, changed.ca) == ("http://proxy:3128", str(tmp_path / "ca.pem"))


def test_the_large_kubernetes_package_is_loaded_for_a_kubeconfig_only() -> None:
    """It would cost every process of the portal tens of megabytes."""
    code = "import sys, apps.sources.clients; sys.exit('kubernetes' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], check=False, cwd=Path(__file__).parents[2])
    assert done.returncode == 0
