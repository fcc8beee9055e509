"""One Application's page: why it is as it is, and what stands around it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet

from apps.actions.models import ActionRequest
from apps.actions.states import State
from apps.alerts.listing import EpisodeRow, episode_rows
from apps.alerts.models import Episode
from apps.core.ages import first_after
from apps.core.live import CHANGES_AT
from apps.core.ranking import rank_of
from apps.core.structs import converted
from apps.core.tones import Tone
from apps.core.verdict.application import UNDER_WAY
from apps.fleet.models import Cluster
from apps.fleet.overlay import Overlay
from apps.fleet.shown import shown_verdict as shown_cluster_verdict
from apps.gitops.around import TreeAndEvents
from apps.gitops.commits import commits_of
from apps.gitops.details import READ_AGAIN
from apps.gitops.links import argocd_link, commit_link, git_link, own_links
from apps.gitops.listing import ApplicationRow, application_rows
from apps.gitops.merging import operation_of
from apps.gitops.models import Application, ApplicationDetail, Commit
from apps.gitops.phases import OPERATION_TONES, Result, failures_first
from apps.gitops.words import Sentence, message_sentence, sentence_of
from apps.integrations.argocd import values
from apps.notes.models import Subjects
from apps.notes.showing import notes_panel
from apps.sources.evidence import evidence_of
from apps.timeline.changes import Around, Change, changes_before

Commits = Mapping[tuple[str, str], Commit]
MOST_SIBLINGS = 100
MOST_ALERTS = 50
MOST_UNDER_WAY = 5
MOST_RESOURCES = 300
WELL_HEALTH = frozenset({"", "Healthy"})


@dataclass(frozen=True)
class Details:
    """What was read of one Application by itself; `value` is None until the first read came."""

    row: ApplicationDetail | None
    value: values.ApplicationDetail | None

    @property
    def is_wanted(self) -> bool:
        """Whether a read was asked for after the last one."""
        row = self.row
        return row is not None and row.asked_at is not None and (row.read_at is None or row.asked_at > row.read_at)

    @property
    def old_at(self) -> datetime | None:
        """When they will be too old to hold; None of those that could not be read last."""
        return self.row.read_at + READ_AGAIN if self.row and self.row.read_at and not self.row.error else None

    def holds_of(self, application: Application, now: datetime) -> bool:
        """Whether they hold still: they are not old, and it has not changed since."""
        if self.row is None or self.row.read_at is None or self.old_at is None or self.old_at <= now:
            return False
        changes = (application.sync_since, application.health_since, application.operation_since)
        return not any(moment and self.row.read_at < moment <= now for moment in changes)

    @property
    def odd_resources(self) -> Sequence[values.ResourceStatus]:
        """Resources that differ from Git, wait to be pruned or are not healthy; the unhealthy first.

        A hook that is there is compared with nothing, and no sync prunes it.
        """
        resources = self.value.resources if self.value else ()
        odd = [
            each
            for each in resources
            if not (each.hook or each.status == "Synced") or each.health_status not in WELL_HEALTH
        ]
        odd.sort(key=lambda each: (each.health_status in WELL_HEALTH, each.kind, each.name))
        return odd[:MOST_RESOURCES]

    @property
    def resource_count(self) -> int:
        """How many resources it has, also those beyond what is kept."""
        kept = self.row.data.get("resource_count") if self.row else None
        return kept if isinstance(kept, int) else len(self.value.resources) if self.value else 0

    @property
    def results(self) -> Sequence[Result]:
        """What the last operation did with each resource, failures first."""
        return failures_first(self.value.operation_resources if self.value else ())[:MOST_RESOURCES]

    @property
    def history(self) -> Sequence[values.HistoryEntry]:
        """What was deployed, newest first."""
        return tuple(reversed(self.value.history)) if self.value else ()

    @property
    def around(self) -> TreeAndEvents | None:
        """Its tree and events, where somebody asked for them while it was not well."""
        kept = self.row.around if self.row else None
        return converted(kept, TreeAndEvents) if kept else None


@dataclass(frozen=True)
class Deployed:
    """One entry of the history with its commit, as far as that is known."""

    entry: values.HistoryEntry
    commit: Commit | None
    link: str


@dataclass(frozen=True)
class Sibling:
    """The same component elsewhere; `differs` says how its revision stands to this Application's, "" where alike."""

    row: ApplicationRow
    commit: Commit | None
    differs: str


@dataclass(frozen=True)
class ToldCondition:
    """A condition with its message as a sentence."""

    type: str
    at: datetime | None
    sentence: Sentence


