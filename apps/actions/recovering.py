"""Whether what a bulk has synced so far is well: before its next wave begins, and whether it waits for too long."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from apps.core.clock import database_now
from apps.core.text import clean
from apps.fleet.overlay import Overlay, overlay_now
from apps.gitops.models import Application

from .case import Answer
from .evidence import some_of
from .models import ActionRequest
from .standing import LEFT_OUT
from .states import State
from .stepping import applications_of, identity_of

HEALTH_THEN = "health-then"
"""Stands among a step's `guards`, though it is none: its Application's health when the bulk was asked for."""
HEALTHY, PROGRESSING = "Healthy", "Progressing"
WELL_FOR = timedelta(seconds=5)
WAITS = timedelta(minutes=10)


@dataclass(frozen=True)
class NotYet:
    """A step whose Application is not well yet: in words ("is Progressing"), and since when, where that is known."""

    step: ActionRequest
    words: str
    since: datetime | None = None

    def __str__(self) -> str:
        return f"{self.step.name}{f' on {self.step.cluster}' if self.step.cluster else ''} {self.words}"


@dataclass(frozen=True)
class Unwell:
    """Why a wave does not begin yet at this moment: those that are not well, none where all are only just.

    `ended_at` is when the last of what was synced had ended.
    """

    members: tuple[NotYet, ...]
    ended_at: datetime
    now: datetime

    @property
    def gives_up_at(self) -> datetime:
        """From when on somebody has to look."""
        return self.ended_at + WAITS

    @property
    def is_for_too_long(self) -> bool:
        """Whether somebody has to look."""
        return self.now > self.gives_up_at

    @property
    def words(self) -> str:
        """Some of them."""
        return some_of([str(each) for each in self.members]) or "what was synced has ended only just now"


def health_then(row: Application) -> dict[str, str]:
    """The health of a member at this moment, for its step's `guards`."""
    return {"guard": HEALTH_THEN, "answer": Answer.PASS.value, "words": row.health_status, "link": ""}


def unwell_before(parent: ActionRequest, wave: int) -> Unwell | None:
    """What the waves before `wave` synced and is neither Healthy nor as it was when asked for; None where all is.

    Each has to be so for WELL_FOR, by what the portal reads of Argo CD. What had ended when somebody looked at it and
    had the bulk go on all the same (`looked_at`) is not asked about again. Seven queries, one in the first wave.
    """
    synced = parent.steps.filter(wave__gt=LEFT_OUT, wave__lt=wave)
    if parent.looked_at:
        synced = synced.filter(ended_at__gt=parent.looked_at)
    steps = list(synced.filter(state__in=[State.SUCCEEDED, State.STILL_OUT_OF_SYNC]).order_by("position"))
    if not steps:
        return None
    now, overlay, rows = database_now(), overlay_now(), applications_of(steps)
    ended_at = max((step.ended_at or now for step in steps), default=now)
    found = (_not_yet(step, rows.get(identity_of(step)), overlay) for step in steps)
    members = tuple(each for each in found if each)
    if not members and now - ended_at >= WELL_FOR:
        return None
    return Unwell(members, ended_at, now)


def _not_yet(step: ActionRequest, row: Application | None, overlay: Overlay) -> NotYet | None:
    if row is None:
        return NotYet(step, "is gone")
    doubt = overlay.distrusted_instances.get(row.instance) or overlay.doubtful_clusters.get(row.cluster)
    if doubt:
        return NotYet(step, f"is not known to be well: {doubt}")
    then = next((each["words"] for each in step.guards if each["guard"] == HEALTH_THEN), HEALTHY)
    health = row.health_status
    if health == PROGRESSING or health not in {HEALTHY, then}:
        was = f" (it was {clean(then, 50)})" if then else ""
        return NotYet(step, f"is {clean(health, 50) or 'of no known health'}{was}", row.health_since)
    if _is_fresh(row.health_since, overlay.now):
        return NotYet(step, f"is {health or 'as it was'} only just now", row.health_since)
    return None


def _is_fresh(since: datetime | None, now: datetime) -> bool:
    return since is not None and now - since < WELL_FOR
