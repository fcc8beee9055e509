"""The routes of one cluster's API server: lists and objects of the types that are installed there."""

from __future__ import annotations

import base64
from typing import Any

import msgspec

from apps.demo.http import Reply, Request
from apps.demo.kubernetes import objects, toolchain
from apps.demo.kubernetes.objects import Document, Render
from apps.demo.world.clusters import Cluster
from apps.demo.world.world import World

OPENSHIFT = "config.openshift.io/v1"
TOOLCHAIN = "toolchain.dev.openshift.com/v1alpha1"
OLM = "operators.coreos.com/v1alpha1"
EVERYWHERE: dict[tuple[str, str], tuple[str, Render]] = {
    ("v1", "nodes"): ("Node", objects.nodes),
    (OPENSHIFT, "clusterversions"): ("ClusterVersion", objects.cluster_versions),
    (OPENSHIFT, "clusteroperators"): ("ClusterOperator", objects.cluster_operators),
    ("machineconfiguration.openshift.io/v1", "machineconfigpools"): ("MachineConfigPool", objects.machine_config_pools),
}
BY_ROLE: dict[str, dict[tuple[str, str], tuple[str, Render]]] = {
    "host": {
        (TOOLCHAIN, "toolchainstatuses"): ("ToolchainStatus", toolchain.toolchain_statuses),
        (TOOLCHAIN, "toolchainclusters"): ("ToolchainCluster", toolchain.clusters_of_host),
        (TOOLCHAIN, "spaceprovisionerconfigs"): ("SpaceProvisionerConfig", toolchain.provisioner_configs),
    },
    "member": {
        (TOOLCHAIN, "memberstatuses"): ("MemberStatus", toolchain.member_statuses),
        (TOOLCHAIN, "toolchainclusters"): ("ToolchainCluster", toolchain.clusters_of_member),
    },
    "control-plane": {
        ("argoproj.io/v1beta1", "argocds"): ("ArgoCD", toolchain.argocds),
        (OLM, "subscriptions"): ("Subscription", toolchain.subscriptions),
        (OLM, "clusterserviceversions"): ("ClusterServiceVersion", toolchain.service_versions),
        ("cluster.open-cluster-management.io/v1", "managedclusters"): ("ManagedCluster", toolchain.managed_clusters),
    },
}
VERSION = {
    "major": "1",
    "minor": "25",
    "gitVersion": "v1.25.8+37a9a08",
    "gitCommit": "37a9a08e3a8e0fa5a42c1b6a4a9ec3a5a4bfbc1f",
    "gitTreeState": "clean",
    "buildDate": "2023-05-24T11:07:14Z",
    "goVersion": "go1.19.6",
    "compiler": "gc",
    "platform": "linux/amd64",
}
CHECKS = ("ping", "log", "etcd", "etcd-readiness", "informer-sync")
ITEMS_WITHOUT_KIND = frozenset({"v1"})


