"""What happens by itself: deploys that go well or wrong, a member that is lost, alerts, nodes, an upgrade.

Everything is drawn from one generator seeded by the fleet's seed and entered in the agenda, so that the same seed lives
the same life, whatever the clock does.
"""

from __future__ import annotations

import random
from collections.abc import Callable

from apps.demo.catalogue import DATA_PLANE_RULES, DOWN_ALERTS
from apps.demo.world.alerts import Alert
from apps.demo.world.applications import Application, ArgoInstance, Operation
from apps.demo.world.clusters import Cluster
from apps.demo.world.syncing import operation_begin
from apps.demo.world.world import World

STEP = 4.0
PATIENCE = 10.0
WORDS = 'Deployment "{}-controller-manager" exceeded its progress deadline'


class Life:
    """The happenings of one world."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._rng = random.Random(f"{world.seed}-life")

    def begin(self) -> None:
        """Enter everything that is to come: something that can be seen within the first minute, then without end."""
        every = self._world.agenda.every
        every(6, self._between(40, 90), lambda: self._deploy(goes_wrong=False))
        every(18, self._between(30, 70), self._alert_rises)
        every(45, self._between(240, 420), lambda: self._deploy(goes_wrong=True))
        every(75, self._between(110, 240), self._node_flaps)
        every(150, self._between(480, 840), self._member_is_lost)
        every(20, lambda: 20.0, self._upgrades_go_on)

    def _between(self, least: float, most: float) -> Callable[[], float]:
        return lambda: self._rng.uniform(least, most)

    # --- deploys ------------------------------------------------------------------------------------------------

    def _deploy(self, *, goes_wrong: bool) -> None:
        """A new commit of a set reaches its clusters one after the other; when it goes wrong, the last stays broken."""
        staging, production = self._world.argocds.values()
        instance = self._rng.choices((staging, production), weights=(1, 2))[0]
        targets = self._targets(instance, with_workloads=goes_wrong)
        if not targets:
            return
        name = targets[0].set_name
        revision = self._commit(instance, name)
        for position, application in enumerate(targets):
            is_broken = goes_wrong and position == len(targets) - 1
            self._world.agenda.after(position * STEP, self._roll_out(application, revision, is_broken=is_broken))

    def _targets(self, instance: ArgoInstance, *, with_workloads: bool) -> list[Application]:
        ready: dict[str, list[Application]] = {}
        for each in instance.applications.values():
            if each.is_well and each.auto_sync and each.project == "default" and not each.cluster.is_lost:
                ready.setdefault(each.set_name, []).append(each)
        names = sorted(name for name, members in ready.items() if members[0].runs_workloads or not with_workloads)
        return ready[self._rng.choice(names)] if names else []

    def _commit(self, instance: ArgoInstance, name: str) -> str:
        revision = self._world.commit(instance, name, self._world.now(), rng=self._rng)
        instance.heads[name] = revision
        return revision

    def _roll_out(self, application: Application, revision: str, *, is_broken: bool) -> Callable[[], None]:
        def take() -> None:
            if not application.is_well or application.cluster.is_lost:
                return
            broken = WORDS.format(application.set_name) if is_broken else ""
            self._world.application_change(application, revision=revision, sync="OutOfSync", broken=broken)
            self._world.agenda.after(2.0, lambda: self._sync_by_itself(application))
            if is_broken:
                self._world.agenda.after(30.0, lambda: self._complain(application))

        return take

    def _sync_by_itself(self, application: Application) -> None:
        """Argo CD's automated sync, which waits for a running operation and for a cluster that is lost."""
        if application.deleting_at is not None:
            return
        if application.operation is not None or application.cluster.is_lost:
            self._world.agenda.after(PATIENCE, lambda: self._sync_by_itself(application))
            return
        operation = Operation(application.revision, prune=application.auto_prune, retry={"limit": -1})
        operation_begin(self._world, application, operation)

    def _complain(self, application: Application) -> None:
        """Alerts rise over a broken deploy, and end when the next commit mends it."""
        if application.operation is not None or application.health == "Progressing" or application.cluster.is_lost:
            self._world.agenda.after(PATIENCE, lambda: self._complain(application))
            return
        if application.health != "Degraded":
            return
        world, cluster = self._world, application.cluster
        alerts = [world.alert_fire("DegradedArgocdApp", cluster=cluster, application=application, pending=10)]
        rule = DOWN_ALERTS.get(application.set_name)
        if rule is not None:
            labels = {"namespace": application.namespace, "check": "replicas-available"}
            alerts.append(world.alert_fire(rule, cluster=cluster, labels=labels, pending=15))
        pod = {"namespace": application.namespace, "pod": f"{application.set_name}-controller-manager-0"}
        alerts.append(world.alert_fire("CrashLoopBackOff", cluster=cluster, labels=pod, pending=5))
        world.agenda.after(self._rng.uniform(100, 220), lambda: self._mend(application, alerts))

    def _mend(self, application: Application, alerts: list[Alert]) -> None:
        if application.cluster.is_lost:
            self._world.agenda.after(PATIENCE, lambda: self._mend(application, alerts))
            return
        revision = self._commit(self._world.instance_of(application), application.set_name)
        self._world.application_change(application, revision=revision, sync="OutOfSync", broken="")
        self._sync_by_itself(application)
        self._world.agenda.after(25.0, lambda: self._end(alerts))

    def _end(self, alerts: list[Alert]) -> None:
        for alert in alerts:
            self._world.alert_end(alert)

    # --- clusters -----------------------------------------------------------------------------------------------

    def _member_is_lost(self) -> None:
        members = [each for each in self._world.clusters.values() if each.role == "member" and not each.is_lost]
        member = self._rng.choice(members)
        self._world.cluster_lose(member)
        alert = self._world.alert_fire("ProbeAlert", cluster=member, labels={"check": "probe"}, pending=30)
        self._world.agenda.after(self._rng.uniform(130, 240), lambda: self._member_returns(member, alert))

    def _member_returns(self, member: Cluster, alert: Alert) -> None:
        self._world.cluster_bring_back(member)
        self._world.agenda.after(20.0, lambda: self._world.alert_end(alert))

    def _node_flaps(self) -> None:
        cluster = self._rng.choice([each for each in self._world.clusters.values() if not each.is_lost])
        node = self._rng.choice(cluster.nodes)
        if node.ready != "True" or node.is_cordoned:
            return
        self._world.node_change(cluster, node, ready=self._rng.choice(("False", "Unknown")))
        back = self._rng.uniform(50, 130)
        self._world.agenda.after(back, lambda: self._world.node_change(cluster, node, ready="True"))

    def _upgrades_go_on(self) -> None:
        for cluster in self._world.clusters.values():
            if cluster.upgrade_percent is None or cluster.is_lost:
                continue
            cluster.upgrade_percent += self._rng.uniform(0.3, 1.6)
            cluster.resource_version += 1
            if cluster.upgrade_percent >= 100:
                self._finish_upgrade(cluster)

    def _finish_upgrade(self, cluster: Cluster) -> None:
        cluster.version, cluster.upgrade_percent = cluster.desired_version, None
        for node in cluster.nodes:
            if node.is_cordoned:
                self._world.node_change(cluster, node, is_cordoned=False)
        for alert in list(self._world.books["rhobs"].alerts.values()):
            if alert.rule.name == "ClusterUpgradeOngoing" and alert.labels.get("source_cluster") == cluster.name:
                self._world.alert_end(alert)

    # --- alerts -------------------------------------------------------------------------------------------------

    def _alert_rises(self) -> None:
        cluster = self._rng.choice([each for each in self._world.clusters.values() if each.role == "member"])
        rule = self._rng.choice([each for each in DATA_PLANE_RULES if each.severity != "critical"])
        labels = {"namespace": self._rng.choice(("build-service", "release-service", "openshift-pipelines"))}
        if rule.per_pod:
            labels["pod"] = f"{labels['namespace']}-{self._rng.randint(10_000, 99_999)}"
        alert = self._world.alert_fire(rule, cluster=cluster, labels=labels, pending=self._rng.uniform(5, 15))
        self._world.agenda.after(self._rng.uniform(70, 300), lambda: self._world.alert_end(alert))
