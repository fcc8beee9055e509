"""Keys of the Wall: what a screen on a wall is opened with, where nobody is signed in.

A key opens the Wall and nothing else, until its end or until an admin revokes it. Views that it opens are marked by
`for_walls`; for all others a browser with a key is nobody.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from django.conf import settings
from django.db import IntegrityError, transaction
from django.dispatch import Signal
from django.http import HttpRequest
from django.urls import reverse

from apps.core.clock import database_now
from apps.core.errors import RuleViolation
from apps.core.text import clean
from apps.core.tones import Tone
from apps.timeline.models import Kind, Transition
from apps.timeline.services import transitions_note

from .models import WallKey

DAYS, MOST_DAYS = 90, 365
MOST_KEYS = 100
LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
READ_AS = str.maketrans("OIL", "011", " -\u2013\u2014\t")
KEY_LETTERS, GROUP = 24, 4
SEEN_EVERY = timedelta(minutes=1)
ROLE = "wall"
"""The role by which what a key shows is kept apart from what people with a role are shown."""

wall_key_changed = Signal()
"""A key was made or revoked, in this transaction, for the audit log: `event`, `by` (a user name), `what` is told."""

View = TypeVar("View", bound=Callable[..., Any])


@dataclass(frozen=True)
class WallSeat:
    """A screen that listens to a stream by a key; `session` counts its streams, as a person's session does."""

    session: str
    digest: str


def for_walls(view: View) -> View:
    """Marks a view as one that a key of the Wall opens."""
    view.__dict__["is_for_walls"] = True
    return view


def wall_key_make(*, name: str, days: int, by: str) -> str:
    """The new key, which is told this once. `name` says where the screen is, `by` is the admin's user name.

    Raises RuleViolation for a name that is empty or taken, too many keys, and an end that is not 1 to 365 days away.
    """
    name = clean(name, 60).strip()
    if not name:
        raise RuleViolation("Say where the screen is: keys are told apart by that")
    if not 1 <= days <= MOST_DAYS:
        raise RuleViolation(f"A key lasts for 1 to {MOST_DAYS} days")
    key, now = "".join(secrets.choice(LETTERS) for _ in range(KEY_LETTERS)), database_now()
    WallKey.objects.filter(ends_at__lte=now).delete()
    if WallKey.objects.count() >= MOST_KEYS:
        raise RuleViolation(f"There are {MOST_KEYS} keys already: revoke some first")
    row = WallKey(name=name, digest=digest_of(key), made_by=by, made_at=now, ends_at=now + timedelta(days=days))
    with transaction.atomic():
        _keep(row)
        _note("wall key made", row, by, now)
    return "-".join(key[at : at + GROUP] for at in range(0, KEY_LETTERS, GROUP))


def wall_key_revoke(*, pk: int, by: str) -> bool:
    """Takes the key away: its screens are out when they next ask, and their streams end. False: there is none."""
    with transaction.atomic():
        row = WallKey.objects.select_for_update().filter(pk=pk).first()
        if row is None:
            return False
        row.delete()
        _note("wall key revoked", row, by, database_now())
    return True


def wall_keys_shown() -> list[WallKey]:
    """Those that open the Wall now, the newest first."""
    return list(WallKey.objects.filter(ends_at__gt=database_now()).order_by("-made_at"))


def wall_keys_prune(now: datetime) -> None:
    """Lets go of those that have ended."""
    WallKey.objects.filter(ends_at__lte=now).delete()


def wall_key_told(told: str) -> WallKey | None:
    """The key that somebody typed, or that a cookie holds, if it opens the Wall now."""
    if not told or len(told) > 100:
        return None
    return WallKey.objects.filter(digest=digest_of(told), ends_at__gt=database_now()).first()


def wall_key_of(request: HttpRequest) -> WallKey | None:
    """The key of the screen that asks, if it opens the Wall now; that it was seen is noted once a minute."""
    row = wall_key_told(request.COOKIES.get(settings.WALL_COOKIE_NAME, ""))
    if row is not None:
        _seen(row, request)
    return row


def is_wall(request: HttpRequest) -> bool:
    """Whether the page is shown to a screen by a key, with nobody signed in."""
    return request.__dict__.get("portal_role") == ROLE


def wall_seat_of(request: HttpRequest) -> WallSeat | None:
    """The seat of a screen that asks for a stream by a key; None without one that counts."""
    row = wall_key_of(request)
    return WallSeat(f"wall/{row.pk}", row.digest) if row else None


def wall_seats_lost(seats: Collection[WallSeat]) -> frozenset[WallSeat]:
    """Those whose key was revoked or has ended. Two queries, none without seats."""
    if not seats:
        return frozenset()
    alive = set(WallKey.objects.filter(ends_at__gt=database_now()).values_list("digest", flat=True))
    return frozenset(seat for seat in seats if seat.digest not in alive)


def digest_of(told: str) -> str:
    """By which a key is found: letters that are taken for another one, spaces and dashes do not count."""
    return hashlib.sha256(told.upper().translate(READ_AS).encode()).hexdigest()


def _keep(row: WallKey) -> None:
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError as error:
        raise RuleViolation("There is a key of that name: revoke it first, or choose another name") from error


def _seen(row: WallKey, request: HttpRequest) -> None:
    now = database_now()
    if row.seen_at is None or now - row.seen_at >= SEEN_EVERY:
        address = clean(request.META.get("REMOTE_ADDR", ""), 100)
        agent = clean(request.headers.get("User-Agent", ""), 300)
        WallKey.objects.filter(pk=row.pk).update(seen_at=now, address=address, agent=agent)


def _note(event: str, row: WallKey, by: str, now: datetime) -> None:
    """In the caller's transaction: what is not written down is not done."""
    what = {"name": row.name, "made by": row.made_by, "ends at": row.ends_at.isoformat()}
    wall_key_changed.send(WallKey, event=event, by=by, what=what)
    told = {"field": "wall", "after": event, "by": by, "tone": Tone.WELL, "link": reverse("accounts:sessions")}
    line = Transition(seen_at=now, kind=Kind.PORTAL, subject=f"wall/{row.name}", title=row.name, **told)
    transitions_note([line])
