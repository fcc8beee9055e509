"""Sessions: Django's own, in the database. Each page reads one, so it is read in the way that costs least.

A session's row says until when it lives: for `idle` after what the person last did, and never past `ends_at`. Polls,
streams and what else a page asks for by itself change nothing of that.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends import db
from django.contrib.sessions.backends.base import SessionBase
from django.contrib.sessions.models import Session
from django.db import connection, transaction
from django.dispatch import Signal
from django.http import HttpRequest
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from apps.core.clock import database_now
from apps.core.rows import rows_of
from apps.core.topics import raise_topics
from apps.sources.fleetfile.sso import Sso

from .models import SignIn
from .provider import is_sign_in_known, is_sso_in_force, sso_in_force

SIGNED_IN_AT = "signed_in_at"
ENDS_AT, IDLE = "ends_at", "idle"
SIGNED_OUT = "portal_signed_out"
"""Left on the request of somebody who signs out: the answer takes their browser's cookie away."""
TO_SIGN_IN = timedelta(minutes=15)
"""What a browser may take to come back from the provider."""
RENEWED_EVERY = timedelta(minutes=1)
session_renewed = Signal()
"""Somebody signed in anew: the keys of both sessions, `before`, which is over, and `now`."""

ALIVE = """
    SELECT session.session_data, session.expire_date, sign_in.kind, sign_in.issuer, sign_in.refreshed_at,
        sign_in.ends_at, sign_in.idle_seconds
    FROM django_session session LEFT JOIN accounts_signin sign_in ON sign_in.session_key = session.session_key
    WHERE session.session_key = %s AND session.expire_date > %s
"""


@dataclass(frozen=True)
class Limits:
    """How long a session lives: `idle` after what the person last did, and not past `ends_at`."""

    ends_at: datetime
    idle: timedelta

    def expiry(self, now: datetime) -> datetime:
        """When it ends if nobody does anything any more."""
        return min(self.ends_at, now + self.idle)


@dataclass(frozen=True)
class Standing:
    """What is known of a session as it is read. `kind` is "" for one that nobody signed in to by a page."""

    expires_at: datetime
    kind: str
    issuer: str
    refreshed_at: datetime | None
    limits: Limits | None

    def counts(self) -> bool:
        """Whether it was begun in a way in which people sign in at this moment: it ends where that changed."""
        sso = sso_in_force()
        if sso is None:
            return self.kind != SignIn.Kind.SSO or not is_sign_in_known()
        return self.kind != SignIn.Kind.LOCAL and (self.kind != SignIn.Kind.SSO or self.issuer == sso.issuer)


class SessionStore(db.SessionStore):
    """Django's store; a session that is over, or was never there, is read as one without content and without a key."""

    standing: Standing | None = None

    def load(self) -> dict[str, Any]:
        """What the session holds."""
        now = connection.ops.adapt_datetimefield_value(timezone.now())
        found = rows_of(ALIVE, [self.session_key, now])
        self.standing = standing_of(*found[0][1:]) if found else None
        if self.standing is None or not self.standing.counts():
            self._session_key = None
            return {}
        told: dict[str, Any] = self.decode(found[0][0])
        if SESSION_KEY in told and not self.standing.kind and is_sso_in_force():  # begun before people signed in there
            self._session_key = None
            return {}
        return told

    def get_expiry_date(self, **kwargs: Any) -> datetime:
        """When its row ends."""
        now = timezone.now()
        if limits := limits_in(self):
            return limits.expiry(now)
        return now + (timedelta(seconds=settings.SESSION_COOKIE_AGE) if SESSION_KEY in self else TO_SIGN_IN)

    def get_expiry_age(self, **kwargs: Any) -> int:
        """How long the browser keeps the cookie, in seconds: as long as the session can last."""
        limits = limits_in(self)
        last = limits.ends_at if limits else self.get_expiry_date()
        return max(1, int((last - timezone.now()).total_seconds()))


def standing_of(
    expires_at: Any, kind: str | None, issuer: str | None, refreshed_at: Any, ends_at: Any, idle_seconds: int | None
) -> Standing:
    """The columns as the driver gives them."""
    limits = Limits(moment_read(ends_at), timedelta(seconds=idle_seconds)) if ends_at and idle_seconds else None
    refreshed = moment_read(refreshed_at) if refreshed_at else None
    return Standing(moment_read(expires_at), kind or "", issuer or "", refreshed, limits)


def moment_read(told: Any) -> datetime:
    """A moment as the driver gives it; SQLite's is in UTC without saying so."""
    moment: datetime = datetime.fromisoformat(told) if isinstance(told, str) else told
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def limits_by(sso: Sso | None, now: datetime) -> Limits:
    """The limits of a session that begins now; without single sign-on it lasts for its hours, used or not."""
    if sso is None:
        whole = timedelta(seconds=settings.SESSION_COOKIE_AGE)
        return Limits(now + whole, whole)
    return Limits(now + timedelta(hours=sso.session_hours), timedelta(minutes=sso.idle_minutes))


def limits_set(session: SessionBase, limits: Limits) -> None:
    """Has the session live within these limits from its next saving on."""
    session[ENDS_AT], session[IDLE] = limits.ends_at.isoformat(), limits.idle.total_seconds()


def limits_in(session: SessionBase) -> Limits | None:
    """The limits that the session was begun with; None for one that has none."""
    ends_at = parse_datetime(session.get(ENDS_AT, ""))
    return Limits(ends_at, timedelta(seconds=session.get(IDLE, 0))) if ends_at else None


def session_used(session: SessionBase) -> None:
    """The person did something: the session's idle time begins anew. One UPDATE at most once a minute, else nothing."""
    standing = getattr(session, "standing", None)
    if standing is None or standing.limits is None or not session.session_key:
        return
    now = timezone.now()
    until = standing.limits.expiry(now)
    if until - standing.expires_at >= RENEWED_EVERY:
        Session.objects.filter(session_key=session.session_key, expire_date__gt=now).update(expire_date=until)


def sessions_end(keys: Iterable[str]) -> int:
    """Ends them here at once: pages, streams, and what waits in their name. Returns how many there were."""
    ended = list(keys)
    with transaction.atomic():
        rows = SignIn.objects.filter(session_key__in=ended)
        is_on_everybodys_page = rows.filter(kind=SignIn.Kind.BREAK_GLASS).exists()
        rows.delete()
        count, _ = Session.objects.filter(session_key__in=ended).delete()
        if is_on_everybodys_page:
            raise_topics(["sources"])
    return count


def sign_in_noted(*, request: HttpRequest, **_: Any) -> None:
    """Keeps the moment of a sign-in in its session (`user_logged_in`)."""
    request.session[SIGNED_IN_AT] = database_now().isoformat()


def signed_in_at(session: SessionBase) -> datetime | None:
    """When the person signed in, at the provider where there is one; None where that is not known."""
    return parse_datetime(session.get(SIGNED_IN_AT, ""))
