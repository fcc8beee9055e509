"""The list of Applications as its page shows it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, F, Q

from apps.core.lists import Asked
from apps.core.ranking import rank_of, rows_in_order, tone_counts
from apps.core.tones import Tone
from apps.core.verdict import Verdict
from apps.fleet.models import Cluster
from apps.fleet.overlay import Overlay
from apps.sources.evidence import Evidence, evidence_of
from apps.sources.models import Source

from .filters import DEFAULT_SORT, SORTS, ApplicationFilters, filters_read, options_of, order_of
from .models import Application, ApplicationQuerySet, Project, shown_verdict
from .windows import WindowState, window_state

NOT_IN_ROWS = ("labels", "operation", "health_message", "conditions", "repo_url", "path")


@dataclass(frozen=True)
class ApplicationRow:
    """One Application as a row: its verdict with what lies over it, and its sync windows' state."""

    application: Application
    verdict: Verdict
    window: WindowState
    is_doubtful: bool

    @property
    def conditions(self) -> list[str]:
        """The types of its conditions."""
        return self.application.condition_types.split()


def application_rows(applications: Iterable[Application], overlay: Overlay) -> list[ApplicationRow]:
    """Each Application as a row. One query, for the projects."""
    shown = list(applications)
    projects = {
        (project.instance, project.name): project
        for project in Project.objects.filter(name__in={application.project for application in shown})
    }
    return [
        ApplicationRow(
            application,
            shown_verdict(application, overlay),
            window_state(application, projects.get((application.instance, application.project)), overlay.now),
            application.instance in overlay.distrusted_instances or application.cluster in overlay.doubtful_clusters,
        )
        for application in shown
    ]


def applications_listed(asked: Asked, overlay: Overlay) -> dict[str, Any]:
    """What the list's template shows of what the address asks for."""
    current = Application.objects.current(overlay)
    clusters = Cluster.objects.current().values_list("name", flat=True)
    options = options_of(current, clusters)
    filters = filters_read(asked, options)
    sort = asked.sort(SORTS, default=DEFAULT_SORT)
    kept = filters.kept(current).with_shown_tone(overlay)
    counts = counts_by_tone(kept)
    page = asked.page(sum(count for tone, count in counts.items() if not filters.tones or tone in filters.tones))
    if filters.tones:
        kept = kept.filter(Q(shown_tone__in=filters.tones))
    ordered = kept.annotate(shown_rank=rank_of("shown_tone")).order_by(*order_of(sort))
    shown = rows_in_order(ordered.values_list("pk", flat=True)[page.rows], Application.objects.defer(*NOT_IN_ROWS))
    return {
        "title": "Applications",
        "rows": application_rows(shown, overlay),
        "page": page,
        "sort": sort,
        "filters": filters,
        "options": options,
        "counts": counts,
        "problems": asked.problems,
        "evidence": argocd_evidence(overlay, filters),
    }


def counts_by_tone(applications: ApplicationQuerySet) -> Mapping[Tone, int]:
    """How many are shown in each tone. One query."""
    return tone_counts(applications.order_by().values_list(F("shown_tone")).annotate(Count("pk")))


def argocd_evidence(overlay: Overlay, filters: ApplicationFilters) -> Evidence:
    """The Argo CD instances whose Applications are asked for."""
    instances = filters.words["instance"]
    asked_for = [
        source
        for source in overlay.sources.values()
        if source.kind == Source.Kind.ARGOCD and (not instances or source.group in instances)
    ]
    return evidence_of("Argo CD", asked_for, overlay.now)
