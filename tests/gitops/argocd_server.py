"""A local Argo CD as far as the collectors ask it: narrow list, stream with its replay, can-i, inventory."""

from __future__ import annotations

import copy
import json
import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

Json = dict[str, Any]
CAN_I = "/api/v1/account/can-i/applications/get/"
CREATED = "2026-11-24T08:00:00Z"


def application(name: str, **changes: Any) -> Json:
    """An Application as Argo CD has it: well, unless `changes` (sync, health, uid, conditions, …) say otherwise."""
    get = changes.pop
    value: Json = {
        "metadata": {
            "name": name,
            "namespace": get("namespace", "argocd"),
            "uid": get("uid", f"uid-{name}"),
            "creationTimestamp": get("created", CREATED),
            "ownerReferences": [{"kind": "ApplicationSet", "name": name.rpartition("-")[0] or name}],
        },
        "spec": {
            "project": get("project", "default"),
            "destination": get("destination", {"server": "https://api.m01.example.com:6443", "namespace": "apps"}),
            "source": {"repoURL": "https://git.example.com/infra", "path": name, "targetRevision": "main"},
            "syncPolicy": {"automated": {"selfHeal": True}} if get("auto_sync", True) else {},
        },
        "status": {
            "sync": {"status": get("sync", "Synced"), "revision": get("revision", "a" * 40)},
            "health": {"status": get("health", "Healthy"), "lastTransitionTime": get("health_since", CREATED)},
            "conditions": [{"type": kind, "message": f"{kind} told"} for kind in get("conditions", [])],
        },
    }
    operation = get("operation_state", None)
    if operation:
        value["status"]["operationState"] = operation
    value["metadata"].update(get("metadata", {}))
    assert not changes, f"unknown: {changes}"
    return value


def operation(phase: str, *, started: str = "2026-11-24T09:00:00Z", **more: Any) -> Json:
    """An operationState."""
    ended = {} if phase == "Running" else {"finishedAt": started}
    initiator = {"operation": {"initiatedBy": {"username": "alex"}, "info": [{"name": "ticket", "value": "K-1"}]}}
    return {"phase": phase, "startedAt": started, **ended, **initiator, **more}


class ArgoCDServer:
    """What it tells, and how it misbehaves. `asked` holds the path of each request.

    `may_get` is how the Applications begin that the account may get, as "project/namespace/".
    """

    def __init__(self) -> None:
        self.applications: dict[str, Json] = {}
        self.clusters: list[Json] | None = []
        self.projects: list[Json] | None = [{"metadata": {"name": "default"}}]
        self.sets: list[Json] | None = []
        self.asked: list[str] = []
        self.can_i = True
        self.may_get = ""
        self.broken_commits: set[str] = set()
        self.around: dict[str, Json | None] = {"resource-tree": {"nodes": None}, "events": {"items": None}}
        self.lists_nothing = False
        self.loses_events = False
        self.refuses_stream = False
        self.lists_revisions = True
        self.list_status = 200
        self.on_list: Callable[[], None] = lambda: None
        self.extra_items: list[Any] = []
        self.url = ""
        self._streams: list[queue.Queue[Json | None]] = []
        self._lock = threading.Lock()

    def put(self, *applications: Json, kind: str = "MODIFIED") -> None:
        """These Applications are so from now on, and the streams are told."""
        with self._lock:
            for value in applications:
                self.applications[value["metadata"]["name"]] = value
                self._tell(kind, value)

    def remove(self, *names: str) -> None:
        """These Applications are deleted."""
        with self._lock:
            for name in names:
                self._tell("DELETED", self.applications.pop(name))

    def cut_streams(self) -> None:
        """Ends each stream as a restart of the server does."""
        with self._lock:
            for stream in self._streams:
                stream.put(None)

    @property
    def open_streams(self) -> int:
        """How many listen."""
        return len(self._streams)

    def count(self, path: str) -> int:
        """How many requests began so."""
        return sum(asked.startswith(path) for asked in self.asked)

    def _tell(self, kind: str, value: Json) -> None:
        if not self.loses_events:
            for stream in self._streams:
                stream.put({"type": kind, "application": copy.deepcopy(value)})

    def listen_to(self) -> Iterator[Json | None]:
        """The replay and then what comes; None each half a second in which nothing does."""
        stream: queue.Queue[Json | None] = queue.Queue()
        with self._lock:
            for value in [] if self.lists_nothing else self.applications.values():
                stream.put({"type": "ADDED", "application": copy.deepcopy(value)})
            self._streams.append(stream)
        try:
            while True:
                try:
                    told = stream.get(timeout=0.5)
                except queue.Empty:
                    yield None
                    continue
                if told is None:
                    return
                yield told
        finally:
            self._streams.remove(stream)

    def listing(self) -> Json:
        """The list with what its narrow fields can tell."""
        with self._lock:
            told = [] if self.lists_nothing else self.applications.values()
            items = [narrow(value, with_revision=self.lists_revisions) for value in told]
        return {"items": [*items, *self.extra_items] or None}

    def commit(self, revision: str) -> tuple[Json, int]:
        """Who made it; a failure as Argo CD tells one, of what its repo-server cannot find."""
        if revision in self.broken_commits:
            return {"error": f"unknown revision {revision}", "code": 2}, 500
        return {
            "author": "Alex",
            "date": CREATED,
            "message": f"Change {revision[:7]}\n\nmore of it",
            "tags": ["v1"],
        }, 200


