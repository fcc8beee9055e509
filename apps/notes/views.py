"""What people say of things: the one address to which the forms of all pages are sent, and a note's own page."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib.auth import get_user
from django.contrib.auth.models import User
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from apps.accounts.middleware import page_to_return_to
from apps.accounts.renewing import AT_ACTIONS, SessionLost, session_confirmed
from apps.core.clock import database_now
from apps.core.errors import RuleViolation
from apps.core.live import after_form

from .doing import said_by_form
from .models import Concerning, Note
from .services import taking_back_refusal
from .showing import NoteShown
from .telling import panel_address
from .things import PANEL, address_of

View = Callable[..., HttpResponse]


def in_words(view: View) -> View:
    """What cannot be done as asked is said on a page, with 409 and what was typed."""

    @functools.wraps(view)
    def saying(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            session_confirmed(request.session.session_key or "", at_most=AT_ACTIONS)
            request.user = get_user(request)  # the provider's word may have taken a role away
            return view(request, *args, **kwargs)
        except SessionLost:
            return redirect_to_login(page_to_return_to(request))
        except RuleViolation as violation:
            typed, back = request.POST.get("text", "").strip(), page_to_return_to(request)
            shown = {"title": "Not done", "words": str(violation), "typed": typed, "back": back}
            return render(request, "notes/refusal.html", shown, status=409)

    return saying


@never_cache
@require_POST
@in_words
def note_new(request: HttpRequest) -> HttpResponse:
    """Does what the button that was clicked says, and leads back to where it stood."""
    said = said_by_form(signed_in(request), request.POST)
    return after_form(HttpResponseRedirect(way_back(request, said), status=303))


@require_safe
def note_show(request: HttpRequest, pk: UUID) -> HttpResponse:
    """One note, where who wrote it takes it back."""
    note = get_object_or_404(Note.objects.current(), pk=pk)
    shown = {
        "title": "Note",
        "each": NoteShown(note),
        "now": database_now(),
        "back": panel_address(note),
        "refused": taking_back_refusal(signed_in(request), note),
    }
    return render(request, "notes/note_show.html", shown)


def way_back(request: HttpRequest, said: Concerning) -> str:
    """The page on which the button was; from the thing's own and from the note's, the panel of the thing's page."""
    back, own = page_to_return_to(request), address_of(said.kind, said.subject)
    is_elsewhere = "Referer" in request.headers and not back.startswith((own, reverse("notes:note-new")))
    return back if is_elsewhere else f"{back if back.startswith(own) else own}#{PANEL}"


def signed_in(request: HttpRequest) -> User:
    """The person whom the sign-in let through."""
    if not isinstance(request.user, User):
        raise Http404("Nobody is signed in.")
    return request.user
