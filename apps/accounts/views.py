"""Signing in and out, until single sign-on is there: personas in the demo, local accounts elsewhere."""

from __future__ import annotations

from urllib.parse import unquote

from django.conf import settings
from django.contrib.auth import login, logout
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from .access import role_shown
from .models import Role
from .personas import PERSONAS, persona_account
from .sessions import session_renewed
from .throttling import SignInThrottle

BACKEND = "apps.accounts.backends.LocalAccountBackend"
ROLE_WORDS = {
    Role.VIEWER: "sees everything",
    Role.RESPONDER: "also resyncs and freezes",
    Role.APPROVER: "also approves what needs a second person",
    Role.ADMIN: "also sees the configuration and errors in full",
}


def way_back(request: HttpRequest) -> str:
    """Where the person wanted to go, if that is a page of this portal, else home."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    here = {request.get_host()}
    is_ours = url_has_allowed_host_and_scheme(wanted, here, require_https=request.is_secure())
    return wanted if is_ours and unquote(wanted).isprintable() else "/"


@login_not_required
@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    """The sign-in page: a button for each persona in the demo, name and password elsewhere.

    Who is signed in is led on, unless the address says `again`: what was asked for wants a fresh sign-in.
    """
    if request.user.is_authenticated and request.method == "GET" and not request.GET.get("again"):
        return redirect(way_back(request))
    if settings.PORTAL_DEMO:
        return sign_in_as_persona(request)
    return sign_in_with_password(request)


def sign_in_as_persona(request: HttpRequest) -> HttpResponse:
    """Personas, in the demo alone."""
    if request.method == "POST":
        name = request.POST.get("persona", "")
        if name not in PERSONAS:
            raise Http404("no such persona")
        return signed_in(request, persona_account(name))
    personas = [
        {
            "name": name,
            "first_name": persona.first_name,
            "role": role_shown(persona.role, persona.scope),
            "may": ROLE_WORDS[persona.role],
        }
        for name, persona in PERSONAS.items()
    ]
    return render(request, "accounts/sign_in.html", {"personas": personas, "next": way_back(request)})


def signed_in(request: HttpRequest, user: User) -> HttpResponse:
    """Signs the person in, and leads on.

    Who was signed in already has a new session in place of the one before: whoever else held its key gains nothing.
    """
    before = request.session.session_key if request.user == user else None
    login(request, user, backend=BACKEND)
    if before:
        request.session.cycle_key()
        session_renewed.send(User, before=before, now=request.session.session_key)
    return HttpResponseRedirect(way_back(request))


def sign_in_with_password(request: HttpRequest) -> HttpResponse:
    """A local account, slowed down after wrong passwords."""
    throttle = SignInThrottle(request)
    if request.method == "POST" and throttle.wait_seconds():
        context = {"form": AuthenticationForm(request), "next": way_back(request), "wait": throttle.wait_seconds()}
        return render(request, "accounts/sign_in.html", context, status=429)
    form = AuthenticationForm(request, data=request.POST or None)
    if request.method == "POST" and form.is_valid():
        throttle.forget()
        return signed_in(request, form.get_user())
    if request.method == "POST":
        throttle.note_failure()
    return render(request, "accounts/sign_in.html", {"form": form, "next": way_back(request)})


@login_not_required
@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """Ends the session."""
    logout(request)
    return redirect("accounts:sign-in")
