"""Pages that join everything: Now, an Application, the clusters."""

from __future__ import annotations

from functools import partial

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from apps.core.environment import environment_kept
from apps.core.live import live_page
from apps.fleet.overlay import overlay_now

from .now import now_shown


@require_safe
@environment_kept
def now(request: HttpRequest) -> HttpResponse:
    """What needs somebody now."""
    return live_page(
        request,
        page="dashboard/now.html",
        fragment="dashboard/_now.html",
        topics=["apps", "alerts", "clusters", "sources"],
        overlay=overlay_now,
        context=partial(now_shown, request),
    )
