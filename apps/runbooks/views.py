"""Pages under /runbooks/: the list, one runbook, its images, and ticking steps off."""

from __future__ import annotations

from functools import partial

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.cache import patch_cache_control
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from apps.accounts.confirming import confirmed, person_of
from apps.alerts.models import Episode
from apps.core.addresses import page_address
from apps.core.errors import RuleViolation
from apps.core.exports import export_asked
from apps.core.forms import SeeOther
from apps.core.htmx import wants_fragment
from apps.core.lists import Asked
from apps.core.live import live_page, overlay_lately
from apps.fleet.overlay import overlay_now

from .listing import runbooks_exported, runbooks_listed
from .panel import PANEL, runbook_panel
from .rendering.places import PREFIX
from .showing import file_asked, runbook_asked, runbook_shown
from .ticks import TickRefused
from .ticks import tick_set as tick_put

IMAGE_TYPES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp", "image/svg+xml"})
IMAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox; frame-ancestors 'none'"
IMAGE_SECONDS = 300


@require_safe
def runbook_list(request: HttpRequest) -> HttpResponse:
    """Every runbook that is known, by what is asked for."""
    if export_asked(request):
        return runbooks_exported(request, overlay_now())
    return live_page(
        request,
        page="runbooks/runbook_list.html",
        fragment="runbooks/_runbook_list.html",
        topics=["runbooks", "alerts"],
        overlay=overlay_now,
        context=lambda overlay: runbooks_listed(Asked(request.GET), overlay),
    )


@require_safe
def runbook_show(request: HttpRequest, source: str, path: str) -> HttpResponse:
    """One runbook, without the values of any alert."""
    find = partial(runbook_asked, source, path)
    find()
    return live_page(
        request,
        page="runbooks/runbook_show.html",
        fragment="runbooks/_runbook_show.html",
        topics=["runbooks", "alerts"],
        overlay=overlay_now,
        context=lambda overlay: runbook_shown(find(), overlay),
    )


@require_safe
def file_show(request: HttpRequest, source: str, path: str) -> HttpResponse:
    """An image of a runbook. Opened by itself it may do nothing: no script, no frame, no other address."""
    found = file_asked(source, path)
    if found.content_type not in IMAGE_TYPES:
        raise Http404(f"{path} of {source} is no image.")
    answer = HttpResponse(bytes(found.data), content_type=found.content_type)
    answer["Content-Security-Policy"] = IMAGE_POLICY
    answer["X-Content-Type-Options"] = "nosniff"
    patch_cache_control(answer, private=True, max_age=IMAGE_SECONDS)
    return answer


@never_cache
@require_POST
@confirmed
def tick_set(request: HttpRequest, episode: int, source: str, path: str) -> HttpResponse:
    """Ticks a step off for an alert (`done=<step>`), or takes that back (`undone=<step>`)."""
    found = get_object_or_404(Episode, pk=episode)
    step = request.POST.get("done") or request.POST.get("undone") or ""
    try:
        tick_put(
            who=person_of(request), episode=found, source=source, path=path, step=step, is_done="done" in request.POST
        )
    except RuleViolation as violation:
        return refused(request, found, violation)
    return panel(request, found) if wants_fragment(request) else SeeOther(address_of(found, step))


def refused(request: HttpRequest, episode: Episode, violation: RuleViolation) -> HttpResponse:
    """Why nothing was ticked: in the panel, else on a page of its own."""
    if wants_fragment(request):
        return panel(request, episode, words=str(violation))
    status = 403 if isinstance(violation, TickRefused) else 409
    shown = {"title": "Not done", "words": str(violation), "back": address_of(episode)}
    return render(request, "runbooks/refusal.html", shown, status=status)


def panel(request: HttpRequest, episode: Episode, words: str = "") -> HttpResponse:
    """The runbook in the alert's page, as it stands now."""
    shown = {**runbook_panel(episode, overlay_lately(request, overlay_now)), "refusal": words}
    return render(request, "runbooks/_panel.html", shown)


def address_of(episode: Episode, step: str = "") -> str:
    """The alert's page, at the step or at the runbook."""
    page = page_address("dashboard:alert-show", episode.alertmanager, episode.fingerprint)
    began = episode.began_at.isoformat().replace("+", "%2B")
    return f"{page}?episode={began}#{f'{PREFIX}step-{step}' if step.isalnum() else PANEL}"
