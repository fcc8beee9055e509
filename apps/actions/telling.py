"""Lines of the timeline about what people did, so that every "what changed" knows it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from apps.core.text import clean
from apps.timeline.models import Kind, Transition
from apps.timeline.services import transitions_note

from .audit import subject_of
from .models import ActionRequest
from .states import Action, State

NOTHING_DONE = frozenset({State.REFUSED, State.NOT_STARTED, State.WITHDRAWN, State.EXPIRED, State.LEFT})
"""The ends before which nothing was done to anything: the audit log has them, the timeline does not."""


def request_noted(request: ActionRequest) -> None:
    """Leaves a line about a request that has ended, in the caller's transaction; none where nothing was done."""
    state, action = State(request.state), Action(request.action)
    if action.is_of_silence and request.parent_id:  # the whole is told
        return
    if not state.is_final or state in NOTHING_DONE or request.ended_at is None:
        return
    words = f"{action.label} {state.label}"
    transitions_note([line_of(request, words=words, tone=state.tone.value, at=request.ended_at)])


def line_of(request: ActionRequest, *, words: str, tone: str, at: datetime, **columns: Any) -> Transition:
    """A line about the request at that moment, by the person who asked for it, with the request's page.

    Its subject is the Application's, as the timeline names it, else what the request is about in words.
    """
    subject = subject_of(request)
    told = {
        "kind": Kind.ACTION,
        "subject": clean(subject or request.subject, 400),
        "title": request.name or request.subject,
        "cluster": request.cluster,
        "application": clean(subject, 300),
        "environment": request.environment,
        "field": f"action/{request.action}",
        "after": words,
        "tone": tone,
        "by": request.username,
        "link": f"/actions/{request.pk}/",
        "at": at,
        "seen_at": at,
    }
    return Transition(**{**told, **columns})
