"""Signing in and out: at the identity provider; where there is none, by local accounts."""

from __future__ import annotations

import logging
from urllib.parse import unquote, urlencode

from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.core.errors import PortalError, RuleViolation
from apps.core.forms import SeeOther
from apps.core.topics import raise_topics
from apps.integrations.oidc import EXPIRED_THERE, OidcProvider, ProviderAway, SignInRefused
from apps.sources.fleetfile.secrets import SecretUnavailable

from .access import Verb, may
from .break_glass import break_glass_note, is_break_glass_open
from .leaving import logout_apply, sessions_ended
from .leaving import sign_out as leave
from .models import SignIn
from .people import AccountRefused
from .provider import is_sign_in_known, is_sso_in_force, provider_in_force
from .sessions_shown import sessions_shown
from .signing_in import session_begin, sign_in_begin, sign_in_finish, sign_in_taken
from .throttling import SignInThrottle
from .walls import DAYS, MOST_DAYS, wall_keys_shown

log = logging.getLogger(__name__)


def way_back(request: HttpRequest) -> str:
    """Where the person wanted to go, if that is a page of this portal, else home."""
    return page_of_ours(request, request.POST.get("next") or request.GET.get("next") or "")


def page_of_ours(request: HttpRequest, wanted: str) -> str:
    """The address, if it is a page of this portal, else home."""
    here = {request.get_host()}
    is_ours = url_has_allowed_host_and_scheme(wanted, here, require_https=request.is_secure())
    return wanted if is_ours and wanted.startswith("/") and unquote(wanted).isprintable() else "/"


@login_not_required
@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    """Leads to the identity provider; without one it asks for the name and password of a local account.

    Who is signed in is led on, unless the address says `again`: what was asked for wants a fresh sign-in.
    """
    if request.user.is_authenticated and request.method == "GET" and not request.GET.get("again"):
        return HttpResponseRedirect(way_back(request))
    if not is_sign_in_known():
        words = "The portal's fleet file cannot be read, so that it is not known how people sign in."
        return sign_in_failed(request, words, status=503)
    if is_sso_in_force():
        return sign_in_at_provider(request)
    return sign_in_with_password(request, SignIn.Kind.LOCAL)


def sign_in_at_provider(request: HttpRequest) -> HttpResponse:
    """To the provider, which shows a form only to whom it does not know yet, or who is to sign in afresh."""
    try:
        to = sign_in_begin(
            request=request,
            provider=provider(),
            way_back=way_back(request),
            is_fresh=bool(request.GET.get("again")),
            is_second=bool(request.GET.get("second")),
        )
    except (ProviderAway, SecretUnavailable) as away:
        return provider_away(request, away)
    return HttpResponseRedirect(to)


@login_not_required
@never_cache
@require_safe
@sensitive_variables()
def callback(request: HttpRequest) -> HttpResponse:
    """Back from the provider: signed in, or why not, with a way to try again that leads to the same page.

    An answer to a sign-in that the session does not hold (that of another tab took its place) begins one more.
    """
    if not is_sso_in_force():
        raise Http404("nobody signs in at a provider")
    taken = sign_in_taken(request=request, state=request.GET.get("state", ""))
    back = page_of_ours(request, taken.way_back)
    if taken.is_to_be_tried_again:
        return begun_once_more(back)
    try:
        sign_in_finish(request=request, provider=provider(), answer=request.GET.dict(), begun=taken.begun)
    except (SignInRefused, AccountRefused) as refused:
        log.warning("a sign-in was refused: %s", refused)
        if isinstance(refused, SignInRefused) and refused.kind == EXPIRED_THERE and taken.begun and not taken.is_second:
            return begun_once_more(back, is_fresh=taken.begun.max_age is not None)
        return sign_in_failed(request, refused.words, status=400, back=back)
    except (ProviderAway, SecretUnavailable) as away:
        return provider_away(request, away, back=back)
    return HttpResponseRedirect(back)


def begun_once_more(back: str, *, is_fresh: bool = False) -> HttpResponse:
    """The same sign-in, begun anew without a word; never a third time."""
    again = {"again": 1} if is_fresh else {}
    return HttpResponseRedirect(f"{reverse('accounts:sign-in')}?{urlencode({'second': 1, **again, 'next': back})}")


def provider() -> OidcProvider:
    """The provider in force. Raises SecretUnavailable, and Http404 where there is none any more."""
    found = provider_in_force()
    if found is None:
        raise Http404("nobody signs in at a provider")
    return found


def provider_away(request: HttpRequest, away: PortalError, *, back: str = "") -> HttpResponse:
    """That the provider cannot be asked, and what it means."""
    log.warning("nobody can sign in: %s", away)
    words = away.words if isinstance(away, ProviderAway) else "The portal cannot read the secret of its own sign-in."
    return sign_in_failed(request, words, status=503, back=back)


