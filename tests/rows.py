"""Rows as the collectors would have written them, for the tests of pages."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from apps.alerts.models import Episode, Holding, Silence
from apps.core.clock import database_now
from apps.fleet.models import Cluster, ClusterObject
from apps.gitops.models import Application, Project
from apps.sources.models import Source
from apps.timeline.models import Transition

REVISION = "3f2c1d0a9b8c7d6e5f4a3b2c1d0e9f8a7b6c5d4e"


def ago(**parts: float) -> datetime:
    """A moment before the database's now."""
    return database_now() - timedelta(**parts)


def source_row(key: str, *, kind: str = "", group: str = "", **fields: Any) -> Source:
    """A source that was read just now; `kind` and `group` are taken from its key."""
    prefix, _, rest = key.partition("/")
    defaults: dict[str, Any] = {
        "kind": kind or prefix.replace("-", "_"),
        "group": group or rest.split("/")[0],
        "title": f"{prefix} {rest}",
        "interval": 15.0,
        "succeeded_at": database_now(),
        "attempted_at": database_now(),
    }
    return Source.objects.create(key=key, **{**defaults, **fields})


def stale(source: Source) -> Source:
    """The same source, last read ten minutes ago."""
    source.succeeded_at = ago(minutes=10)
    source.save()
    return source


def down(source: Source, error: str = "could not be reached: connection refused") -> Source:
    """The same source, failing for ten minutes."""
    source.succeeded_at = source.failing_since = ago(minutes=10)
    source.failures, source.error, source.error_kind = 5, error, "unavailable"
    source.next_try_at = database_now() + timedelta(seconds=30)
    source.save()
    return source


def never(source: Source) -> Source:
    """The same source, never read."""
    source.succeeded_at = None
    source.save()
    return source


def cluster_row(name: str = "stone-prd-m01", **fields: Any) -> Cluster:
    """A cluster that is well."""
    defaults: dict[str, Any] = {
        "role": "member",
        "environment": "production",
        "has_credentials": True,
        "reached_at": database_now(),
        "tone": "well",
        "reason": "its API answers, and all that it tells is right",
        "openshift_version": "4.16.4",
        "kubernetes_version": "v1.29.6",
        "latency": 0.012,
    }
    return Cluster.objects.create(name=name, **{**defaults, **fields})


def object_row(cluster: str, kind: str, name: str, **fields: Any) -> ClusterObject:
    """A thing in a cluster, right unless told otherwise."""
    defaults = {"tone": "well", "status": "Ready", "reason": "ready", "since": ago(hours=5)}
    return ClusterObject.objects.create(cluster=cluster, kind=kind, name=name, **{**defaults, **fields})


def application_row(name: str = "build-service-stone-prd-m01", **fields: Any) -> Application:
    """An Application that is well."""
    defaults: dict[str, Any] = {
        "instance": "production",
        "namespace": "argocd",
        "project": "default",
        "set_name": "build-service",
        "environment": "production",
        "cluster": "stone-prd-m01",
        "destination": "https://api.stone-prd-m01.example.com:6443",
        "destination_namespace": "build-service",
        "repo_url": "https://github.com/redhat-appstudio/infra-deployments.git",
        "path": "components/build-service/production",
        "target_revision": "main",
        "auto_sync": True,
        "details_known": True,
        "sync_status": "Synced",
        "sync_since": ago(hours=3),
        "sync_revision": REVISION,
        "revision_since": ago(hours=3),
        "health_status": "Healthy",
        "health_since": ago(hours=3),
        "tone": "well",
        "tone_since": ago(hours=3),
        "reason": "Synced and Healthy",
    }
    return Application.objects.create(name=name, **{**defaults, **fields})


def broken(name: str, **fields: Any) -> Application:
    """An Application that is Degraded."""
    told = {"tone": "warning", "reason": "Degraded: 2 Deployments exceed their progress deadline"}
    return application_row(name, health_status="Degraded", **{**told, **fields})


def episode_row(name: str = "KonfluxAPIServerHighErrorRate", **fields: Any) -> Episode:
    """An alert that fires."""
    fingerprint = fields.pop("fingerprint", f"{abs(hash(name)):016x}"[:16])
    severity = fields.get("severity", "critical")
    defaults: dict[str, Any] = {
        "alertmanager": "appsre",
        "fingerprint": fingerprint,
        "began_at": ago(minutes=12),
        "starts_at": ago(minutes=12),
        "first_seen_at": ago(minutes=12),
        "severity": severity,
        "labels": {"alertname": name, "severity": severity},
        "annotations": {"summary": f"{name} fires", "description": "Too many requests fail."},
        "group_labels": {"alertname": name},
        "group_key": f'alertname="{name}"',
        "cluster": "stone-prd-m01",
        "environment": "production",
        "tone": severity if severity in {"critical", "warning"} else "warning",
        "reason": f"severity {severity}",
    }
    return Episode.objects.create(name=name, **{**defaults, **fields})


def held_by(episode: Episode, *keys: str, state: str = "active") -> Episode:
    """The same episode, held by these members."""
    Holding.objects.bulk_create([Holding(episode=episode, source=key, state=state) for key in keys])
    return episode


def silence_row(silence_id: str = "5d1e", **fields: Any) -> Silence:
    """A silence for two hours more."""
    defaults: dict[str, Any] = {
        "alertmanager": "appsre",
        "state": "active",
        "created_by": "remy",
        "comment": "upgrade under way",
        "starts_at": ago(hours=1),
        "ends_at": database_now() + timedelta(hours=2),
    }
    return Silence.objects.create(silence_id=silence_id, **{**defaults, **fields})


def window_row(name: str = "nightly") -> datetime:
    """A project whose Applications auto-sync may not touch now; returns when that changes, in a few minutes."""
    opens_at = database_now().replace(second=0, microsecond=0) + timedelta(minutes=3)
    schedule = f"{opens_at.minute} {(opens_at.hour - 1) % 24} * * *"
    window = {"kind": "deny", "schedule": schedule, "duration": "1h", "applications": ["*"]}
    Project.objects.create(instance="production", name=name, sync_windows=[window])
    return opens_at


def change_row(title: str, **fields: Any) -> Transition:
    """A line of the timeline, seen half an hour ago."""
    defaults: dict[str, Any] = {
        "kind": "application",
        "subject": f"production/argocd/{title}",
        "seen_at": ago(minutes=30),
        "cluster": "stone-prd-m01",
        "field": "health",
        "before": "Healthy",
        "after": "Degraded",
        "tone": "warning",
    }
    return Transition.objects.create(title=title, **{**defaults, **fields})
