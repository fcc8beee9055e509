"""Applications and the Argo CD instances that hold them, as plain state."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from apps.demo.world.clusters import Cluster

EVENT_BUFFER = 1_000
NAMESPACE = "argocd"


@dataclass(frozen=True, slots=True)
class Condition:
    """One of `status.conditions`."""

    type: str
    message: str
    at: datetime


@dataclass(slots=True)
class Operation:
    """What was asked for. A `limit` of -1 in `retry` is for ever; without `username` Argo CD itself began it.

    `outcome` is the phase in which it ended, empty until then.
    """

    revision: str
    prune: bool = False
    dry_run: bool = False
    resources: list[dict[str, str]] = field(default_factory=list)
    sync_options: tuple[str, ...] = ()
    infos: list[dict[str, str]] = field(default_factory=list)
    strategy: dict[str, Any] = field(default_factory=dict)
    retry: dict[str, Any] = field(default_factory=dict)
    username: str = ""
    outcome: str = ""

    def wants(self, kind: str, name: str) -> bool:
        """Whether a resource is among those that were chosen, or none were."""
        return not self.resources or any((each["kind"], each["name"]) == (kind, name) for each in self.resources)


@dataclass(slots=True)
class OperationState:
    """How it went, or goes. phase is Running, Terminating, Failed, Error or Succeeded."""

    operation: Operation
    started_at: datetime
    phase: str = "Running"
    message: str = ""
    finished_at: datetime | None = None
    retry_count: int = 0
    results: list[dict[str, Any]] | None = None


@dataclass(frozen=True, slots=True)
class Deployment:
    """One line of the history."""

    id: int
    revision: str
    started_at: datetime
    deployed_at: datetime
    username: str = ""


@dataclass(slots=True)
class Application:
    """One Application.

    broken: why its workloads are Degraded, or empty. failure: why each sync fails, or empty; with failing_revision only
    those to that commit do. hook: the PreSync job that a sync waits for, or empty. has_legacy: a resource lives that
    Git no longer has, so that it requires pruning.
    """

    name: str
    set_name: str
    cluster: Cluster
    namespace: str
    uid: str
    created_at: datetime
    path: str
    revision: str
    health_since: datetime
    reconciled_at: datetime
    project: str = "default"
    sync: str = "Synced"
    health: str = "Healthy"
    health_message: str = ""
    runs_workloads: bool = True
    auto_sync: bool = True
    auto_prune: bool = True
    retry_limit: int = -1
    broken: str = ""
    failure: str = ""
    failing_revision: str = ""
    hook: str = ""
    has_legacy: bool = False
    sync_seconds: float = 4.0
    conditions: tuple[Condition, ...] = ()
    operation: Operation | None = None
    state: OperationState | None = None
    history: tuple[Deployment, ...] = ()
    hydrate: str = ""
    deleting_at: datetime | None = None
    generation: int = 1
    resource_version: int = 1
    before_loss: tuple[str, str, tuple[Condition, ...]] | None = None

    @property
    def is_well(self) -> bool:
        """Synced and Healthy with nothing under way: what a rollout may start from."""
        calm = self.operation is None and self.deleting_at is None and not self.conditions
        return calm and self.sync == "Synced" and self.health == "Healthy"

    def failure_of(self, operation: Operation) -> str:
        """Why this sync fails, or empty."""
        return self.failure if self.failing_revision in {"", operation.revision} else ""


@dataclass(frozen=True, slots=True)
class Window:
    """A sync window of a project."""

    kind: str
    schedule: str
    duration: str
    manual_sync: bool = False
    time_zone: str = "UTC"
    applications: tuple[str, ...] = ("*",)
    description: str = ""


@dataclass(frozen=True, slots=True)
class Event:
    """One event of the stream: its type, the Application, and its document as it was then."""

    type: str
    application: Application
    document: dict[str, Any]


class ArgoInstance:
    """One Argo CD: its Applications by name, its clusters and projects, and who watches."""

    def __init__(self, *, name: str, control_plane: Cluster, clusters: list[Cluster], now: datetime) -> None:
        self.name = name
        self.control_plane = control_plane
        self.clusters = clusters
        self.began_at = now
        self.applications: dict[str, Application] = {}
        self.projects: dict[str, tuple[Window, ...]] = {}
        self.commits: dict[str, tuple[str, datetime, str]] = {}
        self.heads: dict[str, str] = {}
        self.resource_version = 1_000
        self.on_change: list[Callable[[str], None]] = []
        self.watchers: set[asyncio.Queue[Event]] = set()
        self.render: Callable[[Application], dict[str, Any]] = lambda application: {}

    def changed(self, application: Application, type_: str = "MODIFIED") -> None:
        """Note that it is not what it was: its version rises, caches forget it, watchers hear of it."""
        self.resource_version += 1
        application.resource_version = self.resource_version
        application.generation += 1
        for forget in self.on_change:
            forget(application.name)
        if self.watchers:
            self._tell(Event(type_, application, self.render(application)))

    def removed(self, application: Application) -> None:
        """Take it out."""
        del self.applications[application.name]
        self.changed(application, "DELETED")

    def on(self, cluster: Cluster) -> Iterable[Application]:
        """Its Applications on one cluster."""
        return [each for each in self.applications.values() if each.cluster is cluster]

    def _tell(self, event: Event) -> None:
        for queue in self.watchers:
            if queue.qsize() < EVENT_BUFFER:  # Argo CD too drops what a slow reader leaves no room for
                queue.put_nowait(event)
