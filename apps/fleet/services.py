"""Clusters: in line with the fleet file, and how they stand where their API tells nothing."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from django.db import transaction

from apps.core.clock import database_now
from apps.core.text import clean
from apps.core.topics import raise_topics
from apps.core.verdict.cluster import ClusterFacts
from apps.fleet.models import Cluster, ClusterObject
from apps.fleet.standing import Change, cluster_change
from apps.sources.fleetfile.schema import Cluster as FleetCluster
from apps.sources.fleetfile.schema import FleetFile, LostAfter
from apps.sources.models import Source, SourceState

NO_ANSWER = "no answer"


def clusters_align(*, fleet: FleetFile) -> None:
    """Brings the clusters' rows in line with the fleet file, and marks the ones whose time has come as lost.

    What left the file is archived, never deleted. Nothing is written when nothing changed.
    """
    wanted = {cluster.name: _columns_of(place, cluster) for place, cluster in enumerate(fleet.clusters)}
    rows = {row.name: row for row in Cluster.objects.all()}
    instances = {instance.name for instance in fleet.argocd}
    for name in wanted.keys() & rows.keys():
        wanted[name]["told_by"] = _still_told(rows[name], wanted[name], instances)
    changes = {name: _differences(rows.get(name), columns) for name, columns in wanted.items()}
    changes |= {name: {"is_archived": True} for name, row in rows.items() if name not in wanted and not row.is_archived}
    changes = {name: columns for name, columns in changes.items() if columns}
    if changes:
        with transaction.atomic():
            for name, columns in changes.items():
                Cluster.objects.update_or_create(name=name, defaults=columns)
                _judge_by_new_means(name, columns, rows.get(name))
            raise_topics(["clusters", *(f"cluster:{name}" for name in changes)])
    clusters_judge_lost(lost_after=fleet.portal.lost_after)


def clusters_judge_lost(*, lost_after: LostAfter) -> list[str]:
    """Marks as lost what has not answered so many reads over so long while another source did (decision 13); which.

    Asked for every few seconds, not at a read: time passes between the reads, which are far apart by then.
    """
    silent = list(Cluster.objects.current().filter(lost_since=None).exclude(unreached_since=None))
    if not silent:
        return []
    now = database_now()
    sources = {source.key: source for source in Source.objects.filter(is_archived=False)}
    return [row.name for row in silent if _is_lost(row, sources, lost_after, now) and _lose(row.name, sources)]


def cluster_record_unreached(*, name: str, message: str) -> bool:
    """Its API did not answer; whether that changed anything."""
    return cluster_change(name=name, change=lambda row, now: _silent(row, now, message))


def cluster_record_unreadable(*, name: str, message: str) -> bool:
    """Its API answers, but refuses us or has a TLS not to be trusted: it cannot be read, and is not lost."""

    return cluster_change(name=name, change=lambda row, _now: _unreadable(row, message))


def cluster_record_answering(*, name: str, message: str) -> bool:
    """Its API said whether it is ready, and the rest of it could not be read: then it is not out of reach any more.

    Of a cluster that was in reach all the time, one failed read changes nothing. Whether it changed anything.
    """
    return cluster_change(
        name=name, change=lambda row, _now: _unreadable(row, message) if row.unreached_since else None
    )


def _unreadable(row: Cluster, message: str) -> Change:
    row.cannot_read = clean(message, 500)
    row.unreached_since = row.lost_since = None
    return Change(ClusterFacts(cannot_read=row.cannot_read))


def cluster_told_by_argocd(*, cluster: str, instance: str, status: str, message: str) -> bool:
    """Takes an Argo CD's connectionState as evidence on a cluster that the portal has no credentials for.

    `status` Successful or Failed: of any other word ("Unknown", "not being monitored") nothing follows (decision 13).
    One instance that reaches it is enough. Whether it changed anything.
    """
    if status not in {"Successful", "Failed"}:
        return False
    told = {"status": status, "message": clean(message, 400)}
    row = Cluster.objects.filter(name=cluster, has_credentials=False).first()
    if row is None or row.told_by.get(instance) == told:
        return False
    return cluster_change(name=cluster, change=lambda row, now: _told(row, now, instance, told))


def cluster_untold_by_argocd(*, cluster: str, instance: str) -> bool:
    """Lets go of what an Argo CD told of a cluster that it tells nothing of any more; whether it changed anything."""
    row = Cluster.objects.filter(name=cluster, has_credentials=False).first()
    if row is None or instance not in row.told_by:
        return False
    return cluster_change(name=cluster, change=lambda row, now: _told(row, now, instance, None))


def _told(row: Cluster, now: datetime, instance: str, told: dict[str, str] | None) -> Change | None:
    if row.has_credentials:
        return None
    others = {name: one for name, one in row.told_by.items() if name != instance}
    row.told_by = {**others, instance: told} if told else others
    return _by_argocd(row, now)


def _by_argocd(row: Cluster, now: datetime) -> Change:
    """What all that Argo CD instances tell of it comes to."""
    if not row.told_by:
        row.reached_at = row.unreached_since = row.lost_since = None
        return Change(ClusterFacts(has_credentials=False))
    if not any(one["status"] == "Successful" for one in row.told_by.values()):
        return _silent(row, now, _argocd_words(row))
    if row.unreached_since or row.reached_at is None:
        row.reached_at = now
    row.unreached_since = row.lost_since = None
    return Change(ClusterFacts(has_credentials=False, argocd_status="Successful"))


def _argocd_words(row: Cluster) -> str:
    return next((f"Argo CD {instance}: {told['message']}" for instance, told in row.told_by.items()), NO_ANSWER)


def _silent(row: Cluster, now: datetime, message: str) -> Change:
    row.unreached_since = row.unreached_since or now
    row.cannot_read = ""
    return Change(ClusterFacts(is_lost=row.lost_since is not None, unreached=message or NO_ANSWER))


def _lose(name: str, sources: Mapping[str, Source]) -> bool:
    def lost(row: Cluster, _now: datetime) -> Change | None:
        if row.unreached_since is None:  # it answered a moment ago
            return None
        row.lost_since = row.unreached_since
        own = sources.get(f"kubernetes/{name}")
        return Change(ClusterFacts(is_lost=True, unreached=own.error if own else _argocd_words(row)))

    return cluster_change(name=name, change=lost)


def _is_lost(row: Cluster, sources: Mapping[str, Source], lost_after: LostAfter, now: datetime) -> bool:
    """Where Argo CD is the one who tells, its reads are counted by their time alone."""
    own = sources.get(f"kubernetes/{row.name}")
    since = row.unreached_since
    if since is None or now - since < lost_after.within or (own is not None and own.failures < lost_after.failures):
        return False
    others = (source for key, source in sources.items() if own is None or key != own.key)
    return any(_has_answered_since(source, since, now) for source in others)


def _has_answered_since(source: Source, since: datetime, now: datetime) -> bool:
    is_fresh = source.state(now) is SourceState.FRESH
    return is_fresh and source.succeeded_at is not None and source.succeeded_at > since


def _judge_by_new_means(name: str, columns: Mapping[str, object], before: Cluster | None) -> None:
    """What was known by means that the fleet file does not give any more counts no more."""
    if before is None:
        return
    if "has_credentials" in columns:
        cluster_change(name=name, change=_begin_anew)
    elif "told_by" in columns:
        cluster_change(name=name, change=_by_argocd)


def _begin_anew(row: Cluster, _now: datetime) -> Change:
    ClusterObject.objects.filter(cluster=row.name).delete()
    row.reached_at = row.unreached_since = row.lost_since = None
    row.cannot_read = ""
    return Change(ClusterFacts(has_credentials=row.has_credentials, was_read=False), has_changed_parts=True)


def _columns_of(place: int, cluster: FleetCluster) -> dict[str, object]:
    return {
        "role": cluster.role.value,
        "environment": cluster.environment,
        "ring": cluster.ring,
        "position": place,
        "host": cluster.host or "",
        "console": cluster.console or "",
        "aliases": list(cluster.aliases),
        "has_credentials": cluster.kubernetes is not None,
        "is_archived": False,
    }


def _still_told(row: Cluster, columns: dict[str, object], instances: set[str]) -> dict[str, object]:
    """What Argo CD instances of the fleet file told of it; nothing of what they told before it lost its credentials."""
    if columns["has_credentials"] != row.has_credentials:
        return {}
    return {instance: told for instance, told in row.told_by.items() if instance in instances}


def _differences(row: Cluster | None, columns: dict[str, object]) -> dict[str, object]:
    if row is None:
        return columns
    return {column: value for column, value in columns.items() if getattr(row, column) != value}
