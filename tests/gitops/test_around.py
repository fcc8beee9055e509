"""The unhealthy below an Application, and its events in order."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from apps.gitops.around import LONGEST_PATH, events_in_order, path_to, unhealthy_of
from apps.integrations.argocd import ResourceEvent, TreeNode

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


def node(kind: str, name: str, health: str = "", **fields: Any) -> TreeNode:
    return TreeNode(
        uid=fields.pop("uid", f"uid-{name}"),
        identity=f"apps/{kind}/ns/{name}",
        kind=kind,
        namespace="ns",
        name=name,
        health_status=health,
        **fields,
    )


def test_the_worst_and_deepest_comes_first_with_what_owns_it() -> None:
    deployment = node("Deployment", "web", "Degraded", health_message="no progress")
    replicas = node("ReplicaSet", "web-1", parents=(deployment.uid,))
    pod = node(
        "Pod",
        "web-1-x",
        "Degraded",
        parents=(replicas.uid,),
        facts=(("Status Reason", "CrashLoopBackOff"), ("Node", "n1"), ("Containers", "0/1")),
    )
    waiting = node("Deployment", "slow", "Progressing")
    fine = node("Service", "web", "Healthy", uid="service")
    found = unhealthy_of([waiting, deployment, replicas, pod, fine, node("ConfigMap", "settings")])
    assert [each.name for each in found] == ["web-1-x", "web", "slow"]
    assert found[0].path == ("Deployment web", "ReplicaSet web-1")
    assert found[0].message == "Status Reason CrashLoopBackOff, Containers 0/1"
    assert found[1].message == "no progress"


def test_a_parent_without_a_uid_is_found_by_what_it_is() -> None:
    service = node("Service", "web")
    ends = node("Endpoints", "web", "Degraded", uid="e", parents=(service.identity,))
    assert unhealthy_of([ends, service])[0].path == ("Service web",)


def test_circles_and_endless_chains_end() -> None:
    first, second = node("A", "a", parents=("uid-b",)), node("B", "b", parents=("uid-a",))
    assert path_to(first, {first.uid: first, second.uid: second}) == ("B b",)
    chain = [node("N", str(number), parents=(f"uid-{number + 1}",)) for number in range(50)]
    assert len(path_to(chain[0], {each.uid: each for each in chain})) == LONGEST_PATH
    alone = node("A", "self", parents=("uid-self",))
    assert path_to(alone, {alone.uid: alone}) == ()


def test_warnings_come_first_then_the_newest() -> None:
    def event(reason: str, kind: str, minutes: int | None) -> ResourceEvent:
        return ResourceEvent(
            type=kind, reason=reason, last_at=None if minutes is None else NOON - timedelta(minutes=minutes)
        )

    events = [
        event("old", "Normal", 50),
        event("new", "Normal", 1),
        event("warned", "Warning", 30),
        event("untold", "Warning", None),
        event("lately", "Warning", 2),
    ]
    assert [each.reason for each in events_in_order(events)] == ["lately", "warned", "untold", "new", "old"]
