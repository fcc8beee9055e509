"""The control endpoint: what a test or a benchmark does to the fleet from outside.

GET /servers · POST /faults/<server> · GET or DELETE /log[/<server>] · GET or DELETE /received[/<server>] ·
POST /world/<happening>. Bodies are JSON and must say so in their Content-Type, which a foreign web page cannot do
without being asked first. /received is each sync and terminate that an Argo CD got (apps.demo.argocd.received),
and each silence that an Alertmanager or the gateway got (apps.demo.silences_received).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import msgspec

from apps.demo.alertmanager import AlertmanagerApi
from apps.demo.argocd.api import ArgoApi
from apps.demo.argocd.received import Received
from apps.demo.faults import KINDS, Fault
from apps.demo.http import Reply, Request, Server
from apps.demo.observatorium import GatewayApi
from apps.demo.silences_received import SilencesReceived
from apps.demo.world.alerts import Alert
from apps.demo.world.applications import Application
from apps.demo.world.world import World

CHANGEABLE = frozenset(
    [
        "sync",
        "health",
        "health_message",
        "revision",
        "auto_sync",
        "project",
        "broken",
        "failure",
        "failing_revision",
        "hook",
        "has_legacy",
        "sync_seconds",
        "retry_limit",
    ]
)
Asked = dict[str, Any]


class Switchboard(Protocol):
    """The running servers, as far as the control needs them."""

    servers: dict[str, Server]

    def fault_set(self, server: str, fault: Fault | None, *, refuses: bool) -> None:
        """Switch a fault on or off."""
        ...


class ControlApi:
    """The control endpoint on the wire."""

    gzips = False

    def __init__(self, world: World, board: Switchboard) -> None:
        self._world = world
        self._board = board
        self._happenings: dict[str, Callable[[Asked], Any]] = {
            "lose": lambda asked: world.cluster_lose(world.clusters[asked["cluster"]]),
            "bring-back": lambda asked: world.cluster_bring_back(world.clusters[asked["cluster"]]),
            "node": self._node,
            "fire": self._fire,
            "resolve": self._resolve,
            "application": self._application,
            "remove-application": self._remove_application,
            "change": self._change_many,
            "advance": lambda asked: world.agenda.advance(float(asked["seconds"])),
        }

    def answer(self, request: Request) -> Reply:
        """Do what is asked, or tell why not."""
        if request.method == "POST" and request.headers.get("content-type") != "application/json":
            return Reply.json({"error": "Content-Type must be application/json"}, 415)
        try:
            asked = request.document() if request.body else {}
            return Reply.json(self._do(request, asked))
        except (msgspec.DecodeError, KeyError, TypeError, ValueError) as error:
            return Reply.json({"error": f"{type(error).__name__}: {error}"}, 400)

    def problem(self, status: int) -> Reply:
        """The control has no faults of its own."""
        return Reply.json({"error": str(status)}, status)

    def emptied(self, request: Request) -> Reply:
        """Nothing."""
        return Reply.json({})

    def _do(self, request: Request, asked: Asked) -> Any:
        match request.method, request.segments:
            case "GET", ("servers",):
                return [self._server(each) for each in self._board.servers.values()]
            case "POST", ("faults", *parts):
                return self._fault("/".join(parts), asked)
            case "GET", ("log", *parts):
                return {name: self._log(name) for name in self._names(parts)}
            case "DELETE", ("log", *parts):
                for name in self._names(parts):
                    self._board.servers[name].log.clear()
                return {}
            case "GET", ("received", *parts):
                return {name: each.documents() for name, each in self._received(parts).items()}
            case "DELETE", ("received", *parts):
                for each in self._received(parts).values():
                    each.clear()
                return {}
            case "POST", ("world", happening):
                return self._happenings[happening](asked) or {}
        raise ValueError(f"nothing is known of {request.method} {request.path}")

    def _received(self, parts: list[str]) -> dict[str, Received | SilencesReceived]:
        upstreams = {name: self._board.servers[name].upstream for name in self._names(parts)}
        keeping = ArgoApi | AlertmanagerApi | GatewayApi
        return {name: each.received for name, each in upstreams.items() if isinstance(each, keeping)}

    def _names(self, parts: list[str]) -> list[str]:
        return ["/".join(parts)] if parts else list(self._board.servers)

    def _server(self, server: Server) -> Asked:
        fault = server.fault.kind if isinstance(server.fault, Fault) else "none"
        return {"name": server.name, "url": server.url, "fault": fault, "requests": server.log.count}

    def _log(self, name: str) -> Asked:
        log = self._board.servers[name].log
        return {"count": log.count, "requests": list(log.latest)}

    def _fault(self, name: str, asked: Asked) -> Asked:
        kind = str(asked.pop("fault"))
        if kind not in KINDS:
            raise ValueError(f"unknown fault {kind}; there are {', '.join(sorted(KINDS))}")
        fault = None if kind in {"none", "refuse"} else Fault(kind, **asked)
        self._board.fault_set(name, fault, refuses=kind == "refuse")
        return self._server(self._board.servers[name])

    # --- what can be made to happen -----------------------------------------------------------------------------

    def _node(self, asked: Asked) -> None:
        cluster = self._world.clusters[asked.pop("cluster")]
        node = cluster.nodes[int(asked.pop("node", 0))]
        self._world.node_change(cluster, node, **asked)

    def _fire(self, asked: Asked) -> Asked:
        cluster = self._world.clusters[asked["cluster"]] if "cluster" in asked else None
        application = self._found(asked) if "application" in asked else None
        alert = self._world.alert_fire(
            asked["rule"],
            cluster=cluster,
            application=application,
            labels=asked.get("labels"),
            pending=float(asked.get("pending", 0)),
        )
        return {"fingerprint": alert.fingerprint, "labels": alert.labels}

    def _resolve(self, asked: Asked) -> Asked:
        """End every alert that has all the labels given, or the fingerprint."""
        wanted = dict(asked.get("labels", {}))
        ended = 0
        for book in self._world.books.values():
            for alert in list(book.alerts.values()):
                if _is_meant(alert, asked.get("fingerprint"), wanted):
                    book.end(alert.fingerprint, self._world.now())
                    ended += 1
        return {"ended": ended}

    def _found(self, asked: Asked) -> Application:
        return self._world.application(asked["instance"], asked["application"])

    def _application(self, asked: Asked) -> None:
        fields = dict(asked["fields"])
        unknown = fields.keys() - CHANGEABLE
        if unknown:
            raise ValueError(f"cannot be set: {', '.join(sorted(unknown))}")
        self._world.application_change(self._found(asked), **fields)

    def _remove_application(self, asked: Asked) -> None:
        self._world.argocds[asked["instance"]].removed(self._found(asked))

    def _change_many(self, asked: Asked) -> Asked:
        """Give the first `count` Applications that are well a new revision, all at once."""
        instances = self._world.argocds.values()
        everything = [each for instance in instances for each in instance.applications.values() if each.is_well]
        chosen = everything[: int(asked["count"])]
        for application in chosen:
            instance = self._world.instance_of(application)
            revision = self._world.commit(instance, application.set_name, self._world.now())
            self._world.application_change(application, revision=revision)
        return {"changed": len(chosen)}


def _is_meant(alert: Alert, fingerprint: str | None, wanted: dict[str, str]) -> bool:
    if fingerprint is not None:
        return alert.fingerprint == fingerprint
    return bool(wanted) and all(alert.labels.get(name) == value for name, value in wanted.items())
