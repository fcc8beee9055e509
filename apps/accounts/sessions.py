"""Sessions: Django's own, in the database. Each page reads one, so it is read in the way that costs least."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib.sessions.backends import db
from django.contrib.sessions.backends.base import SessionBase
from django.db import connection
from django.dispatch import Signal
from django.http import HttpRequest
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from apps.core.clock import database_now
from apps.core.rows import rows_of

SIGNED_IN_AT = "signed_in_at"
session_renewed = Signal()
"""Somebody signed in anew: the keys of both sessions, `before`, which is over, and `now`."""

ALIVE = "SELECT session_data FROM django_session WHERE session_key = %s AND expire_date > %s"


class SessionStore(db.SessionStore):
    """Django's store; a session that is over, or was never there, is read as one without content and without a key."""

    def load(self) -> dict[str, Any]:
        """What the session holds."""
        now = connection.ops.adapt_datetimefield_value(timezone.now())
        found = rows_of(ALIVE, [self.session_key, now])
        if not found:
            self._session_key = None
            return {}
        told: dict[str, Any] = self.decode(found[0][0])
        return told


def sign_in_noted(*, request: HttpRequest, **_: Any) -> None:
    """Keeps the moment of a sign-in in its session (`user_logged_in`)."""
    request.session[SIGNED_IN_AT] = database_now().isoformat()


def signed_in_at(session: SessionBase) -> datetime | None:
    """When the person signed in to this session; None where it is older than that is kept."""
    return parse_datetime(session.get(SIGNED_IN_AT, ""))
