"""The verdict of a cluster as it is shown: its own, with what its source's state does to it."""

from __future__ import annotations

from apps.core.tones import Tone
from apps.core.verdict import Verdict

from .models import Cluster
from .overlay import Overlay, source_doubt


def shown_verdict(cluster: Cluster, overlay: Overlay) -> Verdict:
    """Critical and warning stay, the doubt beside them; all else is unknown once its source is not fresh."""
    own = Verdict(Tone(cluster.tone), cluster.reason)
    doubt = cluster_doubt(cluster, overlay)
    if not doubt or own.tone is Tone.UNKNOWN:
        return own
    if own.tone in {Tone.CRITICAL, Tone.WARNING}:
        return Verdict(own.tone, own.reason if cluster.lost_since else f"{own.reason} · {doubt}")
    return Verdict(Tone.UNKNOWN, f"Not known: {doubt} · last known: {own.reason or own.tone}")


def cluster_doubt(cluster: Cluster, overlay: Overlay) -> str:
    """Why what is known of the cluster is not certain now; "" where it is."""
    if cluster.name in overlay.doubtful_clusters:
        return overlay.doubtful_clusters[cluster.name]
    tellers = [overlay.sources[key] for key in keys_of_tellers(cluster) if key in overlay.sources]
    doubts = [source_doubt(source, overlay.now) for source in tellers]
    return "" if "" in doubts else next(iter(doubts), "")


def keys_of_tellers(cluster: Cluster) -> list[str]:
    """The sources that tell of it, any of which will do: its own API, or every Argo CD that has told of it."""
    if cluster.has_credentials:
        return [f"kubernetes/{cluster.name}"]
    return [f"argocd-inventory/{instance}" for instance in cluster.told_by]
