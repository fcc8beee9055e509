"""Asking for something: at most one request for one form, written with its audit line before anything is sent."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, transaction

from apps.accounts.access import Verb
from apps.core.clock import database_now
from apps.core.errors import RuleViolation
from apps.core.text import clean
from apps.sources.fleetfile.current import fleet_file_in_force

from .audit import audit_note, confirmation_told, session_fingerprint
from .case import Finding, Who
from .known import doomed_told
from .models import ActionRequest
from .moves import request_move, request_told
from .preflight import Ask, Preflight, preflight
from .reach import reach_refusal
from .states import Action, State
from .steps import steps_of_take_over
from .waiting import unapproved_words

OF_APPLICATIONS = frozenset(
    {Action.SYNC, Action.DRY_RUN, Action.REFRESH, Action.HARD_REFRESH, Action.TERMINATE, Action.TAKE_OVER}
)

TRIES = 2


@dataclass(frozen=True)
class Submitted:
    """What became of asking: the request, or the preflight that has to be shown again.

    Both where it was refused: the attempt is written down, and the preflight says why.
    """

    request: ActionRequest | None
    preflight: Preflight | None = None


def request_submit(ask: Ask) -> Submitted:
    """Writes the request down if nothing speaks against it, or shows what does; the same id again is the same request.

    Waits for Argo CD's answers for some seconds at most. Raises RuleViolation for what is no action of an Application,
    LooksTaken where others wait for Argo CD already.
    """
    if ask.action not in OF_APPLICATIONS:
        raise RuleViolation(f"{ask.action.label} is not asked for here")
    for _ in range(TRIES):
        if kept := _kept(ask):
            return Submitted(kept)
        found = preflight(ask, is_of_page=True)
        if kept := _kept(ask):  # the same form was sent twice, and the other was faster
            return Submitted(kept)
        try:
            return _submitted(ask, found)
        except IntegrityError:  # faster at this very moment: the same form, or another request for the Application
            continue
    kept = _kept(ask)
    return Submitted(kept, None if kept else found)


def request_approve(*, request: ActionRequest, who: Who, note: str = "") -> bool:
    """A second person lets it go; False where it does not wait any more.

    Raises RuleViolation for the one who asked, for who may not approve all of it, and where it waited for too long.
    """
    if request.username == who.username:
        raise RuleViolation("A second person has to approve it: you asked for it yourself")
    if refused := reach_refusal(who, Verb.APPROVE, request):
        raise RuleViolation(refused)
    if request.state == State.WAITING and (late := unapproved_words(fleet_file_in_force(), request)):
        request_move(request, to=State.EXPIRED, when={State.WAITING}, words=late, outcome=late)
        raise RuleViolation(f"{late}: ask again")
    return request_move(
        request,
        to=State.APPROVED,
        when={State.WAITING},
        by=who,
        words=clean(note, 500),
        approver=who.username,
        approved_at=database_now(),
    )


def request_withdraw(*, request: ActionRequest, who: Who) -> bool:
    """Takes it back before it was sent; False where it is too late. Raises RuleViolation for who may not.

    That is the one who asked, and whoever may approve there.
    """
    if request.username != who.username and (refused := reach_refusal(who, Verb.APPROVE, request)):
        raise RuleViolation(refused)
    waiting = {State.WAITING} if Action(request.action).has_steps else {State.WAITING, State.APPROVED}
    return request_move(request, to=State.WITHDRAWN, when=waiting, by=who, outcome=f"Withdrawn by {who.username}")


def guards_told(findings: Iterable[Finding]) -> list[dict[str, str]]:
    """Findings for a request's row."""
    return [
        {"guard": each.guard, "answer": each.answer.value, "words": each.words, "link": each.link} for each in findings
    ]


def _kept(ask: Ask) -> ActionRequest | None:
    """What was written under this id already."""
    return ActionRequest.objects.filter(pk=ask.request_id).first()


def _submitted(ask: Ask, found: Preflight) -> Submitted:
    """What the preflight leads to. Raises IntegrityError where another was faster."""
    if found.is_refused:
        return Submitted(_written(ask, found, State.REFUSED), found)
    if found.changed or found.missing:
        return Submitted(None, found)
    return Submitted(_written(ask, found, State.WAITING if found.waits_for_approval else State.APPROVED))


@transaction.atomic
def _written(ask: Ask, found: Preflight, state: State) -> ActionRequest:
    """The request with its audit line, and with its steps where it has some."""
    now = database_now()
    request = ActionRequest(
        pk=ask.request_id,
        state=state,
        created_at=now,
        state_at=now,
        ended_at=now if state.is_final else None,
        session=ask.who.session if not state.is_final else "",
        holds=ask.action.is_sync_like,
        policy=found.case.rules.policy,
        guards=guards_told(found.findings),
        outcome=clean("; ".join(each.words for each in found.refusals), 1000),
        **_asked(ask),
        **_place(ask),
        digest=found.case.digest,
    )
    request.save(force_insert=True)
    if ask.action is Action.TAKE_OVER and not state.is_final:
        steps_of_take_over(request)
    event = "refused" if state is State.REFUSED else "requested"
    session = {"session": session_fingerprint(ask.who.session), **confirmation_told(ask.who)}
    what = {**session, **doomed_told(found.case)}
    audit_note(event=event, request=request, who=ask.who.username, words=request.outcome or request.reason, what=what)
    request_told(request)
    return request


def _asked(ask: Ask) -> dict[str, Any]:
    return {
        "action": ask.action.value,
        **ask.who.columns,
        "reason": clean(ask.reason, 500),
        "ticket": clean(ask.ticket, 100),
        "options": ask.options.as_builtins(),
    }


def _place(ask: Ask) -> dict[str, str]:
    row = ask.application
    return {
        "instance": row.instance,
        "namespace": row.namespace,
        "name": row.name,
        "project": row.project,
        "environment": row.environment,
        "cluster": row.cluster,
        "subject": row.name,
        "revision_seen": row.sync_revision,
    }
