"""Alerts as episodes, who holds them, silences and rules."""

from __future__ import annotations

from datetime import timedelta
from typing import Self

from django.db import models
from django.db.models import Case, CharField, F, Q, Value, When
from django.db.models.functions import Concat

from apps.core.tones import Tone
from apps.core.verdict import Verdict
from apps.fleet.overlay import Overlay
from apps.notes.models import Subjects

from .comments import reason_told

QUIET_TONES = tuple(tone.value for tone in Tone if not tone.needs_somebody)


class AlertState(models.TextChoices):
    """What an alert does now. Several members disagreeing: ACTIVE wins."""

    ACTIVE = "active", "active"
    SILENCED = "silenced", "silenced"
    INHIBITED = "inhibited", "inhibited"
    MUTED = "muted", "muted"
    ENDED = "ended", "ended"


class EpisodeQuerySet(models.QuerySet["Episode"]):
    """Which episodes, and in which tone they are shown."""

    def firing(self) -> Self:
        """Those that have not ended, quiet ones too."""
        return self.filter(ended_at=None)

    def current(self, overlay: Overlay) -> Self:
        """Those of Alertmanagers that the fleet file still names."""
        return self.exclude(alertmanager__in=list(overlay.archived_alertmanagers))

    def unacknowledged(self, overlay: Overlay) -> Self:
        """Those that nobody has said to be at, at this moment."""
        subjects = overlay.acknowledged_among(Subjects.ALERT)
        named = Concat("alertmanager", Value("/"), "fingerprint")
        return self.alias(subject=named).exclude(Q(subject__in=subjects)) if subjects else self

    def with_shown_tone(self, overlay: Overlay) -> Self:
        """Annotates `shown_tone` as `shown_verdict` decides it: what is quiet by a doubtful word is unknown."""
        is_doubted = Q(ended_at=None, tone__in=QUIET_TONES, alertmanager__in=list(overlay.distrusted_alertmanagers))
        shown = Case(When(is_doubted, then=Value(Tone.UNKNOWN.value)), default=F("tone"), output_field=CharField())
        return self.annotate(shown_tone=shown)


class Episode(models.Model):
    """One time that one alert fired in one Alertmanager group (HA cluster): its labels stay as they were.

    Identity is (alertmanager, fingerprint, starts_at as first told); `ended_at` is None while it fires.
    `is_unconfirmed` means that no fresh member holds it, and that its end is not certain either. `tone` and `reason`
    are its own verdict.
    """

    alertmanager = models.CharField(max_length=100)
    fingerprint = models.CharField(max_length=100)
    starts_at = models.DateTimeField(null=True, help_text="as told; year 1 and the like are None")
    began_at = models.DateTimeField(help_text="starts_at where it is believable, else first_seen_at")
    first_seen_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    is_odd_start = models.BooleanField(default=False, help_text="starts_at lies in the future or is not there")

    name = models.CharField(max_length=300, default="")
    severity = models.CharField(max_length=50, default="")
    labels = models.JSONField(default=dict)
    annotations = models.JSONField(default=dict)
    was_cut = models.BooleanField(default=False, help_text="labels or annotations were cut to fit")
    generator_url = models.CharField(max_length=2000, default="")
    runbook_url = models.CharField(max_length=2000, default="")
    receivers = models.JSONField(default=list)
    group_labels = models.JSONField(default=dict)
    group_key = models.CharField(max_length=500, default="")

    state = models.CharField(max_length=20, choices=AlertState, default=AlertState.ACTIVE)
    other_state = models.CharField(max_length=50, default="", help_text="a state word that the portal does not know")
    state_since = models.DateTimeField(null=True)
    silenced_by = models.JSONField(default=list)
    inhibited_by = models.JSONField(default=list)
    muted_by = models.JSONField(default=list)
    is_unconfirmed = models.BooleanField(default=False)

    cluster = models.CharField(max_length=100, default="")
    cluster_told = models.CharField(
        max_length=300, default="", help_text="what the label said, where no cluster matches"
    )
    environment = models.CharField(max_length=100, default="")
    application = models.CharField(max_length=700, default="", help_text="<instance>/<namespace>/<name>, where joined")
    owner = models.CharField(max_length=300, default="")
    is_slo = models.BooleanField(default=False)
    is_control_plane = models.BooleanField(default=False)
    tone = models.CharField(max_length=10, default="warning")
    reason = models.CharField(max_length=500, default="")

    objects = EpisodeQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["ended_at", "tone"], name="episode_tone"),
            models.Index(fields=["alertmanager", "fingerprint", "-began_at"], name="episode_identity"),
            models.Index(fields=["cluster", "ended_at"], name="episode_cluster"),
            models.Index(fields=["application", "ended_at"], name="episode_application"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["alertmanager", "fingerprint"],
                condition=models.Q(ended_at=None),
                name="one_open_episode",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.fingerprint}"

    @property
    def title(self) -> str:
        """Its name, or words that say that it has none."""
        return self.name or "alert without a name"

    @property
    def lasted(self) -> timedelta | None:
        """How long it fired; None while it does."""
        return self.ended_at - self.began_at if self.ended_at else None


