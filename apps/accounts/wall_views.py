"""Keys of the Wall: made and revoked by admins, and typed once on the screen that shows it."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods, require_POST

from apps.core.clock import database_now
from apps.core.errors import RuleViolation
from apps.core.forms import SeeOther

from .access import Verb, may
from .confirming import confirmed
from .models import WallKey
from .walls import wall_key_make, wall_key_revoke, wall_key_told

LONGEST_QUERY = 200


@never_cache
@require_POST
@confirmed
@sensitive_variables("key")
def wall_keys(request: HttpRequest) -> HttpResponse:
    """Makes a key, which the answer shows this once, or revokes one. For others than admins it is not there."""
    user = request.user
    if not isinstance(user, User) or not may(user, Verb.OPEN_WALLS):
        raise Http404("not yours")
    if revoked := request.POST.get("revoke", ""):
        if not revoked.isdecimal() or len(revoked) > 18 or not wall_key_revoke(pk=int(revoked), by=user.get_username()):
            raise Http404("revoked already, or never there")
        return SeeOther(reverse("accounts:sessions"))
    days, name = request.POST.get("days", ""), request.POST.get("name", "")
    shown = {"title": "Key of the Wall", "name": name, "address": request.build_absolute_uri(reverse("accounts:wall"))}
    try:
        key = wall_key_make(name=name, days=int(days) if days.isdecimal() else 0, by=user.get_username())
    except RuleViolation as refused:
        return render(request, "accounts/wall_key.html", {**shown, "refused": str(refused)}, status=409)
    return render(request, "accounts/wall_key.html", {**shown, "key": key}, status=201)


@login_not_required
@never_cache
@sensitive_post_parameters("key")
@require_http_methods(["GET", "HEAD", "POST"])
def wall(request: HttpRequest) -> HttpResponse:
    """Asks for a key and leaves it with the screen: it is in no address. What the address asks for goes along."""
    row = wall_key_told(request.POST.get("key", "")) if request.method == "POST" else None
    if row is None:
        is_wrong = request.method == "POST"
        return render(request, "accounts/wall.html", {"is_wrong": is_wrong}, status=400 if is_wrong else 200)
    query = request.META.get("QUERY_STRING", "")[:LONGEST_QUERY]
    answer = SeeOther(f"{reverse('dashboard:wall')}{'?' if query else ''}{query}")
    key_leave(answer, row, request.POST["key"])
    return answer


def key_leave(answer: HttpResponse, row: WallKey, key: str) -> None:
    """Has the browser keep the key until its end, out of reach of scripts and other sites."""
    answer.set_cookie(
        settings.WALL_COOKIE_NAME,
        "".join(letter for letter in key if letter.isalnum()),
        max_age=int((row.ends_at - database_now()).total_seconds()),
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )
