"""Requests, freezes and the audit log."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse

from apps.core.tones import Tone

from .states import ACTIVE, HOLDING, Action, State


class ActionRequestQuerySet(models.QuerySet["ActionRequest"]):
    """Requests by where they stand."""

    def active(self) -> Self:
        """Those that have not ended."""
        return self.filter(state__in=ACTIVE)

    def holding(self, instance: str, namespace: str, name: str) -> Self:
        """Those that keep other sync-like ones from this Application."""
        return self.filter(instance=instance, namespace=namespace, name=name, holds=True, state__in=HOLDING)


class ActionRequest(models.Model):
    """One thing that one person asked for. Its id is the request id: made in the form, carried to Argo CD.

    Take over and a bulk send nothing themselves: their steps are requests with this one as `parent`. A request about
    the portal alone (freeze) has no Application. `guards` are the answers at the last preflight
    ([{"guard", "answer", "words", "link"}]); `operation` is what Argo CD told of the operation that it began
    ({"phase", "message", "started_at", "finished_at", "retry_count", "resources": [...]}, as builtins).
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    parent = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="steps")
    position = models.IntegerField(default=0, help_text="its place among the steps of its parent")
    wave = models.IntegerField(default=0, help_text="steps of one wave may run together")
    action = models.CharField(max_length=20, choices=Action)
    holds = models.BooleanField(
        default=False, help_text="sync-like, and no step of a request that holds the Application itself"
    )

    person = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    username = models.CharField(max_length=150)
    role = models.CharField(max_length=20, default="")
    session = models.CharField(max_length=64, default="", help_text="session key, kept while the request is active")
    address = models.CharField(max_length=100, default="")
    reason = models.CharField(max_length=500, default="")
    ticket = models.CharField(max_length=100, default="")

    instance = models.CharField(max_length=100, default="")
    namespace = models.CharField(max_length=253, default="")
    name = models.CharField(max_length=253, default="")
    project = models.CharField(max_length=253, default="")
    environment = models.CharField(max_length=100, default="")
    cluster = models.CharField(max_length=100, default="")
    options = models.JSONField(default=dict, help_text="Options of apps.actions.options, as builtins")
    subject = models.CharField(max_length=500, default="", help_text="what it is about, in words")

    digest = models.CharField(max_length=64, default="", help_text="of what the person saw (decision 16)")
    revision_seen = models.CharField(max_length=300, default="")
    revision_sent = models.CharField(max_length=300, default="", help_text="what Argo CD says that it syncs to")
    operation_seen = models.CharField(
        max_length=40, default="", help_text="startedAt of the running or last operation when it was sent, ISO 8601"
    )
    policy = models.CharField(max_length=100, default="", help_text="the policy that applied")
    guards = models.JSONField(default=list)

    state = models.CharField(max_length=20, choices=State, default=State.APPROVED)
    outcome = models.CharField(max_length=1000, default="", help_text="what came of it, in words")
    answer = models.CharField(max_length=1000, default="", help_text="the upstream's own words")
    operation = models.JSONField(null=True)
    approver = models.CharField(max_length=150, default="")
    created_at = models.DateTimeField()
    approved_at = models.DateTimeField(null=True)
    sent_at = models.DateTimeField(null=True, help_text="when `sending` was committed")
    state_at = models.DateTimeField(help_text="since when it is in its state")
    looked_at = models.DateTimeField(null=True, help_text="when Argo CD was last asked about it")
    ended_at = models.DateTimeField(null=True)

    objects = ActionRequestQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["instance", "namespace", "name"],
                condition=Q(holds=True, state__in=sorted(HOLDING)),
                name="one_active_sync",
            )
        ]
        indexes = [
            models.Index(fields=["-created_at"], name="action_created"),
            models.Index(fields=["instance", "namespace", "name", "-created_at"], name="action_application"),
            models.Index(fields=["parent", "position"], name="action_step"),
            models.Index(fields=["state", "state_at"], name="action_state"),
        ]

    def __str__(self) -> str:
        return f"{self.action} of {self.subject} by {self.username}"

    def get_absolute_url(self) -> str:
        """Its page."""
        return reverse("actions:request-show", args=[self.pk])

    @property
    def topic(self) -> str:
        """The topic that is raised when it changes."""
        return f"action:{self.pk}"

    @property
    def tone(self) -> Tone:
        """How its state is shown."""
        return State(self.state).tone

    @property
    def is_final(self) -> bool:
        """Whether it has ended."""
        return State(self.state).is_final


class Freeze(models.Model):
    """Nothing is sent by this portal within its scope until it ends; Argo CD's own auto-sync goes on (decision 19)."""

    class Scope(models.TextChoices):
        """How far it reaches."""

        EVERYTHING = "everything", "everything"
        ENVIRONMENT = "environment", "environment"
        CLUSTER = "cluster", "cluster"
        PROJECT = "project", "project"

    scope = models.CharField(max_length=20, choices=Scope)
    value = models.CharField(max_length=253, default="", help_text='the one it is about; "" for everything')
    reason = models.CharField(max_length=500)
    by = models.CharField(max_length=150)
    began_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    ended_by = models.CharField(max_length=150, default="")

    class Meta:
        indexes = [models.Index(fields=["ends_at"], name="freeze_ends")]

    def __str__(self) -> str:
        return f"freeze of {self.words}"

    @property
    def words(self) -> str:
        """What is frozen."""
        return f"{self.scope} {self.value}" if self.value else self.scope

    def is_on(self, now: datetime) -> bool:
        """Whether it holds at this moment."""
        return self.began_at <= now < self.ends_at

    def covers(self, thing: Any) -> bool:
        """Whether it names the `environment`, `cluster` or `project` of this thing, or everything.

        What it holds besides is `freezes_covering`'s.
        """
        return self.scope == self.Scope.EVERYTHING or getattr(thing, self.scope, None) == self.value


class AuditLine(models.Model):
    """One line of the audit log: never changed, never deleted (triggers of the database), each chained to the last.

    `hash` is SHA-256 over `previous` and the canonical JSON of the line (apps.actions.audit). `what` holds all that
    the line says of its request at that moment.
    """

    at = models.DateTimeField()
    event = models.CharField(max_length=40, help_text="requested, refused, approved, sending, accepted …")
    request = models.UUIDField(null=True, help_text="the request's id; no foreign key: lines outlive everything")
    who = models.CharField(max_length=150, help_text='who did it; "portal" for the portal itself')
    words = models.CharField(max_length=1000, default="")
    what = models.JSONField(default=dict)
    previous = models.CharField(max_length=64)
    hash = models.CharField(max_length=64, unique=True)

    class Meta:
        indexes = [models.Index(fields=["request"], name="audit_request"), models.Index(fields=["at"], name="audit_at")]

    def __str__(self) -> str:
        return f"{self.pk} {self.event}"


class AuditHead(models.Model):
    """Where the chain ends: one row, locked by whoever adds a line, so that two lines never follow the same one."""

    hash = models.CharField(max_length=64, help_text="of the last line")
    count = models.BigIntegerField(default=0, help_text="how many lines there are")

    def __str__(self) -> str:
        return f"{self.count} lines, {self.hash}"
