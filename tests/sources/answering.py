"""Scripts of a local server that answers by path, from recordings of real servers or with what a test says."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.integrations.wire_server import Asked, Peer, Script, WireServer, reply

Serve = Callable[..., WireServer]
RECORDINGS = Path(__file__).parents[1] / "recordings"
PROJECTS = ("default", "frozen", "windowed")
UNKNOWN = reply("404 page not found\n", status=404, Content_Type="text/plain; charset=utf-8")


def recorded(name: str) -> Script:
    """What the real server answered in a recording like "argocd/3.6/version"."""
    response = json.loads((RECORDINGS / f"{name}.json").read_text())["response"]
    body = response["json"] if "json" in response else response.get("text", "")
    kind = response["headers"].get("Content-Type", "application/json")
    return reply(json.dumps(body) if "json" in response else body, status=response["status"], Content_Type=kind)


def answering(routes: Mapping[str, Script]) -> Script:
    """Each path its own script; a plain 404 for the rest, as all these servers give it."""

    def script(peer: Peer, asked: Asked) -> None:
        routes.get(asked.path, UNKNOWN)(peer, asked)

    return script


def argocd(changed: Mapping[str, Script] | None = None) -> Script:
    """An Argo CD whose account `portal` may get everything, but for the paths in `changed`."""
    routes = {
        "/api/version": recorded("argocd/3.6/version"),
        "/api/v1/session/userinfo": recorded("argocd/3.6/userinfo"),
        "/api/v1/applications": recorded("argocd/3.6/applications"),
        "/api/v1/clusters": recorded("argocd/3.6/clusters"),
        "/api/v1/projects": recorded("argocd/3.6/projects"),
        "/api/v1/applicationsets": recorded("argocd/3.6/applicationsets"),
        "/api/v1/account/can-i/applications/get/%2A/%2A": reply({"value": "yes"}),
        "/api/v1/account/can-i/applicationsets/get/%2A/%2A": reply({"value": "yes"}),
        "/api/v1/account/can-i/clusters/get/%2A": reply({"value": "yes"}),
        "/api/v1/account/can-i/projects/get/%2A": reply({"value": "yes"}),
        **{f"/api/v1/account/can-i/applications/sync/{name}/%2A": reply({"value": "yes"}) for name in PROJECTS},
    }
    return answering({**routes, **(changed or {})})


def kubernetes(changed: Mapping[str, Script] | None = None) -> Script:
    """A host cluster with OpenShift's and Toolchain's types and no others, but for the paths in `changed`."""
    at = "kubernetes/1.34"
    toolchain = "/apis/toolchain.dev.openshift.com/v1alpha1"
    status = f"{toolchain}/namespaces/toolchain-host-operator/toolchainstatuses/toolchain-status"
    routes = {
        "/version": recorded(f"{at}/version"),
        "/api/v1/nodes": recorded(f"{at}/nodes_host"),
        "/apis/config.openshift.io/v1/clusterversions/version": recorded(f"{at}/clusterversion_host"),
        "/apis/config.openshift.io/v1/clusteroperators": recorded(f"{at}/clusteroperators_host"),
        "/apis/machineconfiguration.openshift.io/v1/machineconfigpools": recorded(f"{at}/machineconfigpools_host"),
        status: recorded(f"{at}/toolchainstatus"),
        f"{toolchain}/toolchainclusters": recorded(f"{at}/toolchainclusters_host"),
        f"{toolchain}/spaceprovisionerconfigs": recorded(f"{at}/spaceprovisionerconfigs"),
        "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews": recorded(f"{at}/selfsubjectaccessreview"),
    }
    return answering({**routes, **(changed or {})})
