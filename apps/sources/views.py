"""Can this page be trusted: every source with its state, age and errors."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_safe

from apps.core.exports import export_asked
from apps.core.lists import Asked
from apps.core.live import live_page
from apps.timeline.models import Kind, Transition

from .models import FleetFileState, Source
from .shown import SORTS, ordered, source_shown, sources_exported
from .standing import Standing, standing_now

TOPIC = "sources"
SHOWN_CHANGES = 50
READS_SHOWN_EVERY = timedelta(seconds=30)


@require_safe
def source_list(request: HttpRequest) -> HttpResponse:
    """Every source of the fleet file, the worst first, and how the fleet file itself stands."""
    if export_asked(request):
        return sources_exported(request, standing_now())
    return live_page(
        request,
        page="sources/source_list.html",
        fragment="sources/_source_list.html",
        topics=[TOPIC],
        overlay=standing_now,
        context=partial(sources_listed, request),
    )


@require_safe
def source_show(request: HttpRequest, key: str) -> HttpResponse:
    """One source in full, and how it went lately; one that left the fleet file too."""
    return live_page(
        request,
        page="sources/source_show.html",
        fragment="sources/_source_show.html",
        topics=[TOPIC],
        overlay=standing_now,
        context=partial(source_described, key),
    )


def sources_listed(request: HttpRequest, standing: Standing) -> dict[str, Any]:
    """What the list shows. One query."""
    asked = Asked(request.GET)
    sort = asked.sort(SORTS, default="tone")
    page = asked.page(standing.total_count)
    rows = [source_shown(source, standing.now) for source in standing.sources.values()]
    return {
        "title": "Sources",
        "changes_at": standing.now + READS_SHOWN_EVERY,
        "rows": ordered(rows, sort)[page.rows],
        "sort": sort,
        "page": page,
        "problems": asked.problems,
        "fleet_file": FleetFileState.objects.filter(pk=1).first(),
    }


def source_described(key: str, standing: Standing) -> dict[str, Any]:
    """What the page of one source shows. Two queries."""
    source = get_object_or_404(Source, key=key)
    changes = Transition.objects.filter(kind=Kind.SOURCE, subject=key).order_by("-seen_at", "-pk")
    return {
        "title": source.title,
        "changes_at": standing.now + READS_SHOWN_EVERY,
        "row": source_shown(source, standing.now),
        "changes": changes[:SHOWN_CHANGES],
    }
