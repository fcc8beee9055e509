"""Asking for a silence: at most one request for one form, written with its audit line before anything is sent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, transaction

from apps.actions.audit import audit_note, confirmation_told, session_fingerprint
from apps.actions.models import ActionRequest
from apps.actions.moves import request_told
from apps.actions.services import guards_told
from apps.actions.states import Action, State
from apps.core.clock import database_now
from apps.core.text import clean

from .preflight import SilenceAsk, SilencePreflight, silence_preflight
from .stepping import steps_of_edit

MOST_TOLD = 500


@dataclass(frozen=True)
class Submitted:
    """What became of asking: the request, or the preflight that has to be shown again; both where it was refused."""

    request: ActionRequest | None
    preflight: SilencePreflight | None = None


def silence_submit(ask: SilenceAsk) -> Submitted:
    """Writes the request down if nothing speaks against it, or shows what does; the same id again is the same request.

    No Alertmanager is asked, and nothing is sent: that is a worker's.
    """
    kept = ActionRequest.objects.filter(pk=ask.request_id)
    if request := kept.first():
        return Submitted(request)
    found = silence_preflight(ask)
    if request := kept.first():  # the same form was sent twice, and the other was faster
        return Submitted(request)
    if found.missing and not found.is_refused:
        return Submitted(None, found)
    try:
        return Submitted(_written(found), found if found.is_refused else None)
    except IntegrityError:  # faster at this very moment
        return Submitted(kept.get())


@transaction.atomic
def _written(found: SilencePreflight) -> ActionRequest:
    """The request with its steps, where it has some, and its line in the audit log, which names what it hides."""
    request = _request_of(found)
    request.save(force_insert=True)
    if found.ask.action is Action.SILENCE_EDIT and not found.is_refused:
        steps_of_edit(request, is_observatorium=found.case.is_observatorium)
    ask, event = found.ask, "refused" if found.is_refused else "requested"
    session = {"session": session_fingerprint(ask.who.session), **confirmation_told(ask.who)}
    what = {**session, **hidden_told(found)}
    audit_note(event=event, request=request, who=ask.who.username, words=request.outcome or request.reason, what=what)
    request_told(request)
    return request


def hidden_told(found: SilencePreflight) -> dict[str, Any]:
    """Which alerts it hides at this moment, for the audit log: up to 500 by name and fingerprint, and how many more."""
    hidden = found.preview.hidden
    told = [f"{each.title} {each.fingerprint}" for each in hidden[:MOST_TOLD]]
    more = {"hides_more": len(hidden) - MOST_TOLD} if len(hidden) > MOST_TOLD else {}
    return {"hides": told, **more}


def _request_of(found: SilencePreflight) -> ActionRequest:
    ask, now, case = found.ask, database_now(), found.case
    state = State.REFUSED if found.is_refused else State.WAITING if found.waits_for_approval else State.APPROVED
    return ActionRequest(
        pk=ask.request_id,
        action=ask.action.value,
        session="" if state.is_final else ask.who.session,
        reason=clean(ask.reason, 500),
        ticket=clean(ask.ticket, 100),
        options=ask.wanted.as_builtins(),
        subject=ask.wanted.subject,
        environment=case.place.environment,
        cluster=case.place.cluster,
        digest=found.shown,
        policy=clean(found.rules.policy, 100),
        guards=guards_told(found.findings),
        state=state.value,
        outcome=clean("; ".join(each.words for each in found.refusals), 1000),
        created_at=now,
        approved_at=now if state is State.APPROVED else None,
        state_at=now,
        ended_at=now if state.is_final else None,
        **ask.who.columns,
    )
