"""Clusters as what people say something of."""

from __future__ import annotations

from collections.abc import Collection

from apps.core.tones import Tone
from apps.notes.models import Subjects
from apps.notes.things import Finder, Thing, things_register

from .models import Cluster
from .overlay import overlay_now
from .shown import shown_verdict


def register() -> None:
    """Has clusters acknowledged and noted on."""
    things_register(Subjects.CLUSTER, Finder(cluster_thing, clusters_unwell))


def cluster_thing(subject: str) -> Thing | None:
    """The cluster of that name, also one that left the fleet file."""
    found = Cluster.objects.filter(name=subject).first()
    if found is None:
        return None
    return Thing(
        kind=Subjects.CLUSTER,
        subject=found.name,
        title=found.name,
        cluster=found.name,
        environment=found.environment,
        is_gone=found.is_archived,
    )


def clusters_unwell(subjects: Collection[str]) -> set[str]:
    """Those of the clusters of the fleet file that are shown in another tone than well."""
    overlay = overlay_now()
    return {
        cluster.name
        for cluster in overlay.clusters
        if cluster.name in subjects and shown_verdict(cluster, overlay).tone is not Tone.WELL
    }
