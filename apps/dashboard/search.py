"""Search: clusters, alerts, Applications, ApplicationSets, runbooks, actions and sources by any part of their names.

The best names come first, among equals the worst tone. Names are looked through in memory (apps.dashboard.names);
what is shown of the best ones is read anew, in one query for each kind.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse

from apps.actions.asking import address_of
from apps.actions.choosing import choices_address
from apps.actions.models import ActionRequest
from apps.actions.silences.form import alert_address
from apps.actions.states import Action
from apps.alerts.models import Episode
from apps.core.addresses import page_address
from apps.core.environment import PARAMETER
from apps.core.lists import ALL
from apps.core.live import CHANGES_AT
from apps.core.ranking import rows_in_order
from apps.core.tones import Tone
from apps.fleet.overlay import Overlay
from apps.fleet.shown import shown_verdict
from apps.gitops.models import Application, ApplicationSet
from apps.runbooks.models import Runbook
from apps.sources.models import SourceState
from apps.sources.shown import source_shown

from .names import MOST_SHOWN, Grade, Name, Names, best, names_now

LONGEST = 100
ALERTS = "alerts"
NOT_SHOWN = ("labels", "annotations", "receivers", "group_labels")


@dataclass(frozen=True)
class Found:
    """One thing that is called so: its tone as it is shown, what to know of it, where it is, and its page."""

    title: str
    tone: Tone
    url: str
    place: str = ""
    said: str = ""
    since: datetime | None = None
    resync_url: str = ""
    more_url: str = ""
    silence_url: str = ""


@dataclass(frozen=True)
class Kind:
    """What is found of one kind: the first of `count`, all of which the page at `all_url` shows."""

    name: str
    title: str
    found: Sequence[Found]
    count: int
    grade: Grade
    all_url: str = ""
    remark: str = ""

    @property
    def is_cut(self) -> bool:
        """Whether there are more than are shown."""
        return self.count > len(self.found)


@dataclass(frozen=True)
class Answer:
    """All that is found, the kinds with the best names first; `kinds` without any are left out."""

    part: str
    now: datetime
    kinds: list[Kind] = field(default_factory=list)

    @property
    def count(self) -> int:
        """How much there is, also of what is not shown."""
        return sum(kind.count for kind in self.kinds)


def search_shown(told: str, overlay: Overlay) -> dict[str, Any]:
    """What the page's template shows; what it found of alerts changes when one has ended too long ago."""
    if not told.strip():
        return {"title": "Search", "answer": Answer("", overlay.now)}
    names = names_now(overlay)
    answer = search(told, names, overlay)
    is_dated = any(kind.name == ALERTS for kind in answer.kinds)
    return {"title": "Search", "answer": answer, CHANGES_AT: names.ends_at if is_dated else None}


def search(told: str, names: Names, overlay: Overlay) -> Answer:
    """What is called so. Nothing is looked for where nothing is asked."""
    part = " ".join(told.split())[:LONGEST].strip()
    if not part:
        return Answer("", overlay.now)
    kinds = [
        clusters_found(part, overlay),
        alerts_found(part, names, overlay),
        applications_found(part, names, overlay),
        sets_found(part, names, overlay),
        runbooks_found(part, names, overlay),
        requests_found(part, names),
        sources_found(part, overlay),
    ]
    return Answer(part, overlay.now, sorted((kind for kind in kinds if kind.count), key=lambda kind: kind.grade))


def clusters_found(part: str, overlay: Overlay) -> Kind:
    """Clusters of the fleet file. No query."""
    fitting = [name for cluster in overlay.clusters if (name := Name.of(cluster, cluster.name)).fits(part)]
    verdicts = {name.key: shown_verdict(name.key, overlay) for name in fitting}
    chosen = best(part, sorted(fitting, key=lambda name: verdicts[name.key].tone.rank))
    found = [
        Found(
            title=cluster.name,
            tone=verdicts[cluster].tone,
            url=page_address("dashboard:cluster-show", cluster.name),
            place=f"{cluster.get_role_display()} {cluster.environment}",
            said="" if verdicts[cluster].tone is Tone.WELL else verdicts[cluster].reason,
            since=cluster.lost_since,
        )
        for cluster in chosen.keys
    ]
    return Kind("clusters", "Clusters", found, chosen.count, chosen.grade, listed("dashboard:cluster-list", q=part))


def alerts_found(part: str, names: Names, overlay: Overlay) -> Kind:
    """Alerts: those that fire, and then those that ended lately. One query."""
    firing, ended = best(part, names.firing), best(part, names.ended)
    keys = [*firing.keys, *ended.keys][:MOST_SHOWN]
    rows = rows_in_order(keys, Episode.objects.with_shown_tone(overlay).defer(*NOT_SHOWN))
    found = [alert_found(episode) for episode in rows]
    remark = f"{firing.count} firing, {ended.count} ended in the last day" if ended.count else ""
    count, grade = firing.count + ended.count, min(firing.grade, ended.grade)
    return Kind(ALERTS, "Alerts", found, count, grade, listed("alerts:alert-list", q=part), remark)


