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
class Unwell:
    """Why a wave does not begin yet, in words; `is_for_too_long`: somebody has to look."""

    words: str
    is_for_too_long: bool


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
    since = max((step.ended_at or now for step in steps), default=now)
    is_too_long = now - since > WAITS
    told = [(step, _problem(step, rows.get(identity_of(step)), overlay)) for step in steps]
    wrong = [f"{step.name}{f' on {step.cluster}' if step.cluster else ''} {words}" for step, words in told if words]
    if not wrong and now - since >= WELL_FOR:
        return None
    return Unwell(some_of(wrong) or "what was synced has ended only just now", is_too_long)


def _problem(step: ActionRequest, row: Application | None, overlay: Overlay) -> str:
    if row is None:
        return "is gone"
    doubt = overlay.distrusted_instances.get(row.instance) or overlay.doubtful_clusters.get(row.cluster)
    if doubt:
        return f"is not known to be well: {doubt}"
    then = next((each["words"] for each in step.guards if each["guard"] == HEALTH_THEN), HEALTHY)
    health = row.health_status
    if health == PROGRESSING or health not in {HEALTHY, then}:
        was = f" (it was {clean(then, 50)})" if then else ""
        return f"is {clean(health, 50) or 'of no known health'}{was}"
    return f"is {health or 'as it was'} only just now" if _is_fresh(row.health_since, overlay.now) else ""


def _is_fresh(since: datetime | None, now: datetime) -> bool:
    return since is not None and now - since < WELL_FOR