def sign_in_failed(request: HttpRequest, words: str, *, status: int, back: str = "") -> HttpResponse:
    """A sentence that helps, and a button to try again, to the same page (`back`). Who is signed in stays so."""
    shown = {"words": words, "next": back or way_back(request), "break_glass": is_break_glass_open()}
    return render(request, "accounts/sign_in_failed.html", shown, status=status)


def signed_in(request: HttpRequest, user: User, kind: SignIn.Kind) -> HttpResponse:
    """Signs the person in, and leads on."""
    session_begin(request=request, user=user, kind=kind)
    return HttpResponseRedirect(way_back(request))


def sign_in_with_password(request: HttpRequest, kind: SignIn.Kind) -> HttpResponse:
    """A local account, slowed down after wrong passwords."""
    throttle = SignInThrottle(request)
    shown = {"next": way_back(request), "is_break_glass": kind is SignIn.Kind.BREAK_GLASS}
    if request.method == "POST" and throttle.wait_seconds():
        shown |= {"form": AuthenticationForm(request), "wait": throttle.wait_seconds()}
        return render(request, "accounts/sign_in.html", shown, status=429)
    form = AuthenticationForm(request, data=request.POST or None)
    if request.method == "POST" and form.is_valid():
        throttle.forget()
        return signed_in(request, form.get_user(), kind)
    if request.method == "POST":
        throttle.note_failure()
    return render(request, "accounts/sign_in.html", {**shown, "form": form})


@login_not_required
@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "POST"])
def break_glass(request: HttpRequest) -> HttpResponse:
    """Past the provider, for an account made by `manage.py portal_break_glass`; not there while there is none."""
    if not is_break_glass_open():
        raise Http404("no account of that kind")
    answer = sign_in_with_password(request, SignIn.Kind.BREAK_GLASS)
    if request.method == "POST":
        is_in = answer.status_code == HttpResponseRedirect.status_code
        event = "break-glass signed in" if is_in else "break-glass refused"
        break_glass_note(event, request.POST.get("username", "")[:150], request)
        raise_topics(["sources"])
    return answer


@login_not_required
@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """Ends the session here, and leads to where it is ended at the provider."""
    at_provider = leave(request)
    if at_provider:
        return HttpResponseRedirect(at_provider)
    return redirect("accounts:signed-out" if is_sso_in_force() else "accounts:sign-in")


@login_not_required
@never_cache
@require_safe
def signed_out(request: HttpRequest) -> HttpResponse:
    """That one is signed out, with the way in. It leads nowhere by itself: the provider might sign one in again."""
    return render(request, "accounts/signed_out.html")


@login_not_required
@csrf_exempt
@never_cache
@require_POST
@sensitive_variables()
def backchannel_logout(request: HttpRequest) -> HttpResponse:
    """The provider says that a session ended (OpenID Connect Back-Channel Logout 1.0, 2.5 to 2.8): 200, else 400."""
    if not is_sso_in_force():
        raise Http404("nobody signs in at a provider")
    try:
        logout_apply(provider().logout_told(request.POST.get("logout_token", "")))
    except (SignInRefused, RuleViolation, ProviderAway, SecretUnavailable) as refused:
        log.warning("a logout token was refused: %s", refused)
        return JsonResponse({"error": "invalid_request"}, status=400)
    return HttpResponse(status=200)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def sessions(request: HttpRequest) -> HttpResponse:
    """Who is signed in, since when and from where: for an admin everybody, for others themselves. POST ends some."""
    user = request.user
    if not isinstance(user, User):
        raise Http404("nobody")
    sees_all = may(user, Verb.END_SESSIONS)
    if request.method != "POST":
        shown = sessions_shown(None if sees_all else user.pk, request.session.session_key or "")
        walls = {"walls": wall_keys_shown(), "days": DAYS, "most_days": MOST_DAYS} if may(user, Verb.OPEN_WALLS) else {}
        return render(request, "accounts/sessions.html", {"title": "Sessions", "sees_all": sees_all, **shown, **walls})
    within = SignIn.objects.all() if sees_all else SignIn.objects.filter(user=user)
    if (session := number_told(request, "session")) is not None:
        count = sessions_ended(rows=within.filter(pk=session), by=user)
    else:
        count = sessions_ended(rows=within.filter(user=number_told(request, "person")), by=user)
    if not count:
        raise Http404("over already, or not yours")
    return SeeOther(request.path)


def number_told(request: HttpRequest, name: str) -> int | None:
    """A row's number in the form; None where there is none."""
    told = request.POST.get(name, "")
    return int(told) if told.isascii() and told.isdigit() and len(told) < 19 else None
