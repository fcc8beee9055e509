"""Clusters, and what their APIs told of the things in them."""

from __future__ import annotations

from typing import Self

from django.db import models


class ClusterRole(models.TextChoices):
    """What a cluster is for."""

    CONTROL_PLANE = "control-plane", "control plane"
    HOST = "host", "host"
    MEMBER = "member", "member"


class ClusterQuerySet(models.QuerySet["Cluster"]):
    """Queries over clusters."""

    def current(self) -> Self:
        """Those of the fleet file, in its order."""
        return self.filter(is_archived=False).order_by("position", "name")


class Cluster(models.Model):
    """A cluster of the fleet file. Its own tone is what its API told; the source's state is laid over it when shown."""

    name = models.CharField(max_length=100, unique=True)
    role = models.CharField(max_length=20, choices=ClusterRole)
    environment = models.CharField(max_length=100, default="")
    ring = models.IntegerField(null=True)
    position = models.IntegerField(default=0, help_text="its place in the fleet file")
    host = models.CharField(max_length=100, default="")
    console = models.CharField(max_length=500, default="")
    aliases = models.JSONField(default=list)
    has_credentials = models.BooleanField(default=False, help_text="the portal reads its API itself")
    is_archived = models.BooleanField(default=False)
    told_by = models.JSONField(
        default=dict, help_text="{Argo CD instance: its connectionState}, where we read nothing ourselves"
    )

    reached_at = models.DateTimeField(
        null=True, help_text="since when its API has answered; when it did last is its source's succeeded_at"
    )
    unreached_since = models.DateTimeField(null=True, help_text="since when its API has not answered")
    lost_since = models.DateTimeField(null=True, help_text="set once it counts as lost (decision 13)")
    cannot_read = models.CharField(max_length=500, default="", help_text="it answers, but refuses us or our TLS: why")
    tone = models.CharField(max_length=10, default="unknown")
    tone_since = models.DateTimeField(null=True)
    reason = models.CharField(max_length=500, default="never read")
    kubernetes_version = models.CharField(max_length=100, default="")
    openshift_version = models.CharField(max_length=100, default="")
    update_progress = models.CharField(max_length=500, default="", help_text="what the update under way says of itself")
    latency = models.FloatField(null=True, help_text="seconds that /readyz took, where it changed by much")
    not_installed = models.JSONField(default=list, help_text="resource types that it does not serve")
    not_allowed = models.JSONField(default=list, help_text="resource types that our account may not read")

    objects = ClusterQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name


class ClusterObject(models.Model):
    """One thing in a cluster, as its API told it: a node, an operator, a pool, a host or member condition.

    kind is APIServer (its readyz), Node, ClusterVersion, ClusterOperator, MachineConfigPool, ToolchainStatus,
    MemberStatus, ToolchainCluster, SpaceProvisionerConfig, ArgoCD, Subscription, ClusterServiceVersion or
    ManagedCluster. Only what changed is written.
    """

    cluster = models.CharField(max_length=100)
    kind = models.CharField(max_length=40)
    name = models.CharField(max_length=300)
    tone = models.CharField(max_length=10)
    status = models.CharField(max_length=200, default="")
    reason = models.CharField(max_length=1000, default="")
    since = models.DateTimeField(null=True)
    data = models.JSONField(default=dict)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["cluster", "kind", "name"], name="cluster_object_identity")]

    def __str__(self) -> str:
        return f"{self.cluster} {self.kind} {self.name}"
