"""The environment that a person looks at: in the address, so that a pasted link shows the same; the last is kept."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from .htmx import wants_fragment
from .lists import ALL

PARAMETER = COOKIE = "environment"
LONGEST = 100
KEPT_SECONDS = 365 * 24 * 3600


def environment_asked(request: HttpRequest) -> str:
    """The environment that the address names, else the one looked at last; "" for all. It need not exist."""
    told = request.GET.get(PARAMETER) or request.COOKIES.get(COOKIE, "")
    return "" if told == ALL else told[:LONGEST]


def environment_kept(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """For pages that show one environment: remembers it, and puts the last one into an address that names none.

    A page that refreshes itself says nothing of what somebody wants to see next.
    """

    @functools.wraps(view)
    def keeping(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        told = request.GET.get(PARAMETER, "")
        if not told and environment_asked(request) and request.method == "GET" and not wants_fragment(request):
            query = request.GET.copy()
            query[PARAMETER] = environment_asked(request)
            return HttpResponseRedirect(f"{request.path}?{query.urlencode()}")
        answer = view(request, *args, **kwargs)
        if told and told != request.COOKIES.get(COOKIE) and not wants_fragment(request):
            answer.set_cookie(COOKIE, told[:LONGEST], max_age=KEPT_SECONDS, samesite="Lax", secure=request.is_secure())
        return answer

    return keeping
