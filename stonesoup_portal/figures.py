"""`/metrics`: the portal's figures in Prometheus' text format."""

from __future__ import annotations

import hmac
import ipaddress
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import cast

from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from apps.core.clock import database_now
from apps.sources.models import Source

from .celery import queue_depths

SENT_ON = {"Forwarded", "X-Forwarded-For", "X-Forwarded-Proto"}


@login_not_required
@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """To loopback, or to whoever brings PORTAL_METRICS_TOKEN as bearer."""
    if not may_read(request):
        return HttpResponse("bring the token of PORTAL_METRICS_TOKEN\n", status=403, content_type="text/plain")
    now = CollectorRegistry()
    now.register(Now())
    return HttpResponse(generate_latest(counted()) + generate_latest(now), content_type=CONTENT_TYPE_LATEST)


def counted() -> CollectorRegistry:
    """Counters and histograms: of all processes of this machine where they share a folder, else of this one."""
    if not os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        return REGISTRY
    registry = CollectorRegistry()
    registry.register(OfAllProcesses(None))  # type: ignore[no-untyped-call]
    return registry


class OfAllProcesses(MultiProcessCollector):
    """Leaves out the file of a process that died while it made it: prometheus_client would fail on an empty one."""

    def collect(self) -> Iterable[Metric]:
        """The sums of every file in which there is something."""
        files = [str(file) for file in Path(self._path).glob("*.db") if file.stat().st_size]
        return cast("Iterable[Metric]", self.merge(files, accumulate=True))  # type: ignore[no-untyped-call]


def may_read(request: HttpRequest) -> bool:
    """Loopback may, unless a token is set; then the token alone counts. What a proxy sends on is not from loopback."""
    token = os.environ.get("PORTAL_METRICS_TOKEN", "")
    if token:
        return hmac.compare_digest(request.headers.get("Authorization", "").encode(), f"Bearer {token}".encode())
    if not request.headers.keys().isdisjoint(SENT_ON):
        return False
    try:
        return ipaddress.ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False


class Now(Collector):
    """What is told by the database and the broker at the moment of asking."""

    def collect(self) -> Iterator[Metric]:
        """Sources' ages, states and failures; queue depths. A database that is away tells `portal_database_up` 0."""
        try:
            families = list(source_families())
        except DatabaseError:
            families = []
        yield GaugeMetricFamily("portal_database_up", "Whether the database answers.", value=1.0 if families else 0.0)
        yield from families
        depth = GaugeMetricFamily("portal_queue_depth", "Tasks that wait in a queue.", labels=["queue"])
        for queue, waiting in queue_depths().items():
            depth.add_metric([queue], waiting)
        yield depth


def source_families() -> Iterator[Metric]:
    """Age, failures and state of every source that the fleet file names."""
    now = database_now()
    age = GaugeMetricFamily("portal_source_age_seconds", "Since the last good read.", labels=["source"])
    failures = GaugeMetricFamily("portal_source_failures", "Failed reads since the last good one.", labels=["source"])
    state = GaugeMetricFamily("portal_source_state", "1 for the state that it is in.", labels=["source", "state"])
    for source in Source.objects.filter(is_archived=False):
        if source.succeeded_at:
            age.add_metric([source.key], (now - source.succeeded_at).total_seconds())
        failures.add_metric([source.key], source.failures)
        state.add_metric([source.key, source.state(now).value], 1)
    yield from (age, failures, state)
