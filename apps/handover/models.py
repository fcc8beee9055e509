"""Handovers that were saved."""

from __future__ import annotations

import uuid
from typing import Any

import msgspec
from django.db import models
from django.urls import reverse

from apps.core.structs import converted
from apps.timeline.steps import Window

from .values import Facts

LONGEST_BYTES = 100 * 1024
EARLIER_KEPT = 10


class Handover(models.Model):
    """What one shift told the next. The id is the form's: one that is sent twice is saved once.

    `facts` are those of its span as they stood when they were last inserted (`apps.handover.values.Facts`, as
    builtins); `text` is what people read, Markdown of LONGEST_BYTES at the most. `revision` counts from 1 and rises
    whenever it is saved.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    from_at = models.DateTimeField()
    until_at = models.DateTimeField()
    facts = models.JSONField(default=dict)
    text = models.TextField()
    by = models.CharField(max_length=150, help_text="username")
    at = models.DateTimeField()
    edited_by = models.CharField(max_length=150, default="", help_text="username of who saved it last, after the first")
    edited_at = models.DateTimeField(null=True)
    revision = models.PositiveIntegerField(default=1)

    class Meta:
        indexes = [models.Index(fields=["-at"], name="handover_at")]

    def __str__(self) -> str:
        return f"handover of {self.by}, {self.from_at:%Y-%m-%d %H:%M} to {self.until_at:%Y-%m-%d %H:%M} UTC"

    def get_absolute_url(self) -> str:
        """Its page."""
        return reverse("handover:handover-show", args=[self.pk])

    @property
    def window(self) -> Window:
        """Its span."""
        return Window(self.from_at, self.until_at)

    @property
    def facts_kept(self) -> Facts | None:
        """Its facts; None where they were written by a portal that knew others."""
        try:
            return converted(self.facts, Facts)
        except msgspec.ValidationError:
            return None


class EarlierText(models.Model):
    """What a handover said before somebody else changed it, and who had written that when; the last few are kept."""

    handover = models.ForeignKey(Handover, on_delete=models.CASCADE, related_name="earlier_texts")
    revision = models.PositiveIntegerField()
    text = models.TextField()
    by = models.CharField(max_length=150, help_text="username")
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["handover", "revision"], name="earlier_text_identity")]

    def __str__(self) -> str:
        return f"revision {self.revision} of {self.handover_id}, by {self.by}"


def facts_plain(facts: Facts) -> dict[str, Any]:
    """Facts for a row."""
    plain: dict[str, Any] = msgspec.to_builtins(facts)
    return plain
