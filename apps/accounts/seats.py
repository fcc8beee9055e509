"""Who listens to a stream, and whether they still may: a session, an account and a role, checked again and again."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from importlib import import_module

from django.conf import settings
from django.contrib.auth import get_user
from django.contrib.auth.models import User
from django.http import HttpRequest

from apps.core.clock import now_sql
from apps.core.rows import rows_of

from .access import Verb, may, role_of

IN_ONE_QUERY = 500
SESSIONS_ALIVE = "SELECT session_key FROM django_session WHERE expire_date >"
PEOPLE = (
    "SELECT auth_user.id, role, password FROM auth_user JOIN accounts_person ON user_id = auth_user.id"
    " WHERE is_active AND auth_user.id IN"
)


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

    Two queries for each 500 seats, written here as SQL: streams ask every two seconds while a page is open.
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
    """Whether somebody is signed in still by the session with this key. One query."""
    return bool(key) and key in _sessions_alive({key})


def _sessions_alive(keys: Collection[str]) -> set[str]:
    asked = f"{SESSIONS_ALIVE} {now_sql()} AND session_key IN ({places(keys)})"
    return {key for (key,) in rows_of(asked, list(keys))}


def _people(keys: Collection[int]) -> dict[int, tuple[str, int]]:
    """Role and password of the active accounts that have a role."""
    rows = rows_of(f"{PEOPLE} ({places(keys)})", list(keys))
    return {key: (role, hash(password)) for key, role, password in rows if role}


def places(values: Collection[object]) -> str:
    """A place in SQL for each."""
    return ", ".join(["%s"] * len(values))
