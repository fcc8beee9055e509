"""The whole simulated fleet and what can happen to it, each happening one method."""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable
from datetime import datetime
from typing import Any

from apps.demo.agenda import Agenda
from apps.demo.catalogue import CONTROL_PLANE_RULES, DATA_PLANE_RULES, REPOSITORY, RULES, TENANT_ID, AlertRule
from apps.demo.world.alerts import Alert, AlertBook, SilenceBook, fingerprint
from apps.demo.world.applications import Application, ArgoInstance, Condition
from apps.demo.world.clusters import Cluster, Node

AUTHORS = (
    "Ana Ruiz <aruiz@example.com>",
    "Bela Kovacs <bkovacs@example.com>",
    "Chidi Obi <cobi@example.com>",
    "Dana Weiss <dweiss@example.com>",
    "Emil Novak <enovak@example.com>",
)
CHANGES = (
    "Update the image of {name}",
    "Raise the memory limit of {name}",
    "Promote {name} to the next ring",
    "Add a network policy for {name}",
    "Rotate the configuration of {name}",
)
OF_OPERATIONS = {"operation", "state", "history"}
"""What the end of an operation writes; the comparison follows it."""


class World:
    """Clusters, Argo CD instances, alerts and silences, with one clock and one agenda."""

    def __init__(self, *, seed: int, began_at: datetime, clock: Callable[[], datetime]) -> None:
        self.seed = seed
        self.began_at = began_at
        self.now = clock
        self.agenda = Agenda()
        self.rng = random.Random(f"{seed}-build")
        self.clusters: dict[str, Cluster] = {}
        self.argocds: dict[str, ArgoInstance] = {}
        self.books = {
            "appsre": AlertBook(name="appsre", rules=CONTROL_PLANE_RULES),
            "rhobs": AlertBook(name="rhobs", rules=DATA_PLANE_RULES),
        }
        self.silences = {key: SilenceBook() for key in ("appsre/0", "appsre/1", "rhobs")}
        self.silences["appsre/0"].peers.append(self.silences["appsre/1"])
        self.silences["appsre/1"].peers.append(self.silences["appsre/0"])
        self.on_reachability: list[Callable[[Cluster], None]] = []

    def new_id(self) -> str:
        """A UUID that the seed decides."""
        return str(uuid.UUID(int=self.rng.getrandbits(128), version=4))

    def instance_of(self, application: Application) -> ArgoInstance:
        """The Argo CD that holds it."""
        return self.argocds[application.cluster.environment]

    def application(self, instance: str, name: str) -> Application:
        """One Application. Raises KeyError."""
        return self.argocds[instance].applications[name]

    # --- Applications -------------------------------------------------------------------------------------------

    def commit(self, instance: ArgoInstance, subject: str, at: datetime, *, rng: random.Random | None = None) -> str:
        """A new commit about `subject`; returns its hash."""
        draw = rng or self.rng
        revision = f"{draw.getrandbits(160):040x}"
        instance.commits[revision] = (draw.choice(AUTHORS), at, draw.choice(CHANGES).format(name=subject))
        return revision

    def application_change(self, application: Application, **fields: Any) -> None:
        """Set fields of an Application, with the times that go with them, and tell those who watch.

        What an operation writes of itself compares nothing; all else comes of a comparison.
        """
        now = self.now()
        if fields.get("health", application.health) != application.health:
            fields.setdefault("health_since", now)
            fields.setdefault("health_message", "")
        for name, value in fields.items():
            setattr(application, name, value)
        if not fields or not fields.keys() <= OF_OPERATIONS:
            application.reconciled_at = now
        self.instance_of(application).changed(application)

    # --- Clusters -----------------------------------------------------------------------------------------------

    def cluster_lose(self, cluster: Cluster) -> None:
        """Its API refuses connections; Argo CD can no longer compare what lives there."""
        if cluster.is_lost:
            return
        cluster.is_lost, cluster.lost_at = True, self.now()
        for application in self.argocds[cluster.environment].on(cluster):
            if application.deleting_at is None:
                self._application_lose_sight(application)
        self._tell_reachability(cluster)

    def cluster_bring_back(self, cluster: Cluster) -> None:
        """It answers again, and everything on it is as it was."""
        if not cluster.is_lost:
            return
        cluster.is_lost, cluster.lost_at = False, None
        for application in self.argocds[cluster.environment].on(cluster):
            if application.before_loss is not None:
                sync, health, conditions = application.before_loss
                application.before_loss = None
                self.application_change(application, sync=sync, health=health, conditions=conditions)
        self._tell_reachability(cluster)

    def connection_error(self, cluster: Cluster) -> str:
        """What Argo CD says of a cluster that it cannot reach."""
        address = cluster.server.removeprefix("https://")
        return (
            f'failed to get cluster info for "{cluster.server}": error synchronizing cache state : failed to get '
            f'server version: Get "{cluster.server}/version?timeout=32s": dial tcp {address}: connect: '
            "connection refused"
        )

    def _application_lose_sight(self, application: Application) -> None:
        application.before_loss = (application.sync, application.health, application.conditions)
        message = f"Failed to load live state: {self.connection_error(application.cluster)}"
        # A comparison that fails leaves sync Unknown with health Healthy: as a real Argo CD 3.6 was seen to do.
        conditions = (Condition("ComparisonError", message, self.now()),)
        self.application_change(application, sync="Unknown", health="Healthy", conditions=conditions)

    def _tell_reachability(self, cluster: Cluster) -> None:
        cluster.resource_version += 1
        for host in self.clusters.values():
            if host.name == cluster.host:
                host.resource_version += 1
        for told in self.on_reachability:
            told(cluster)

    def node_change(self, cluster: Cluster, node: Node, **fields: Any) -> None:
        """Set fields of a node."""
        for name, value in fields.items():
            setattr(node, name, value)
        node.since = self.now()
        cluster.resource_version += 1

    # --- Alerts -------------------------------------------------------------------------------------------------

    def alert_fire(
        self,
        rule: str | AlertRule,
        *,
        cluster: Cluster | None = None,
        application: Application | None = None,
        labels: dict[str, str] | None = None,
        at: datetime | None = None,
        pending: float = 0.0,
    ) -> Alert:
        """Let an alert of a rule begin: at once, or after `pending` seconds in which only Prometheus shows it."""
        known = RULES[rule] if isinstance(rule, str) else rule
        book = self.books["appsre" if known in CONTROL_PLANE_RULES else "rhobs"]
        names = _application_labels(application) if application else {}
        own = self._alert_labels(known, cluster, names | (labels or {}), book)
        alert = Alert(known, own, _annotations(known, own, cluster), at or self.now(), fingerprint(own), pending > 0)
        book.put(alert)
        if pending > 0:
            self.agenda.after(pending, lambda: book.promote(alert.fingerprint, self.now()))
        return alert

    def alert_end(self, alert: Alert) -> None:
        """Let it end wherever it is."""
        for book in self.books.values():
            if alert.fingerprint in book.alerts:
                book.end(alert.fingerprint, self.now())

    def _alert_labels(
        self, rule: AlertRule, cluster: Cluster | None, labels: dict[str, str], book: AlertBook
    ) -> dict[str, str]:
        found = {"alertname": rule.name, **rule.labels, **labels}
        if book.name == "rhobs":
            found["tenant_id"] = TENANT_ID
        if cluster is not None and book.name == "rhobs":
            found["source_cluster"] = cluster.name
            found["source_environment"] = f"{cluster.environment}-cluster"
        return found


def _application_labels(application: Application) -> dict[str, str]:
    return {
        "autosync_enabled": str(application.auto_sync).lower(),
        "dest_namespace": application.namespace,
        "dest_server": application.cluster.server,
        "health_status": application.health,
        "instance": "argocd-application-controller:8082",
        "job": "argocd-metrics",
        "name": application.name,
        "namespace": "argocd" if application.cluster.environment == "production" else "argocd-staging",
        "project": application.project,
        "repo": REPOSITORY,
        "sync_status": application.sync,
    }


def _annotations(rule: AlertRule, labels: dict[str, str], cluster: Cluster | None) -> dict[str, str]:
    where = cluster.name if cluster is not None else labels.get("dest_server", "")
    words = {"cluster": where, "namespace": "", "pod": "", "name": "", **labels}
    texts = {"summary": rule.summary, "description": rule.description, **rule.routing}
    return {name: text.format_map(words) for name, text in texts.items()}
