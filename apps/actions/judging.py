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

from apps.core.ages import moment_words
from apps.core.text import clean, clean_all
from apps.core.verdict.application import OUT_OF_SYNC
from apps.gitops.phases import failures_first
from apps.integrations.argocd import ApplicationDetail, Operation, ResourceStatus

from .comparing import comparison_of, end_compared
from .models import ActionRequest
from .options import options_of
from .outcomes import (
    ENDED,
    TERMINATED,
    end_of_chosen,
    end_of_dry_run,
    end_of_failure,
    end_seen,
    left_words,
    revision_words,
)
from .states import REFRESHES, Action, State

MOST_RESOURCES = 500
LONGEST_TEXT = 1000
LATE = timedelta(seconds=60)
"""After the call's deadline: how long a request may still be on its way to Argo CD."""
LOOKS_APART = timedelta(seconds=10)
"""An Argo CD that stood still may answer a look before it takes up an older call: so far apart are the two looks by
which something is called not begun."""
REFRESHES_WITHIN = timedelta(minutes=10)
"""After that a comparison that was asked for is no longer waited for: its controller stands still, or skips it."""
CATCHES_UP = timedelta(seconds=15)
"""Argo CD answers from a cache that may lag behind what it accepted."""


DELETED = "The application was deleted meanwhile"
END_SEEN_AT, COMPARED_BEFORE, LEFT, LATE_LOOK_AT = "end_seen_at", "compared_before", "left", "late_look_at"
UNANSWERED, SEEN_REFRESHING = "unanswered_since", "seen_refreshing"
"""What is kept beside an operation for the next look: when its end was first seen, which comparison stood there before
it ended, what was out of sync by one since, when it was first looked after nothing could arrive any more, since when
no look had an answer that can be read, and whether a refresh was seen under way."""


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
        return gone_judged(request, sight.asked_at, sight.deadline, f"{DELETED} and made anew")
    if request.action == Action.TERMINATE:
        return _terminate_judged(request, sight)
    if request.action in REFRESHES:
        return _refresh_judged(request, sight)
    operation = sight.told.application.operation
    if operation is not None and operation.request_id == str(request.pk):
        return _own_judged(request, operation, sight)
    if request.state == State.UNKNOWN:
        return _unknown_judged(request, operation, sight)
    return _missing_judged(request, operation, sight)


def gone_judged(request: ActionRequest, asked_at: datetime, deadline: timedelta, words: str = DELETED) -> Judgement:
    """Its Application is not there any more: where the call may still arrive, what it meets then is not known yet."""
    if request.state == State.UNKNOWN and not is_over(request, asked_at, deadline):
        return Judgement()
    return Judgement(State.NOT_KNOWN, words)


def _own_judged(request: ActionRequest, operation: Operation, sight: Sight) -> Judgement:
    """Its own operation is there."""
    if operation.phase not in ENDED:
        kept = operation_begun(operation, sight.told)
        begun = State.ACCEPTED if operation.phase == "Pending" else State.RUNNING
        is_on = request.state in {State.ACCEPTED, State.UNKNOWN}
        return Judgement(begun if is_on and begun != request.state else None, "", kept)
    before, kept = request.operation or {}, operation_kept(operation, sight.told.operation_resources)
    kept[COMPARED_BEFORE] = before.get(COMPARED_BEFORE)
    kept[END_SEEN_AT] = before.get(END_SEEN_AT) or sight.asked_at.isoformat()
    end = _end(request, operation, sight, kept)
    if end is None:
        return Judgement(State.RUNNING if request.state != State.RUNNING else None, "", kept)
    is_synced_to = bool(sight.told.operation_resources) or operation.revision == sight.told.application.sync_revision
    moved = revision_words(request.revision_seen, operation.revision) if is_synced_to else ""
    return Judgement(end[0], f"{end[1]}. {moved}" if moved else end[1], kept)


