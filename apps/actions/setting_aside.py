"""Ending by hand what nobody can end otherwise: requests of which nothing is to be known, and take overs that hang."""

from __future__ import annotations

from datetime import datetime, timedelta
from math import ceil

from django.db import transaction

from apps.accounts.access import Verb, refusal_of
from apps.core.clock import database_now
from apps.core.errors import RuleViolation
from apps.core.text import clean
from apps.sources.fleetfile.current import fleet_file_in_force

from .bulk import bulk_end
from .case import Who
from .judging import UNANSWERED, arrives_until
from .models import ActionRequest
from .moves import request_move
from .settling import FOLLOWED, deadline_of
from .silences.reading import deadline_of_group
from .silences.wanted import wanted_of
from .states import SILENCES, Action, State
from .stepping import steps_leave

SILENCE = timedelta(minutes=2)
"""So long nothing was to be known of a request that is under way before a person may set it aside."""
UNDER_WAY = frozenset({State.ACCEPTED, State.RUNNING})


def request_set_aside(*, request: ActionRequest, who: Who, note: str) -> bool:
    """Somebody who looked for themselves ends the wait for what cannot be known, so that the Application is free again.

    False where it has been settled meanwhile. Raises RuleViolation without a note, for who may not act there, while the
    call may still arrive, and for what is under way while Argo CD tells how it stands.
    """
    if refused := refusal_of(who.user, Verb.ACT, request):
        raise RuleViolation(refused)
    if not note.strip():
        raise RuleViolation("Say what you found")
    if not can_be_set_aside(request):
        return False
    now, state = database_now(), State(request.state)
    if state is State.UNKNOWN:
        _refuse_while_it_may_arrive(request, now)
    elif now - silent_since(request) < SILENCE:
        raise RuleViolation("Argo CD tells how it stands: it can be set aside after 2 min without that")
    outcome = clean(f"Set aside by {who.username}: {note}", 1000)
    return request_move(request, to=State.NOT_KNOWN, when={state}, by=who, words=clean(note, 500), outcome=outcome)


def can_be_set_aside(request: ActionRequest) -> bool:
    """Whether its state is one that Argo CD is asked about, and that ends by its answer alone."""
    return State(request.state) in UNDER_WAY | {State.UNKNOWN} and Action(request.action) in FOLLOWED | SILENCES


def silent_since(request: ActionRequest) -> datetime:
    """Since when no answer of Argo CD about it could be read; of one that is answered, the last look."""
    told = (request.operation or {}).get(UNANSWERED)
    return datetime.fromisoformat(told) if told else request.looked_at or request.state_at


def unanswered_since(request: ActionRequest, now: datetime) -> datetime | None:
    """Since when nothing is to be known of one that is under way, if so; nobody may have looked either."""
    is_told = UNANSWERED not in (request.operation or {}) and now - silent_since(request) < SILENCE
    return None if is_told or not can_be_set_aside(request) else silent_since(request)


def request_end(*, request: ActionRequest, who: Who) -> bool:
    """Ends a bulk or a take over: leaves undone what has not begun. False where it has ended. Raises RuleViolation."""
    end = take_over_end if request.action == Action.TAKE_OVER else bulk_end
    return end(request=request, who=who)


@transaction.atomic
def take_over_end(*, request: ActionRequest, who: Who) -> bool:
    """Ends a take over before its sync: the sync is left undone. False where that has begun or the whole has ended.

    Raises RuleViolation for who did not ask for it and may not act there, and while the call that ends the running
    operation may still arrive: it would end what somebody else begins.
    """
    if refused := refusal_of(who.user, Verb.ACT, None if request.username == who.username else request):
        raise RuleViolation(refused)
    under_way = {State.APPROVED, State.RUNNING}
    if not ActionRequest.objects.select_for_update().filter(pk=request.pk, state__in=under_way).exists():
        return False
    terminate, sync = request.steps.order_by("position")
    if sync.state != State.PLANNED:
        return False
    words = f"Ended by {who.username}: nothing was synced"
    request_move(terminate, to=State.WITHDRAWN, when={State.APPROVED}, by=who, words=words, outcome=words)
    terminate.refresh_from_db()
    if terminate.state in {State.SENDING, State.UNKNOWN}:
        _refuse_while_it_may_arrive(terminate, database_now())
    steps_leave(request, why=f"Ended by {who.username}", by=who)
    return request_move(request, to=State.ENDED, when=under_way, by=who, outcome=words, words=words)


def _refuse_while_it_may_arrive(request: ActionRequest, now: datetime) -> None:
    fleet, is_silence = fleet_file_in_force(), Action(request.action).is_of_silence
    deadline = deadline_of_group(fleet, wanted_of(request).alertmanager) if is_silence else None
    until = arrives_until(request, deadline or deadline_of(fleet, request.instance))
    if now < until:
        raise RuleViolation(f"It may still arrive: wait {ceil((until - now).total_seconds())} s")