def application_shown(application: Application, overlay: Overlay) -> dict[str, Any]:
    """What the page's template shows of the Application."""
    [row] = application_rows([application], overlay)
    source = overlay.sources.get(f"argocd/{application.instance}")
    cluster = Cluster.objects.current().filter(name=application.cluster).first()
    details, others = details_of(application), siblings_of(application, overlay)
    commits = commits_of(
        {
            (application.repo_url, application.sync_revision),
            *((application.repo_url, entry.revision) for entry in details.history),
            *((other.application.repo_url, other.application.sync_revision) for other in others),
        }
    )
    return {
        "title": application.name,
        CHANGES_AT: first_after(overlay.now, [row.window.changes_at, details.old_at]),
        "row": row,
        **notes_panel(
            kind=Subjects.APPLICATION,
            subject=str(application),
            acknowledgement=row.acknowledgement,
            needs_somebody=row.verdict.tone.needs_somebody,
        ),
        "application": application,
        **operation_shown(application),
        "conditions": conditions_of(application),
        "sentence": sentence_of(row.verdict.reason),
        "details": details,
        "are_resources_known": not row.is_doubtful and details.holds_of(application, overlay.now),
        "around": details.around if row.verdict.tone is not Tone.WELL else None,
        "history": [deployed(application, entry, commits) for entry in details.history],
        "commit": commits.get((application.repo_url, application.sync_revision)),
        "own_links": own_links(details.value.external_urls) if details.value else [],
        "cluster": cluster,
        "cluster_verdict": shown_cluster_verdict(cluster, overlay) if cluster else None,
        "argocd_link": argocd_link(application, source.address if source else ""),
        "git_link": git_link(application.repo_url, application.target_revision, application.path),
        "commit_link": commit_link(application.repo_url, application.sync_revision),
        "siblings": [sibling(application, other, commits) for other in others],
        "alerts": alerts_near(application, overlay),
        "changes": changes_of(subject_of(application), overlay),
        "under_way": actions_under_way(application),
        "evidence": evidence_of("Argo CD", [source] if source else [], overlay.now),
    }


def operation_shown(application: Application) -> dict[str, Any]:
    """Its operation, None without one, with its tone and whether it runs."""
    operation = operation_of(application)
    return {
        "operation": operation,
        "operation_tone": OPERATION_TONES.get(operation.phase, Tone.UNKNOWN) if operation else Tone.UNKNOWN,
        "is_running": bool(operation and operation.phase in UNDER_WAY),
    }


def actions_under_way(application: Application) -> QuerySet[ActionRequest]:
    """What somebody asked for of it and has not ended. One query."""
    active = ActionRequest.objects.active().exclude(state=State.PLANNED)
    where = {"instance": application.instance, "namespace": application.namespace, "name": application.name}
    return active.filter(**where).order_by("-created_at")[:MOST_UNDER_WAY]


def subject_of(application: Application) -> str:
    """Its name in the timeline and on episodes."""
    return f"{application.instance}/{application.namespace}/{application.name}"


def details_of(application: Application) -> Details:
    """Its details as they were read last. One query."""
    row = ApplicationDetail.objects.filter(application=application).first()
    value = converted(row.data, values.ApplicationDetail) if row and row.data else None
    return Details(row, value)


def conditions_of(application: Application) -> list[ToldCondition]:
    """Its conditions, with their messages as sentences."""
    told = converted(application.conditions, list[values.Condition])
    return [ToldCondition(each.type, each.at, message_sentence(each.message)) for each in told]


def deployed(application: Application, entry: values.HistoryEntry, commits: Commits) -> Deployed:
    """One entry of its history."""
    commit = commits.get((application.repo_url, entry.revision))
    return Deployed(entry, commit, commit_link(application.repo_url, entry.revision))


def sibling(application: Application, row: ApplicationRow, commits: Commits) -> Sibling:
    """One of the others, beside this one."""
    other = row.application
    commit = commits.get((other.repo_url, other.sync_revision))
    if not other.sync_revision or other.sync_revision == application.sync_revision:
        return Sibling(row, commit, "")
    here = commits.get((application.repo_url, application.sync_revision))
    if commit is None or here is None or commit.date is None or here.date is None or commit.date == here.date:
        return Sibling(row, commit, "differs")
    return Sibling(row, commit, "newer than here" if commit.date > here.date else "older than here")


def siblings_of(application: Application, overlay: Overlay) -> list[ApplicationRow]:
    """The same component elsewhere, worst first."""
    others = Application.objects.current(overlay).siblings_of(application)
    ranked = others.with_shown_tone(overlay).annotate(shown_rank=rank_of("shown_tone"))
    return application_rows(ranked.order_by("shown_rank", "environment", "cluster", "name")[:MOST_SIBLINGS], overlay)


def alerts_near(application: Application, overlay: Overlay) -> list[EpisodeRow]:
    """Firing alerts on it, or on the namespace of the cluster to which it is deployed; worst first."""
    near = Q(application=subject_of(application))
    namespace = application.destination_namespace
    if application.cluster and namespace:
        in_namespace = Q(labels__namespace=namespace) | Q(labels__dest_namespace=namespace)
        near |= Q(cluster=application.cluster) & in_namespace
    firing = Episode.objects.firing().current(overlay).filter(near).with_shown_tone(overlay)
    ranked = firing.annotate(shown_rank=rank_of("shown_tone")).order_by("shown_rank", "-began_at", "pk")
    return episode_rows(ranked.prefetch_related("holdings")[:MOST_ALERTS], overlay)


def changes_of(subject: str, overlay: Overlay) -> list[Change]:
    """What changed of the Application itself, newest first."""
    return changes_before(overlay.now, Around(application=subject), before=None)
