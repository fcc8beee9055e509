"""How a cluster is reached: kubeconfig, token, pod. Nothing that a kubeconfig names is ever started."""

from __future__ import annotations

import base64
import ssl
from pathlib import Path
from typing import Any

import pytest
import trustme
import yaml

from apps.core.errors import UpstreamError, UpstreamRejected
from apps.integrations.kubernetes import KubernetesClient
from apps.integrations.kubernetes.config import endpoint_from_kubeconfig, endpoint_in_cluster
from tests.integrations.conftest import Serve
from tests.integrations.wire_server import reply


def kubeconfig(user: dict[str, Any] | None = None, **cluster: Any) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "one",
        "clusters": [{"name": "c", "cluster": {"server": "https://api.one.example:6443/", **cluster}}],
        "users": [{"name": "u", "user": user or {}}, {"name": "v", "user": {"token": "token-of-v"}}],
        "contexts": [
            {"name": "one", "context": {"cluster": "c", "user": "u"}},
            {"name": "two", "context": {"cluster": "c", "user": "v"}},
        ],
    }


def text(user: dict[str, Any] | None = None, **cluster: Any) -> str:
    return yaml.safe_dump(kubeconfig(user, **cluster))


def refusal(**given: Any) -> UpstreamError:
    with pytest.raises(UpstreamRejected) as caught:
        endpoint_from_kubeconfig(source="cluster/one", **given)
    return caught.value


def test_a_context_names_server_and_token() -> None:
    endpoint = endpoint_from_kubeconfig(source="cluster/one", text=text({"token": "abc"}))
    assert endpoint.url == "https://api.one.example:6443"
    assert endpoint.headers() == {"Authorization": "Bearer abc"}
    assert endpoint.verify
    other = endpoint_from_kubeconfig(source="cluster/one", text=text({"token": "abc"}), context="two")
    assert other.headers() == {"Authorization": "Bearer token-of-v"}


def test_a_cluster_may_name_proxy_and_server_name_and_waive_verification(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://from.the.environment:1")
    plain = endpoint_from_kubeconfig(source="cluster/one", text=text({"token": "abc"}))
    assert (plain.proxy, plain.server_name, plain.verify) == (None, None, True)
    named = {"proxy-url": "http://proxy:3128", "tls-server-name": "api.inner", "insecure-skip-tls-verify": True}
    endpoint = endpoint_from_kubeconfig(source="cluster/one", text=text({"token": "abc"}, **named))
    assert (endpoint.proxy, endpoint.server_name, endpoint.verify) == ("http://proxy:3128", "api.inner", False)


def test_certificates_within_the_file_reach_a_server(serve: Serve, tmp_path: Path) -> None:
    ca, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("127.0.0.1").configure_cert(context)
    ca.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED
    ours, server = ca.issue_cert("portal"), serve(reply({"gitVersion": "v1.34.4"}), tls=context)

    def inline(pem: trustme.Blob) -> str:
        return base64.b64encode(pem.bytes()).decode()

    user = {
        "client-certificate-data": inline(ours.cert_chain_pems[0]),
        "client-key-data": inline(ours.private_key_pem),
    }
    file = tmp_path / "kubeconfig"
    file.write_text(text(user, **{"server": server.url, "certificate-authority-data": inline(ca.cert_pem)}))
    with KubernetesClient(endpoint_from_kubeconfig(source="cluster/one", path=str(file))) as client:
        assert client.version() == "v1.34.4"


def test_a_token_file_is_read_at_each_call(tmp_path: Path) -> None:
    file = tmp_path / "kubeconfig"
    file.write_text(text({"tokenFile": "token"}))
    (tmp_path / "token").write_text("first\n")
    endpoint = endpoint_from_kubeconfig(source="cluster/one", path=str(file))
    assert endpoint.headers() == {"Authorization": "Bearer first"}
    (tmp_path / "token").write_text("second\n")
    assert endpoint.headers() == {"Authorization": "Bearer second"}
    (tmp_path / "token").unlink()
    with pytest.raises(UpstreamRejected, match="cannot be read"):
        endpoint.headers()


def test_name_and_password_go_as_basic() -> None:
    endpoint = endpoint_from_kubeconfig(source="cluster/one", text=text({"username": "a", "password": "b"}))
    assert endpoint.headers() == {"Authorization": "Basic YTpi"}


@pytest.mark.parametrize("given_as", ["path", "text"])
@pytest.mark.parametrize("key", ["exec", "auth-provider"])
def test_what_starts_a_process_is_refused_before_it_is_started(key: str, given_as: str, tmp_path: Path) -> None:
    trace, file = tmp_path / "started", tmp_path / "kubeconfig"
    plugin = {
        "exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "touch", "args": [str(trace)]},
        "auth-provider": {"name": "gcp", "config": {"cmd-path": "touch", "cmd-args": str(trace)}},
    }
    content = text({key: plugin[key], "token": "abc"})
    file.write_text(content)
    error = refusal(path=str(file)) if given_as == "path" else refusal(text=content)
    assert f"wants '{key}', which starts a process" in error.message
    assert error.permanent
    assert not trace.exists()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "not a YAML mapping"),
        ("- a", "not a YAML mapping"),
        ("a: [", "not a YAML mapping"),
        ("a: !!python/object/apply:os.getcwd []", "not a YAML mapping"),
        ("current-context: one", "no context 'one'"),
        ("{contexts: 3, current-context: one}", "no context 'one'"),
        ("{contexts: [{name: one, context: {cluster: c, user: u}}], current-context: one}", "cannot be used"),
    ],
)
def test_a_file_that_is_none_is_rejected(content: str, words: str) -> None:
    assert words in refusal(text=content).message


def test_a_file_that_is_not_there_is_rejected() -> None:
    assert refusal(path="/nowhere/kubeconfig").message == "the kubeconfig /nowhere/kubeconfig cannot be read"


def test_outside_of_a_cluster_there_is_no_pod(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    with pytest.raises(UpstreamRejected, match="not a pod with a service account"):
        endpoint_in_cluster(source="cluster/one")


def test_a_pod_uses_its_service_account(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("token", "ca.crt"):
        (tmp_path / name).write_text(f"content-of-{name}")
    loading = "kubernetes.config.incluster_config"
    monkeypatch.setattr(f"{loading}.SERVICE_TOKEN_FILENAME", str(tmp_path / "token"))
    monkeypatch.setattr(f"{loading}.SERVICE_CERT_FILENAME", str(tmp_path / "ca.crt"))
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")
    endpoint = endpoint_in_cluster(source="cluster/one")
    assert endpoint.url == "https://10.0.0.1:443"
    assert endpoint.ca == str(tmp_path / "ca.crt")
    assert endpoint.headers() == {"Authorization": "bearer content-of-token"}
