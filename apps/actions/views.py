"""Pages under /actions/: asking for an action, one request, all of them, and the audit log."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import UUID, uuid4

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.accounts.access import Verb, refusal_of
from apps.accounts.confirming import confirmed
from apps.core.clock import database_now
from apps.core.errors import RuleViolation
from apps.core.exports import CUT, export_asked, exported
from apps.core.exports import refused as export_refused
from apps.core.forms import SeeOther
from apps.core.lists import Asked
from apps.core.live import live_page, overlay_lately
from apps.fleet.overlay import overlay_now
from apps.sources.fleetfile.current import fleet_file_in_force
from apps.sources.fleetfile.loading import FleetFileInvalid

from .answering import request_answer as answered
from .asking import action_told, application_told, ask_posted, options_told, text_told, who_asks
from .bulk import bulk_submit
from .bulk_preflight import BulkAsk, BulkPreflight, bulk_preflight
from .bulk_shown import bulk_asked, bulk_shown
from .bulk_waits import topics_of
from .choosing import choices_shown
from .freezes import SignInTooOld
from .freezes_shown import freeze_posted, freezes_shown
from .guards import GUARDS
from .listing import audit_text, columns, requests_asked_of, requests_listed, rows_for_file
from .looking import LooksTaken
from .models import ActionRequest
from .policies import policies_shown
from .preflight import Ask, Preflight, preflight
from .preflight_shown import preflight_shown
from .services import OF_APPLICATIONS, request_submit
from .showing import request_shown
from .states import State
from .tasks import send_soon

ON_ITS_WAY = frozenset({State.APPROVED, State.SENDING})
ANSWER_SECONDS, LOOK_SECONDS = 0.4, 0.02

NO_FLEET_FILE = "No fleet file is in force: without it nothing can be checked, and nothing is sent"

View = Callable[..., HttpResponse]


def in_words(view: View) -> View:
    """What cannot be done as asked is said on a page, with 409; with 503 where it may be in a moment."""

    asking = confirmed(view)

    @functools.wraps(view)
    def saying(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return asking(request, *args, **kwargs)
        except FleetFileInvalid:
            return refused(request, NO_FLEET_FILE, status=503)
        except LooksTaken as slow:
            return refused(request, str(slow), status=503)
        except RuleViolation as violation:
            return refused(request, str(violation), wants_sign_in=isinstance(violation, SignInTooOld))

    return saying


def refused(request: HttpRequest, words: str, status: int = 409, *, wants_sign_in: bool = False) -> HttpResponse:
    """The page that says why not, with the way back, or to a fresh sign-in."""
    back = request.path if request.method == "GET" else request.headers.get("Referer", "/")
    back = back if back.startswith(("/", "http")) else "/"
    shown = {"title": "Not done", "words": words, "back": back, "wants_sign_in": wants_sign_in}
    return render(request, "actions/refusal.html", shown, status=status)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@in_words
def request_new(request: HttpRequest) -> HttpResponse:
    """Asks for an action of an Application (POST), or shows what speaks against it before anything is sent.

    An address without an action shows which there are.
    """
    if request.method == "POST":
        return request_posted(request)
    if not request.GET.get("action"):
        return choices_page(request)
    ask = ask_looked_at(request)
    return preflight_page(request, ask, preflight(ask, is_of_page=True))


def choices_page(request: HttpRequest) -> HttpResponse:
    """Every action of an Application. 403 where the person may ask for none."""
    shown = choices_shown(application_told(request.GET.get("app", "")), who_asks(request))
    return render(request, "actions/choose.html", shown, status=403 if shown["refused"] else 200)


def ask_looked_at(request: HttpRequest) -> Ask:
    """What the address asks about: a new request, of which nothing was seen yet."""
    action = action_told(request.GET.get("action", ""))
    if action not in OF_APPLICATIONS:
        raise RuleViolation(f"{action.label} is not asked for here")
    return Ask(
        request_id=uuid4(),
        action=action,
        application=application_told(request.GET.get("app", "")),
        options=options_told(request.GET),
        who=who_asks(request),
        reason=text_told(request.GET, "reason", 500),
        ticket=text_told(request.GET, "ticket", 100),
    )


def request_posted(request: HttpRequest) -> HttpResponse:
    """One click: the request's page, or what has to be known, given or changed first."""
    ask = ask_posted(request)
    made = request_submit(ask)
    if made.preflight is not None:
        return preflight_page(request, ask, made.preflight, made.request)
    if made.request is None:
        raise RuleViolation("It is not known what came of it: look among the actions")
    return sent_soon(made.request)


def sent_soon(request: ActionRequest) -> HttpResponse:
    """Has a worker send what may be sent, and leads to its page, which mostly knows Argo CD's answer by then."""
    if request.state == State.APPROVED:
        transaction.on_commit(partial(send_soon, request.pk))
        if not transaction.get_connection().in_atomic_block:
            wait_for_answer(request)
    return SeeOther(request.get_absolute_url())


