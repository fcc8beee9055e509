"""What people say of things: the one address to which the forms of all pages are sent, and a note's own page."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from apps.accounts.confirming import confirmed, person_of
from apps.accounts.middleware import page_to_return_to
from apps.core.clock import database_now
from apps.core.errors import RuleViolation
from apps.core.forms import SeeOther
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

    asking = confirmed(view)

    @functools.wraps(view)
    def saying(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return asking(request, *args, **kwargs)
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
    said = said_by_form(person_of(request), request.POST)
    return after_form(SeeOther(way_back(request, said)))


@require_safe
def note_show(request: HttpRequest, pk: UUID) -> HttpResponse:
    """One note, where who wrote it takes it back."""
    note = get_object_or_404(Note.objects.current(), pk=pk)
    shown = {
        "title": "Note",
        "each": NoteShown(note),
        "now": database_now(),
        "back": panel_address(note),
        "refused": taking_back_refusal(person_of(request), note),
    }
    return render(request, "notes/note_show.html", shown)


def way_back(request: HttpRequest, said: Concerning) -> str:
    """The page on which the button was; from the thing's own and from the note's, the panel of the thing's page."""
    back, own = page_to_return_to(request), address_of(said.kind, said.subject)
    is_elsewhere = "Referer" in request.headers and not back.startswith((own, reverse("notes:note-new")))
    return back if is_elsewhere else f"{back if back.startswith(own) else own}#{PANEL}"
