"""One alert's page: what it says, what quiets it, and what stands around it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import prefetch_related_objects
from django.http import Http404
from django.utils.dateparse import parse_datetime

from apps.actions.silences.form import alert_address
from apps.alerts.listing import alertmanagers, episode_rows
from apps.alerts.models import AlertGraph, Episode, Holding
from apps.alerts.narrowing import narrower_from
from apps.alerts.noting import subject_of
from apps.alerts.support import Support
from apps.core.links import safe_link
from apps.core.lists import Asked, short
from apps.core.verdict import Verdict
from apps.fleet.models import Cluster
from apps.fleet.overlay import Overlay
from apps.fleet.shown import shown_verdict as shown_cluster_verdict
from apps.notes.models import Subjects
from apps.notes.showing import notes_panel
from apps.runbooks.coverage_doubts import doubts_of
from apps.runbooks.panel import runbook_panel
from apps.sources.evidence import Witness, evidence_of
from apps.timeline.changes import BEFORE_IT
from apps.timeline.steps import Window

from .alert_around import related_to, routing_of, surroundings_of, suspects_around, told_by_fleet
from .alert_drawn import graph_drawn, history_of
from .drawn import Scope

TOLD_APART = ("summary", "description", "message", "runbook_url", "runbook")


@dataclass(frozen=True)
class Member:
    """A member of the Alertmanager group: how far it can be trusted, and what it says of the alert if it holds it."""

    witness: Witness
    holding: Holding | None


@dataclass(frozen=True)
class ClusterConcerned:
    """The cluster that the alert is about, with its verdict."""

    thing: Cluster
    verdict: Verdict


def episode_shown(episode: Episode, overlay: Overlay) -> dict[str, Any]:
    """What the page's template shows of the episode."""
    prefetch_related_objects([episode], "holdings")
    narrower = narrower_from(episode)
    [row] = episode_rows([episode], overlay, narrower)
    sources = [each for each in alertmanagers(overlay) if each.group == episode.alertmanager]
    evidence = evidence_of("Alertmanager", sources, overlay.now)
    return {
        "title": episode.title,
        "row": row,
        **notes_panel(
            kind=Subjects.ALERT,
            subject=subject_of(episode),
            acknowledgement=row.acknowledgement,
            needs_somebody=episode.ended_at is None,
        ),
        "episode": episode,
        **support_shown(row.support, overlay),
        "evidence": evidence,
        "doubt": overlay.distrusted_alertmanagers.get(episode.alertmanager, ""),
        "members": members_of(row.episode, evidence.witnesses),
        "labels": [(name, value, narrower.by_label(name, value)) for name, value in sorted(episode.labels.items())],
        **texts_of(episode),
        **runbook_panel(episode, overlay),
        **drawn_of(episode, overlay),
        **around_of(episode, overlay),
    }


def support_shown(support: Support, overlay: Overlay) -> dict[str, Any]:
    """The tone of the support verdict, and why it may not hold any more."""
    doubt = doubts_of(overlay).of_support(support)
    return {"support_tone": support.tone.in_doubt if doubt else support.tone, "support_doubt": doubt}


def texts_of(episode: Episode) -> dict[str, Any]:
    """What the alert says of itself."""
    told = episode.annotations
    return {
        "generator": safe_link(episode.generator_url),
        "silence_address": alert_address(episode),
        "summary": told.get("summary") or told.get("message", ""),
        "description": told.get("description", ""),
        "annotations": sorted((key, text) for key, text in told.items() if key not in TOLD_APART),
    }


def drawn_of(episode: Episode, overlay: Overlay) -> dict[str, Any]:
    """Its values and its past. Two queries."""
    graph = AlertGraph.objects.filter(episode=episode).first()
    return {
        "graph": graph,
        "drawn_graph": graph_drawn(graph, episode),
        "history": history_of(episode, overlay),
    }


def around_of(episode: Episode, overlay: Overlay) -> dict[str, Any]:
    """What stands around it, and whom it reaches."""
    around = surroundings_of(episode, overlay)
    return {
        "cluster": cluster_concerned(episode, overlay),
        "around": around,
        "suspects": suspects_around(episode, around),
        "timeline_before": timeline_before(episode),
        "related": related_to(episode, overlay),
        "routing": routing_of(episode),
        **told_by_fleet(episode),
    }


def members_of(episode: Episode, witnesses: Sequence[Witness]) -> list[Member]:
    """Each member of the group, with what it says of the episode."""
    holdings = {holding.source: holding for holding in episode.holdings.all()}
    return [Member(witness, holdings.get(witness.source.key)) for witness in witnesses]


def cluster_concerned(episode: Episode, overlay: Overlay) -> ClusterConcerned | None:
    """The cluster that the alert's labels name, where the fleet file has it."""
    cluster = next((each for each in overlay.clusters if each.name == episode.cluster), None)
    return ClusterConcerned(cluster, shown_cluster_verdict(cluster, overlay)) if cluster else None


def timeline_before(episode: Episode) -> str:
    """The timeline of its cluster, or else its environment, of the two hours before it began."""
    since = episode.began_at - BEFORE_IT
    scope = Scope(Window(since, episode.began_at), environment=episode.environment, cluster=episode.cluster)
    return scope.narrowed(since, episode.began_at)


def episode_asked(asked: Asked, alertmanager: str, fingerprint: str) -> Episode:
    """The episode that began at the moment `?episode=` names, else the last one. Raises Http404 where there is none."""
    episodes = Episode.objects.filter(alertmanager=alertmanager, fingerprint=fingerprint)
    told = asked.text("episode", limit=40)
    if told:
        began_at = moment_read(told)
        chosen = episodes.filter(began_at=began_at).first() if began_at else None
        if chosen:
            return chosen
        asked.problems.append(f"There is no episode “{short(told)}” of this alert: the last one is shown.")
    last = episodes.order_by("-began_at", "-pk").first()
    if last is None:
        raise Http404(f"No alert {fingerprint} of {alertmanager} is known.")
    return last


def moment_read(told: str) -> datetime | None:
    """An aware moment in ISO 8601; None for anything else. A "+" of an address may have become a space."""
    try:
        moment = parse_datetime(told.replace(" ", "+"))
    except ValueError:
        return None
    return moment if moment and moment.tzinfo else None