class KubernetesApi:
    """One cluster's API on the wire. `tokens` are token → user; a user called "denied" may nothing."""

    gzips = False

    def __init__(self, world: World, cluster: Cluster, tokens: dict[str, str]) -> None:
        self._world = world
        self._cluster = cluster
        self._tokens = tokens
        self._types = {**EVERYWHERE, **BY_ROLE[cluster.role]}

    def answer(self, request: Request) -> Reply:
        """The answer in good health."""
        match request.segments:
            case ("readyz" | "livez" | "healthz",):
                return Reply.text(_checks() if "verbose" in request.query else "ok")
        if request.bearer and request.bearer not in self._tokens:
            return status_reply("Unauthorized", "Unauthorized", 401)
        match request.segments:
            case ("version",):
                return Reply.json(VERSION)
            case ("apis",):
                return Reply.json(self._groups())
            case ("apis", "authorization.k8s.io", "v1", "selfsubjectaccessreviews") if request.method == "POST":
                return self._access_review(request)
            case ("api", "v1", *rest):
                return self._resource("v1", rest, request)
            case ("apis", group, version, *rest):
                return self._resource(f"{group}/{version}", rest, request)
        return Reply.text("404 page not found\n", 404)

    def problem(self, status: int) -> Reply:
        """An error as a Status."""
        reasons = {401: "Unauthorized", 403: "Forbidden", 429: "TooManyRequests", 503: "ServiceUnavailable"}
        return status_reply(f"the server answers {status}", reasons[status], status)

    def emptied(self, request: Request) -> Reply:
        """A list without items."""
        return Reply.json({"kind": "List", "apiVersion": "v1", "metadata": {"resourceVersion": "1"}, "items": []})

    def _user(self, request: Request) -> str:
        return self._tokens.get(request.bearer, "system:anonymous")

    def _resource(self, api: str, rest: list[str], request: Request) -> Reply:
        match rest:
            case ["namespaces", namespace, plural, *name]:
                pass
            case [plural, *name]:
                namespace = ""
            case _:
                return self._discovered(api, request)
        if self._user(request) in {"system:anonymous", "denied"}:  # asked before there is any looking for a route
            return self._forbidden(api, plural, request)
        if (api, plural) not in self._types or len(name) > 1:
            return Reply.text("404 page not found\n", 404)
        kind, render = self._types[(api, plural)]
        found = [each for each in render(self._world, self._cluster) if _is_in(each, namespace)]
        if name:
            return _one(found, name[0], api, plural, kind)
        return self._list(found, api, kind, request)

    def _discovered(self, api: str, request: Request) -> Reply:
        """The types of a group and version, for everybody who is signed in."""
        if not request.bearer:
            return status_reply('forbidden: User "system:anonymous" cannot get path', "Forbidden", 403)
        resources = [{"name": plural, "kind": kind} for (of, plural), (kind, _) in self._types.items() if of == api]
        if not resources:
            return Reply.text("404 page not found\n", 404)
        return Reply.json({"kind": "APIResourceList", "groupVersion": api, "resources": resources})

    def _list(self, found: list[Document], api: str, kind: str, request: Request) -> Reply:
        metadata: dict[str, Any] = {"resourceVersion": str(1_000 + self._cluster.resource_version)}
        try:
            start = _start(request.first("continue"))
        except ValueError:
            message = "invalid continue token: continue key is not valid: it is not one of this server"
            return status_reply(message, "BadRequest", 400)
        limit = int(request.first("limit", "0") or 0)
        page = found[start : start + limit] if limit else found[start:]
        left = len(found) - start - len(page)
        if left > 0:
            metadata |= {"continue": _continue(start + len(page)), "remainingItemCount": left}
        elif api not in ITEMS_WITHOUT_KIND:
            metadata |= {"continue": ""}
        if "PartialObjectMetadataList" in request.headers.get("accept", ""):
            return _metadata_only(page, metadata)
        return Reply.json({"kind": f"{kind}List", "apiVersion": api, "metadata": metadata, "items": page})

    def _forbidden(self, api: str, plural: str, request: Request) -> Reply:
        group = api.partition("/")[0] if "/" in api else ""
        user = self._user(request)
        asked = f'resource "{plural}" in API group "{group}" at the cluster scope'
        message = f'{plural} is forbidden: User "{user}" cannot list {asked}'
        details = {"kind": plural} | ({"group": group} if group else {})
        return status_reply(message, "Forbidden", 403, details)

    def _access_review(self, request: Request) -> Reply:
        try:
            asked = request.document()
            attributes = dict(asked["spec"]["resourceAttributes"])
        except (msgspec.DecodeError, KeyError, TypeError) as error:
            return status_reply(f"the body cannot be read: {error}", "BadRequest", 400)
        user = self._user(request)
        looks = attributes.get("verb") in {"get", "list", "watch"} and attributes.get("resource") != "secrets"
        allowed = looks and user not in {"system:anonymous", "denied"}
        reason = 'RBAC: allowed by ClusterRoleBinding "portal-reader"' if allowed else ""
        document = {
            "kind": "SelfSubjectAccessReview",
            "apiVersion": "authorization.k8s.io/v1",
            "metadata": {},
            "spec": {"resourceAttributes": attributes},
            "status": {"allowed": allowed} | ({"reason": reason} if reason else {}),
        }
        return Reply.json(document, 201)

    def _groups(self) -> Document:
        names = sorted({api for api, _ in self._types if "/" in api})
        versions = [{"groupVersion": api, "version": api.partition("/")[2]} for api in names]
        groups = [
            {"name": each["groupVersion"].partition("/")[0], "versions": [each], "preferredVersion": each}
            for each in versions
        ]
        return {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}


def status_reply(message: str, reason: str, code: int, details: dict[str, str] | None = None) -> Reply:
    """A Status that tells of a failure."""
    document: Document = {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": message,
        "reason": reason,
        **({"details": details} if details else {}),
        "code": code,
    }
    return Reply.json(document, code)


def _one(found: list[Document], name: str, api: str, plural: str, kind: str) -> Reply:
    for each in found:
        if each["metadata"]["name"] == name:
            return Reply.json({"kind": kind, "apiVersion": api, **each})
    group = api.partition("/")[0] if "/" in api else ""
    qualified = f"{plural}.{group}" if group else plural
    details = {"name": name} | ({"group": group} if group else {}) | {"kind": plural}
    return status_reply(f'{qualified} "{name}" not found', "NotFound", 404, details)


def _is_in(document: Document, namespace: str) -> bool:
    return not namespace or document["metadata"].get("namespace") == namespace


def _continue(position: int) -> str:
    return base64.urlsafe_b64encode(f"demo:{position}".encode()).decode()


def _start(token: str) -> int:
    if not token:
        return 0
    kind, _, position = base64.urlsafe_b64decode(token).decode().partition(":")
    if kind != "demo":
        raise ValueError(token)
    return int(position)


def _metadata_only(page: list[Document], metadata: Document) -> Reply:
    identity = {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1"}
    items = [{**identity, "metadata": each["metadata"]} for each in page]
    kind = "PartialObjectMetadataList"
    return Reply.json({"kind": kind, "apiVersion": "meta.k8s.io/v1", "metadata": metadata, "items": items})


def _checks() -> str:
    return "".join(f"[+]{name} ok\n" for name in CHECKS) + "readyz check passed\n"
