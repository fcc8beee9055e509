"""Pages of alerts."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from apps.core.environment import environment_kept
from apps.core.exports import export_asked
from apps.core.lists import Asked
from apps.core.live import live_page
from apps.fleet.overlay import overlay_now

from .exporting import alerts_exported
from .listing import alerts_listed


@require_safe
@environment_kept
def alert_list(request: HttpRequest) -> HttpResponse:
    """Alerts that fire, in their Alertmanager's groups; or all that the filters keep as a file."""
    if export_asked(request):
        return alerts_exported(request, overlay_now())
    return live_page(
        request,
        page="alerts/alert_list.html",
        fragment="alerts/_alert_list.html",
        topics=["alerts", "silences", "clusters", "runbooks", "notes"],
        overlay=overlay_now,
        context=lambda overlay: alerts_listed(Asked(request.GET), overlay),
    )
