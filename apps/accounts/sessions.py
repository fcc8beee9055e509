"""Sessions: Django's own, in the database. Each page reads one, so it is read in the way that costs least."""

from __future__ import annotations

from typing import Any

from django.contrib.sessions.backends import db
from django.db import connection
from django.utils import timezone

from apps.core.rows import rows_of

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
