"""Pages of silences: all of them, and the form for one."""

from __future__ import annotations

from uuid import uuid4

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from apps.accounts.access import Verb, refusal_of
from apps.actions.models import ActionRequest
from apps.actions.views import in_words, sent_soon
from apps.core.errors import RuleViolation
from apps.core.live import live_page
from apps.fleet.overlay import overlay_now

from .asking import Asked, silence_asked
from .listing import silences_listed
from .preflight import SilencePreflight, silence_preflight
from .services import silence_submit
from .shown import silence_shown


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@in_words
def silence_new(request: HttpRequest) -> HttpResponse:
    """Shows what a silence would hide and what speaks about it; POST asks for it, for a change or for its end."""
    asked = silence_asked(request)
    if request.method != "POST":
        return silence_page(request, asked, silence_preflight(asked.ask))
    made = silence_submit(asked.ask)
    if made.preflight is not None:
        return silence_page(request, asked, made.preflight, made.request)
    if made.request is None:
        raise RuleViolation("It is not known what came of it: look among the actions")
    return sent_soon(made.request)


def silence_page(
    request: HttpRequest, asked: Asked, found: SilencePreflight, written: ActionRequest | None = None
) -> HttpResponse:
    """The form with what it hides. 403 where the person may not, else 200."""
    status = 403 if refusal_of(found.ask.who.user, Verb.ACT, found.case.place) else 200
    form_id = request.POST.get("form") or str(uuid4())
    context = silence_shown(asked, found, form_id=form_id, written=written)
    return render(request, "actions/silences/silence_new.html", context, status=status)


@require_safe
def silence_list(request: HttpRequest) -> HttpResponse:
    """Silences that are on, to come, and over lately."""
    return live_page(
        request,
        page="actions/silences/silence_list.html",
        fragment="actions/silences/_silence_list.html",
        topics=["silences", "alerts"],
        overlay=overlay_now,
        context=silences_listed,
    )
