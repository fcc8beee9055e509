"""One alert's page: what it says, what quiets it, and what stands around it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q, QuerySet
from django.http import Http404
from django.utils.dateparse import parse_datetime

from apps.alerts.listing import alertmanagers, episode_rows
from apps.alerts.models import Episode, Holding
from apps.alerts.narrowing import narrower_from
from apps.core.links import safe_link
from apps.core.lists import Asked, short
from apps.core.verdict import Verdict
from apps.fleet.models import Cluster
from apps.fleet.overlay import Overlay
from apps.fleet.shown import shown_verdict as shown_cluster_verdict
from apps.gitops.models import Application
from apps.gitops.models import shown_verdict as shown_application_verdict
from apps.sources.evidence import Witness, evidence_of
from apps.timeline.changes import Around, Change, changes_before
from apps.timeline.models import Kind

HISTORY = timedelta(days=30)
MOST_EPISODES = 100
TOLD_APART = ("summary", "description", "message", "runbook_url", "runbook")


@dataclass(frozen=True)
class Member:
    """A member of the Alertmanager group: how far it can be trusted, and what it says of the alert if it holds it."""

    witness: Witness
    holding: Holding | None


@dataclass(frozen=True)
class Concerned:
    """A cluster or an Application that the alert is about, with its verdict."""

    thing: Any
    verdict: Verdict


def episode_shown(episode: Episode, overlay: Overlay) -> dict[str, Any]:
    """What the page's template shows of the episode."""
    narrower = narrower_from(episode)
    [row] = episode_rows([episode], overlay, narrower)
    evidence = evidence_of(
        "Alertmanager", [each for each in alertmanagers(overlay) if each.group == episode.alertmanager], overlay.now
    )
    return {
        "title": episode.title,
        "row": row,
        "episode": episode,
        "generator": safe_link(episode.generator_url),
        "summary": episode.annotations.get("summary") or episode.annotations.get("message", ""),
        "description": episode.annotations.get("description", ""),
        "labels": [(name, value, narrower.by_label(name, value)) for name, value in sorted(episode.labels.items())],
        "annotations": sorted((key, text) for key, text in episode.annotations.items() if key not in TOLD_APART),
        "history": history_of(episode, overlay.now),
        "members": members_of(row.episode, evidence.witnesses),
        "cluster": cluster_concerned(episode, overlay),
        "application": application_concerned(episode, overlay),
        "changes": changes_around(episode),
        "evidence": evidence,
        "doubt": overlay.distrusted_alertmanagers.get(episode.alertmanager, ""),
    }


def history_of(episode: Episode, now: datetime) -> QuerySet[Episode]:
    """The alert's episodes of the last thirty days, newest first."""
    same = Episode.objects.filter(alertmanager=episode.alertmanager, fingerprint=episode.fingerprint)
    lately = same.filter(Q(ended_at=None) | Q(ended_at__gte=now - HISTORY) | Q(pk=episode.pk))
    return lately.order_by("-began_at", "-pk")[:MOST_EPISODES]


def members_of(episode: Episode, witnesses: Sequence[Witness]) -> list[Member]:
    """Each member of the group, with what it says of the episode."""
    holdings = {holding.source: holding for holding in episode.holdings.all()}
    return [Member(witness, holdings.get(witness.source.key)) for witness in witnesses]


def cluster_concerned(episode: Episode, overlay: Overlay) -> Concerned | None:
    """The cluster that the alert's labels name, where the fleet file has it."""
    cluster = Cluster.objects.current().filter(name=episode.cluster).first() if episode.cluster else None
    return Concerned(cluster, shown_cluster_verdict(cluster, overlay)) if cluster else None


def application_concerned(episode: Episode, overlay: Overlay) -> Concerned | None:
    """The Application to which the alert was joined, while it exists."""
    names = episode.application.split("/")
    if len(names) != 3:
        return None
    instance, namespace, name = names
    found = Application.objects.current(overlay).filter(instance=instance, namespace=namespace, name=name).first()
    return Concerned(found, shown_application_verdict(found, overlay)) if found else None


def changes_around(episode: Episode) -> list[Change]:
    """What changed on its cluster, or of its Application, shortly before it began; the alert's own lines left out."""
    itself = (Kind.ALERT, f"{episode.alertmanager}/{episode.fingerprint}")
    around = Around(cluster=episode.cluster, application=episode.application, without=itself)
    return changes_before(episode.began_at, around)


def episode_asked(asked: Asked, alertmanager: str, fingerprint: str) -> Episode:
    """The episode that began at the moment `?episode=` names, else the last one. Raises Http404 where there is none."""
    episodes = Episode.objects.filter(alertmanager=alertmanager, fingerprint=fingerprint).prefetch_related("holdings")
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