def _end(request: ActionRequest, operation: Operation, sight: Sight, kept: dict[str, Any]) -> tuple[State, str] | None:
    """The final state of its operation, which has ended, and the words; None while a comparison is waited for."""
    options, told = options_of(request.options), sight.told
    if operation.phase != "Succeeded":
        return end_of_failure(operation)
    if request.action == Action.DRY_RUN:
        return end_of_dry_run(told.operation_resources)
    if options.resources:
        return end_of_chosen(options, told)
    comparison = comparison_of(operation, told, kept[COMPARED_BEFORE])
    if sight.asked_at - datetime.fromisoformat(kept[END_SEEN_AT]) >= comparison.waits:
        return end_compared(comparison, told)
    if comparison.is_since and told.application.sync_status == OUT_OF_SYNC:
        kept[LEFT] = left_words(told.resources)
    return None


def is_over(request: ActionRequest, moment: datetime, deadline: timedelta) -> bool:
    """Whether the call cannot arrive at Argo CD any more."""
    return arrives_until(request, deadline) <= moment


def arrives_until(request: ActionRequest, deadline: timedelta) -> datetime:
    """Until when the call that was sent may still arrive."""
    return (request.sent_at or request.state_at) + deadline + LATE


def _unknown_judged(request: ActionRequest, operation: Operation | None, sight: Sight) -> Judgement:
    """Its operation is not there, and nobody knows whether the call arrived."""
    if sight.seen is not None:
        return _seen_judged(request, sight)
    if not is_over(request, sight.asked_at, sight.deadline):
        return Judgement()
    if (kept := _first_look_kept(request, sight)) is not None:
        return Judgement(operation=kept)
    if is_still(request.operation_seen, operation):
        return Judgement(State.NOT_STARTED, "It did not begin: Argo CD has begun no operation there since")
    return Judgement(State.NOT_KNOWN, "Not known whether it began: a later operation has overwritten what was there")


def _first_look_kept(request: ActionRequest, sight: Sight) -> dict[str, Any] | None:
    """What to keep of a look after the call could arrive; None where an earlier one is long enough ago to conclude."""
    kept = request.operation or {}
    first = kept.get(LATE_LOOK_AT) or sight.asked_at.isoformat()
    if sight.asked_at - datetime.fromisoformat(first) >= LOOKS_APART:
        return None
    return {**kept, LATE_LOOK_AT: first}


def _missing_judged(request: ActionRequest, operation: Operation | None, sight: Sight) -> Judgement:
    """Argo CD accepted it, and does not show its operation (yet, or any more)."""
    if sight.asked_at < (request.sent_at or request.state_at) + CATCHES_UP:
        return Judgement()
    if sight.seen is not None:
        return _seen_judged(request, sight)
    if is_still(request.operation_seen, operation):
        words = "Argo CD accepted it, but shows no operation of it"
        is_late = is_over(request, sight.asked_at, sight.deadline)
        return Judgement(State.NOT_KNOWN, words) if is_late else Judgement()
    return _overwritten(request, "")


def _seen_judged(request: ActionRequest, sight: Sight) -> Judgement:
    """The stream saw its operation; while nothing has overwritten that, the answer lags behind."""
    is_lagging = is_still(request.operation_seen, sight.told.application.operation)
    if is_lagging and not is_over(request, sight.asked_at, sight.deadline):
        return Judgement(State.RUNNING if request.state == State.UNKNOWN else None)
    return _overwritten(request, sight.seen or "")


def _overwritten(request: ActionRequest, seen: str) -> Judgement:
    """Its operation is not told any more: what an answer or the stream last said of it counts, an end before all."""
    kept = request.operation or {}
    phase = str(kept.get("phase") or "")
    if phase in ENDED:
        return Judgement(*end_seen(phase, message=str(kept.get("message") or ""), left=str(kept.get(LEFT) or "")))
    return Judgement(*end_seen(seen or phase))


def is_still(seen: str, operation: Operation | None) -> bool:
    """Whether the last operation is the very one that was the last when the request was sent."""
    if operation is None:
        return not seen
    return bool(seen) and moment_text(operation.started_at) == seen


