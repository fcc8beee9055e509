"""Sources: each upstream endpoint that the fleet file names, and how reading it goes."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import models

FAILURES_UNTIL_DOWN = 3
CALLS_OF_A_READ = 4


class SourceState(models.TextChoices):
    """How far what a source told can be trusted. Only FRESH carries a well."""

    FRESH = "fresh", "fresh"
    STALE = "stale", "stale"
    DOWN = "down", "down"
    NEVER = "never", "never reached"


def short_error(message: str) -> str:
    """An UpstreamError's message without what the upstream itself said, which may tell more than everybody may know."""
    return message.partition(": ")[0]


class Source(models.Model):
    """One upstream endpoint, with the last reads' outcome. `key` is "argocd/production" and the like (catalog.py)."""

    class Kind(models.TextChoices):
        ARGOCD = "argocd", "Argo CD applications"
        ARGOCD_INVENTORY = "argocd_inventory", "Argo CD clusters, projects and sets"
        ALERTMANAGER = "alertmanager", "Alertmanager"
        PROMETHEUS = "prometheus", "Prometheus rules"
        KUBERNETES = "kubernetes", "Kubernetes API"
        RUNBOOKS = "runbooks", "Runbooks"

    key = models.CharField(max_length=200, unique=True)
    kind = models.CharField(max_length=20, choices=Kind)
    group = models.CharField(max_length=100)
    title = models.CharField(max_length=200)
    address = models.CharField(max_length=500, default="")
    environment = models.CharField(max_length=100, default="")
    cluster = models.CharField(max_length=100, default="")
    interval = models.FloatField(default=60.0, help_text="seconds")
    is_archived = models.BooleanField(default=False)
    is_unverified = models.BooleanField(default=False, help_text="TLS is not verified, by the fleet file")
    feeds = models.JSONField(default=list, help_text="names of the Alertmanagers that a Prometheus sends its alerts to")

    attempted_at = models.DateTimeField(null=True)
    succeeded_at = models.DateTimeField(null=True)
    first_read_at = models.DateTimeField(null=True, help_text="None also where it was read before this was kept")
    next_try_at = models.DateTimeField(null=True)
    not_before = models.DateTimeField(null=True, help_text="backed off: nothing is asked of it until then")
    failing_since = models.DateTimeField(null=True)
    failures = models.PositiveIntegerField(default=0)
    error_kind = models.CharField(max_length=30, default="")
    error = models.CharField(max_length=500, default="")
    latency = models.FloatField(null=True, help_text="seconds")
    wire_bytes = models.BigIntegerField(null=True)
    skew = models.FloatField(null=True, help_text="seconds that the upstream's clock is ahead of ours")
    items = models.PositiveIntegerField(null=True)
    unreadable = models.PositiveIntegerField(default=0)
    unreadable_reason = models.CharField(max_length=500, default="")
    version = models.CharField(max_length=100, default="")
    note = models.CharField(max_length=500, default="", help_text="what a person should know: dropped, lost rights, …")
    warnings = models.JSONField(default=list)

    def __str__(self) -> str:
        return self.key

    @property
    def stale_after(self) -> timedelta:
        """The age past which what it told is stale: three missed reads, 45 s at the least, and the time of a read."""
        return timedelta(seconds=max(3 * self.interval, 45.0) + CALLS_OF_A_READ * (self.latency or 0.0))

    @property
    def error_short(self) -> str:
        """The last error in our own words alone: what the upstream said of it comes after a colon."""
        return short_error(self.error)

    def state(self, now: datetime) -> SourceState:
        """Its state at `now` (the database's clock): staleness happens without a write."""
        if self.succeeded_at is None:
            return SourceState.NEVER
        if self.failures >= FAILURES_UNTIL_DOWN:
            return SourceState.DOWN
        return SourceState.STALE if now - self.succeeded_at > self.stale_after else SourceState.FRESH

    def fresh_until(self) -> datetime | None:
        """When it turns stale by itself, if nothing is read until then."""
        return None if self.succeeded_at is None else self.succeeded_at + self.stale_after


class FleetFileState(models.Model):
    """What became of the last look at the fleet file (one row, id 1): shown on Sources."""

    digest = models.CharField(max_length=64, default="")
    loaded_at = models.DateTimeField(null=True)
    refused_at = models.DateTimeField(null=True)
    problems = models.JSONField(default=list)

    def __str__(self) -> str:
        return f"fleet file {self.digest[:12]}"
