"""Changing a silence: one step where it is changed in place; behind Observatorium, which refuses that, two.

There the new silence is made first and the old one expired then, so that nothing comes through in between. Each step is
a request of its own with its own sending.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

import msgspec

from apps.actions.models import ActionRequest
from apps.actions.moves import request_move
from apps.actions.states import Action, State
from apps.actions.stepping import steps_leave
from apps.core.clock import database_now
from apps.core.text import clean

from .wanted import Wanted, wanted_of

CARRIED = (
    *("person_id", "username", "role", "session", "address", "reason", "ticket", "policy"),
    *("environment", "cluster", "subject", "guards", "digest"),
)
UNDER_WAY = frozenset({State.APPROVED, State.RUNNING})


def steps_of_edit(request: ActionRequest, *, is_observatorium: bool) -> None:
    """Writes the steps of a change. Belongs to the transaction in which the request itself is written."""
    wanted = wanted_of(request)
    if not is_observatorium:
        steps = [_step(request, Action.SILENCE, 1, wanted)]
    else:
        new = msgspec.structs.replace(wanted, silence_id="", starts_at=database_now())
        steps = [_step(request, Action.SILENCE, 1, new), _step(request, Action.SILENCE_EXPIRE, 2, wanted)]
    ActionRequest.objects.bulk_create(steps)


def edit_turn(parent: ActionRequest) -> UUID | None:
    """The step that began, if one did; else the whole is concluded where nothing is left. Holds the parent's row."""
    steps = list(parent.steps.order_by("position"))
    for step in steps:
        if step.state == State.PLANNED:
            return step.pk if _begin(parent, step) else None
        if not step.is_final:
            return None
        if step.state != State.SUCCEEDED:
            break
    _conclude(parent, steps)
    return None


def _begin(parent: ActionRequest, step: ActionRequest) -> bool:
    told: dict[str, Any] = {"approver": parent.approver, "approved_at": database_now(), "session": parent.session}
    return request_move(step, to=State.APPROVED, when={State.PLANNED}, **told)


def _conclude(parent: ActionRequest, steps: list[ActionRequest]) -> None:
    """As the step ended that did not succeed, or else as the last one did."""
    last = next((step for step in steps if step.state != State.SUCCEEDED), steps[-1])
    made = wanted_of(steps[0]).made
    words = last.outcome or State(last.state).label
    if last is not steps[0] and last.state != State.SUCCEEDED:
        words = f"Both are there: the new silence {made} is on, and the old one was not expired: {words}"
    elif last.state == State.SUCCEEDED:
        words = steps[0].outcome
    steps_leave(parent, why="The step before it did not succeed")
    options = msgspec.structs.replace(wanted_of(parent), made=made).as_builtins()
    to = State.SUCCEEDED if last.state == State.SUCCEEDED else _end_of(last)
    words = clean(words, 1000)
    request_move(parent, to=to, when=UNDER_WAY, outcome=words, words=words, options=options)


def _end_of(last: ActionRequest) -> State:
    """What is not known stays so; what did not happen, though another step did, is a failure of the whole."""
    if last.position > 1 and last.state != State.NOT_KNOWN:
        return State.FAILED
    return State(last.state)


def _step(parent: ActionRequest, action: Action, position: int, wanted: Wanted) -> ActionRequest:
    return ActionRequest(
        parent=parent,
        position=position,
        wave=position,
        action=action.value,
        options=wanted.as_builtins(),
        state=State.PLANNED.value,
        created_at=parent.created_at,
        state_at=parent.created_at,
        **{name: getattr(parent, name) for name in CARRIED},
    )
