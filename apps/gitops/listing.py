"""The list of Applications as its page shows it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, F, Q

from apps.core.ages import age_words, first_after
from apps.core.drawn import columns_of
from apps.core.exports import MOST_READ
from apps.core.lists import Asked, Sort
from apps.core.live import CHANGES_AT
from apps.core.offering import options_lately
from apps.core.ranking import rank_of, rows_in_order, tone_counts
from apps.core.tones import Tone
from apps.core.verdict import Verdict
from apps.fleet.overlay import Overlay
from apps.notes.models import Acknowledgement, Subjects
from apps.sources.evidence import Evidence, evidence_of
from apps.sources.models import Source

from .filters import (
    DEFAULT_SORT,
    SORTS,
    TIMES_IN_STATE,
    ApplicationFilters,
    filters_read,
    options_of,
    order_of,
)
from .models import Application, ApplicationQuerySet, Project, shown_verdict
from .window_filter import WINDOW_TITLES, window_shown
from .windows import WindowState
from .words import sentence_of

NOT_IN_ROWS = ("labels", "health_message", "conditions")


@dataclass(frozen=True)
class ApplicationRow:
    """One Application as a row: its verdict with what lies over it, and its sync windows' state."""

    application: Application
    verdict: Verdict
    window: WindowState
    is_doubtful: bool
    acknowledgement: Acknowledgement | None = None

    @property
    def why(self) -> str:
        """The reason as a sentence; the line that Argo CD wrote is in the verdict."""
        return sentence_of(self.verdict.reason).text

    @property
    def conditions(self) -> list[str]:
        """The types of its conditions."""
        return self.application.condition_types.split()

    def shows(self, now: datetime) -> object:
        """What its markup depends on (apps.core.drawn)."""
        counted = [
            (age_words(moment, now), moment > now)
            for moment in (self.application.tone_since, self.window.changes_at)
            if moment
        ]
        said = self.acknowledgement.shows if self.acknowledgement else ()
        return columns_of(self.application), self.verdict, self.window, self.is_doubtful, said, counted


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
            window_shown(application, projects.get((application.instance, application.project)), overlay.now),
            application.instance in overlay.distrusted_instances or application.cluster in overlay.doubtful_clusters,
            overlay.acknowledged(Subjects.APPLICATION, str(application)),
        )
        for application in shown
    ]


@dataclass(frozen=True)
class Chosen:
    """What an address asks for of the Applications; `applications` fit in everything but their tone."""

    filters: ApplicationFilters
    options: Mapping[str, list[str]]
    sort: Sort
    applications: ApplicationQuerySet

    @property
    def in_order(self) -> ApplicationQuerySet:
        """Those that fit in their tone too, in the order asked for."""
        tones = self.filters.tones
        kept = self.applications.filter(Q(shown_tone__in=tones)) if tones else self.applications
        return kept.annotate(shown_rank=rank_of("shown_tone")).order_by(*order_of(self.sort))


def applications_chosen(asked: Asked, overlay: Overlay) -> Chosen:
    """Reads the address."""
    current = Application.objects.current(overlay)
    options = options_lately(
        asked,
        ("applications", overlay.archived_instances, overlay.places),
        lambda: options_of(current, overlay.clusters),
    )
    filters = filters_read(asked, options)
    sort = asked.sort(SORTS, default=DEFAULT_SORT)
    return Chosen(filters, options, sort, filters.kept(current, overlay.now).with_shown_tone(overlay))


def choice_shown(asked: Asked, chosen: Chosen, overlay: Overlay) -> dict[str, Any]:
    """What the templates of the list and of the matrix show of the choice itself."""
    return {
        "filters": chosen.filters,
        "options": chosen.options,
        "sort": chosen.sort,
        "windows": WINDOW_TITLES,
        "times_in_state": {word: words for word, (words, _) in TIMES_IN_STATE.items()},
        "problems": asked.problems,
        "evidence": argocd_evidence(overlay, chosen.filters),
    }


def applications_listed(asked: Asked, overlay: Overlay) -> dict[str, Any]:
    """What the list's template shows of what the address asks for."""
    chosen = applications_chosen(asked, overlay)
    counts, tones = counts_by_tone(chosen.applications), chosen.filters.tones
    page = asked.page(sum(count for tone, count in counts.items() if not tones or tone in tones))
    keys = chosen.in_order.values_list("pk", flat=True)[page.rows]
    rows = application_rows(rows_in_order(keys, Application.objects.defer(*NOT_IN_ROWS)), overlay)
    return {
        "title": "Applications",
        "rows": rows,
        CHANGES_AT: first_after(overlay.now, (row.window.changes_at for row in rows)),
        "page": page,
        "counts": counts,
        **choice_shown(asked, chosen, overlay),
    }


def applications_to_export(asked: Asked, overlay: Overlay) -> list[ApplicationRow]:
    """Every row that the address asks for, in its order."""
    return application_rows(applications_chosen(asked, overlay).in_order.defer(*NOT_IN_ROWS)[:MOST_READ], overlay)


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
