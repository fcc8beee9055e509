"""The page that tells which rules have a runbook."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from apps.core.exports import export_asked
from apps.core.lists import Asked
from apps.core.live import live_page
from apps.fleet.overlay import overlay_now

from .coverage_shown import coverage_exported, coverage_shown


@require_safe
def coverage_show(request: HttpRequest) -> HttpResponse:
    """Every rule with its verdict, SLO rules first; or all that the filters keep as a file."""
    if export_asked(request):
        return coverage_exported(request, overlay_now())
    return live_page(
        request,
        page="runbooks/coverage_show.html",
        fragment="runbooks/_coverage_show.html",
        topics=["rules", "runbooks", "coverage"],
        overlay=overlay_now,
        context=lambda overlay: coverage_shown(Asked(request.GET), overlay),
    )
