"""Every page needs a signed-in person with a role; pages that do not say so with `login_not_required`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render, resolve_url
from django_htmx.http import HttpResponseClientRedirect

from .access import Verb, may, person_shown, role_of
from .provider import sso_in_force

View = Callable[..., Any]


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
        answer = super().process_view(request, view_func, view_args, view_kwargs)
        request.__dict__["portal_role"] = role_of(request.user) if answer is None else None
        request.__dict__["portal_person"] = person_shown(request.user)
        if answer is None and self.is_closed(request, view_func) and not may(request.user, Verb.SEE):
            return render(request, "accounts/no_access.html", status=403)
        return answer

    @staticmethod
    def is_closed(request: HttpRequest, view_func: View) -> bool:
        """Whether this view needs somebody."""
        return bool(getattr(view_func, "login_required", True))

    def handle_no_permission(  # type: ignore[override]  # a fragment is redirected by a header, not by a status
        self, request: HttpRequest, view_func: View
    ) -> HttpResponse:
        """To the sign-in page, with the way back."""
        if request.headers.get("HX-Request") == "true":
            shown = request.headers.get("HX-Current-URL", "/")
            return HttpResponseClientRedirect(redirect_to_login(path_of(shown), resolve_url("accounts:sign-in")).url)
        return redirect_to_login(request.get_full_path(), resolve_url("accounts:sign-in"))


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
    try:
        parts = urlsplit(url)
    except ValueError:
        return "/"
    return parts.path + (f"?{parts.query}" if parts.query else "")
