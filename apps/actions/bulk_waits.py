"""Why a bulk that is under way begins nothing new just now, as its page says it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from apps.core.text import counted

from .evidence import some_of
from .models import ActionRequest
from .recovering import NotYet, Unwell, unwell_before
from .standing import bad_steps_of, standing_of
from .states import ACTIVE, Action, State

HEALTH_TOPIC = "apps"
MOST_NAMED = 20


@dataclass(frozen=True)
class BulkWait:
    """What is waited for, in words; the members that are not well yet, and when it is given up, if it ever is."""

    words: str
    members: Sequence[NotYet] = ()
    more: int = 0
    gives_up_at: datetime | None = None


def bulk_wait(request: ActionRequest) -> BulkWait | None:
    """What the bulk waits for; None where it goes on, or is none. Ten queries at most, of anything else none."""
    if not is_under_way(request):
        return None
    standing = standing_of(request)
    if standing.has_failed:
        named = some_of([step.name for step in bad_steps_of(request).order_by("ended_at", "position")[:1]])
        return BulkWait(f"It stops: {named} did not go well. What is under way comes to its end, nothing more begins.")
    if standing.states[State.UNKNOWN]:
        unknown = request.steps.filter(state=State.UNKNOWN).order_by("position").values_list("name", flat=True)
        return BulkWait(f"Nothing more begins until it is known whether {some_of(list(unknown))} began.")
    if not standing.planned or standing.has_begun_wave or request.outcome:
        return None
    unwell = unwell_before(request, standing.wave)
    return _wait_for_health(standing.wave, unwell) if unwell else None


def topics_of(request: ActionRequest) -> list[str]:
    """What its page is about: of a bulk that may be waiting for health also Applications. One query at most."""
    has_active = is_under_way(request) and request.steps.filter(state__in=ACTIVE - {State.PLANNED}).exists()
    return [request.topic, HEALTH_TOPIC] if is_under_way(request) and not has_active else [request.topic]


def is_under_way(request: ActionRequest) -> bool:
    """Whether it is a bulk that begins steps."""
    return request.action == Action.BULK_SYNC and request.state == State.RUNNING


def _wait_for_health(wave: int, unwell: Unwell) -> BulkWait:
    if not unwell.members:
        return BulkWait(f"Wave {wave} begins in a moment: what was synced is watched for some seconds first.")
    count = len(unwell.members)
    which = f"{counted(count, 'Application')} {'is' if count == 1 else 'are'} not"
    words = f"Wave {wave} waits until what was synced is Healthy, or as it was before: {which}."
    return BulkWait(words, unwell.members[:MOST_NAMED], max(count - MOST_NAMED, 0), unwell.gives_up_at)
