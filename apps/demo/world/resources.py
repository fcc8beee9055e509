"""The Kubernetes resources of an Application, worked out from its state rather than kept."""

from __future__ import annotations

from dataclasses import dataclass

from apps.demo.world.applications import Application

WAITING = "Waiting for rollout to finish: 1 of 2 updated replicas are available..."


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource. status is empty where it was not compared; `deed` is what a sync does with it."""

    group: str
    version: str
    kind: str
    namespace: str
    name: str
    status: str = "Synced"
    health: str = ""
    health_message: str = ""
    requires_pruning: bool = False
    deed: str = "unchanged"

    @property
    def identity(self) -> dict[str, str]:
        """Group, version, kind, namespace and name."""
        return {
            "group": self.group,
            "version": self.version,
            "kind": self.kind,
            "namespace": self.namespace,
            "name": self.name,
        }

    @property
    def plain(self) -> str:
        """Kind and name as kubectl prints them."""
        group = f".{self.group}" if self.group else ""
        return f"{self.kind.lower()}{group}/{self.name}"


def resources_of(application: Application) -> list[Resource]:
    """Its resources in their present state; none when they could not be loaded."""
    if application.sync == "Unknown":
        return []
    found = [_resource(application, "", "ConfigMap", f"{application.set_name}-config", is_last=False)]
    if application.runs_workloads:
        found.append(_resource(application, "", "Service", application.set_name, is_last=False))
        found.append(_resource(application, "apps", "Deployment", f"{application.set_name}-controller-manager"))
    else:
        found.append(_resource(application, "rbac.authorization.k8s.io", "Role", f"{application.set_name}-reader"))
    return [*found, _legacy(application)] if application.has_legacy else found


def _resource(application: Application, group: str, kind: str, name: str, *, is_last: bool = True) -> Resource:
    is_missing = application.health == "Missing"
    only_legacy = application.has_legacy and not is_missing
    drifts = application.sync == "OutOfSync" and (is_last or is_missing) and not only_legacy
    health, message = _health(application, kind)
    return Resource(
        group,
        "v1",
        kind,
        application.namespace,
        name,
        "OutOfSync" if drifts else "Synced",
        health,
        message,
        deed="created" if is_missing else "configured" if drifts else "unchanged",
    )


def _legacy(application: Application) -> Resource:
    name = f"{application.set_name}-legacy-config"
    return Resource("", "v1", "ConfigMap", application.namespace, name, "OutOfSync", requires_pruning=True)


def _health(application: Application, kind: str) -> tuple[str, str]:
    if application.health == "Missing":
        return "Missing", ""
    if kind == "Service":
        return "Healthy", ""
    if kind != "Deployment":
        return "", ""
    messages = {"Degraded": application.health_message, "Progressing": WAITING, "Suspended": "Deployment is paused"}
    return application.health, messages.get(application.health, "")
