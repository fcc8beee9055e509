"""What an Argo CD instance knows beside Applications: clusters, projects with their sync windows, ApplicationSets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

import msgspec
from django.db import models, transaction

from apps.core.clock import database_now
from apps.core.connections import connection_let_go
from apps.core.errors import UpstreamDenied, UpstreamError, UpstreamNotInstalled
from apps.core.text import clean, clean_all
from apps.core.topics import raise_topics
from apps.fleet.models import Cluster
from apps.fleet.services import cluster_told_by_argocd, cluster_untold_by_argocd
from apps.integrations import argocd
from apps.integrations.argocd import ArgoCDClient
from apps.integrations.listing import Listing
from apps.sources.catalog import SourceSpec
from apps.sources.clients import argocd_client
from apps.sources.fleetfile.schema import FleetFile
from apps.sources.reading import ReadOutcome

from .destinations import Destinations, destinations_of
from .models import ApplicationSet, ClusterConnection, Project
from .rights import is_big_drop

T = TypeVar("T")
Row = ClusterConnection | Project | ApplicationSet
Columns = dict[str, Any]
MOST_WINDOWS = 100
EVIDENCE = ("Successful", "Failed")
EVIDENCE_LASTS = timedelta(minutes=10)


@dataclass(frozen=True)
class Part:
    """One of the lists as rows: identity → columns. Only where `is_whole` is what it lacks removed; `note` says why."""

    model: type[Row]
    rows: Mapping[tuple[str, ...], Columns]
    is_whole: bool = True
    unreadable: int = 0
    note: str = ""


IDENTITIES: dict[type[Row], tuple[str, ...]] = {
    ClusterConnection: ("server", "name"),
    Project: ("name",),
    ApplicationSet: ("namespace", "name"),
}


def inventory_read(spec: SourceSpec, fleet: FleetFile) -> ReadOutcome:
    """Reads and takes in the inventory of the instance `spec.group`. Raises UpstreamError.

    A list that our account may not read, or that this version lacks, is told and costs only itself.
    """
    client, instance = argocd_client(fleet, spec.key), spec.group
    connection_let_go()
    version = client.version()
    clusters = _listed("clusters", client.clusters)
    facts = client.last
    projects = _listed("projects", client.projects)
    sets = _listed("applicationsets", client.application_sets)
    parts = [
        _part(client, instance, ClusterConnection, "clusters", clusters, _connection_row),
        _part(client, instance, Project, "projects", projects, _project_row),
        _part(client, instance, ApplicationSet, "applicationsets", sets, _set_row),
    ]
    inventory_align(fleet=fleet, instance=instance, parts=parts)
    return ReadOutcome(
        items=sum(len(part.rows) for part in parts),
        unreadable=sum(part.unreadable for part in parts),
        unreadable_reason=next((part.note for part in parts if part.unreadable), ""),
        version=version,
        note="; ".join(part.note for part in parts if part.note),
        facts=facts,
    )


def inventory_align(*, fleet: FleetFile, instance: str, parts: list[Part]) -> None:
    """Brings the rows in line with the parts, in one transaction; then tells the clusters what Argo CD says of them."""
    now = database_now()
    with transaction.atomic():
        changed = [part.model for part in parts if _align(instance, part, now)]
        joins = _join(fleet, instance)
        if changed or joins:
            raise_topics(["apps", "clusters"])
    _tell(instance, now)


def _tell(instance: str, now: datetime) -> None:
    """Tells the clusters what this Argo CD says of them, and that it says nothing any more, once that has lasted.

    "Unknown" is no evidence: Argo CD does not monitor a cluster without Applications, and forgets for a moment what it
    knew of all of them when its cache is emptied.
    """
    told: dict[str, ClusterConnection] = {}
    for row in ClusterConnection.objects.filter(instance=instance).exclude(cluster=""):
        if row.cluster not in told or _weight(row) < _weight(told[row.cluster]):
            told[row.cluster] = row
    for name, row in told.items():
        cluster_told_by_argocd(cluster=name, instance=instance, status=row.status, message=row.message)
    still_told = {
        name
        for name, row in told.items()
        if row.status in EVIDENCE or (row.status_since and now - row.status_since < EVIDENCE_LASTS)
    }
    for cluster in Cluster.objects.filter(has_credentials=False).exclude(name__in=still_told):
        cluster_untold_by_argocd(cluster=cluster.name, instance=instance)


def _weight(row: ClusterConnection) -> int:
    """Of several addresses of one cluster the one that is reached counts, and any evidence before none."""
    return EVIDENCE.index(row.status) if row.status in EVIDENCE else len(EVIDENCE)


def _listed(kind: str, read: Callable[[], Listing[T]]) -> Listing[T] | str:
    """A list, or in words why there is none that we may read."""
    try:
        return read()
    except UpstreamDenied as error:
        return f"{kind} are not ours to read: {error.message}"
    except UpstreamNotInstalled:
        return f"{kind} are not known to this version"


def _part(
    client: ArgoCDClient,
    instance: str,
    model: type[Row],
    kind: str,
    listing: Listing[T] | str,
    row_of: Callable[[T], tuple[tuple[str, ...], Columns]],
) -> Part:
    if isinstance(listing, str):
        return Part(model, {}, is_whole=False, note=listing)
    rows = dict(map(row_of, listing.items))
    if listing.unreadable:
        worst = listing.unreadable[0]
        note = f"{kind} {worst.name or worst.index}: {worst.reason}"
        return Part(model, rows, is_whole=False, unreadable=len(listing.unreadable), note=note)
    known = list(_objects(model).filter(instance=instance).values_list(*IDENTITIES[model]))
    connection_let_go()
    missing = sorted(set(known) - set(rows))
    if is_big_drop(len(known), len(known) - len(missing)) and not _is_gone(client, kind, missing[0]):
        note = f"may have lost its rights: {len(missing)} of {len(known)} {kind} are not listed any more"
        return Part(model, rows, is_whole=False, note=note)
    return Part(model, rows)


def _is_gone(client: ArgoCDClient, kind: str, identity: tuple[str, ...]) -> bool:
    """Whether we may get everything of this kind, and this one is not told (decision 1).

    ApplicationSets are of a project: a right to all of them is one to `*/*`, as the policies are written, and they may
    lie in another namespace than Argo CD's.
    """
    is_set = kind == "applicationsets"
    name, namespace = identity[0] if kind == "clusters" else identity[-1], identity[0] if is_set else ""
    try:
        may_all = client.can_i(kind, "get", "*/*" if is_set else "*")
        return may_all and not client.is_told(kind, name, set_namespace=namespace)
    except UpstreamError:
        return False


def _connection_row(told: argocd.ClusterConnection) -> tuple[tuple[str, ...], Columns]:
    columns = {
        "status": clean(told.status, 50),
        "message": clean(told.message, 1000),
        "server_version": clean(told.server_version, 100),
    }
    return (clean(told.server, 500), clean(told.name, 253)), columns


def _project_row(told: argocd.Project) -> tuple[tuple[str, ...], Columns]:
    windows = msgspec.to_builtins(told.sync_windows[:MOST_WINDOWS])
    return (clean(told.name, 253),), {"sync_windows": clean_all(windows)}


def _set_row(told: argocd.ApplicationSet) -> tuple[tuple[str, ...], Columns]:
    wrong = next((c.message for c in told.conditions if c.type == "ErrorOccurred" and c.status == "True"), "")
    conditions = clean_all(msgspec.to_builtins(told.conditions))
    return (clean(told.namespace, 253), clean(told.name, 253)), {"conditions": conditions, "error": clean(wrong, 1000)}


def _align(instance: str, part: Part, now: datetime) -> bool:
    """Creates, changes and removes rows until they are the part's; whether there was anything to do."""
    names = IDENTITIES[part.model]
    rows = {tuple(getattr(row, name) for name in names): row for row in _objects(part.model).filter(instance=instance)}
    created = [
        part.model(instance=instance, **dict(zip(names, identity, strict=True)), **_begun(part.model, columns, now))
        for identity, columns in part.rows.items()
        if identity not in rows
    ]
    _objects(part.model).bulk_create(created)
    changed = [_change(row, part.rows[identity], now) for identity, row in rows.items() if identity in part.rows]
    gone = [row.pk for identity, row in rows.items() if identity not in part.rows] if part.is_whole else []
    if gone:
        _objects(part.model).filter(pk__in=gone).delete()
    return bool(created or gone or any(changed))


