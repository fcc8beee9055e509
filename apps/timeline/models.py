"""The timeline: one append-only line for each change of state, of whatever thing."""

from __future__ import annotations

from django.db import models


class Kind(models.TextChoices):
    """What sort of thing changed."""

    APPLICATION = "application", "Application"
    ALERT = "alert", "Alert"
    CLUSTER = "cluster", "Cluster"
    SOURCE = "source", "Source"
    PORTAL = "portal", "Portal"


class Transition(models.Model):
    """One change. `subject` names the thing as its page's URL does.

    Subjects: application "<instance>/<namespace>/<name>", alert "<alertmanager>/<fingerprint>", cluster its name,
    source its key. `at` is the upstream's moment where it tells one; else the change lies between `seen_after` (the
    read before) and `seen_at`, both the database's clock.
    """

    at = models.DateTimeField(null=True)
    seen_at = models.DateTimeField()
    seen_after = models.DateTimeField(null=True)
    kind = models.CharField(max_length=20, choices=Kind)
    subject = models.CharField(max_length=400)
    title = models.CharField(max_length=300)
    cluster = models.CharField(max_length=100, default="")
    application = models.CharField(max_length=300, default="")
    environment = models.CharField(max_length=100, default="")
    field = models.CharField(max_length=100)
    before = models.CharField(max_length=500, default="")
    after = models.CharField(max_length=500, default="")
    tone = models.CharField(max_length=10, default="")
    source = models.CharField(max_length=200, default="")
    by = models.CharField(max_length=200, default="")
    link = models.CharField(max_length=500, default="")

    class Meta:
        indexes = [
            models.Index(fields=["-seen_at"], name="transition_seen"),
            models.Index(fields=["kind", "subject", "-seen_at"], name="transition_subject"),
            models.Index(fields=["cluster", "-seen_at"], name="transition_cluster"),
        ]

    def __str__(self) -> str:
        return f"{self.title}: {self.field} {self.before} → {self.after}"
