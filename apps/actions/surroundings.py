"""What stands around an Application: its project, Argo CD's connection to its cluster, the same component elsewhere.

Read for one Application when a guard asks; for the members of a bulk all at once, before the guards are asked.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.db.models import Q, QuerySet

from apps.fleet.overlay import Overlay
from apps.gitops.models import Application, ClusterConnection, Project

from .case import Case

OF_SIBLINGS = (
    "pk",
    "instance",
    "namespace",
    "name",
    "set_name",
    "environment",
    "cluster",
    "repo_url",
    "path",
    "target_revision",
    "sync_status",
    "sync_revision",
    "revision_since",
    "tone",
    "reason",
)

Component = tuple[str, str]


@dataclass(frozen=True)
class Surroundings:
    """Of many Applications. `siblings` are those of each component that are not among them, which go in their turn."""

    projects: Mapping[tuple[str, str], Project]
    failed: Mapping[str, Sequence[ClusterConnection]]
    siblings: Mapping[Component, Sequence[Application]]


def surroundings_of(rows: Sequence[Application], overlay: Overlay) -> Surroundings:
    """What stands around all of these. Three queries."""
    instances, keys = {row.instance for row in rows}, {row.pk for row in rows}
    projects = Project.objects.filter(instance__in=instances, name__in={row.project for row in rows})
    failed: dict[str, list[ClusterConnection]] = defaultdict(list)
    for connection in _failed().filter(instance__in=instances):
        failed[connection.instance].append(connection)
    siblings: dict[Component, list[Application]] = defaultdict(list)
    for row in _in_order(Application.objects.current(overlay).filter(_alike(rows))):
        if row.pk not in keys:
            siblings[component_of(row)].append(row)
    return Surroundings({(each.instance, each.name): each for each in projects}, failed, siblings)


def project_of(case: Case) -> Project | None:
    """The Application's AppProject, None where it was not read."""
    row = case.application
    if case.around is not None:
        return case.around.projects.get((row.instance, row.project))
    return Project.objects.filter(instance=row.instance, name=row.project).first()


def failed_connection_of(case: Case) -> ClusterConnection | None:
    """The connection to its cluster that its Argo CD calls failed, the one that failed first."""
    row = case.application
    if case.around is not None:
        failed = case.around.failed.get(row.instance, ())
        return next((connection for connection in failed if _is_to(connection, row)), None)
    same = Q(server=row.destination) | Q(name=row.destination)
    if row.cluster:
        same |= Q(cluster=row.cluster)
    return _failed().filter(same, instance=row.instance).first()


def siblings_of(case: Case, environments: Sequence[str]) -> list[Application]:
    """The same component elsewhere in these environments, with the columns OF_SIBLINGS; in a bulk, not its members."""
    if case.around is not None:
        found = case.around.siblings.get(component_of(case.application), ())
        return [row for row in found if row.environment in environments]
    rows = Application.objects.current(case.overlay).siblings_of(case.application)
    return list(_in_order(rows.filter(environment__in=environments)))


def component_of(row: Application) -> Component:
    """The same for all that `ApplicationQuerySet.siblings_of` finds of one another."""
    return (row.set_name, "" if row.set_name else row.name)


def _alike(rows: Iterable[Application]) -> Q:
    components = {component_of(row) for row in rows}
    sets, names = {one for one, _ in components if one}, {name for _, name in components if name}
    return Q(set_name__in=sets) | Q(set_name="", name__in=names)


def _in_order(rows: QuerySet[Application]) -> QuerySet[Application]:
    return rows.only(*OF_SIBLINGS).order_by("environment", "cluster", "name")


def _failed() -> QuerySet[ClusterConnection]:
    return ClusterConnection.objects.filter(status="Failed").order_by("status_since")


def _is_to(connection: ClusterConnection, row: Application) -> bool:
    is_named = row.destination in {connection.server, connection.name}
    return is_named or (bool(row.cluster) and connection.cluster == row.cluster)
