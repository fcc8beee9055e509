"""The alerts that fire and the silences that stand when the demo begins."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from apps.demo.catalogue import DATA_PLANE_RULES, TENANT_ID
from apps.demo.world.alerts import Matcher, Silence
from apps.demo.world.world import World

# rule, cluster, minutes since it began, labels beside those of the rule
DATA_PLANE: tuple[tuple[str, str, int, dict[str, str]], ...] = (
    ("BuildServiceDown", "stone-prd-rh01", 12, {"namespace": "build-service", "check": "replicas-available"}),
    ("EtcdDatabaseQuotaLowSpaceCritical", "stone-prd-host1", 34, {"namespace": "openshift-etcd"}),
    ("EtcdDatabaseQuotaLowSpaceWarning", "stone-prd-host1", 210, {"namespace": "openshift-etcd"}),
    ("ProbeAlert", "stone-stg-m01", 55, {"check": "probe"}),
    ("PodNotReady", "stone-stg-m01", 61, {"namespace": "spi-system", "pod": "spi-oauth-service-7c9d6-x2lqp"}),
    ("ClusterUpgradeOngoing", "stone-prd-m01", 48, {"cluster_name": "stone-prd-m01"}),
    ("WorkerNodeHighMemory", "stone-prd-rh01", 11, {}),
    (
        "CrashLoopBackOff",
        "stone-prd-rh01",
        14,
        {"namespace": "build-service", "pod": "build-service-controller-manager-0"},
    ),
    ("BackupNotRunning", "stone-stg-rh01", 380, {"namespace": "openshift-adp", "schedule": "backup-tenants"}),
    ("BuildPlrToSnapshotInProgress", "stone-prd-m01", 96, {"namespace": "integration-service"}),
    ("ReleaseServiceValidationDurationSeconds", "stone-prd-rh01", 27, {"namespace": "release-service"}),
    (
        "PodOOMKilled",
        "stone-prd-m01",
        5,
        {"namespace": "jvm-build-service", "pod": "jvm-build-workspace-artifact-cache-6f"},
    ),
    ("PipelineRunStuckWithChainsFinalizer", "stone-stg-rh01", 130, {"namespace": "openshift-pipelines"}),
    ("KonfluxAlert", "stone-stg-m01", 18, {"check": "prometheus-appstudio-ds", "service": "grafana"}),
    (
        "PersistentVolumeIssues",
        "stone-prd-m01",
        720,
        {"namespace": "tekton-results", "pod": "tekton-results-postgres-0"},
    ),
)
CONTROL_PLANE: tuple[tuple[str, str, str, int], ...] = (
    ("DegradedArgocdApp", "production", "build-service-stone-prd-rh01", 9),
    ("DegradedArgocdApp", "staging", "image-controller-stone-stg-m01", 44),
    ("ProgressingArgocdApp", "production", "dora-metrics-stone-prd-rh01", 6),
    ("ArgoCDSyncAlert", "production", "has-stone-prd-m01", 8),
    ("ArgoCDSyncAlert", "production", "tekton-ci-stone-prd-m01", 300),
)
PODS = ("controller-manager", "webhook", "proxy", "exporter", "worker", "cache", "api", "cron")
NAMESPACES = ("build-service", "integration-service", "release-service", "openshift-pipelines", "spi-system", "has")


def alerts_begin(world: World, count: int | None) -> None:
    """The alerts that a visitor always finds; with a count exactly so many, the Watchdog among them."""
    fired = 1
    world.alert_fire("Watchdog", at=world.began_at - timedelta(days=9))
    for rule, instance, name, minutes in CONTROL_PLANE:
        application = world.argocds[instance].applications.get(name)
        if application is not None and (count is None or fired < count):
            at = world.began_at - timedelta(minutes=minutes)
            world.alert_fire(rule, cluster=application.cluster, application=application, at=at)
            fired += 1
    for rule, cluster, minutes, labels in DATA_PLANE:
        if cluster in world.clusters and (count is None or fired < count):
            at = world.began_at - timedelta(minutes=minutes)
            world.alert_fire(rule, cluster=world.clusters[cluster], labels=labels, at=at)
            fired += 1
    for number in range(fired, count or 0):
        _fire_one_more(world, number)


def _fire_one_more(world: World, number: int) -> None:
    """One of the alerts of a bigger fleet; the pod's name makes its labels its own."""
    rules = [rule for rule in DATA_PLANE_RULES if rule.per_pod or world.rng.random() < 0.05]
    rule = world.rng.choice(rules)
    cluster = world.rng.choice(list(world.clusters.values()))
    pod = f"{world.rng.choice(PODS)}-{number}"
    labels = {"namespace": world.rng.choice(NAMESPACES), "pod": pod}
    at = world.began_at - timedelta(seconds=world.rng.randint(60, 60_000))
    world.alert_fire(rule, cluster=cluster, labels=labels, at=at)


def silences_begin(world: World) -> None:
    """Two that mute something, one that is to come, one that is over."""
    degraded = (Matcher("alertname", "DegradedArgocdApp"), Matcher("name", "image-controller-stone-stg-m01"))
    known = _silence(world, degraded, -40, 200, "dweiss", "Known, the fix is in review")
    for key in ("appsre/0", "appsre/1"):
        world.silences[key].put(replace(known))
    upgrade = (Matcher("alertname", "ClusterUpgradeOngoing"), Matcher("source_cluster", "stone-prd-m01"))
    noise = (
        Matcher("alertname", "PodNotReady|CrashLoopBackOff", is_regex=True),
        Matcher("source_cluster", "stone-stg-rh01"),
    )
    rhobs = world.silences["rhobs"]
    ours = Matcher("tenant_id", TENANT_ID)  # which the gateway adds to each silence of the tenant
    rhobs.put(_silence(world, (ours, *upgrade), -50, 120, "aruiz", "Planned upgrade to the next version"))
    rhobs.put(_silence(world, (ours, *noise), 90, 210, "cobi", "Maintenance of the staging nodes"))
    rhobs.put(
        _silence(world, (ours, Matcher("alertname", "KonfluxAlert")), -900, -300, "enovak", "Metrics were being moved")
    )


def _silence(world: World, matchers: tuple[Matcher, ...], begins: int, ends: int, author: str, comment: str) -> Silence:
    start = world.began_at + timedelta(minutes=begins)
    return Silence(
        world.new_id(),
        matchers,
        start,
        world.began_at + timedelta(minutes=ends),
        author,
        comment,
        min(start, world.began_at),
    )
