"""A bulk: one request of a person for many Applications, written with its steps, paused, resumed and ended."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.db import IntegrityError, transaction

from apps.accounts.access import Verb, refusal_of
from apps.core.clock import database_now
from apps.core.errors import RuleViolation
from apps.core.text import clean, counted

from .audit import audit_note, confirmation_told, session_fingerprint
from .bulk_preflight import BulkAsk, BulkPreflight, BulkWave, Spoken, bulk_preflight
from .case import Answer, Who
from .models import ActionRequest
from .moves import request_move, request_told
from .preflight import Preflight
from .reach import reach_refusal
from .recovering import health_then
from .services import guards_told
from .standing import LEFT_OUT, standing_of
from .states import Action, State
from .stepping import step_planned, steps_leave
from .waves import Wave, waves_of

__all__ = [
    "BulkAsk",
    "BulkPreflight",
    "BulkSubmitted",
    "BulkWave",
    "Spoken",
    "Wave",
    "bulk_end",
    "bulk_pause",
    "bulk_preflight",
    "bulk_resume",
    "bulk_submit",
    "waves_of",
]

MOST_TOLD = 20


@dataclass(frozen=True)
class BulkSubmitted:
    """What became of asking: the request, or the preflight that has to be shown again; both where it was refused."""

    request: ActionRequest | None
    preflight: BulkPreflight | None = None


def bulk_submit(ask: BulkAsk) -> BulkSubmitted:
    """Writes the bulk and its steps down if nothing is missing, or shows what is; the same id is the same request.

    Raises RuleViolation for what is no bulk.
    """
    kept = ActionRequest.objects.filter(pk=ask.request_id)
    if request := kept.first():
        return BulkSubmitted(request)
    found = bulk_preflight(ask)
    if request := kept.first():  # the same form was sent twice, and the other was faster
        return BulkSubmitted(request)
    if found.missing and not found.is_refused:
        return BulkSubmitted(None, found)
    try:
        return BulkSubmitted(_written(found), found if found.is_refused else None)
    except IntegrityError:  # faster at this very moment
        return BulkSubmitted(kept.get())


def bulk_pause(*, request: ActionRequest, who: Who) -> bool:
    """Begins no further steps until it is resumed; False where it is not under way. Raises RuleViolation."""
    _may_steer(request, who)
    return request_move(request, to=State.PAUSED, when={State.APPROVED, State.RUNNING}, by=who)


def bulk_resume(*, request: ActionRequest, who: Who) -> bool:
    """Goes on; False where it is not paused. Raises RuleViolation."""
    _may_steer(request, who)
    return request_move(request, to=State.RUNNING, when={State.PAUSED}, by=who, event="resumed")


@transaction.atomic
def bulk_end(*, request: ActionRequest, who: Who) -> bool:
    """Leaves undone what has not begun; what runs goes on. False where it has ended. Raises RuleViolation."""
    _may_steer(request, who)
    under_way = {State.APPROVED, State.RUNNING, State.PAUSED}
    if not ActionRequest.objects.select_for_update().filter(pk=request.pk, state__in=under_way).exists():
        return False
    steps_leave(request, why=f"Ended by {who.username}", by=who)
    words = f"Ended by {who.username}: {standing_of(request).words}"
    return request_move(request, to=State.ENDED, when=under_way, by=who, outcome=words, words=words)


def _may_steer(request: ActionRequest, who: Who) -> None:
    """The one who asked, and whoever may act on all that is still to be done."""
    if request.action != Action.BULK_SYNC:
        raise RuleViolation("This is no bulk")
    is_own = request.username == who.username
    refused = refusal_of(who.user, Verb.ACT) if is_own else reach_refusal(who, Verb.ACT, request)
    if refused:
        raise RuleViolation(refused)


@transaction.atomic
def _written(found: BulkPreflight) -> ActionRequest:
    """The bulk with all its steps and its line in the audit log, which names every member."""
    request = _request_of(found)
    request.save(force_insert=True)
    if not found.is_refused:
        ActionRequest.objects.bulk_create(_steps_of(request, found))
    out = {member.case.application.name: member.spoken[0].words for member in found.left_out}
    what = {
        "applications": [str(member.case.application) for member in found.going],
        "left_out": out,
        "session": session_fingerprint(found.ask.who.session),
        **confirmation_told(found.ask.who),
    }
    event = "refused" if found.is_refused else "requested"
    audit_note(event=event, request=request, who=request.username, words=request.outcome or request.reason, what=what)
    request_told(request)
    return request


def _request_of(found: BulkPreflight) -> ActionRequest:
    ask, now = found.ask, database_now()
    state = State.REFUSED if found.is_refused else State.WAITING if found.waits_for_approval else State.APPROVED
    refusals = [each.finding.words for each in found.spoken if each.finding.answer == Answer.REFUSE]
    return ActionRequest(
        pk=ask.request_id,
        action=Action.BULK_SYNC.value,
        session="" if state.is_final else ask.who.session,
        reason=clean(ask.reason, 500),
        ticket=clean(ask.ticket, 100),
        options=ask.options.as_builtins(),
        digest=found.digest,
        policy=found.rules.policy,
        guards=_guards_told(found.spoken),
        state=state.value,
        outcome=clean("; ".join(refusals), 1000) if found.is_refused else "",
        created_at=now,
        approved_at=now if state is State.APPROVED else None,
        state_at=now,
        ended_at=now if state.is_final else None,
        **ask.who.columns,
        **_place_of(found),
    )


def _place_of(found: BulkPreflight) -> dict[str, str]:
    """Where it is, as far as all that goes agrees; and what it is about."""
    rows = [member.case.application for member in found.going or found.members]
    shared = {name: {getattr(row, name) for row in rows} for name in ("project", "environment", "cluster")}
    clusters = len(shared["cluster"])
    subject = f"{counted(len(rows), 'application')} on {counted(clusters, 'cluster')}"
    return {"subject": subject, **{name: values.pop() for name, values in shared.items() if len(values) == 1}}


def _steps_of(request: ActionRequest, found: BulkPreflight) -> list[ActionRequest]:
    """A step for each member that goes, in its wave; those that are left out have ended already."""
    numbers = {member.case.application.pk: wave.number for wave in found.waves for member in wave.members}
    steps = []
    for position, member in enumerate([*found.going, *found.left_out], start=1):
        row = member.case.application
        wave = LEFT_OUT if member.is_refused else numbers[row.pk]
        step = step_planned(
            request,
            of=row,
            action=Action.SYNC,
            position=position,
            wave=wave,
            options=found.ask.options,
            digest=member.case.digest,
            guards=[*guards_told(member.spoken), health_then(row)],
        )
        steps.append(_left_out(step, member) if member.is_refused else step)
    return steps


def _left_out(step: ActionRequest, member: Preflight) -> ActionRequest:
    step.state, step.ended_at, step.session = State.LEFT.value, step.created_at, ""
    step.outcome = clean(f"Left out: {member.spoken[0].words}", 1000)
    return step


def _guards_told(spoken: Iterable[Spoken]) -> list[dict[str, str]]:
    """What does not pass, for the request's row: the strictest first, and of how many members it is said."""
    told = list(spoken)[:MOST_TOLD]
    return [
        {
            "guard": each.finding.guard,
            "answer": each.finding.answer.value,
            "words": f"{each.finding.words} ({counted(each.count, 'application')})",
            "link": each.finding.link,
        }
        for each in told
    ]
