"""Before a form is obeyed, the identity provider says whether the session still stands, and what the person may."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from django.contrib.auth import get_user
from django.contrib.auth.models import User
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse

from .middleware import page_to_return_to
from .renewing import AT_ACTIONS, SessionLost, session_confirmed

View = Callable[..., HttpResponse]
CONFIRMED = "portal_session_confirmed"
"""On a request that does something: whether the provider stood by its session a moment ago."""


def confirmed(view: View) -> View:
    """The view sees a form only once the session is confirmed, with the person as they are then; else the sign-in."""

    @functools.wraps(view)
    def asking(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.method != "POST":
            return view(request, *args, **kwargs)
        try:
            request.__dict__[CONFIRMED] = session_confirmed(request.session.session_key or "", at_most=AT_ACTIONS)
        except SessionLost:
            return redirect_to_login(page_to_return_to(request))
        request.user = get_user(request)  # the provider's word may have taken a role away
        return view(request, *args, **kwargs)

    return asking


def was_session_confirmed(request: HttpRequest) -> bool:
    """Whether the provider stood by the session of a form a moment ago; of what was only looked at nobody asked it."""
    return bool(request.__dict__.get(CONFIRMED, True))


def person_of(request: HttpRequest) -> User:
    """The person whom the sign-in let through. Raises Http404 where nobody is signed in."""
    if not isinstance(request.user, User):
        raise Http404("Nobody is signed in.")
    return request.user
