"""Clusters of the simulated fleet: their nodes, version, operators, and whether they can be reached."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from apps.demo.catalogue import STABLE_VERSION


@dataclass(slots=True)
class Node:
    """A node. ready is True, False or Unknown, as the Ready condition's status says."""

    name: str
    role: str
    since: datetime
    ready: str = "True"
    is_under_memory_pressure: bool = False
    is_cordoned: bool = False


@dataclass(slots=True)
class Cluster:
    """A cluster. role is control-plane, host or member; `server` the API's URL under which Argo CD knows it.

    `upgrade_percent` is None but while an upgrade is under way; `degraded_operators` are name → what is wrong.
    """

    name: str
    role: str
    environment: str
    ring: int
    since: datetime
    host: str = ""
    nodes: list[Node] = field(default_factory=list)
    version: str = STABLE_VERSION
    desired_version: str = STABLE_VERSION
    upgrade_percent: float | None = None
    degraded_operators: dict[str, str] = field(default_factory=dict)
    unready_parts: tuple[str, ...] = ()
    spaces: int = 0
    memory_percent: int = 55
    is_lost: bool = False
    lost_at: datetime | None = None
    resource_version: int = 1

    @property
    def server(self) -> str:
        """The API's URL in the cluster's own world (nothing answers there)."""
        return f"https://api.{self.name}.example.com:6443"

    @property
    def console(self) -> str:
        """The URL of its web console (nothing answers there either)."""
        return f"https://console-openshift-console.apps.{self.name}.example.com"

    @property
    def is_upgrading(self) -> bool:
        """Whether an upgrade is under way."""
        return self.upgrade_percent is not None
