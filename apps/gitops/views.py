"""Pages of Applications alone; those that join more live in apps.dashboard."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from apps.core.environment import environment_kept
from apps.core.exports import export_asked
from apps.core.lists import Asked
from apps.core.live import CHANGES_AT, live_page
from apps.fleet.overlay import Overlay, overlay_now

from .files import applications_exported
from .filters import TURNING
from .listing import applications_listed
from .matrix import matrix_shown

Shown = Callable[[Asked, Overlay], dict[str, Any]]


@require_safe
@environment_kept
def application_list(request: HttpRequest) -> HttpResponse:
    """Applications: what is out of sync, worst first."""
    return _applications_page(request, "application_list", applications_listed)


@require_safe
@environment_kept
def application_matrix(request: HttpRequest) -> HttpResponse:
    """Applications by component and cluster."""
    return _applications_page(request, "application_matrix", matrix_shown)


def _applications_page(request: HttpRequest, name: str, shown: Shown) -> HttpResponse:
    """A live page of the Applications that the address asks for, or all of them as a file."""
    if export_asked(request):
        return applications_exported(request, overlay_now())

    def context(overlay: Overlay) -> dict[str, Any]:
        """What the page shows; a choice that time alone changes (windows, times in state) is true for this minute."""
        told = shown(Asked(request.GET), overlay)
        return {**told, CHANGES_AT: next_minute(overlay.now)} if TURNING & set(request.GET) else told

    return live_page(
        request,
        page=f"gitops/{name}.html",
        fragment=f"gitops/_{name}.html",
        topics=["apps", "clusters", "notes"],
        overlay=overlay_now,
        context=context,
    )


def next_minute(now: datetime) -> datetime:
    """The first second of the next minute, from which windows are computed anew."""
    return now.replace(second=1, microsecond=0) + timedelta(minutes=1)
