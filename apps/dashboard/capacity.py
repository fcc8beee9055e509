"""What a cluster has room for: its nodes by role, what they offer to pods, and what the Toolchain says is in use."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from apps.core.verdict.cluster import NODE
from apps.fleet.models import ClusterObject

READY = "Ready"
NO_ROLE = "no role"
GIB = 1024**3
SUMMARY = "MemberStatus"


@dataclass(frozen=True)
class RoleCapacity:
    """The nodes of one role; `memory_used` in percent, as the member's own operator tells it, None where none does.

    A node that is not ready or is cordoned takes no new pods: it counts in `node_count` alone.
    """

    role: str
    node_count: int
    usable: Sequence[Mapping[str, Any]]
    memory_used: int | None = None

    @property
    def usable_count(self) -> int:
        """How many of them take new pods."""
        return len(self.usable)

    @property
    def cores(self) -> float | None:
        """Cores that the usable ones offer together; None where any of them does not tell."""
        return self._together("cpu")

    @property
    def memory(self) -> float | None:
        """GiB that they offer."""
        told = self._together("memory")
        return None if told is None else told / GIB

    @property
    def pods(self) -> float | None:
        """Pods that they offer room for."""
        return self._together("pods")

    def _together(self, resource: str) -> float | None:
        told = [node.get(resource) for node in self.usable]
        return None if None in told else float(sum(amount for amount in told if amount is not None))


def capacity_of(objects: Iterable[ClusterObject]) -> list[RoleCapacity]:
    """The roles that nodes have, the most nodes first; a node of several roles counts in the first of them."""
    known = list(objects)
    used = next((each.data.get("memory_usage") or {} for each in known if each.kind == SUMMARY), {})
    by_role: dict[str, list[ClusterObject]] = {}
    for node in known:
        if node.kind == NODE:
            by_role.setdefault(next(iter(node.data.get("roles") or ()), NO_ROLE), []).append(node)
    roles = [
        RoleCapacity(role, len(nodes), [node.data for node in nodes if takes_pods(node)], used.get(role))
        for role, nodes in by_role.items()
    ]
    return sorted(roles, key=lambda each: (-each.node_count, each.role))


def takes_pods(node: ClusterObject) -> bool:
    """Whether new pods can land on it."""
    return node.status == READY and not node.data.get("is_cordoned")
