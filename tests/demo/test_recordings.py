"""The demo answers as real servers were recorded to answer: the same status, content type and shape."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from apps.demo.fleet import RunningFleet
from apps.demo.world.alerts import Matcher, Silence
from tests.demo.conftest import Caller
from tests.demo.shapes import Shape

RECORDINGS = Path(__file__).parent.parent / "recordings"
# The demo's Alertmanager is a 0.28; what it puts behind the gateway is like the 0.25 recorded there.
FOLDERS = ("argocd/3.6", "alertmanager/0.28", "prometheus/2.42", "observatorium/main-2026-07", "kubernetes/1.34")

# Requests that the demo cannot be asked, each with the reason.
LEFT_OUT = {
    r"argocd/.*/person_.*": "acting in a person's own name comes with single sign-on",
    r"argocd/.*/watch_(?!no_token).*": "compared line by line in test_stream",
    r"kubernetes/.*/(velero|managedclusteraddons).*": "types that the simulated clusters do not have",
    r"kubernetes/.*/namespaces": "the portal reads no namespaces",
    r"kubernetes/.*/nodes_watch.*": "the simulated API servers have lists only",
    r"prometheus/.*/(targets|query_type_error)": "the simulated Prometheus scrapes and computes nothing",
    r"observatorium/.*/through_ui_route_prometheus_alerts": "there both saw one Prometheus, the demo has two",
}

# Keys that the demo has beyond the recordings, because the upstream's own documents name them.
DOCUMENTED = {
    "cluster.name": "present unless the cluster is disabled, as it was when recorded (Alertmanager's openapi.yaml)",
    "cluster.peers[]": "the same",
    "[].generatorURL": "optional in openapi.yaml; the alerts recorded behind the gateway were posted without",
}

# The recorded Applications and those of the demo that stand as they stood.
NAMES = {
    "broken-no-such-path": "enterprise-contract-stone-prd-rh01",
    "broken-dead-cluster": "has-stone-prd-m01",
    "broken-unknown-cluster": "has-stone-prd-m01",
    "deleting-stone-prd-m01": "spi-stone-stg-m01",
    "quality-dashboard-stone-prd-host1": "spi-vault-stone-prd-m01",
    "perf-team-prometheus-reader-stone-prd-m01": "monitoring-workload-grafana-stone-prd-m01",
    "backup-stone-prd-m01": "tekton-ci-stone-prd-m01",
    "backup-stone-prd-rh01": "gitops-stone-prd-rh01",
    "enterprise-contract-stone-prd-m01": "pipeline-service-stone-prd-m01",
}
FREE_APPLICATION = "jvm-build-service-stone-prd-m01"


@dataclass(frozen=True)
class Recording:
    """One exchange."""

    key: str
    method: str
    path: str
    headers: dict[str, str]
    body: Any
    status: int
    content_type: str | None
    document: Any

    @property
    def name(self) -> str:
        """The file's name without its ending."""
        return self.key.rpartition("/")[2]

    @property
    def kind(self) -> str:
        """Which documents it is one of: the folder and the path without the names of things."""
        if self.status >= 400:
            return f"{self.key.split('/')[0]} problem {self.status}"
        path = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "ID", self.path.partition("?")[0])
        if "/projects" not in path:
            path = re.sub(r"/[a-z0-9-]+-stone-prd-[a-z0-9]+|/broken-[a-z-]+", "/NAME", path)
        return f"{self.key.split('/')[0]} {_same_documents(path)}{' narrow' if 'fields=' in self.path else ''}"


def _same_documents(path: str) -> str:
    """The path of the documents that an answer holds: syncing answers with the Application."""
    return path.removesuffix("/sync")


def _read(folder: str) -> Iterator[Recording]:
    for path in sorted((RECORDINGS / folder).glob("*.json")):
        told = json.loads(path.read_text())
        request, response = told["request"], told["response"]
        body = request.get("json", request.get("body"))
        yield Recording(
            key=f"{folder}/{path.stem}",
            method=request["method"],
            path=request["path"],
            headers=request.get("headers") or {},
            body=json.loads(body) if isinstance(body, str) and body[:1] in "{[" else body,
            status=response["status"],
            content_type=(response.get("headers") or {}).get("Content-Type"),
            document=response.get("json"),
        )


