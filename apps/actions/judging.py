"""What one answer of Argo CD says of one request: pure functions over the row and the answer.

Argo CD keeps one operation at a time, and each new one overwrites the last: docs/adr/013-guarded-actions.md says what
may be concluded from that. Whatever is not proven leaves the request as it is, or NOT_KNOWN once it cannot be proven
any more.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec

from apps.core.text import clean, clean_all
from apps.integrations.argocd import ApplicationDetail, Operation, ResourceStatus

from .models import ActionRequest
from .options import options_of
from .outcomes import ENDED, TERMINATED, end_of, end_seen, revision_words
from .states import Action, State

MOST_RESOURCES = 500
LONGEST_TEXT = 1000
LATE = timedelta(seconds=60)
"""After the call's deadline: how long a request may still be on its way to Argo CD."""
SETTLES = timedelta(seconds=5)
"""After an operation's end: Argo CD compares anew."""
CATCHES_UP = timedelta(seconds=15)
"""Argo CD answers from a cache that may lag behind what it accepted."""


@dataclass(frozen=True)
class Judgement:
    """Where the request goes (None: it stays), in words, and what to keep of the operation (None: nothing new)."""

    state: State | None = None
    words: str = ""
    operation: dict[str, Any] | None = None


@dataclass(frozen=True, kw_only=True)
class Sight:
    """What was seen of an Application for one request.

    `asked_at` is the database's moment before Argo CD was asked, `deadline` how long a call to it may take. `seen` is
    the last phase that the stream showed of an operation with the request's id, None where it showed none.
    `is_reborn` says that another Application lives under the name by now.
    """

    told: ApplicationDetail
    asked_at: datetime
    deadline: timedelta
    seen: str | None = None
    is_reborn: bool = False


def moment_text(moment: datetime | None) -> str:
    """A moment as `operation_seen` keeps it; "" for none."""
    return moment.isoformat() if moment else ""


def judged(request: ActionRequest, sight: Sight) -> Judgement:
    """What the answer says of a request that was sent."""
    if sight.is_reborn:
        return Judgement(State.NOT_KNOWN, "The application was deleted and made anew meanwhile")
    if request.action == Action.TERMINATE:
        return _terminate_judged(request, sight)
    operation = sight.told.application.operation
    if operation is not None and operation.request_id == str(request.pk):
        return _own_judged(request, operation, sight)
    if request.state == State.UNKNOWN:
        return _unknown_judged(request, operation, sight)
    return _missing_judged(request, operation, sight)


def _own_judged(request: ActionRequest, operation: Operation, sight: Sight) -> Judgement:
    """Its own operation is there."""
    kept = operation_kept(operation, sight.told.operation_resources)
    if operation.phase not in ENDED:
        begun = State.ACCEPTED if operation.phase == "Pending" else State.RUNNING
        is_on = request.state in {State.ACCEPTED, State.UNKNOWN}
        return Judgement(begun if is_on and begun != request.state else None, "", kept)
    before = request.operation or {}
    kept["end_seen_at"] = before.get("end_seen_at") or sight.asked_at.isoformat()
    action, options = Action(request.action), options_of(request.options)
    state, words = end_of(action=action, options=options, operation=operation, told=sight.told)
    if state is State.STILL_OUT_OF_SYNC and not _is_settled(kept, sight):
        return Judgement(State.RUNNING if request.state != State.RUNNING else None, "", kept)
    moved = revision_words(request.revision_seen, operation.revision)
    return Judgement(state, f"{words}. {moved}" if moved else words, kept)


def _is_settled(kept: dict[str, Any], sight: Sight) -> bool:
    return sight.asked_at - datetime.fromisoformat(kept["end_seen_at"]) >= SETTLES


