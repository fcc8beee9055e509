"""What is not well when the demo begins: about one Application in ten, and a few clusters."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import timedelta

from apps.demo.catalogue import NEXT_VERSION
from apps.demo.world.applications import Application, Condition, Operation, OperationState
from apps.demo.world.clusters import Cluster
from apps.demo.world.syncing import operation_resume
from apps.demo.world.world import World

Trouble = Callable[[World, Application], None]
SHARE = 0.1
NO_CRD = (
    "one or more synchronization tasks are not valid: failed to discover server resources for group version "
    "example.com/v1: the server could not find the requested resource"
)


def _drift(world: World, application: Application) -> None:
    at = world.began_at - timedelta(minutes=world.rng.randint(3, 50))
    application.revision = world.commit(world.instance_of(application), application.set_name, at)
    application.sync = "OutOfSync"


def _drift_held(world: World, application: Application) -> None:
    _drift(world, application)
    application.auto_sync = False


def _degrade(world: World, application: Application) -> None:
    application.runs_workloads = True
    deployment = f"{application.namespace}/{application.set_name}-controller-manager"
    application.broken = f"Caused by apps/Deployment:{deployment}"
    application.health, application.health_message = "Degraded", application.broken
    application.health_since = world.began_at - timedelta(minutes=world.rng.randint(6, 90))


def _progress(world: World, application: Application) -> None:
    application.runs_workloads = True
    application.health = "Progressing"
    application.health_since = world.began_at - timedelta(minutes=world.rng.randint(20, 30))


def _suspend(world: World, application: Application) -> None:
    application.runs_workloads = True
    application.health = "Suspended"
    application.health_since = world.began_at - timedelta(hours=world.rng.randint(3, 60))


def _never_sync(world: World, application: Application) -> None:
    application.auto_sync = False
    application.sync, application.health = "OutOfSync", "Missing"
    application.state, application.history = None, ()


def _fail_to_compare(world: World, application: Application) -> None:
    message = (
        "Failed to load target state: failed to generate manifest for source 1 of 1: rpc error: code = Unknown desc = "
        f"{application.path}: app path does not exist"
    )
    application.sync = "Unknown"
    application.conditions = (Condition("ComparisonError", message, world.began_at - timedelta(minutes=14)),)


def _fail_to_sync(world: World, application: Application) -> None:
    _drift(world, application)
    application.failure = "one or more objects failed to apply, reason: admission webhook denied the request"
    application.retry_limit = 5
    at = world.began_at - timedelta(minutes=world.rng.randint(5, 40))
    message = f"Failed last sync attempt to {application.revision}: {application.failure} (retried 5 times)."
    application.conditions = (Condition("SyncError", message, at),)
    application.state = OperationState(
        Operation(application.revision, prune=True, retry={"limit": 5}),
        at - timedelta(minutes=5),
        "Failed",
        f"{application.failure} (retried 5 times).",
        at,
        5,
    )


def _fail_by_hand(world: World, application: Application) -> None:
    _drift_held(world, application)
    at = world.began_at - timedelta(minutes=world.rng.randint(30, 90))
    application.failure = "one or more objects failed to apply, reason: the namespace is being terminated"
    operation = Operation(application.revision, username="admin", retry={"limit": 0})
    application.state = OperationState(operation, at - timedelta(seconds=4), "Failed", application.failure, at)


def _retry_for_ever(world: World, application: Application) -> None:
    """Argo CD tries a commit that cannot be synced again and again; the next one, which can, waits behind it."""
    _drift(world, application)
    application.failure, application.failing_revision = NO_CRD, application.revision
    began = world.began_at - timedelta(minutes=17)
    operation = Operation(application.revision, prune=True, retry={"limit": -1})
    mended = random.Random(f"{world.seed}-mended")
    application.revision = world.commit(
        world.instance_of(application), application.set_name, world.began_at - timedelta(minutes=2), rng=mended
    )
    message = f"{NO_CRD}. Retrying attempt #7 at {(world.began_at + timedelta(seconds=45)).strftime('%-I:%M%p')}."
    application.operation = operation
    application.state = OperationState(operation, began, "Running", message, world.began_at, 7)
    operation_resume(world, application, delay=45)


def _keep_legacy(world: World, application: Application) -> None:
    application.has_legacy = True
    application.auto_prune = False
    application.sync = "OutOfSync"


def _delete(world: World, application: Application) -> None:
    application.deleting_at = world.began_at - timedelta(minutes=world.rng.randint(3, 20))
    application.sync = "OutOfSync"


NAMED: dict[str, Trouble] = {
    "build-service-stone-prd-rh01": _degrade,
    "jvm-build-service-stone-prd-rh01": _retry_for_ever,
    "spi-vault-stone-prd-m01": _drift,
    "has-stone-prd-m01": _drift,
    "integration-stone-prd-m01": _fail_to_sync,
    "monitoring-workload-logging-stone-prd-host1": _keep_legacy,
    "enterprise-contract-stone-prd-rh01": _fail_to_compare,
    "dora-metrics-stone-prd-rh01": _progress,
    "tekton-ci-stone-prd-m01": _drift_held,
    "image-controller-stone-stg-m01": _degrade,
    "o11y-stone-stg-rh01": _suspend,
    "internal-services-stone-stg-m01": _never_sync,
    "gitops-stone-stg-rh01": _fail_by_hand,
    "spi-stone-stg-m01": _delete,
}
COMMON: tuple[Trouble, ...] = (
    _drift,
    _drift,
    _drift_held,
    _degrade,
    _degrade,
    _progress,
    _fail_to_compare,
    _fail_to_sync,
)
HOOKS = {"pipeline-service": "db-migration"}


def troubles_begin(world: World) -> None:
    """The troubles that a visitor always finds, and in a bigger fleet as many more as keep the share."""
    everything = {each.name: each for instance in world.argocds.values() for each in instance.applications.values()}
    for application in everything.values():
        if application.set_name in HOOKS:
            application.hook, application.sync_seconds = HOOKS[application.set_name], 20.0
    chosen = [(everything[name], trouble) for name, trouble in NAMED.items() if name in everything]
    for application, trouble in chosen:
        trouble(world, application)
    calm = [each for each in everything.values() if each.is_well and each.cluster.role != "control-plane"]
    missing = round(len(everything) * SHARE) - len(chosen)
    for application in world.rng.sample(calm, max(0, min(missing, len(calm)))):
        world.rng.choice(COMMON)(world, application)


def cluster_troubles_begin(world: World) -> None:
    """One member is being upgraded, one has a node short of memory, one an operator that is degraded."""
    members = [each for each in world.clusters.values() if each.role == "member"]
    for name, begin in {
        "stone-prd-m01": _upgrade,
        "stone-prd-rh01": _press,
        "stone-stg-rh01": _degrade_operator,
    }.items():
        if name in world.clusters:
            begin(world, world.clusters[name])
    for cluster in world.rng.sample(members, len(members) // 20):
        world.rng.choice((_press, _degrade_operator, _lose_node))(world, cluster)


def _upgrade(world: World, cluster: Cluster) -> None:
    cluster.desired_version = NEXT_VERSION
    cluster.upgrade_percent = 63.0
    cluster.nodes[-1].is_cordoned = True
    cluster.nodes[-1].since = world.began_at - timedelta(minutes=4)


def _press(world: World, cluster: Cluster) -> None:
    cluster.nodes[-2].is_under_memory_pressure = True
    cluster.nodes[-2].since = world.began_at - timedelta(minutes=11)
    cluster.memory_percent = 88


def _degrade_operator(world: World, cluster: Cluster) -> None:
    cluster.degraded_operators["image-registry"] = "ImagePrunerDegraded: the last run of the image pruner failed"


def _lose_node(world: World, cluster: Cluster) -> None:
    cluster.nodes[-1].ready = "Unknown"
    cluster.nodes[-1].since = world.began_at - timedelta(minutes=8)
