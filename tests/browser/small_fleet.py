"""Rows for the browser: three clusters, a few Applications and alerts in every tone, and every page there is.

`fleet_rows` is small and mostly well; `every_state_rows` adds a thing in every state that a page can show.
"""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from django.urls import Resolver404, resolve

from apps.actions.states import Action, State
from apps.alerts.models import AlertGraph, Episode
from apps.core.clock import database_now
from apps.core.models import Lease
from apps.core.topics import raise_topics
from apps.fleet.models import ClusterRole
from apps.gitops.models import ApplicationDetail, Project
from tests.actions.cases import freeze_row, request_row
from tests.rows import (
    ago,
    application_row,
    broken,
    change_row,
    cluster_row,
    down,
    episode_row,
    held_by,
    never,
    object_row,
    silence_row,
    source_row,
    stale,
)

MEMBERS = ("alertmanager/appsre/0", "alertmanager/appsre/1")
ALERT = "KonfluxAPIServerHighErrorRate"
FINGERPRINT = "00000000000000aa"
CLUSTER = "stone-prd-m01"
CLUSTERS = {
    "appsrep05ue1": ClusterRole.CONTROL_PLANE,
    "stone-prd-host1": ClusterRole.HOST,
    CLUSTER: ClusterRole.MEMBER,
}
NEW = "another-stone-prd-m01"
STAGED = "asked-for-in-staging"
BROKEN = "build-service-stone-prd-m01"
SUBJECT = f"production/argocd/{BROKEN}"
LISTS = ("/", "/alerts/", "/apps/", "/clusters/", "/sources/")
DETAILS = (
    f"/alerts/appsre/{FINGERPRINT}/",
    f"/apps/{SUBJECT}/",
    f"/clusters/{CLUSTER}/",
    "/sources/argocd/production/",
)
PAGES = (*LISTS, *DETAILS)
LOST = "stone-prd-rh01"
OTHER_DETAILS = (f"/clusters/{LOST}/", f"/apps/production/argocd/has-{LOST}/", f"/alerts/rhobs/{FINGERPRINT}/")
FILTERED = ("/apps/?q=nothing-like-it", "/alerts/?cluster=no-such&page=9", "/alerts/?group=cluster")
NOT_IN_ALL_BRANCHES = ("/apps/matrix/", "/timeline/", "/handover/", "/handover/past/", "/wall/", "/search/?q=stone")
REQUESTS = {state: UUID(int=number) for number, state in enumerate(State, start=1)}
BULK = UUID(int=99)
ASKING = f"/actions/new/?action=sync&app=production%2Fargocd%2F{BROKEN}&prune=on"
ACTIONS = (
    "/actions/",
    "/actions/?person=alex&since=nonsense",
    "/actions/freezes/",
    "/actions/policies/",
    "/silences/",
    ASKING,
    ASKING.replace(BROKEN, STAGED),
    f"/actions/bulk/?environment=all&cluster={CLUSTER}",
    *(f"/actions/{REQUESTS[state]}/" for state in (State.WAITING, State.UNKNOWN, State.FAILED)),
    f"/actions/{BULK}/",
)


def graph_row(episode: Episode) -> None:
    """The values behind an alert, read just now."""
    now = database_now()
    points = [[(now - timedelta(minutes=140 - 10 * place)).timestamp(), place / 15] for place in range(14)]
    AlertGraph.objects.create(
        episode=episode,
        asked_at=now,
        read_at=now,
        prometheus="appsre",
        expression="errors / requests",
        sign=">",
        threshold=0.7,
        start=now - timedelta(minutes=140),
        end=now,
        step=600.0,
        series=[{"labels": {}, "points": points}],
        told=1,
    )


def is_there(path: str) -> bool:
    """Whether the address leads to a page."""
    try:
        resolve(path.partition("?")[0])
    except Resolver404:
        return False
    return True


EVERY_PAGE = (*PAGES, *OTHER_DETAILS, *FILTERED, *filter(is_there, NOT_IN_ALL_BRANCHES), *ACTIONS)


