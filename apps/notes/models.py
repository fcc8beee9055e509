"""What people say of a thing: notes, and that somebody is at it."""

from __future__ import annotations

import uuid
from typing import Self

from django.db import models
from django.db.models import Q

from apps.timeline.models import Kind

LONGEST_TEXT = 4000
LONGEST_NOTE = 500


class Subjects(models.TextChoices):
    """What can be acknowledged and noted on: kinds of the timeline."""

    ALERT = Kind.ALERT.value, "alert"
    APPLICATION = Kind.APPLICATION.value, "application"
    CLUSTER = Kind.CLUSTER.value, "cluster"


class Concerning(models.Model):
    """Something said of a thing. `subject` names it as the timeline does (`apps.timeline.models.Transition`).

    `title` is the thing's as it was called; `cluster`, `environment` and `project` are where it lay, by which a
    person's scope is asked. The id is the request's: a form sent twice is one thing that was asked for once.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=20, choices=Subjects)
    subject = models.CharField(max_length=400)
    title = models.CharField(max_length=300)
    cluster = models.CharField(max_length=100, default="")
    environment = models.CharField(max_length=100, default="")
    project = models.CharField(max_length=253, default="")
    by = models.CharField(max_length=150, help_text="username")
    at = models.DateTimeField()

    class Meta:
        abstract = True


class NoteQuerySet(models.QuerySet["Note"]):
    """Which notes."""

    def current(self) -> Self:
        """Those that were not taken back."""
        return self.filter(deleted_at=None)

    def on(self, kind: str, subject: str) -> Self:
        """Those on one thing, the newest first."""
        return self.filter(kind=kind, subject=subject).order_by("-at", "pk")


class Note(Concerning):
    """A note in Markdown. One that was taken back is kept without being shown; the timeline keeps that it was there."""

    text = models.TextField(max_length=LONGEST_TEXT)
    deleted_at = models.DateTimeField(null=True)
    deleted_by = models.CharField(max_length=150, default="")

    objects = NoteQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["kind", "subject", "-at"], name="note_subject"),
            models.Index(fields=["-at"], name="note_at"),
        ]

    def __str__(self) -> str:
        return f"note of {self.by} on {self.title}"


class AcknowledgementQuerySet(models.QuerySet["Acknowledgement"]):
    """Which acknowledgements."""

    def on(self, kind: str, subject: str) -> Self:
        """Those of one thing, the newest first."""
        return self.filter(kind=kind, subject=subject).order_by("-at", "pk")

    def open(self) -> Self:
        """Those that have not ended."""
        return self.filter(ended_at=None)


class Acknowledgement(Concerning):
    """That somebody is at it, until an end. It has ended once `ended_at` is set: by a person, or by itself ("").

    `well_since` is since when the thing has been well without a break, as far as the portal looked; it ends by itself
    after a while of that, and when its time is over.
    """

    note = models.CharField(max_length=LONGEST_NOTE, default="", blank=True)
    until = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    ended_by = models.CharField(max_length=150, default="", help_text="username; empty: it ended by itself")
    well_since = models.DateTimeField(null=True)

    objects = AcknowledgementQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["kind", "subject", "-at"], name="acknowledgement_subject"),
            models.Index(fields=["-at"], name="acknowledgement_at"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "subject"], condition=Q(ended_at=None), name="one_open_acknowledgement"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.title} acknowledged by {self.by}"

    @property
    def shows(self) -> tuple[object, ...]:
        """What the markup that tells of it depends on (apps.core.drawn)."""
        return self.by, self.until, self.note

    @property
    def key(self) -> tuple[str, str]:
        """Its thing: (kind, subject)."""
        return self.kind, self.subject
