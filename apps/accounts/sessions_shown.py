"""The page of sessions: who is signed in, since when, from where, and when they last did something."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib.sessions.models import Session

from apps.core.clock import database_now

from .access import grants_held
from .grants import grants_shown
from .models import SignIn

MOST = 500


@dataclass(frozen=True)
class SessionShown:
    """A row of the page. `seen_at` is to the minute, None where it is not told apart from others."""

    row: SignIn
    role: str
    seen_at: datetime | None
    ends_at: datetime
    is_own: bool


def sessions_shown(person: int | None, own_key: str) -> dict[str, Any]:
    """What the page's template shows, of one account or (None) of all: the newest 500. Three queries."""
    now = database_now()
    rows = SignIn.objects.select_related("user__person").order_by("-began_at")
    some = list(rows.filter(**({} if person is None else {"user": person}))[:MOST])
    alive = dict(
        Session.objects.filter(session_key__in=[row.session_key for row in some], expire_date__gt=now).values_list(
            "session_key", "expire_date"
        )
    )
    shown = [_shown(row, alive[row.session_key], own_key) for row in some if row.session_key in alive]
    return {"sessions": shown, "now": now, "most": MOST if len(some) == MOST else 0}


def _shown(row: SignIn, expires_at: datetime, own_key: str) -> SessionShown:
    idle = timedelta(seconds=row.idle_seconds or 0)
    is_told = idle and row.ends_at and (expires_at < row.ends_at or row.ends_at - row.began_at > idle)
    return SessionShown(
        row=row,
        role=grants_shown(grants_held(row.user), is_brief=True),
        seen_at=max(expires_at - idle, row.began_at) if is_told else None,
        ends_at=row.ends_at or expires_at,
        is_own=row.session_key == own_key,
    )