def _terminate_judged(request: ActionRequest, sight: Sight) -> Judgement:
    """Of a terminate: how the operation stands that it named.

    One that may still arrive would end whatever runs then: until it cannot, nothing is concluded, whatever is seen.
    """
    operation = sight.told.application.operation
    is_there = operation is not None and is_still(request.operation_seen, operation)
    kept = operation_kept(operation, sight.told.operation_resources) if operation and is_there else None
    is_late = is_over(request, sight.asked_at, sight.deadline)
    if request.state == State.UNKNOWN and not is_late:
        return Judgement(operation=kept)
    if request.state == State.UNKNOWN and (first := _first_look_kept(request, sight)) is not None:
        return Judgement(operation={**(kept or {}), LATE_LOOK_AT: first[LATE_LOOK_AT]})
    if operation is None or kept is None:
        words = "The operation is over: a later one has taken its place"
        return Judgement(State.NOT_KNOWN if request.state == State.UNKNOWN else State.SUCCEEDED, words)
    if operation.phase in ENDED:
        return _named_ended(request, operation, kept)
    if operation.phase == "Terminating":
        return Judgement(State.RUNNING if request.state != State.RUNNING else None, "", kept)
    return _named_runs_on(request, kept) if is_late else Judgement(operation=kept)


def _named_ended(request: ActionRequest, operation: Operation, kept: dict[str, Any]) -> Judgement:
    if operation.message.startswith(TERMINATED):
        return Judgement(State.SUCCEEDED, "The operation was terminated", kept)
    words = f"The operation ended by itself: {operation.phase}"
    if request.state == State.UNKNOWN:
        return Judgement(State.NOT_KNOWN, f"Not known whether it arrived. {words}", kept)
    return Judgement(State.SUCCEEDED, words, kept)


def _named_runs_on(request: ActionRequest, kept: dict[str, Any]) -> Judgement:
    """It runs as if nobody had told it to end, long after that could have come."""
    if request.state == State.UNKNOWN:
        return Judgement(State.NOT_STARTED, "The operation runs on: it was not told to end", kept)
    return Judgement(State.NOT_KNOWN, "Argo CD accepted it, but the operation runs on", kept)


def _refresh_judged(request: ActionRequest, sight: Sight) -> Judgement:
    """Of a refresh that nobody answered: whether Argo CD has compared since.

    The annotation that a refresh leaves, seen and gone, proves it; of a hard one its own value has to be seen, since
    another's may be a normal one. A comparison other than the one that stood there before sending proves it of a normal
    refresh alone. Moments of two clocks are never compared.
    """
    kept, told = request.operation or {}, sight.told
    is_hard, is_late = request.action == Action.HARD_REFRESH, is_over(request, sight.asked_at, sight.deadline)
    if told.refreshing == "hard" or (told.refreshing and not is_hard):
        if sight.asked_at - (request.sent_at or request.state_at) > REFRESHES_WITHIN:
            return Judgement(State.NOT_KNOWN, "Argo CD was asked to compare the application, and has not done so yet")
        if request.state == State.RUNNING:
            return Judgement()
        return Judgement(State.RUNNING, "Argo CD compares the application", {**kept, SEEN_REFRESHING: True})
    before = kept.get(COMPARED_BEFORE)
    has_compared = bool(before) and told.reconciled_at is not None and moment_text(told.reconciled_at) != before
    at = f" at {moment_words(told.reconciled_at)}, by Argo CD’s clock" if told.reconciled_at else ""
    if kept.get(SEEN_REFRESHING) or (has_compared and not is_hard):
        return Judgement(State.SUCCEEDED, f"Refreshed: compared{at}")
    if not is_late:
        return Judgement()
    if has_compared:
        return Judgement(State.NOT_KNOWN, f"Argo CD has compared{at}: not known whether with manifests made anew")
    return Judgement(State.NOT_KNOWN, "Not known whether Argo CD took it: it may be asked for again")


def operation_begun(operation: Operation, told: ApplicationDetail) -> dict[str, Any]:
    """What is kept of an operation that has not ended."""
    return {**operation_kept(operation, told.operation_resources), COMPARED_BEFORE: moment_text(told.reconciled_at)}


def operation_kept(operation: Operation, resources: tuple[ResourceStatus, ...]) -> dict[str, Any]:
    """What a request's row keeps of an operation; of many resources those that are not in order."""
    shown = [each.resource for each in failures_first(resources)[:MOST_RESOURCES]]
    return {
        "phase": clean(operation.phase, 50),
        "message": clean(operation.message, LONGEST_TEXT),
        "started_at": moment_text(operation.started_at) or None,
        "finished_at": moment_text(operation.finished_at) or None,
        "retry_count": operation.retry_count,
        "resources": clean_all(msgspec.to_builtins(shown), LONGEST_TEXT),
        "resource_count": len(resources),
    }