def shown_verdict(episode: Episode, overlay: Overlay) -> Verdict:
    """Its own verdict with its Alertmanager's state laid over it: the twin of `EpisodeQuerySet.with_shown_tone`."""
    own = Verdict(Tone(episode.tone), episode.reason)
    doubt = overlay.distrusted_alertmanagers.get(episode.alertmanager)
    if doubt is None or episode.ended_at is not None:
        return own
    if own.tone.needs_somebody:
        return Verdict(own.tone, f"{own.reason} · {doubt}")
    return Verdict(Tone.UNKNOWN, f"Not known: {doubt} · last known: {own.reason}")


class Holding(models.Model):
    """That one member of an Alertmanager group held the episode at its last answer, and what it said of it."""

    episode = models.ForeignKey(Episode, on_delete=models.CASCADE, related_name="holdings")
    source = models.CharField(max_length=200, help_text="the member's source key")
    state = models.CharField(max_length=20, choices=AlertState)
    other_state = models.CharField(max_length=50, default="", help_text="as Episode.other_state")
    silenced_by = models.JSONField(default=list)
    inhibited_by = models.JSONField(default=list)
    muted_by = models.JSONField(default=list)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["episode", "source"], name="holding_identity")]

    def __str__(self) -> str:
        return f"{self.source} holds {self.episode_id}"


class AlertGraph(models.Model):
    """The values of the rule's measure around one episode, as they were read when somebody looked at it.

    `expression` is what is drawn, `sign` and `threshold` when the alert fires (apps.alerts.expressions.Measure).
    `series` are [{"labels": {…}, "points": [[seconds since 1970, value], …]}], the alert's own alone; `told` how many
    the Prometheus told. `problem` is why there is none, or why it may lack something, in words for people.
    """

    episode = models.OneToOneField(Episode, on_delete=models.CASCADE, related_name="graph")
    asked_at = models.DateTimeField(null=True)
    read_at = models.DateTimeField(null=True)
    prometheus = models.CharField(max_length=100, default="")
    expression = models.TextField(default="")
    sign = models.CharField(max_length=2, default="")
    threshold = models.FloatField(null=True)
    start = models.DateTimeField(null=True)
    end = models.DateTimeField(null=True)
    step = models.FloatField(default=0.0, help_text="seconds")
    series = models.JSONField(default=list)
    told = models.PositiveIntegerField(default=0)
    problem = models.CharField(max_length=500, default="")

    def __str__(self) -> str:
        return f"graph of {self.episode_id}"

    @property
    def is_awaited(self) -> bool:
        """Whether a read was asked for after the last one."""
        return self.asked_at is not None and (self.read_at is None or self.asked_at > self.read_at)


class Silence(models.Model):
    """A silence of one Alertmanager group, as its members tell it."""

    alertmanager = models.CharField(max_length=100)
    silence_id = models.CharField(max_length=100)
    state = models.CharField(max_length=20)
    matchers = models.JSONField(default=list, help_text="[Matcher of integrations.alertmanager, as builtins]")
    created_by = models.CharField(max_length=300, default="")
    comment = models.TextField(default="")
    starts_at = models.DateTimeField(null=True)
    ends_at = models.DateTimeField(null=True)
    updated_at = models.DateTimeField(null=True)
    annotations = models.JSONField(
        default=dict, db_default=models.Value({}, models.JSONField()), help_text="what other tools keep there, as told"
    )

    class Meta:
        constraints = [models.UniqueConstraint(fields=["alertmanager", "silence_id"], name="silence_identity")]

    def __str__(self) -> str:
        return f"{self.alertmanager} silence {self.silence_id}"

    @property
    def reason(self) -> str:
        """Its comment without the id of the request that made it."""
        return reason_told(self.comment)


class Rule(models.Model):
    """An alerting rule of one Prometheus or Observatorium tenant, with its state. It never makes an alert row."""

    prometheus = models.CharField(max_length=100)
    file = models.CharField(max_length=500, default="")
    group = models.CharField(max_length=300)
    name = models.CharField(max_length=300)
    ordinal = models.PositiveIntegerField(default=0, help_text="among rules of one name in one group")
    query = models.TextField(default="")
    duration = models.FloatField(default=0.0, help_text="seconds of `for`")
    labels = models.JSONField(default=dict)
    annotations = models.JSONField(default=dict)
    state = models.CharField(max_length=20, default="")
    health = models.CharField(max_length=20, default="")
    last_error = models.CharField(max_length=1000, default="")
    severity = models.CharField(max_length=50, default="")
    is_slo = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["prometheus", "file", "group", "name", "ordinal"], name="rule_identity"),
        ]

    def __str__(self) -> str:
        return f"{self.prometheus} {self.group}/{self.name}"
