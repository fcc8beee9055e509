"""A cluster's API on a loopback port: recorded answers of a real server, changed as a test says."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

from tests.integrations.wire_server import Asked, Peer, Script, reply

FOLDER = Path(__file__).parents[1] / "recordings" / "kubernetes" / "1.34"
TOOLCHAIN = "/apis/toolchain.dev.openshift.com/v1alpha1"
OLM = "/apis/operators.coreos.com/v1alpha1/namespaces/openshift-operators"
PATHS = {
    "version": "/version",
    "nodes": "/api/v1/nodes",
    "clusterversion": "/apis/config.openshift.io/v1/clusterversions/version",
    "clusteroperators": "/apis/config.openshift.io/v1/clusteroperators",
    "machineconfigpools": "/apis/machineconfiguration.openshift.io/v1/machineconfigpools",
    "toolchainstatus": f"{TOOLCHAIN}/namespaces/toolchain-host-operator/toolchainstatuses/toolchain-status",
    "memberstatus": f"{TOOLCHAIN}/namespaces/toolchain-member-operator/memberstatuses/toolchain-member-status",
    "toolchainclusters": f"{TOOLCHAIN}/toolchainclusters",
    "spaceprovisionerconfigs": f"{TOOLCHAIN}/spaceprovisionerconfigs",
    "argocds": "/apis/argoproj.io/v1beta1/namespaces/argocd/argocds",
    "subscriptions": f"{OLM}/subscriptions",
    "clusterserviceversions": f"{OLM}/clusterserviceversions",
    "managedclusters": "/apis/cluster.open-cluster-management.io/v1/managedclusters",
}
OPENSHIFT = ("nodes", "clusterversion", "clusteroperators", "machineconfigpools")
HOST = {name: f"{name}_host" for name in (*OPENSHIFT, "toolchainclusters")} | {
    "toolchainstatus": "toolchainstatus",
    "spaceprovisionerconfigs": "spaceprovisionerconfigs",
}
MEMBER_M01 = {name: f"{name}_member-m01" for name in OPENSHIFT} | {
    "memberstatus": "memberstatus_m01",
    "toolchainclusters": "toolchainclusters_m01",
}
MEMBER_RH01 = {name: f"{name}_member-rh01" for name in OPENSHIFT} | {
    "memberstatus": "memberstatus_rh01",
    "toolchainclusters": "toolchainclusters_rh01",
}
CONTROL = {name: f"{name}_control" for name in OPENSHIFT if name != "nodes"} | {
    "nodes": "nodes_host",
    **{name: name for name in ("argocds", "subscriptions", "clusterserviceversions", "managedclusters")},
}


def recorded(name: str) -> Any:
    """The JSON that a real server answered."""
    return json.loads((FOLDER / f"{name}.json").read_text())["response"]["json"]


class ApiServer:
    """Answers by path. What is asked for by no name here is a type that is not installed."""

    def __init__(self, recordings: dict[str, str]) -> None:
        names = {"version": "version", **recordings}
        self.told: dict[str, Any] = {name: copy.deepcopy(recorded(file)) for name, file in names.items()}
        self.scripts: dict[str, Script] = {"readyz": reply("ok", Content_Type="text/plain")}

    def __call__(self, peer: Peer, asked: Asked) -> None:
        self.script_for(asked)(peer, asked)

    def script_for(self, asked: Asked) -> Script:
        """A script of the test's own, the JSON of that name, or Kubernetes' plain 404."""
        paths = {path: name for name, path in PATHS.items()} | {"/readyz": "readyz"}
        name = paths.get(asked.path, "")
        if "all" in self.scripts:
            return self.scripts["all"]
        if name in self.scripts:
            return self.scripts[name]
        if name in self.told:
            return reply(self.told[name])
        if served := self._served(asked.path):
            return reply({"kind": "APIResourceList", "resources": [{"name": plural} for plural in served]})
        return reply("404 page not found\n", status=404, Content_Type="text/plain; charset=utf-8")

    def _served(self, group: str) -> list[str]:
        """The plural names of what is told, or scripted, of a group and version."""
        paths = [path for name, path in PATHS.items() if name in {*self.told, *self.scripts}]
        rests = [path.removeprefix(f"{group}/").split("/") for path in paths if path.startswith(f"{group}/")]
        return [rest[2] if rest[0] == "namespaces" else rest[0] for rest in rests]

    def item(self, name: str, index: int = 0) -> Any:
        """One item of a list, to change."""
        return self.told[name]["items"][index]

    def condition(self, name: str, index: int, type_: str, **changed: str) -> None:
        """Changes a condition of an item of a list."""
        conditions = self.item(name, index)["status"]["conditions"]
        next(condition for condition in conditions if condition["type"] == type_).update(changed)


def refused(status: int, recording: str) -> Script:
    """A Status of the real server with this status code."""
    return reply(recorded(recording), status=status)
