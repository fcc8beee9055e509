"""Before a form is obeyed, the identity provider says whether the session still stands, and what the person may."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from django.contrib.auth import get_user
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse

from .middleware import page_to_return_to
from .renewing import AT_ACTIONS, SessionLost, session_confirmed

View = Callable[..., HttpResponse]


def confirmed(view: View) -> View:
    """The view sees a form only once the session is confirmed, with the person as they are then; else the sign-in."""

    @functools.wraps(view)
    def asking(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.method != "POST":
            return view(request, *args, **kwargs)
        try:
            session_confirmed(request.session.session_key or "", at_most=AT_ACTIONS)
        except SessionLost:
            return redirect_to_login(page_to_return_to(request))
        request.user = get_user(request)  # the provider's word may have taken a role away
        return view(request, *args, **kwargs)

    return asking