def fleet_rows() -> None:
    """All of it, fresh and being read."""
    Lease.objects.create(name="beat", holder="tick", expires_at=database_now() + timedelta(minutes=5))
    for key in ("argocd/production", "argocd-inventory/production", "prometheus/appsre", *MEMBERS):
        source_row(key, interval=600.0)
    for position, (name, role) in enumerate(CLUSTERS.items()):
        cluster_row(name, role=role, position=position)
        source_row(f"kubernetes/{name}", cluster=name, environment="production", interval=600.0)
    object_row(CLUSTER, "Node", "ip-10-0-1-2", data={"roles": ["worker"]})
    object_row(CLUSTER, "ClusterOperator", "dns", tone="warning", status="Degraded", reason="degraded: slow")
    Project.objects.create(instance="production", name="default", sync_windows=[])
    broken(BROKEN, tone_since=ago(minutes=14))
    application_row("has-stone-prd-m01", set_name="has")
    application_row("spi-stone-prd-m01", set_name="spi", auto_sync=False, tone="held", reason="auto-sync is off")
    firing = episode_row(
        ALERT, fingerprint=FINGERPRINT, is_slo=True, application=SUBJECT, runbook_url="https://runbooks.example/x"
    )
    held_by(firing, *MEMBERS)
    silence = silence_row()
    graph_row(firing)
    quiet = episode_row("Quiet", severity="warning", state="suppressed", tone="held", silenced_by=[silence.silence_id])
    held_by(quiet, *MEMBERS)
    change_row(BROKEN, link=f"/apps/{SUBJECT}/")


def change(name: str = NEW) -> None:
    """One more Application is broken, as a collector would have written it."""
    broken(name)
    raise_topics(["apps", "apps:production"])


def every_state_rows() -> None:
    """The small fleet, and whatever can be the matter with a fleet."""
    fleet_rows()
    troubled_sources()
    lost_cluster()
    troubled_applications()
    troubled_alerts()
    actions()
    change_row(LOST, kind="cluster", subject=LOST, cluster=LOST, field="reachability", before="reached", after="lost")
    change_row(
        "argocd production", kind="source", subject="argocd/production", field="state", after="fresh", tone="well"
    )
    change_row(ALERT, kind="alert", subject=f"appsre/{FINGERPRINT}", field="state", after="active", tone="critical")


def troubled_sources() -> None:
    """One stale, one down, one never reached, one with another clock and things that could not be read."""
    stale(source_row("argocd/staging", environment="staging"))
    down(source_row("alertmanager/rhobs/0"))
    never(source_row("prometheus/rhobs"))
    odd = {"skew": 95.0, "unreadable": 3, "unreadable_reason": "no name", "note": "may have lost its rights"}
    source_row("argocd-inventory/staging", **odd)


def lost_cluster() -> None:
    """Lost for twelve minutes, with two Applications; and one that is being updated with a node that is not ready."""
    lost = {"lost_since": ago(minutes=12), "unreached_since": ago(minutes=14), "reached_at": None}
    cluster_row(LOST, position=8, tone="critical", reason="its API is lost", **lost)
    down(source_row(f"kubernetes/{LOST}", cluster=LOST, environment="production"))
    application_row(f"has-{LOST}", cluster=LOST, set_name="has")
    cluster_row("stone-prd-m02", position=9, tone="busy", reason="update to 4.16.5", update_progress="71 % complete")
    source_row("kubernetes/stone-prd-m02", cluster="stone-prd-m02", environment="production", interval=600.0)
    object_row("stone-prd-m02", "Node", "ip-10-0-9-9", tone="critical", status="NotReady", reason="kubelet stopped")
    object_row("stone-prd-m02", "ClusterVersion", "version", tone="busy", status="Progressing", reason="71 %")


def troubled_applications() -> None:
    """Under way, failed, with a closed window, of another revision, with conditions, missing, never compared."""
    closed = {"kind": "deny", "schedule": "* * * * *", "duration": "24h", "applications": ["*"]}
    Project.objects.create(instance="production", name="frozen", sync_windows=[closed])
    application_row(
        "frozen-stone-prd-m01", project="frozen", tone="held", sync_status="OutOfSync", reason="window closed"
    )
    running = {"phase": "Running", "message": "waiting for healthy state", "started_at": ago(minutes=2).isoformat()}
    application_row(
        "running-stone-prd-m01", operation=running, operation_phase="Running", tone="busy", reason="syncing"
    )
    skewed = {"set_name": "build-service", "cluster": "stone-prd-m02", "sync_revision": "9ab01e" + "0" * 34}
    application_row("build-service-stone-prd-m02", **skewed)
    failed = {"phase": "Failed", "message": "one or more objects failed to apply", "retry_count": 3}
    told = [{"type": "SyncError", "message": "failed to apply", "at": ago(minutes=3).isoformat()}]
    row = broken(
        "failed-stone-prd-m01",
        operation=failed,
        operation_phase="Failed",
        conditions=told,
        condition_types=" SyncError ",
    )
    resource = {"group": "apps", "version": "v1", "kind": "Deployment", "namespace": "has", "name": "has"}
    data = {
        "application": {"namespace": "argocd", "name": row.name, "project": "default", "is_complete": True},
        "resources": [{**resource, "status": "OutOfSync", "health_status": "Degraded", "requires_pruning": True}],
        "operation_resources": [
            {**resource, "status": "SyncFailed", "message": "quota exceeded", "hook_phase": "Failed"}
        ],
        "history": [{"id": 1, "revision": row.sync_revision, "initiated_by": "remy"}],
    }
    ApplicationDetail.objects.create(application=row, asked_at=ago(minutes=2), read_at=ago(minutes=1), data=data)
    application_row("missing-stone-prd-m01", health_status="Missing", tone="warning", reason="Missing")
    application_row("new-stone-prd-m01", sync_status="", health_status="", tone="unknown", reason="never compared")


def actions() -> None:
    """A request in every state, one of many steps, and a freeze."""
    resource = {"group": "apps", "version": "v1", "kind": "Deployment", "namespace": "has", "name": "has"}
    results = [{**resource, "status": "SyncFailed", "message": "quota exceeded"}]
    kept = {"phase": "Failed", "message": "quota", "started_at": ago(minutes=2).isoformat(), "resources": results}
    guards = [
        {"guard": "order", "answer": "warn", "words": "staging is behind", "link": "/apps/"},
        {"guard": "prune", "answer": "pass", "words": "prune is off", "link": ""},
    ]
    for state, pk in REQUESTS.items():
        told = {"operation": kept, "guards": guards, "outcome": "quota exceeded", "reason": "drift", "ticket": "K-1"}
        request_row(Action.REFRESH, state, id=pk, cluster=CLUSTER, answer="rpc error", **told)
    bulk = request_row(Action.BULK_SYNC, State.PAUSED, id=BULK, name="", subject="3 applications on 1 cluster")
    for position, state in enumerate((State.SUCCEEDED, State.FAILED, State.PLANNED)):
        request_row(Action.REFRESH, state, parent=bulk, wave=position, position=position)
    application_row(STAGED, environment="staging", cluster="")
    freeze_row("cluster", "stone-prd-m02")


def troubled_alerts() -> None:
    """Inhibited, not confirmed, without a name or a cluster, of an Alertmanager that is down, ended lately."""
    held_by(episode_row("Inhibited", state="suppressed", tone="held", inhibited_by=[FINGERPRINT]), *MEMBERS)
    held_by(episode_row("Doubted", is_unconfirmed=True, severity="warning"), MEMBERS[0])
    episode_row(
        "", severity="", cluster="", cluster_told="somewhere", is_odd_start=True, runbook_url="ftp://no.example"
    )
    episode_row("OfRhobs", alertmanager="rhobs", fingerprint=FINGERPRINT, owner="konflux", severity="info", tone="held")
    episode_row("Over", ended_at=ago(minutes=9), state="ended")
