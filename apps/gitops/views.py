"""Pages of Applications alone; those that join more live in apps.dashboard."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from apps.core.environment import environment_kept
from apps.core.lists import Asked
from apps.core.live import live_page
from apps.fleet.overlay import overlay_now

from .listing import applications_listed


@require_safe
@environment_kept
def application_list(request: HttpRequest) -> HttpResponse:
    """Applications: what is out of sync, worst first."""
    return live_page(
        request,
        page="gitops/application_list.html",
        fragment="gitops/_application_list.html",
        topics=["apps", "clusters"],
        overlay=overlay_now,
        context=lambda overlay: applications_listed(Asked(request.GET), overlay),
    )
