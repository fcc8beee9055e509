"""Applications and what belongs to them, as each Argo CD instance told them."""

from __future__ import annotations

from typing import Self

from django.db import models
from django.db.models import Case, CharField, F, Q, Value, When
from django.db.models.functions import Concat

from apps.core.tones import Tone
from apps.core.verdict import Verdict
from apps.fleet.overlay import Overlay
from apps.notes.models import Subjects

UNDOUBTED = (Tone.CRITICAL, Tone.WARNING)


class ApplicationQuerySet(models.QuerySet["Application"]):
    """Applications with what other sources' states do to them."""

    def current(self, overlay: Overlay) -> Self:
        """Those of Argo CD instances that the fleet file still has."""
        return self.exclude(instance__in=overlay.archived_instances)

    def unacknowledged(self, overlay: Overlay) -> Self:
        """Those that nobody has said to be at, at this moment."""
        subjects = overlay.acknowledged_among(Subjects.APPLICATION)
        named = Concat("instance", Value("/"), "namespace", Value("/"), "name")
        return self.alias(subject=named).exclude(Q(subject__in=subjects)) if subjects else self

    def siblings_of(self, application: Application) -> Self:
        """The same component elsewhere: of the same ApplicationSet, or of the same name where it has none."""
        name = application.set_name
        alike = Q(set_name=name) if name else Q(set_name="", name=application.name)
        return self.filter(alike).exclude(pk=application.pk)

    def with_shown_tone(self, overlay: Overlay) -> Self:
        """Annotates `shown_tone`: on a doubtful instance or cluster only critical and warning stay as they are."""
        doubtful = Q(instance__in=list(overlay.distrusted_instances)) | Q(cluster__in=list(overlay.doubtful_clusters))
        return self.annotate(
            shown_tone=Case(
                When(Q(tone__in=UNDOUBTED), then=F("tone")),
                When(doubtful, then=Value(Tone.UNKNOWN.value)),
                default=F("tone"),
                output_field=CharField(),
            )
        )


def shown_verdict(application: Application, overlay: Overlay) -> Verdict:
    """The same as `with_shown_tone` for one Application, with its reason."""
    own = Verdict(Tone(application.tone), application.reason)
    doubt = overlay.distrusted_instances.get(application.instance) or overlay.doubtful_clusters.get(application.cluster)
    if doubt is None:
        return own
    if own.tone in UNDOUBTED:
        return Verdict(own.tone, f"{own.reason} · {doubt}")
    return Verdict(Tone.UNKNOWN, f"Not known: {doubt} · last known: {own.reason}")


class Application(models.Model):
    """One Application of one Argo CD instance, with its own verdict.

    Identity is (instance, namespace, name); a new `uid` under the same name is a new life. `tone` and `reason` are its
    own verdict (apps.core.verdict); the source's and the cluster's state are laid over it when shown. Each `…_since` is
    the moment the field last changed: the upstream's where it tells, else when it was first seen so.
    """

    instance = models.CharField(max_length=100)
    namespace = models.CharField(max_length=253)
    name = models.CharField(max_length=253)
    uid = models.CharField(max_length=100, default="")
    project = models.CharField(max_length=253, default="")
    set_name = models.CharField(max_length=253, default="")
    environment = models.CharField(max_length=100, default="")
    cluster = models.CharField(max_length=100, default="", help_text="its name in the fleet file; empty: not known")
    destination = models.CharField(max_length=500, default="", help_text="server or name, as the Application says")
    destination_namespace = models.CharField(max_length=253, default="")
    repo_url = models.CharField(max_length=1000, default="")
    path = models.CharField(max_length=1000, default="")
    target_revision = models.CharField(max_length=300, default="")
    labels = models.JSONField(default=dict)
    auto_sync = models.BooleanField(default=False)
    self_heal = models.BooleanField(default=False)
    auto_prune = models.BooleanField(default=False)
    is_deleting = models.BooleanField(default=False)
    deleting_since = models.DateTimeField(null=True, help_text="when it was first seen deleting")
    created_at = models.DateTimeField(null=True)

    sync_status = models.CharField(max_length=50, default="")
    sync_since = models.DateTimeField(null=True)
    sync_revision = models.CharField(max_length=300, default="")
    revision_since = models.DateTimeField(null=True)
    health_status = models.CharField(max_length=50, default="")
    health_message = models.CharField(max_length=1000, default="")
    health_since = models.DateTimeField(null=True)
    conditions = models.JSONField(default=list, help_text="[{type, message, at}]")
    condition_types = models.CharField(
        max_length=500, default="", help_text="' ComparisonError SyncError ' for filters"
    )
    conditions_since = models.DateTimeField(null=True)
    operation_phase = models.CharField(max_length=50, default="")
    operation_since = models.DateTimeField(null=True)
    operation = models.JSONField(null=True, help_text="Operation of integrations.argocd, as builtins")
    details_known = models.BooleanField(default=False, help_text="conditions and uid came from the stream")
    doubt = models.CharField(max_length=200, default="", help_text="why what is known of it may not hold any more")

    tone = models.CharField(max_length=10, default="unknown")
    tone_since = models.DateTimeField(null=True)
    reason = models.CharField(max_length=1000, default="")
    seen_at = models.DateTimeField(null=True, help_text="when its row last changed, by the database's clock")

    objects = ApplicationQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["instance", "namespace", "name"], name="application_identity")]
        indexes = [
            models.Index(fields=["name"], name="application_name"),
            models.Index(fields=["cluster"], name="application_cluster"),
            models.Index(fields=["tone"], name="application_tone"),
        ]

    def __str__(self) -> str:
        return f"{self.instance}/{self.namespace}/{self.name}"

    @property
    def key(self) -> tuple[str, str]:
        """(namespace, name): its identity within its instance."""
        return (self.namespace, self.name)


