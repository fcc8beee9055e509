"""The timeline: one append-only line for each change of state, of whatever thing."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Self

from django.db import models
from django.db.models import F, Q, Value
from django.db.models.functions import Coalesce, Concat, Least

TONE = "tone"
QUIET_FIELDS = frozenset({TONE})
MOMENT = Least(Coalesce(F("at"), F("seen_at")), F("seen_at"))


class Kind(models.TextChoices):
    """What sort of thing changed."""

    APPLICATION = "application", "Application"
    ALERT = "alert", "Alert"
    CLUSTER = "cluster", "Cluster"
    SOURCE = "source", "Source"
    PORTAL = "portal", "Portal"
    ACTION = "action", "Action"
    RUNBOOK = "runbook", "Runbook"


class TransitionQuerySet(models.QuerySet["Transition"]):
    """Which lines, and when what they tell happened."""

    def told(self) -> Self:
        """Those that people are told: not the ones that only pictures are made of."""
        return self.exclude(field__in=QUIET_FIELDS)

    def with_moment(self) -> Self:
        """Annotates `moment`: the upstream's where it tells one that is not after ours, else when it was seen."""
        return self.annotate(moment=MOMENT)

    def happened(self, since: datetime | None, until: datetime | None = None) -> Self:
        """Those of which the moment lies from `since` to `until`; None is no bound."""
        lines = self.with_moment()
        lines = lines.filter(moment__gte=since) if since else lines
        return lines.filter(moment__lte=until) if until else lines

    def of(self, *, kinds: Iterable[str] = (), fields: Iterable[str] = ()) -> Self:
        """Those of these kinds and fields ("node" has "node/w1" in it); none named is all.

        Both are compared as expressions, so that no index is looked into for them: a list that is read in the order of
        its moments needs only its first lines, where by their kind all lines there are would be sorted first.
        """
        lines = self.annotate(of_kind=Concat("kind", Value("")), of_field=Concat("field", Value("")))
        kinds, fits = list(kinds), Q()
        for name in fields:
            fits |= Q(of_field=name) | Q(of_field__startswith=f"{name}/")
        return lines.filter(fits, of_kind__in=kinds) if kinds else lines.filter(fits)

    def newest_first(self) -> Self:
        """In the order in which it happened, the last first."""
        return self.with_moment().order_by("-moment", "-pk")


class Transition(models.Model):
    """One change. `subject` names the thing as its page's URL does.

    Subjects: application "<instance>/<namespace>/<name>", alert "<alertmanager>/<fingerprint>", cluster its name,
    source its key, action the Application that it was done to, else what it was done to in words. `at` is the
    upstream's moment where it tells one; else the change lies between `seen_after` (the read before) and `seen_at`,
    both the database's clock.

    A line with the field TONE tells that an Application began or ceased to need somebody, or to be known: where it
    appeared `before` is empty, where it went `after` is; or that a cluster's own verdict changed ("critical: lost: …"
    after "well"). Pictures and figures are made of those; no list of changes shows them.
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

    objects = TransitionQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["-seen_at"], name="transition_seen"),
            models.Index(fields=["kind", "subject", "-seen_at"], name="transition_subject"),
            models.Index(fields=["cluster", "-seen_at"], name="transition_cluster"),
            models.Index(fields=["field", "-seen_at"], name="transition_field"),
            models.Index(MOMENT.desc(), F("field"), F("environment"), F("kind"), name="transition_moment"),
            models.Index(F("cluster"), MOMENT.desc(), name="transition_cluster_moment"),
        ]

    def __str__(self) -> str:
        return f"{self.title}: {self.field} {self.before} → {self.after}"