def _unknown_judged(request: ActionRequest, operation: Operation | None, sight: Sight) -> Judgement:
    """Its operation is not there, and nobody knows whether the call arrived."""
    if sight.seen is not None:
        return _seen_judged(request, sight)
    if request.sent_at is None or sight.asked_at < request.sent_at + sight.deadline + LATE:
        return Judgement()
    if is_still(request.operation_seen, operation):
        return Judgement(State.NOT_STARTED, "It did not begin: Argo CD has begun no operation there since")
    return Judgement(State.NOT_KNOWN, "Not known whether it began: a later operation has overwritten what was there")


def _missing_judged(request: ActionRequest, operation: Operation | None, sight: Sight) -> Judgement:
    """Argo CD accepted it, and does not show its operation (yet, or any more)."""
    since = request.sent_at or request.state_at
    if sight.asked_at < since + CATCHES_UP:
        return Judgement()
    if sight.seen is not None:
        return _seen_judged(request, sight)
    if is_still(request.operation_seen, operation):
        is_over = sight.asked_at >= since + sight.deadline + LATE
        words = "Argo CD accepted it, but shows no operation of it"
        return Judgement(State.NOT_KNOWN, words) if is_over else Judgement()
    return Judgement(*end_seen(str((request.operation or {}).get("phase", ""))))


def _seen_judged(request: ActionRequest, sight: Sight) -> Judgement:
    """The stream saw its operation; while nothing has overwritten that, the answer lags behind."""
    phase = sight.seen or ""
    operation = sight.told.application.operation
    if is_still(request.operation_seen, operation) and phase not in ENDED:
        return Judgement(State.RUNNING if request.state == State.UNKNOWN else None)
    return Judgement(*end_seen(phase))


def is_still(seen: str, operation: Operation | None) -> bool:
    """Whether the last operation is the very one that was the last when the request was sent."""
    if operation is None:
        return not seen
    return bool(seen) and moment_text(operation.started_at) == seen


def _terminate_judged(request: ActionRequest, sight: Sight) -> Judgement:
    """Of a terminate: how the operation stands that it named."""
    operation = sight.told.application.operation
    if operation is None or not is_still(request.operation_seen, operation):
        words = "The operation is over: a later one has taken its place"
        return Judgement(State.NOT_KNOWN if request.state == State.UNKNOWN else State.SUCCEEDED, words)
    kept = operation_kept(operation, sight.told.operation_resources)
    if operation.phase in ENDED:
        return _named_ended(request, operation, kept)
    if operation.phase == "Terminating":
        return Judgement(State.RUNNING if request.state != State.RUNNING else None, "", kept)
    is_late = request.sent_at is None or sight.asked_at >= request.sent_at + sight.deadline + LATE
    if request.state == State.UNKNOWN and is_late:
        return Judgement(State.NOT_STARTED, "The operation runs on: it was not told to end", kept)
    return Judgement(None, "", kept)


def _named_ended(request: ActionRequest, operation: Operation, kept: dict[str, Any]) -> Judgement:
    if operation.message.startswith(TERMINATED):
        return Judgement(State.SUCCEEDED, "The operation was terminated", kept)
    words = f"The operation ended by itself: {operation.phase}"
    return Judgement(State.NOT_STARTED if request.state == State.UNKNOWN else State.SUCCEEDED, words, kept)


def operation_kept(operation: Operation, resources: tuple[ResourceStatus, ...]) -> dict[str, Any]:
    """What a request's row keeps of an operation; of many resources those that are not in order."""
    shown = sorted(resources, key=lambda each: each.status in {"Synced", "Pruned"})[:MOST_RESOURCES]
    return {
        "phase": clean(operation.phase, 50),
        "message": clean(operation.message, LONGEST_TEXT),
        "started_at": moment_text(operation.started_at) or None,
        "finished_at": moment_text(operation.finished_at) or None,
        "retry_count": operation.retry_count,
        "resources": clean_all(msgspec.to_builtins(shown), LONGEST_TEXT),
        "resource_count": len(resources),
    }