def narrow(value: Json, *, with_revision: bool = True) -> Json:
    """An Application as the list tells it; before 3.5 without its revision."""
    value = copy.deepcopy(value)
    for name in ("uid", "ownerReferences"):
        value["metadata"].pop(name, None)
    value["status"].pop("conditions", None)
    if not with_revision:
        value["status"]["sync"].pop("revision", None)
    state = value["status"].get("operationState")
    if state:
        kept = ("phase", "startedAt", "finishedAt")
        value["status"]["operationState"] = {name: state[name] for name in kept if name in state}
    return value


class Handler(BaseHTTPRequestHandler):
    """One request; the server object hangs on the class."""

    argocd: ArgoCDServer
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the base class's name)
        """Quiet."""

    def do_GET(self) -> None:
        """Whatever the collectors ask."""
        path = urlsplit(self.path).path
        namespace = parse_qs(urlsplit(self.path).query).get("appsetNamespace", ())
        self.argocd.asked.append(unquote(path) + "".join(f"?appsetNamespace={each}" for each in namespace))
        if path == "/api/v1/applications":
            self.argocd.on_list()
            self.answer(self.argocd.listing(), self.argocd.list_status)
        elif path == "/api/v1/stream/applications":
            self.stream()
        elif path.startswith("/api/v1/applications/"):
            self.one(path.split("/"))
        elif path.startswith("/api/v1/account/can-i/"):
            may = self.argocd.can_i and unquote(path).startswith(
                CAN_I + self.argocd.may_get if self.argocd.may_get else "/"
            )
            self.answer({"value": "yes" if may else "no"})
        else:
            self.inventory(path)

    def one(self, parts: list[str]) -> None:
        """One Application, or its commit."""
        value = self.argocd.applications.get(unquote(parts[4]))
        if value is None or not self.argocd.can_i:
            self.answer({"error": "not found" if self.argocd.can_i else "permission denied", "code": 5},
                        404 if self.argocd.can_i else 403)  # fmt: skip
        elif parts[-1] == "metadata":
            self.answer(*self.argocd.commit(unquote(parts[6])))
        elif parts[-1] in {"resource-tree", "events"}:
            told = self.argocd.around.get(parts[-1])
            self.answer({"error": "denied"} if told is None else told, 403 if told is None else 200)
        else:
            self.answer(value)

    def inventory(self, path: str) -> None:
        """Version, and the three lists."""
        told: dict[str, Any] = {
            "/api/version": {"Version": "v3.6.0"},
            "/api/v1/clusters": {"items": self.argocd.clusters},
            "/api/v1/projects": {"items": self.argocd.projects},
            "/api/v1/applicationsets": {"items": self.argocd.sets},
        }
        self.answer(told.get(path, {"error": "not found", "code": 5}), 200 if path in told else 404)

    def answer(self, value: Any, status: int = 200) -> None:
        """JSON."""
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def stream(self) -> None:
        """Server-sent events, with keep-alives."""
        if self.argocd.refuses_stream:
            self.answer({"error": "no streams here", "code": 14}, 503)
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        with suppress(OSError):
            for told in self.argocd.listen_to():
                line = ":" if told is None else f"data: {json.dumps({'result': told})}"
                self.wfile.write(f"{line}\n\n".encode())
                self.wfile.flush()


@contextmanager
def serving() -> Iterator[ArgoCDServer]:
    """A server on a free port."""
    argocd = ArgoCDServer()
    handler = type("BoundHandler", (Handler,), {"argocd": argocd})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    argocd.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield argocd
    finally:
        argocd.cut_streams()
        server.shutdown()
        server.server_close()
        thread.join(5)