ALL = [each for folder in FOLDERS for each in _read(folder)]
ASKED = [each for each in ALL if not any(re.fullmatch(pattern, each.key) for pattern in LEFT_OUT)]


def entities(kind: str, document: Any) -> Iterator[tuple[str, Any]]:
    """The documents inside an answer: a list's envelope, and each of its items, which may be answers themselves."""
    if isinstance(document, dict) and "items" in document:
        yield kind, {**document, "items": [] if document["items"] else document["items"]}
        item = (
            f"{kind}/NAME" if kind.startswith("argocd /api/v1/applications") and "narrow" not in kind else f"{kind}[]"
        )
        yield from ((item, each) for each in document["items"] or [])
    else:
        yield kind, document


@functools.cache
def shapes() -> dict[str, Shape]:
    """What is known of each kind of document, from all recordings."""
    known: dict[str, Shape] = {}
    for recording in ALL:
        if recording.document is not None:
            for kind, document in entities(recording.kind, recording.document):
                known.setdefault(kind, Shape()).learn(document)
    return known


# --- the same request, put to the demo --------------------------------------------------------------------------


def server_of(recording: Recording) -> str:
    """The demo's server that stands for the recorded one."""
    family = recording.key.split("/")[0]
    if family == "argocd":
        return "argocd/staging" if "deleting" in recording.path else "argocd/production"
    if family == "kubernetes":
        return f"kubernetes/{_cluster_of(recording)}"
    return {"alertmanager": "alertmanager/appsre/0", "prometheus": "prometheus/appsre"}.get(
        family, "observatorium/rhobs"
    )


def _cluster_of(recording: Recording) -> str:
    if re.search(r"m01$", recording.name):
        return "stone-prd-m01"
    if re.search(r"rh01$", recording.name):
        return "stone-prd-rh01"
    of_control_plane = (
        "control",
        "argocds",
        "clusterserviceversions",
        "subscriptions",
        "managedclusters",
        "unknown_resource",
    )
    return "appsrep05ue1" if any(word in recording.name for word in of_control_plane) else "stone-prd-host1"


def account_of(recording: Recording) -> str:
    """Whose token goes with the request."""
    name = recording.name
    if re.search(r"no_token|version$|without_token|anonymous", name):
        return "nobody"
    if re.search(r"bad_token|unauthorized", name):
        return "stranger"
    for words, account in {
        r"nothing_allowed|application_denied|clusters_denied": "nothing",
        r"denied_by_rbac|terminate_denied|resource_actions": "viewonly",
        r"window_admin": "admin",
        r"forbidden": "denied",
    }.items():
        if re.search(words, name):
            return account
    return "portal"


def path_of(recording: Recording, fleet: RunningFleet) -> str:
    """The recorded path with the demo's own names and ids."""
    path = recording.path
    for recorded, own in NAMES.items():
        path = path.replace(recorded, own)
    if "/silence/" in path and not re.search(r"nope|0000-0000", path):
        path = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", _silence_id(recording, fleet), path)
    if "continue=eyJ" in path:
        path = re.sub(r"continue=.*", "continue=ZGVtbzoy", path)
    return path


def _silence_id(recording: Recording, fleet: RunningFleet) -> str:
    book = fleet.world.silences["rhobs" if recording.key.startswith("observatorium") else "appsre/0"]
    if "another_tenant" in recording.name:
        now = datetime.now(UTC)
        foreign = Silence("7" * 8 + "-0000-4000-8000-000000000000", (Matcher("tenant_id", "x"),), now, now, "", "", now)
        fleet.call(lambda: book.put(foreign))
        return foreign.id
    return next(iter(book.silences))


