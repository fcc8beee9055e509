"""The fleet as it is when the demo begins: the same for the same seed, counts and moment."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from apps.demo.catalogue import ApplicationSet, application_sets
from apps.demo.world import applications as apps
from apps.demo.world.clusters import Cluster, Node
from apps.demo.world.incidents import alerts_begin, silences_begin
from apps.demo.world.troubles import cluster_troubles_begin, troubles_begin
from apps.demo.world.world import World

DEFAULT_CLUSTERS = 8
ROOT = "all-application-sets"
PROJECTS = {"monitoring-workload-grafana": "windowed", "spi-vault": "frozen", "sprayproxy": "restricted"}
"""Of sets in production. In "restricted" the portal's account may not sync."""


@dataclass(frozen=True)
class Counts:
    """How big the fleet is to be; None means the shape of Stonesoup in 2023."""

    clusters: int | None = None
    applications: int | None = None
    alerts: int | None = None


def build(*, seed: int, began_at: datetime, clock: Callable[[], datetime], counts: Counts) -> World:
    """A fleet in two environments. Raises ValueError when there are too few clusters for that."""
    if counts.clusters is not None and counts.clusters < DEFAULT_CLUSTERS // 2 + 2:
        raise ValueError("a fleet needs at least 6 clusters: a control plane, a host and a member in two environments")
    world = World(seed=seed, began_at=began_at, clock=clock)
    _clusters_build(world, counts.clusters or DEFAULT_CLUSTERS)
    for environment in ("staging", "production"):
        _instance_build(world, environment)
    _applications_build(world, counts.applications)
    troubles_begin(world)
    cluster_troubles_begin(world)
    alerts_begin(world, counts.alerts)
    silences_begin(world)
    return world


def _clusters_build(world: World, count: int) -> None:
    staging = max(1, (count - 4) // 4) if count != DEFAULT_CLUSTERS else 2
    rows = [
        *_environment_rows("staging", "appsres05ue1", "stone-stg-host", "stone-stg", staging, rings=(1,)),
        *_environment_rows(
            "production", "appsrep05ue1", "stone-prd-host1", "stone-prd", count - 4 - staging, rings=(3, 4)
        ),
    ]
    for name, role, environment, ring, host in rows:
        cluster = Cluster(name, role, environment, ring, world.began_at - timedelta(days=90), host=host)
        cluster.nodes = list(_nodes(cluster, world))
        cluster.spaces = world.rng.randint(60, 480)
        cluster.memory_percent = world.rng.randint(38, 74)
        world.clusters[name] = cluster


def _environment_rows(
    environment: str, control_plane: str, host: str, prefix: str, members: int, rings: tuple[int, ...]
) -> Iterator[tuple[str, str, str, int, str]]:
    first = rings[0] if len(rings) == 1 else 2
    yield control_plane, "control-plane", environment, first, ""
    yield host, "host", environment, first, ""
    names = itertools.chain((f"{prefix}-m01", f"{prefix}-rh01"), (f"{prefix}-m{n:02d}" for n in itertools.count(2)))
    for position, name in enumerate(itertools.islice(names, members)):
        yield name, "member", environment, rings[position % len(rings)], host


def _nodes(cluster: Cluster, world: World) -> Iterator[Node]:
    workers = 4 if cluster.role == "member" else 3
    for role, count in (("control-plane", 3), ("worker", workers)):
        for _ in range(count):
            address = f"ip-10-0-{world.rng.randint(128, 255)}-{world.rng.randint(2, 250)}"
            yield Node(f"{address}.ec2.internal", role, world.began_at - timedelta(days=world.rng.randint(2, 40)))


def _instance_build(world: World, environment: str) -> None:
    clusters = [each for each in world.clusters.values() if each.environment == environment]
    instance = apps.ArgoInstance(name=environment, control_plane=clusters[0], clusters=clusters, now=world.began_at)
    instance.projects = {
        "default": (),
        "restricted": (),
        "frozen": (apps.Window("deny", "* * * * *", "24h", description="release freeze"),),
        "windowed": (
            apps.Window(
                "allow",
                "0 3 * * 1-5",
                "1h30m",
                manual_sync=True,
                time_zone="Europe/Prague",
                description="dashboards are deployed at night",
            ),
        ),
    }
    world.argocds[environment] = instance


def _applications_build(world: World, count: int | None) -> None:
    for instance in world.argocds.values():
        _place(world, instance.control_plane, ApplicationSet(ROOT, "argocd", runs_workloads=False))
    placements = _placements(world, None if count is None else count - 2)
    for each, cluster in placements:
        _place(world, cluster, each)


def _placements(world: World, count: int | None) -> Iterable[tuple[ApplicationSet, Cluster]]:
    sets = application_sets() if count is not None else itertools.islice(application_sets(), 26)
    places = ((each, cluster) for each in sets for cluster in _clusters_of(each, world))
    return itertools.islice(places, count)


def _clusters_of(application_set: ApplicationSet, world: World) -> Iterator[Cluster]:
    for instance in world.argocds.values():
        members = [each for each in instance.clusters if each.role == "member"]
        if "first-member" in application_set.on:
            yield members[0]
        for cluster in instance.clusters:
            if cluster.role in application_set.on:
                yield cluster


def _place(world: World, cluster: Cluster, application_set: ApplicationSet) -> None:
    instance = world.argocds[cluster.environment]
    is_root = application_set.name == ROOT
    name = ROOT if is_root else f"{application_set.name}-{cluster.name}"
    created = world.began_at - timedelta(days=world.rng.randint(20, 200), seconds=world.rng.randint(0, 86_400))
    deployed = world.began_at - timedelta(hours=world.rng.randint(2, 200), seconds=world.rng.randint(0, 3_600))
    environment = cluster.environment
    application = apps.Application(
        name=name,
        set_name=application_set.name,
        cluster=cluster,
        namespace=application_set.namespace,
        uid=world.new_id(),
        created_at=created,
        path=f"argo-cd-apps/overlays/{environment}" if is_root else f"components/{application_set.name}/{environment}",
        revision=_head_of(world, instance, application_set.name, deployed),
        health_since=deployed,
        reconciled_at=world.began_at - timedelta(seconds=world.rng.randint(5, 170)),
        project=PROJECTS.get(application_set.name, "default") if environment == "production" else "default",
        runs_workloads=application_set.runs_workloads,
        auto_sync=application_set.auto_sync,
    )
    _give_history(application, deployed)
    instance.applications[name] = application


def _head_of(world: World, instance: apps.ArgoInstance, set_name: str, at: datetime) -> str:
    """All Applications of a set follow the same branch and so stand at the same commit."""
    if set_name not in instance.heads:
        instance.heads[set_name] = world.commit(instance, set_name, at)
    return instance.heads[set_name]


def _give_history(application: apps.Application, deployed: datetime) -> None:
    operation = apps.Operation(application.revision, prune=True, sync_options=("CreateNamespace=true",))
    application.state = apps.OperationState(
        operation,
        deployed - timedelta(seconds=3),
        "Succeeded",
        "successfully synced (all tasks run)",
        deployed,
    )
    application.history = (apps.Deployment(0, application.revision, deployed - timedelta(seconds=3), deployed),)
