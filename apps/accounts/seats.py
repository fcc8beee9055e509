"""Who listens to a stream, and whether they still may: a session, an account and a role, checked again and again."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from importlib import import_module

from django.conf import settings
from django.contrib.auth import get_user
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.http import HttpRequest

from apps.core.clock import database_now

from .access import Verb, may, role_of

IN_ONE_QUERY = 500


@dataclass(frozen=True)
class Seat:
    """A signed-in person as they were when they came. `password` is a digest's, so that a changed one shows."""

    session: str
    user_id: int
    role: str
    password: int


def seat_of(request: HttpRequest) -> Seat | None:
    """The seat of who asks, found as for a page; None for nobody. PermissionError for somebody without a role."""
    sessions = import_module(settings.SESSION_ENGINE)
    request.session = sessions.SessionStore(request.COOKIES.get(settings.SESSION_COOKIE_NAME))
    user = get_user(request)
    if not isinstance(user, User) or not request.session.session_key:
        return None
    if not may(user, Verb.SEE):
        raise PermissionError("no role")
    return Seat(request.session.session_key, user.pk, str(role_of(user)), hash(user.password))


def seats_lost(seats: Collection[Seat]) -> frozenset[Seat]:
    """Those whose session is over, or whose account is disabled, or has another role or password by now.

    Three queries for each 500 seats, the clock among them.
    """
    waiting, lost = list(seats), set[Seat]()
    for begin in range(0, len(waiting), IN_ONE_QUERY):
        some = waiting[begin : begin + IN_ONE_QUERY]
        alive, people = _sessions_alive({seat.session for seat in some}), _people({seat.user_id for seat in some})
        lost |= {
            seat for seat in some if seat.session not in alive or people.get(seat.user_id) != (seat.role, seat.password)
        }
    return frozenset(lost)


def is_session_alive(key: str) -> bool:
    """Whether somebody is signed in still by the session with this key. Two queries."""
    return bool(key) and key in _sessions_alive({key})


def _sessions_alive(keys: Collection[str]) -> set[str]:
    rows = Session.objects.filter(session_key__in=keys, expire_date__gt=database_now())
    return set(rows.values_list("session_key", flat=True))


def _people(keys: Collection[int]) -> dict[int, tuple[str, int]]:
    """Role and password of the active accounts that have a role."""
    rows = User.objects.filter(pk__in=keys, is_active=True).values_list("pk", "person__role", "password")
    return {key: (role, hash(password)) for key, role, password in rows if role}
