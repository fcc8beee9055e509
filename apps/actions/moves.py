"""Moving a request from one state to the next: a compare-and-set, its audit line and its topics in one transaction."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.db import transaction

from apps.core.clock import database_now
from apps.core.topics import raise_topics

from .audit import audit_note, session_fingerprint, who_told
from .case import Who
from .models import ActionRequest
from .states import State
from .telling import request_noted

PORTAL = "portal"


def request_move(
    request: ActionRequest,
    *,
    to: State,
    words: str = "",
    who: str = PORTAL,
    by: Who | None = None,
    what: dict[str, Any] | None = None,
    when: Collection[State] | None = None,
    event: str = "",
    **columns: Any,
) -> bool:
    """Moves the request if it is still in one of the states `when` (by default: the one it was read in).

    `columns` are written with it. False where another was faster: then nothing is written, and the request holds what
    it held. On success it holds what is written. `event` is the audit line's, by default the new state's name; `by` is
    the person who does it, if one does (else `who`), and `what` is what the line says besides.
    """
    now = database_now()
    told = {"session": session_fingerprint(request.session), **({"by": who_told(by)} if by else {}), **(what or {})}
    written = {**columns, "state": to.value, "state_at": now}
    if to.is_final:
        written |= {"ended_at": now, "session": ""}
    allowed = [state.value for state in when] if when is not None else [request.state]
    with transaction.atomic():
        if not ActionRequest.objects.filter(pk=request.pk, state__in=allowed).update(**written):
            return False
        for name, value in written.items():
            setattr(request, name, value)
        audit_note(event=event or to.value, request=request, who=by.username if by else who, words=words, what=told)
        request_noted(request)
        request_told(request)
    return True


def request_told(request: ActionRequest) -> None:
    """Raises the topics of the pages that show it; the last thing of a transaction."""
    parent = [f"action:{request.parent_id}"] if request.parent_id else []
    raise_topics([request.topic, "actions", *parent])


def session_follow(*, before: str, now: str, **_: Any) -> None:
    """What a person asked for and is under way is in the name of their new session (`session_renewed`)."""
    ActionRequest.objects.active().filter(session=before).update(session=now)
