"""Pages of alerts."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.dateparse import parse_datetime
from django.views.decorators.http import require_safe

from apps.core.environment import environment_kept
from apps.core.exports import export_asked
from apps.core.lists import Asked, short
from apps.core.live import live_page
from apps.fleet.overlay import Overlay, overlay_now

from .exporting import alerts_exported
from .listing import alerts_listed
from .models import Episode
from .showing import episode_shown


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
        topics=["alerts", "silences", "clusters"],
        overlay=overlay_now,
        context=lambda overlay: alerts_listed(Asked(request.GET), overlay),
    )


@require_safe
def alert_show(request: HttpRequest, alertmanager: str, fingerprint: str) -> HttpResponse:
    """One alert: what it says, why it is quiet, since when, and what changed before."""
    episode_asked(Asked(request.GET), alertmanager, fingerprint)

    def shown(overlay: Overlay) -> dict[str, Any]:
        asked = Asked(request.GET)
        episode = episode_asked(asked, alertmanager, fingerprint)
        return {**episode_shown(episode, overlay), "problems": asked.problems}

    return live_page(
        request,
        page="alerts/alert_show.html",
        fragment="alerts/_alert_show.html",
        topics=["alerts", "silences", "apps", "clusters"],
        overlay=overlay_now,
        context=shown,
    )


def episode_asked(asked: Asked, alertmanager: str, fingerprint: str) -> Episode:
    """The episode that began at the moment `?episode=` names, else the last one. Raises Http404 where there is none."""
    episodes = Episode.objects.filter(alertmanager=alertmanager, fingerprint=fingerprint).prefetch_related("holdings")
    told = asked.text("episode", limit=40)
    if told:
        began_at = moment_read(told)
        chosen = episodes.filter(began_at=began_at).first() if began_at else None
        if chosen:
            return chosen
        asked.problems.append(f"There is no episode “{short(told)}” of this alert: the last one is shown.")
    last = episodes.order_by("-began_at", "-pk").first()
    if last is None:
        raise Http404(f"No alert {fingerprint} of {alertmanager} is known.")
    return last


def moment_read(told: str) -> datetime | None:
    """An aware moment in ISO 8601; None for anything else. A "+" of an address may have become a space."""
    try:
        moment = parse_datetime(told.replace(" ", "+"))
    except ValueError:
        return None
    return moment if moment and moment.tzinfo else None