class ApplicationDetail(models.Model):
    """What a worker read of one Application that somebody looked at or that is not well; `asked_at` asks for a read."""

    application = models.OneToOneField(Application, on_delete=models.CASCADE, related_name="detail")
    asked_at = models.DateTimeField(null=True, help_text="somebody wants it read again since then")
    read_at = models.DateTimeField(null=True)
    error = models.CharField(max_length=500, default="")
    data = models.JSONField(default=dict, help_text="ApplicationDetail of integrations.argocd, as builtins")
    around = models.JSONField(null=True, help_text="TreeAndEvents as builtins, while it was not well")
    around_read_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"details of {self.application_id}"


class SeenOperation(models.Model):
    """An operation that a request of this portal began, written down as it passed by: the next one overwrites it.

    One for each request id at one Application; an id that began two operations has the later one's `started_at`. Kept
    for a while, whatever becomes of the Application.
    """

    instance = models.CharField(max_length=100)
    namespace = models.CharField(max_length=253)
    name = models.CharField(max_length=253)
    request_id = models.CharField(max_length=100)
    phase = models.CharField(max_length=50, help_text="as it was seen last")
    started_at = models.DateTimeField(null=True, help_text="by Argo CD's clock; none while it was only accepted")
    seen_at = models.DateTimeField(help_text="when it was first seen, by the database's clock")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["instance", "namespace", "name", "request_id"], name="seen_operation_identity"
            )
        ]
        indexes = [
            models.Index(fields=["request_id"], name="seen_operation_request"),
            models.Index(fields=["seen_at"], name="seen_operation_seen"),
        ]

    def __str__(self) -> str:
        return f"{self.request_id} at {self.instance}/{self.namespace}/{self.name}"


class Commit(models.Model):
    """A commit that some Application runs or ran: who made it, when and why; read once and kept (decision 9).

    Until `read_at` it is only wanted, and asked for by way of the Application `through`. One that could not be read is
    tried again at `retry_at`, later each time. `key` is a hash of repository and revision, which are too long for an
    index.
    """

    key = models.CharField(max_length=64, unique=True)
    repo_url = models.CharField(max_length=1000)
    revision = models.CharField(max_length=300)
    through = models.ForeignKey(Application, null=True, on_delete=models.SET_NULL, related_name="+")
    wanted_at = models.DateTimeField()
    author = models.CharField(max_length=200, default="")
    date = models.DateTimeField(null=True)
    message = models.CharField(max_length=1000, default="")
    tags = models.JSONField(default=list)
    read_at = models.DateTimeField(null=True)
    tried_at = models.DateTimeField(null=True)
    retry_at = models.DateTimeField(null=True)
    tries = models.IntegerField(default=0)
    error = models.CharField(max_length=500, default="")

    class Meta:
        indexes = [
            models.Index(fields=["wanted_at"], condition=Q(read_at=None), name="commit_wanted"),
            models.Index(fields=["tried_at"], name="commit_tried"),
        ]

    def __str__(self) -> str:
        return f"{self.revision} of {self.repo_url}"

    @property
    def title(self) -> str:
        """The first line of its message."""
        return self.message.partition("\n")[0].strip()


class ApplicationSet(models.Model):
    """An ApplicationSet with its own conditions."""

    instance = models.CharField(max_length=100)
    namespace = models.CharField(max_length=253)
    name = models.CharField(max_length=253)
    conditions = models.JSONField(default=list)
    error = models.CharField(max_length=1000, default="", help_text="the message of its ErrorOccurred condition")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["instance", "namespace", "name"], name="set_identity")]

    def __str__(self) -> str:
        return f"{self.instance}/{self.name}"


class Project(models.Model):
    """An AppProject: its sync windows, from which the window state of its Applications is computed."""

    instance = models.CharField(max_length=100)
    name = models.CharField(max_length=253)
    sync_windows = models.JSONField(default=list, help_text="[SyncWindow of integrations.argocd, as builtins]")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["instance", "name"], name="project_identity")]

    def __str__(self) -> str:
        return f"{self.instance}/{self.name}"


class ClusterConnection(models.Model):
    """A cluster as one Argo CD instance knows it. `cluster` is its name in the fleet file, empty where none matches."""

    instance = models.CharField(max_length=100)
    server = models.CharField(max_length=500)
    name = models.CharField(max_length=253, default="")
    cluster = models.CharField(max_length=100, default="")
    status = models.CharField(max_length=50, default="", help_text="Successful, Failed, or Unknown: no evidence")
    status_since = models.DateTimeField(null=True)
    message = models.CharField(max_length=1000, default="")
    server_version = models.CharField(max_length=100, default="")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["instance", "server", "name"], name="connection_identity")]

    def __str__(self) -> str:
        return f"{self.instance} to {self.name or self.server}"