def _headers_of(recording: Recording, ask: Caller, server: str) -> dict[str, str]:
    account = account_of(recording)
    kept = {name: text for name, text in recording.headers.items() if name in {"Accept", "Content-Type"}}
    if account == "stranger":
        return kept | {"Authorization": "Bearer not-known-here"}
    return kept if account == "nobody" else kept | ask.headers(server, account)


def body_of(recording: Recording, fleet: RunningFleet) -> Any:
    """The recorded body, with moments that lie as they lay then and ids that exist."""
    body = recording.body
    if not isinstance(body, dict) or "matchers" not in body:
        return body
    now = datetime.now(UTC)
    begins = now - timedelta(hours=2) if "end_in_past" in recording.name else now
    ends = now - timedelta(hours=1) if "end_in_past" in recording.name else now + timedelta(hours=2)
    known = _silence_id(recording, fleet) if "id" in body else None
    return {**body, "startsAt": begins.isoformat(), "endsAt": ends.isoformat()} | ({"id": known} if known else {})


def _begin_operation(name: str) -> Callable[[RunningFleet, Caller], None]:
    def prepare(fleet: RunningFleet, ask: Caller) -> None:
        path = f"/api/v1/applications/{name}/sync"
        assert ask.post("argocd/production", path, {"project": "default"}).status_code == 200
        fleet.advance(1)

    return prepare


def _terminate(fleet: RunningFleet, ask: Caller) -> None:
    _begin_operation(NAMES["enterprise-contract-stone-prd-m01"])(fleet, ask)
    path = f"/api/v1/applications/{NAMES['enterprise-contract-stone-prd-m01']}/operation?project=default"
    assert ask.delete("argocd/production", path).status_code == 200


PREPARED = {
    "sync_another_operation_running": _begin_operation(NAMES["enterprise-contract-stone-prd-m01"]),
    "application_operation_running": _begin_operation(NAMES["enterprise-contract-stone-prd-m01"]),
    "application_sync_just_started": _begin_operation(NAMES["backup-stone-prd-m01"]),
    "terminate_accepted": _begin_operation(NAMES["enterprise-contract-stone-prd-m01"]),
    "application_terminating": _terminate,
}


def put(recording: Recording, fleet: RunningFleet, ask: Caller) -> requests.Response:
    """Put the recorded request to the demo."""
    server = server_of(recording)
    PREPARED.get(recording.name, lambda *_: None)(fleet, ask)
    body = body_of(recording, fleet)
    return requests.request(
        recording.method,
        fleet.urls[server] + path_of(recording, fleet),
        headers=_headers_of(recording, ask, server),
        data=json.dumps(body).encode() if body is not None else None,
        allow_redirects=False,
        timeout=10,
    )


@pytest.mark.parametrize("recording", ASKED, ids=lambda each: each.key)
def test_it_answers_as_the_recordings_do(recording: Recording, fleet: RunningFleet, ask: Caller) -> None:
    answer = put(recording, fleet, ask)

    assert answer.status_code == recording.status, answer.text
    assert answer.headers.get("Content-Type") == recording.content_type
    if recording.document is not None:
        known = shapes()
        found = [
            f"{kind}{stranger}"
            for kind, document in entities(recording.kind, answer.json())
            for stranger in known[kind].strangers(document)
            if stranger.lstrip(".").partition(":")[0] not in DOCUMENTED
        ]
        assert not found


def test_almost_every_recording_is_compared() -> None:
    left_out = {each.key for each in ALL} - {each.key for each in ASKED}
    assert len(ASKED) > 170
    assert len(left_out) < 30


def test_a_key_that_no_recording_has_is_noticed() -> None:
    shape = Shape()
    shape.learn({"name": "a", "labels": {"free": "text"}})

    assert list(shape.strangers({"name": "b", "labels": {"other": "text"}})) == []
    assert list(shape.strangers({"name": 1, "extra": None})) == [
        ".name: number where the recordings have string",
        ".extra: a key that no recording has",
    ]


def test_a_recording_of_another_kind_is_not_taken_for_the_same() -> None:
    recording = ALL[0]
    assert replace(recording, status=404).kind != replace(recording, status=200).kind
