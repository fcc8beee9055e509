"""Every page needs a signed-in person with a role; pages that do not say so with `login_not_required`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import SplitResult, urlsplit

from django.conf import settings
from django.contrib.auth import SESSION_KEY, get_user, logout
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.contrib.auth.models import AnonymousUser
from django.contrib.auth.views import redirect_to_login
from django.contrib.sessions.exceptions import SessionInterrupted
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render, resolve_url
from django.utils import timezone
from django_htmx.http import HttpResponseClientRedirect

from apps.core.live import VERSION

from .access import Verb, may, person_shown, role_of
from .grants import grant_of, grants_shown
from .models import SignIn
from .provider import access_in_force, sso_in_force
from .renewing import SessionLost, is_renewal_due, session_confirmed
from .sessions import SIGNED_OUT, session_used
from .walls import ROLE, wall_key_of

View = Callable[..., Any]

MOST_GROUPS = 30
REFRESHED_MEANWHILE = timedelta(seconds=10)
"""When the provider's word is due, one that another page of the same session asked for a moment ago will do."""


class Sessions(SessionMiddleware):
    """Django's, but for what the answer to an old tab does to the cookie of a sign-in that came after its question.

    Only signing out takes the cookie away (`leaving.sign_out`): one whose session is over is nobody's in any case.
    """

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        """The answer with its cookie. One whose session was exchanged meanwhile (another tab signed in) is asked for
        again, with the session that the browser has by now.
        """
        try:
            answer = super().process_response(request, response)
        except SessionInterrupted:
            if request.method != "GET":
                raise
            return HttpResponseRedirect(request.get_full_path())
        cookie = answer.cookies.get(settings.SESSION_COOKIE_NAME)
        if cookie is not None and cookie["max-age"] == 0 and not request.__dict__.get(SIGNED_OUT):
            del answer.cookies[settings.SESSION_COOKIE_NAME]
        return answer


class SignInRequired(LoginRequiredMiddleware):
    """Sends nobody to sign in, keeping the page's address; a fragment gets a redirect for the whole page instead."""

    def process_view(
        self,
        request: HttpRequest,
        view_func: View,
        view_args: tuple[Any, ...],
        view_kwargs: dict[str, Any],
    ) -> HttpResponseBase | None:
        """None where the page may be shown."""
        is_closed = self.is_closed(request, view_func)
        is_over = is_closed and is_lost(request)
        if is_on_wall(request, view_func):
            return None
        if is_over:
            return self.handle_no_permission(request, view_func)
        answer = super().process_view(request, view_func, view_args, view_kwargs)
        request.__dict__["portal_role"] = role_of(request.user) if answer is None else None
        request.__dict__["portal_person"] = person_shown(request.user)
        if answer is None and is_closed and not may(request.user, Verb.SEE):
            return no_access(request)
        if answer is None and is_by_person(request):
            session_used(request.session)
        return answer

    @staticmethod
    def is_closed(request: HttpRequest, view_func: View) -> bool:
        """Whether this view needs somebody."""
        return bool(getattr(view_func, "login_required", True))

    def handle_no_permission(  # type: ignore[override]  # a fragment is redirected by a header, not by a status
        self, request: HttpRequest, view_func: View
    ) -> HttpResponse:
        """To the sign-in page, with the way back; 401 for a page that asks by itself, which then says so and stays."""
        sign_in = resolve_url("accounts:sign-in")
        if not is_by_person(request):
            return HttpResponse("You are signed out.", "text/plain", status=401)
        if request.headers.get("HX-Request") == "true":
            shown = request.headers.get("HX-Current-URL", "/")
            return HttpResponseClientRedirect(redirect_to_login(path_of(shown), sign_in).url)
        return redirect_to_login(page_to_return_to(request), sign_in)


def is_on_wall(request: HttpRequest, view_func: View) -> bool:
    """Whether the view is shown to a screen with a key of the Wall: where whoever is signed in may not see it."""
    if not getattr(view_func, "is_for_walls", False) or may(request.user, Verb.SEE) or not wall_key_of(request):
        return False
    request.user = AnonymousUser()
    request.__dict__["portal_role"] = ROLE
    return True


def is_by_person(request: HttpRequest) -> bool:
    """Whether somebody did something; not where a page that stays current asks by itself what is new."""
    return not (request.headers.get("HX-Request") == "true" and VERSION in request.GET)


def is_lost(request: HttpRequest) -> bool:
    """Whether the session ends now, since the provider does not stand by it any more; asked anew when that is due."""
    is_signed_in = SESSION_KEY in request.session
    standing, key = getattr(request.session, "standing", None), request.session.session_key
    if not is_signed_in or not key or standing is None or standing.kind != SignIn.Kind.SSO:
        return False
    if not is_renewal_due(standing.refreshed_at, timezone.now()):
        return False
    try:
        session_confirmed(key, at_most=REFRESHED_MEANWHILE, waits=False)
    except SessionLost:
        logout(request)
        return True
    request.user = get_user(request)
    return False


def no_access(request: HttpRequest) -> HttpResponse:
    """Which groups would do, which the provider told, and whom to ask; nothing of the fleet."""
    sso = sso_in_force()
    would_do = [(rule.group, grants_shown([grant_of(rule)])) for rule in access_in_force()] if sso else []
    groups = person.groups or [] if (person := getattr(request.user, "person", None)) else []
    shown = {
        "would_do": would_do,
        "contact": sso.contact if sso else "",
        "groups": groups[:MOST_GROUPS],
        "more_groups": len(groups[MOST_GROUPS:]),
        "is_by_path": not {group.rpartition("/")[2] for group in groups}.isdisjoint(group for group, _ in would_do),
    }
    return render(request, "accounts/no_access.html", shown, status=403)


def page_to_return_to(request: HttpRequest) -> str:
    """The page that is asked for; for a form the one that it stood on, if it was one of this portal."""
    if request.method in {"GET", "HEAD"}:
        return request.get_full_path()
    parts = urlsplit_told(request.headers.get("Referer", ""))
    return path_of(parts.geturl()) if parts and parts.netloc == request.get_host() else "/"


def forms_lead_to_provider(get_response: View) -> View:
    """The content policy of each page names where a form may lead: a browser holds to it what a form is redirected to.

    Signing out leads to the provider, and so does a form that is sent when one is signed out.
    """

    def answered(request: HttpRequest) -> HttpResponse:
        answer: HttpResponse = get_response(request)
        if sso := sso_in_force():
            issuer = urlsplit(sso.issuer)
            origins = [f"{issuer.scheme}://{issuer.netloc}", *(f"https://{host}" for host in sso.hosts)]
            answer.__dict__["_csp_update"] = {"form-action": origins}
        return answer

    return answered


def path_of(url: str) -> str:
    """Path and query of an absolute URL, so that the way back never leads elsewhere; home for what is no URL."""
    parts = urlsplit_told(url)
    if parts is None:
        return "/"
    is_path = parts.path.startswith("/")
    return parts.path + (f"?{parts.query}" if parts.query else "") if is_path else "/"


def urlsplit_told(url: str) -> SplitResult | None:
    """The parts of a URL; None for what is none."""
    try:
        return urlsplit(url)
    except ValueError:
        return None
