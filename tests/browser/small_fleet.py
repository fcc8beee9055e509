"""Rows for the browser: three clusters, a few Applications and alerts in every tone, and every page there is."""

from __future__ import annotations

from datetime import timedelta

from apps.core.clock import database_now
from apps.core.models import Lease
from apps.fleet.models import ClusterRole
from tests.rows import (
    ago,
    application_row,
    broken,
    change_row,
    cluster_row,
    episode_row,
    held_by,
    object_row,
    silence_row,
    source_row,
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
    broken(BROKEN, tone_since=ago(minutes=14))
    application_row("has-stone-prd-m01", set_name="has")
    application_row("spi-stone-prd-m01", set_name="spi", auto_sync=False, tone="held", reason="auto-sync is off")
    firing = episode_row(
        ALERT, fingerprint=FINGERPRINT, is_slo=True, application=SUBJECT, runbook_url="https://runbooks.example/x"
    )
    held_by(firing, *MEMBERS)
    silence = silence_row()
    quiet = episode_row("Quiet", severity="warning", state="suppressed", tone="held", silenced_by=[silence.silence_id])
    held_by(quiet, *MEMBERS)
    change_row(BROKEN, link=f"/apps/{SUBJECT}/")
