"""Requests of several steps, a second at a time: whose turn it is, and how the whole ends.

A bulk goes wave by wave and stops on the first failure; a take over ends the running operation, then syncs; of a change
of a silence see apps.actions.silences.stepping. A step is a request of its own: it is begun here (planned → approved),
and sent and followed like any other. Whoever advances a parent holds its row, so that two workers at once begin no more
than one would.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django.db import transaction

from apps.core.clock import database_now
from apps.core.text import clean
from apps.gitops.models import Application
from apps.sources.fleetfile.current import fleet_file_in_force

from .digests import OPERATION, PARTS, UID
from .known import RUNNING
from .models import ActionRequest
from .moves import request_move
from .options import options_of
from .outcomes import ENDED
from .policies import rules_for_bulk
from .recovering import unwell_before
from .silences.stepping import edit_turn
from .standing import BAD, Standing, bad_steps_of, standing_of
from .states import ACTIVE, Action, State
from .stepping import applications_of, identity_of, step_begin, step_planned, steps_leave
from .waiting import late_words

WITH_STEPS = sorted(action for action in Action if action.has_steps)
UNDER_WAY = frozenset({State.APPROVED, State.RUNNING, State.PAUSED})
MOST_AT_ONCE = 50
MOST_ORPHANS = 1000
BUT_THE_OPERATION = frozenset(PARTS) - {UID, OPERATION}
NOTHING_RUNS = "no operation is"
"""What Argo CD, and the portal before it sends, say of a terminate that comes too late."""
ENDED_ITSELF = "No operation is running there any more: it had ended by itself"


def steps_of_take_over(request: ActionRequest) -> None:
    """Writes both steps of a take over: end the running operation, then sync as asked for.

    Belongs to the transaction in which the request itself is written.
    """
    shown, options = request.guards, options_of(request.options)
    ActionRequest.objects.bulk_create(
        [
            step_planned(request, of=request, action=Action.TERMINATE, position=1, wave=1, guards=shown),
            step_planned(request, of=request, action=Action.SYNC, position=2, wave=2, guards=shown, options=options),
        ]
    )


def steps_advance() -> list[UUID]:
    """Moves every request of several steps on; returns the steps that are now to be sent. Called every second."""
    _orphans_leave()
    under_way = ActionRequest.objects.filter(action__in=WITH_STEPS, state__in=UNDER_WAY)
    parents = list(under_way.order_by("created_at").values_list("pk", flat=True))
    return [step for parent in parents for step in request_advance(parent)]


def request_advance(pk: UUID) -> list[UUID]:
    """Moves one request of several steps on; returns its steps that are now to be sent.

    Each step begins in a transaction of its own: a second one would wait for whoever asks for its Application just
    now, and they for the audit log's head, which this one would hold already.
    """
    for parent in ActionRequest.objects.filter(pk=pk, state=State.APPROVED):
        if late := late_words(parent):
            request_move(parent, to=State.NOT_STARTED, words=late, outcome=late)
        else:
            request_move(parent, to=State.RUNNING)
    begun: list[UUID] = []
    while len(begun) < MOST_AT_ONCE and (step := _turn(pk)):
        begun.append(step)
    return begun


@transaction.atomic
def _turn(pk: UUID) -> UUID | None:
    """The step that began, if one did; else what is to be concluded from where the others stand is."""
    parent = ActionRequest.objects.select_for_update().filter(pk=pk, state__in=UNDER_WAY).first()
    if parent is None:
        return None
    turns = {Action.BULK_SYNC: _bulk_turn, Action.SILENCE_EDIT: edit_turn}
    return turns.get(Action(parent.action), _take_over_turn)(parent)


def _orphans_leave() -> None:
    """Leaves the steps of requests that were withdrawn, or not approved in time, before they began."""
    orphans = ActionRequest.objects.filter(state=State.PLANNED, parent__isnull=False).exclude(parent__state__in=ACTIVE)
    for pk in set(orphans.values_list("parent_id", flat=True)[:MOST_ORPHANS]):
        with transaction.atomic():
            parent = ActionRequest.objects.select_for_update().filter(pk=pk).get()
            steps_leave(parent, why=f"It was {State(parent.state).label}")


def _bulk_turn(parent: ActionRequest) -> UUID | None:
    standing = standing_of(parent)
    if standing.has_failed and steps_leave(parent, why=_stopped_by(parent)):
        standing = standing_of(parent)
    if not standing.active and not standing.planned:
        _bulk_conclude(parent, standing)
    elif parent.state == State.RUNNING and not standing.has_failed and not standing.states[State.UNKNOWN]:
        return _wave_turn(parent, standing)
    return None


def _bulk_conclude(parent: ActionRequest, standing: Standing) -> None:
    words, to = standing.words, State.SUCCEEDED
    if standing.has_failed:
        words, to = f"{_stopped_by(parent)}. {words}", State.FAILED
    elif not standing.done:
        to = State.LEFT
    elif standing.out_of_sync:
        to = State.STILL_OUT_OF_SYNC
    words = clean(words, 1000)
    request_move(parent, to=to, when=UNDER_WAY, outcome=words, words=words)


def _stopped_by(parent: ActionRequest) -> str:
    """Names the step that went wrong first."""
    first = bad_steps_of(parent).order_by("ended_at", "position").first()
    if first is None:
        return ""
    where = f" on {first.cluster}" if first.cluster else ""
    why = f" ({clean(first.outcome, 300)})" if first.outcome else ""
    return f"Stopped: {first.name}{where} {State(first.state).label}{why}"


def _wave_turn(parent: ActionRequest, standing: Standing) -> UUID | None:
    """Begins the next step of the wave, if one more may run beside those that do."""
    planned = parent.steps.filter(state=State.PLANNED, wave=standing.wave).order_by("position")
    steps = list(planned[: max(MOST_AT_ONCE - standing.active, 0)])
    rows = applications_of(steps)
    if not steps or standing.active >= _at_once(parent, list(rows.values())):
        return None
    if not standing.has_begun_wave and not _may_go_on(parent, standing.wave):
        return None
    step = steps[0]
    return step.pk if step_begin(parent, step, rows.get(identity_of(step)), shown=step.digest) else None


def _may_go_on(parent: ActionRequest, wave: int) -> bool:
    """Whether what was synced so far is well. Where it is not for too long the bulk pauses, and a person decides.

    The outcome of a bulk that goes on says that it was paused for this wave, and that somebody resumed it: `looked_at`
    is then when somebody took what had ended until then as it is.
    """
    if parent.outcome:
        ActionRequest.objects.filter(pk=parent.pk).update(outcome="", looked_at=database_now())
        return True
    unwell = unwell_before(parent, wave)
    if unwell and unwell.is_for_too_long:
        words = clean(f"Paused before wave {wave}: {unwell.words}. Resume it if it is to go on all the same", 1000)
        request_move(parent, to=State.PAUSED, when={State.RUNNING}, outcome=words, words=words)
    return unwell is None


def _at_once(parent: ActionRequest, rows: Sequence[Application]) -> int:
    """How many of these may run together, as the policies say now; what is gone is refused, and needs no room."""
    if not rows:
        return MOST_AT_ONCE
    return rules_for_bulk(fleet_file_in_force(), applications=rows, options=options_of(parent.options)).at_once


def _take_over_turn(parent: ActionRequest) -> UUID | None:
    terminate, sync = parent.steps.order_by("position")
    row = applications_of([parent]).get(identity_of(parent))
    if terminate.state == State.PLANNED and _terminate_begin(parent, terminate, row):
        return terminate.pk
    if not terminate.is_final:
        return None
    is_free = has_made_room(terminate)
    if is_free and sync.state == State.PLANNED and step_begin(parent, sync, row, shown=parent.digest):
        return sync.pk
    if sync.is_final or not is_free:
        _take_over_conclude(parent, terminate, sync)
    return None


def _terminate_begin(parent: ActionRequest, step: ActionRequest, row: Application | None) -> bool:
    """Begins it for the operation that the person saw; where none runs any more there is nothing to end."""
    if row is not None and row.operation_phase not in RUNNING:
        request_move(step, to=State.LEFT, when={State.PLANNED}, outcome=ENDED_ITSELF, words=ENDED_ITSELF)
        return False
    return step_begin(parent, step, row, shown=parent.digest, moves_on=BUT_THE_OPERATION)


def has_made_room(terminate: ActionRequest) -> bool:
    """Whether the operation that was to be ended is over, by whatever cause."""
    if terminate.state == State.SUCCEEDED or (terminate.operation or {}).get("phase") in ENDED:
        return True
    return NOTHING_RUNS in f"{terminate.outcome} {terminate.answer}".lower()


def _take_over_conclude(parent: ActionRequest, terminate: ActionRequest, sync: ActionRequest) -> None:
    """It ends as its last step did."""
    last = sync if sync.is_final else terminate
    words = clean(last.outcome or State(last.state).label, 900)
    if last is terminate:
        words = f"The running operation was not ended: {words}. Nothing was synced"
        steps_leave(parent, why="The running operation was not ended")
    to = State(last.state) if last is sync or last.state in BAD else State.FAILED
    request_move(parent, to=to, when=UNDER_WAY, outcome=words, words=words, operation=last.operation)
