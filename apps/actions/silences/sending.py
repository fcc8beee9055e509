"""Sending one request about a silence: its checks once more, `sending` committed, then one call to one member.

Never a second call, and never one to another member of the HA cluster: whether the first arrived is found out by
reading (settling).
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any
from uuid import UUID

import msgspec
from django.db import transaction

from apps.actions.audit import confirmation_told, head_locked
from apps.actions.case import Answer, Who
from apps.actions.models import ActionRequest
from apps.actions.moves import request_move
from apps.actions.outcomes import LONGEST, REFUSALS, REFUSING_STATUS
from apps.actions.rechecking import NotToBeSent, is_session_confirmed, who_now
from apps.actions.sending import SENDS_WITHIN, answer_write
from apps.actions.services import guards_told
from apps.actions.states import Action, State
from apps.actions.waiting import late_words
from apps.alerts.comments import request_named
from apps.alerts.models import Silence
from apps.core.ages import moment_words
from apps.core.clock import database_now
from apps.core.connections import connection_let_go, durable_commits
from apps.core.errors import (
    UpstreamDenied,
    UpstreamError,
    UpstreamNotFound,
    UpstreamNotInstalled,
    UpstreamUnverified,
)
from apps.core.text import clean
from apps.fleet.overlay import overlay_now
from apps.integrations.alertmanager import AlertmanagerClient, SilenceOrder
from apps.sources.clients import SourceNotConfigured, alertmanager_client
from apps.sources.fleetfile.current import fleet_file_in_force
from apps.sources.models import SourceState

from .guards import role_refusal
from .preflight import SilenceAsk, SilencePreflight, members_of, silence_preflight
from .reading import group_read_soon
from .services import hidden_told
from .wanted import Wanted, comment_of, matchers_sent, wanted_of

SENT_BEFORE = "It was sent before: a silence carries its id. What came of it is being found out; nothing is sent again"
OLD_CHANGED = "Somebody changed this silence since it was seen: look at it again, nothing was sent"


def silence_send(pk: UUID) -> None:
    """Sends the request if it is approved and nothing speaks against it now; writes down what came of it.

    Waits for the Alertmanager as long as a call to it may take.
    """
    request = ActionRequest.objects.filter(pk=pk, state=State.APPROVED).first()
    if request is None:
        return
    ActionRequest.objects.filter(pk=pk, state=State.APPROVED).update(looked_at=database_now())  # no message was lost
    try:
        found = _checked(request)
        member = _member_of(found)
        client = alertmanager_client(fleet_file_in_force(), member)
        _seen_again(found, client)
        began = time.monotonic()
        if _sending_begins(request, found, member):
            _call_and_write(request, client, began)
    except NotToBeSent as reason:
        _not_sent(request, reason.words, reason.state)
    except SourceNotConfigured:
        _not_sent(request, "Its Alertmanager is not in the fleet file any more", State.REFUSED)


def _not_sent(request: ActionRequest, words: str, state: State) -> None:
    outcome = clean(words, LONGEST)
    sent: dict[str, Any] = {"sent_at": database_now()} if state is State.UNKNOWN else {}
    request_move(request, to=state, when={State.APPROVED}, words=outcome, outcome=outcome, **sent)


def _checked(request: ActionRequest) -> SilencePreflight:
    """The preflight of this moment. Raises NotToBeSent where something speaks against it that did not before."""
    if any(request_named(told) == str(request.pk) for told in _comments_with(request)):
        raise NotToBeSent(SENT_BEFORE, state=State.UNKNOWN)
    is_confirmed = is_session_confirmed(request)
    who = replace(who_now(request), is_confirmed=is_confirmed)
    found = silence_preflight(ask_of(request.parent or request, who=who))
    if late := late_words(request):
        raise NotToBeSent(late, state=State.NOT_STARTED)
    if found.is_refused:
        raise NotToBeSent("; ".join(each.words for each in found.refusals))
    if found.waits_for_approval and not request.approver:
        raise NotToBeSent(f"The policy {found.rules.policy} wants a second person's approval by now: ask again")
    if found.has_old_changed:
        raise NotToBeSent(OLD_CHANGED)
    shown = {each["guard"]: Answer(each["answer"]).rank for each in request.guards}
    if grown := [each.words for each in found.spoken if each.answer.rank > shown.get(each.guard, 0)]:
        raise NotToBeSent(f"Changed since it was asked for: {'; '.join(grown)}")
    return found


def _comments_with(request: ActionRequest) -> list[str]:
    """Its row may be of a backup that is older than its call."""
    there = Silence.objects.filter(comment__contains=str(request.pk))
    return list(there.values_list("comment", flat=True))


def ask_of(request: ActionRequest, *, who: Who) -> SilenceAsk:
    """The same request, of the person as they are now. A step is measured by what was shown with its whole."""
    return SilenceAsk(
        request_id=request.pk,
        action=Action(request.action),
        wanted=wanted_of(request),
        who=who,
        reason=request.reason,
        ticket=request.ticket,
        shown=request.digest,
    )


def _member_of(found: SilencePreflight) -> str:
    """The key of the first member that was read lately. Raises NotToBeSent where there is none."""
    overlay = overlay_now()
    for member in members_of(overlay, found.case.wanted):
        if overlay.state_of(member.key) is SourceState.FRESH:
            return member.key
    raise NotToBeSent(f"No Alertmanager of {found.case.wanted.alertmanager} answers now")


def _seen_again(found: SilencePreflight, client: AlertmanagerClient) -> None:
    """Raises NotToBeSent where the member that is asked tells another silence than the one that is to be changed."""
    old = found.case.old
    if old is None or found.ask.action is not Action.SILENCE_EDIT:
        return
    connection_let_go()
    try:
        told = {each.id: each.updated_at for each in client.silences().items}
    except UpstreamError as error:
        state = State.REFUSED if isinstance(error, UpstreamDenied) else State.NOT_STARTED
        raise NotToBeSent(f"Nothing was sent: the silence could not be read: {error.message}", state=state) from error
    if old.silence_id not in told or told[old.silence_id] != old.updated_at:
        raise NotToBeSent(OLD_CHANGED)


def _sending_begins(request: ActionRequest, found: SilencePreflight, member: str) -> bool:
    """Commits `sending`, on disk: whoever does it, and nobody else, may make the call. Raises NotToBeSent."""
    old = found.case.old
    wanted = msgspec.structs.replace(wanted_of(request), member=member, updated_at=old.updated_at if old else None)
    with durable_commits(), transaction.atomic():
        locked = ActionRequest.objects.select_for_update().filter(pk=request.pk, state=State.APPROVED)
        session = locked.values_list("session", flat=True).first()
        if session is None:
            return False
        request.session = session
        head_locked()
        if refused := role_refusal(who_now(request), found.case.place, found.case.rules):
            raise NotToBeSent(refused)
        return request_move(
            request,
            to=State.SENDING,
            what={**hidden_told(found), **confirmation_told(found.case.who)},
            when={State.APPROVED},
            sent_at=database_now(),
            looked_at=None,
            options=wanted.as_builtins(),
            guards=guards_told(found.findings),
        )


def _call_and_write(request: ActionRequest, client: AlertmanagerClient, began: float) -> None:
    """The one call, unless this process stood still since `began` (monotonic); and what was answered."""
    connection_let_go()
    if time.monotonic() - began > SENDS_WITHIN:
        answer_write(request, State.NOT_STARTED, "Nothing was sent: the portal was held up for too long")
        return
    wanted = wanted_of(request)
    try:
        made = _call(request, client, wanted)
    except UpstreamError as error:
        answer_write(request, *answer_of(error), answer=clean(error.message, LONGEST))
        return
    wanted = msgspec.structs.replace(wanted, made=clean(made, 100))
    answer_write(request, State.SUCCEEDED, done_words(Action(request.action), wanted), options=wanted.as_builtins())
    group_read_soon(wanted.alertmanager)


def _call(request: ActionRequest, client: AlertmanagerClient, wanted: Wanted) -> str:
    if Action(request.action) is Action.SILENCE_EXPIRE:
        client.silence_expire(wanted.silence_id)
        return ""
    return client.silence_post(order_of(request, wanted))


def order_of(request: ActionRequest, wanted: Wanted) -> SilenceOrder:
    """What the Alertmanager is asked for: in the person's name, with why, and with the request's id."""
    now = database_now()
    return SilenceOrder(
        matchers=matchers_sent(wanted.labels),
        starts_at=wanted.starts_at or now,
        ends_at=wanted.ends_at or now,
        created_by=request.username,
        comment=comment_of(request),
        id=wanted.silence_id,
        annotations=wanted.annotations,
    )


def done_words(action: Action, wanted: Wanted) -> str:
    """What was done, in words."""
    if action is Action.SILENCE_EXPIRE:
        return "The silence was expired"
    until = f" until {moment_words(wanted.ends_at)}" if wanted.ends_at else ""
    replaced = wanted.silence_id and wanted.made and wanted.made != wanted.silence_id
    return f"Silenced{until}" + (f", as {wanted.made} in place of {wanted.silence_id}" if replaced else "")


def answer_of(error: UpstreamError) -> tuple[State, str]:
    """Where a call that failed leaves its request, and the words. What may have arrived is never called lost."""
    if error.never_sent:
        return State.NOT_STARTED, f"Nothing was sent: {error.message}"
    if isinstance(error, UpstreamNotInstalled):
        return State.REFUSED, "This server does not take silences"
    if isinstance(error, UpstreamNotFound):
        return State.REFUSED, "The Alertmanager has no such silence any more"
    if isinstance(error, UpstreamUnverified):
        return State.REFUSED, f"Nothing was done: it {error.message}"
    if isinstance(error, UpstreamDenied):  # whatever its status: a gateway refuses before it passes anything on
        return State.REFUSED, "The portal's account may not silence there"
    if isinstance(error, REFUSALS) and REFUSING_STATUS.search(error.message):
        return State.REFUSED, f"Refused: {error.message}"
    return State.UNKNOWN, f"Not known whether it arrived: {error.message}. The silences are read until it is known"