def _change(row: Row, columns: Columns, now: datetime) -> bool:
    """Writes those columns of one row that differ."""
    differing = {name: value for name, value in columns.items() if getattr(row, name) != value}
    if "status" in differing:
        differing = _begun(type(row), differing, now)
    if differing:
        _objects(type(row)).filter(pk=row.pk).update(**differing)
    return bool(differing)


def _begun(model: type[Row], columns: Columns, now: datetime) -> Columns:
    return {**columns, "status_since": now} if model is ClusterConnection else columns


def _join(fleet: FleetFile, instance: str) -> bool:
    """Sets which cluster of the fleet file each connection is; whether that changed."""
    rows = list(ClusterConnection.objects.filter(instance=instance))
    destinations = _destinations(fleet, instance, rows)
    differing = [row for row in rows if row.cluster != destinations.cluster_of(server=row.server, name=row.name)]
    for row in differing:
        cluster = destinations.cluster_of(server=row.server, name=row.name)
        ClusterConnection.objects.filter(pk=row.pk).update(cluster=cluster)
    return bool(differing)


def _destinations(fleet: FleetFile, instance: str, rows: list[ClusterConnection]) -> Destinations:
    of_file = next(argocd for argocd in fleet.argocd if argocd.name == instance)
    return destinations_of(fleet=fleet, instance=of_file, connections=[(row.server, row.name) for row in rows])


def _objects(model: type[Row]) -> models.Manager[Any]:
    """The rows of whichever of the three."""
    manager: models.Manager[Any] = model._default_manager  # noqa: SLF001 (Django's public name for it)
    return manager