def wait_for_answer(request: ActionRequest) -> None:
    """Waits for a moment while the request is being sent; the stream tells what comes later."""
    until = time.monotonic() + ANSWER_SECONDS
    while time.monotonic() < until:
        time.sleep(LOOK_SECONDS)
        if not ActionRequest.objects.filter(pk=request.pk, state__in=ON_ITS_WAY).exists():
            return


def preflight_page(
    request: HttpRequest, ask: Ask, found: Preflight, written: ActionRequest | None = None
) -> HttpResponse:
    """What speaks about it. 403 where the person may not, 409 where it changed since they looked, else 200."""
    status = 200
    if refusal_of(ask.who.user, Verb.ACT, ask.application):
        status = 403
    elif request.method == "POST" and found.changed:
        status = 409
    return render(request, "actions/preflight.html", preflight_shown(ask, found, written), status=status)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@in_words
def bulk_new(request: HttpRequest) -> HttpResponse:
    """Resyncs what the list of Applications shows with the same filters, wave by wave; first it is looked at."""
    ask = bulk_asked(request, overlay_now())
    if request.method != "POST":
        return bulk_page(request, ask, bulk_preflight(ask))
    made = bulk_submit(ask)
    if made.preflight is not None:
        return bulk_page(request, ask, made.preflight, made.request)
    if made.request is None:
        raise RuleViolation("It is not known what came of it: look among the actions")
    return sent_soon(made.request)


def bulk_page(
    request: HttpRequest, ask: BulkAsk, found: BulkPreflight, written: ActionRequest | None = None
) -> HttpResponse:
    """The waves and what speaks about them. 403 where the person may not act at all, 409 where they have changed."""
    status = 200
    if refusal_of(ask.who.user, Verb.ACT):
        status = 403
    elif ask.digest and found.has_changed:
        status = 409
    return render(request, "actions/bulk_new.html", bulk_shown(ask, found, written), status=status)


@require_safe
def request_show(request: HttpRequest, pk: UUID) -> HttpResponse:
    """One request, live until its end and for good."""
    find = partial(get_object_or_404, ActionRequest.objects.select_related("parent"), pk=pk)
    asked = find()
    return live_page(
        request,
        page="actions/request_show.html",
        fragment="actions/_request_show.html",
        topics=topics_of(asked),
        overlay=overlay_now,
        context=lambda overlay: request_shown(find(), overlay),
        is_borne=False,
    )


@require_POST
@in_words
def request_answer(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Approves it, takes it back, sets it aside, pauses, resumes or ends it."""
    asked = get_object_or_404(ActionRequest, pk=pk)
    word, note = request.POST.get("do", ""), text_told(request.POST, "note", 500)
    answered(word, request=asked, who=who_asks(request), note=note)
    asked.refresh_from_db()
    return sent_soon(asked)


@require_safe
def request_list(request: HttpRequest) -> HttpResponse:
    """All that was asked for, newest first."""
    if export_asked(request):
        asked = Asked(request.GET)
        rows = rows_for_file(requests_asked_of(asked))
        return exported(request, name="actions", columns=columns(), rows=rows, now=database_now(), asked=asked)
    return live_page(
        request,
        page="actions/request_list.html",
        fragment="actions/_request_list.html",
        topics=["actions"],
        overlay=overlay_now,
        context=lambda _: requests_listed(Asked(request.GET)),
        is_borne=False,
    )


@require_safe
def audit(request: HttpRequest) -> HttpResponse:
    """The audit log as JSON Lines, of what the same address shows as a list."""
    asked, name = Asked(request.GET), "audit"
    told = requests_asked_of(asked)
    if asked.problems:
        return export_refused(asked.problems)
    text, cut_after = audit_text(told)
    answer = HttpResponse(text, content_type="application/jsonl; charset=utf-8")
    if cut_after:
        name, answer[CUT] = f"{name}-first-{cut_after}", f"the first {cut_after} lines"
    answer["Content-Disposition"] = f'attachment; filename="{name}-{database_now():%Y%m%dT%H%M%SZ}.jsonl"'
    answer["Cache-Control"] = "no-store, private"
    return answer


@require_http_methods(["GET", "HEAD", "POST"])
@in_words
def freeze_list(request: HttpRequest) -> HttpResponse:
    """Freezes that are on and that were, with the form that begins one; POST begins or ends one."""
    if request.method == "POST":
        freeze_posted(request.POST, who_asks(request))
        return SeeOther(request.path)
    return live_page(
        request,
        page="actions/freeze_list.html",
        fragment="actions/_freeze_list.html",
        topics=["freezes"],
        overlay=overlay_now,
        context=lambda overlay: {**freezes_shown(overlay), "chosen": request.GET.get("what", "")},
        is_borne=False,
    )


@require_safe
@in_words
def policy_list(request: HttpRequest) -> HttpResponse:
    """Which rules are in force, and how strict each guard is."""
    shown = {"title": "Policies", "policies": policies_shown(fleet_file_in_force()), "guards": GUARDS}
    overlay_lately(request, overlay_now)
    return render(request, "actions/policy_list.html", shown)