def alert_found(episode: Episode) -> Found:
    """One alert; of one that ended there is nothing to do."""
    return Found(
        title=episode.title,
        tone=Tone.WELL if episode.ended_at else Tone(getattr(episode, "shown_tone", episode.tone)),
        url=page_address("dashboard:alert-show", episode.alertmanager, episode.fingerprint),
        place=episode.cluster or episode.environment,
        said="ended" if episode.ended_at else episode.severity,
        since=episode.ended_at or episode.began_at,
        silence_url="" if episode.ended_at else alert_address(episode),
    )


def applications_found(part: str, names: Names, overlay: Overlay) -> Kind:
    """Applications. One query."""
    chosen = best(part, names.applications)
    columns = ("name", "instance", "namespace", "cluster", "sync_status", "health_status", "tone_since")
    rows = rows_in_order(chosen.keys, Application.objects.with_shown_tone(overlay).only(*columns))
    url = listed("gitops:application-list", q=part)
    return Kind("applications", "Applications", list(map(application_found, rows)), chosen.count, chosen.grade, url)


def application_found(application: Application) -> Found:
    """One Application, as it is shown."""
    tone = Tone(getattr(application, "shown_tone", Tone.UNKNOWN))
    return Found(
        title=application.name,
        tone=tone,
        url=page_address("dashboard:application-show", application.instance, application.namespace, application.name),
        place=application.cluster or application.instance,
        said="" if tone is Tone.WELL else f"{application.sync_status} {application.health_status}".strip(),
        since=None if tone is Tone.WELL else application.tone_since,
        resync_url=address_of(Action.SYNC, application),
        more_url=choices_address(application),
    )


def sets_found(part: str, names: Names, overlay: Overlay) -> Kind:
    """ApplicationSets, each a link to its Applications. One query."""
    chosen = best(part, names.sets)
    found = [
        Found(
            title=each.name,
            tone=set_tone(each, overlay),
            url=listed("gitops:application-list", set=each.name, instance=each.instance),
            place=each.instance,
            said=each.error,
        )
        for each in rows_in_order(chosen.keys, ApplicationSet.objects.all())
    ]
    return Kind("sets", "ApplicationSets", found, chosen.count, chosen.grade)


def set_tone(applicationset: ApplicationSet, overlay: Overlay) -> Tone:
    """A set has no verdict of its own: what its controller says is wrong is a warning, and its silence is no word."""
    if applicationset.error:
        return Tone.WARNING
    is_fresh = overlay.state_of(f"argocd-inventory/{applicationset.instance}") is SourceState.FRESH
    return Tone.WELL if is_fresh and applicationset.conditions else Tone.UNKNOWN


def runbooks_found(part: str, names: Names, overlay: Overlay) -> Kind:
    """Runbooks, by title. One query."""
    chosen = best(part, names.runbooks)
    found = [
        Found(
            title=runbook.title,
            tone=runbook_tone(runbook, overlay),
            url=page_address("runbooks:runbook-show", runbook.source, runbook.path),
            place=runbook.path,
            said=runbook.problem,
            since=runbook.changed_at,
        )
        for runbook in rows_in_order(chosen.keys, Runbook.objects.defer("text"))
    ]
    return Kind("runbooks", "Runbooks", found, chosen.count, chosen.grade)


def runbook_tone(runbook: Runbook, overlay: Overlay) -> Tone:
    """Well is one that can be read, of a source that was read lately."""
    is_fresh = overlay.state_of(f"runbooks/{runbook.source}") is SourceState.FRESH
    return Tone.WELL if is_fresh and not runbook.problem else Tone.UNKNOWN


def requests_found(part: str, names: Names) -> Kind:
    """What people asked for lately, by action, subject and person. One query."""
    chosen = best(part, names.requests)
    columns = ("action", "subject", "username", "state", "created_at")
    found = [
        Found(
            title=f"{request.get_action_display()} {request.subject}",
            tone=request.tone,
            url=request.get_absolute_url(),
            place=request.username,
            said=request.get_state_display(),
            since=request.created_at,
        )
        for request in rows_in_order(chosen.keys, ActionRequest.objects.only(*columns))
    ]
    return Kind("actions", "Actions", found, chosen.count, chosen.grade)


def sources_found(part: str, overlay: Overlay) -> Kind:
    """Sources, by title. No query."""
    fitting = [source for source in overlay.sources.values() if Name.of(source, source.title).fits(part)]
    rows = [source_shown(source, overlay.now) for source in fitting]
    rows.sort(key=lambda row: row.verdict.tone.rank)
    chosen = best(part, [Name.of(row, row.source.title) for row in rows])
    found = [
        Found(
            title=row.source.title,
            tone=row.verdict.tone,
            url=page_address("sources:source-show", row.source.key),
            place=row.source.environment,
            said=row.note,
        )
        for row in chosen.keys
    ]
    return Kind("sources", "Sources", found, chosen.count, chosen.grade)


def listed(view: str, **filters: str) -> str:
    """The full list with these filters, in all environments, as search looks in all."""
    return f"{reverse(view)}?{urlencode({PARAMETER: ALL, **filters})}"
