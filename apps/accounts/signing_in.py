"""Signing in: at the provider and back, and what a session is begun with, whichever way somebody came."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from django.conf import settings
from django.contrib.auth import login
from django.contrib.auth.models import User
from django.contrib.sessions.backends.base import UpdateError
from django.db import transaction
from django.http import HttpRequest
from django.urls import reverse

from apps.core.clock import database_now
from apps.core.connections import connection_let_go
from apps.core.structs import converted
from apps.core.text import clean
from apps.integrations.oidc import MARK, Begun, OidcProvider, ProviderAway, SignedIn

from .access import grants_held
from .grants import grants_shown
from .models import Person, SignIn
from .people import account_of
from .provider import sso_in_force
from .sessions import SIGNED_IN_AT, Limits, limits_by, limits_set, session_renewed, sessions_end
from .tokens import sealed, unsealed

log = logging.getLogger(__name__)

BACKEND = "apps.accounts.backends.LocalAccountBackend"
PENDING = "signing_in"
MOST_PENDING = 5
LIFE = timedelta(minutes=10)
"""Of a sign-in that was begun: an answer that comes later does not count."""
LONGEST_WAY_BACK, LONGEST_STATE = 1000, 8000
FRESH_SECONDS = 60
"""How old a fresh sign-in may be, which the provider is told to ask for. With 0 one that asks another provider in turn
may find that one's answer, a second old, too old (keycloak#33641)."""
PAGES_WAIT = threading.BoundedSemaphore(max(1, settings.PORTAL_PAGE_THREADS - 1))
"""One thread of the pages stays free, however slow the provider is."""


@dataclass(frozen=True)
class Taken:
    """What is known of the sign-in that an answer belongs to.

    `begun` is None where this browser's session does not hold it, or it was begun too long ago; `way_back` is known of
    those too, by the state. `is_to_be_tried_again`: the session was another tab's, which signed in at the same time.
    `is_second`: it was begun once more already.
    """

    begun: Begun | None
    way_back: str
    is_to_be_tried_again: bool = False
    is_second: bool = False


def sign_in_begin(
    *, request: HttpRequest, provider: OidcProvider, way_back: str, is_fresh: bool, is_second: bool = False
) -> str:
    """The provider's address to send the browser to; what the answer is held against is kept in its session.

    `is_fresh`: the provider asks the person even if it knows them still. `is_second`: it was begun before, and the
    session that held it is gone. Raises ProviderAway.
    """
    callback = request.build_absolute_uri(reverse("accounts:callback"))
    connection_let_go()
    with turn_at_provider():
        told = state_told(way_back, is_second=is_second)
        begun = provider.begin(
            callback, prompt="login" if is_fresh else "", max_age=FRESH_SECONDS if is_fresh else None, told=told
        )
    kept = {**asdict(begun), "url": ""}
    pending = {**_pending(request), begun.state: kept}
    request.session[PENDING] = dict(list(pending.items())[-MOST_PENDING:])
    return begun.url


def sign_in_taken(*, request: HttpRequest, state: str) -> Taken:
    """The sign-in that an answer with this state belongs to: it is used up by it.

    Each is kept under its own state, so that several tabs may sign in at once. One with another state than any is held
    against the newest, which it does not fit.
    """
    way_back, begun_at, is_second = state_read(state)
    is_late = begun_at is None or database_now() - begun_at > LIFE
    pending = dict(_pending(request))
    if kept := pending.pop(state, None):
        request.session[PENDING] = pending
        with suppress(UpdateError):  # another tab has signed in at this moment: its session is the one that counts
            request.session.save()
        return Taken(None if is_late else _read(kept), way_back, is_second=is_second)
    if pending and begun_at is None:
        return Taken(_read(next(reversed(pending.values()))), way_back)
    return Taken(None, way_back, is_to_be_tried_again=not is_late and not is_second)


def sign_in_finish(
    *, request: HttpRequest, provider: OidcProvider, answer: Mapping[str, str], begun: Begun | None
) -> None:
    """Signs in who comes back from the provider.

    Raises SignInRefused, AccountRefused and ProviderAway; nobody is signed in then.
    """
    connection_let_go()
    with turn_at_provider():
        signed = provider.finish(answer, begun)
    user = account_of(signed)
    session_begin(request=request, user=user, kind=SignIn.Kind.SSO, signed=signed)


@contextmanager
def turn_at_provider() -> Iterator[None]:
    """One of the pages that may wait for the provider. Raises ProviderAway at once where as many wait already."""
    if not PAGES_WAIT.acquire(blocking=False):
        raise ProviderAway("sso", "it is slow to answer, and others wait for it already")
    try:
        yield
    finally:
        PAGES_WAIT.release()


@transaction.atomic
def session_begin(*, request: HttpRequest, user: User, kind: SignIn.Kind, signed: SignedIn | None = None) -> None:
    """Signs the person in, in a session with a new key: whoever else held the one before gains nothing.

    What waited in the name of the same person's session goes on in the new one (`session_renewed`).
    """
    before, is_same = request.session.session_key, request.user == user
    login(request, user, backend=BACKEND)
    if signed:
        _note_moment(request, signed)
    now = database_now()
    limits = limits_of(user, now)
    limits_set(request.session, limits)
    request.session.cycle_key()
    key = request.session.session_key or ""
    SignIn.objects.create(
        session_key=key,
        user=user,
        kind=kind,
        began_at=now,
        ends_at=limits.ends_at,
        idle_seconds=int(limits.idle.total_seconds()),
        address=clean(request.META.get("REMOTE_ADDR", ""), 100),
        agent=clean(request.headers.get("User-Agent", ""), 300),
        **(_told(signed) if signed else {}),
    )
    if before and is_same:
        session_renewed.send(User, before=before, now=key)
    sessions_end([before] if before else [])
    log.info("%s signed in as %s (%s)", user, grants_shown(grants_held(user)) or "nobody with a role", kind.label)


def limits_of(user: User, now: datetime) -> Limits:
    """Those of the moment; a break-glass account's session ends with the account's own time at the latest."""
    limits = limits_by(sso_in_force(), now)
    until = Person.objects.filter(user=user).values_list("break_glass_until", flat=True).first()
    return replace(limits, ends_at=min(limits.ends_at, until)) if until else limits


def _note_moment(request: HttpRequest, signed: SignedIn) -> None:
    """The moment that counts is that of the provider: a silent sign-in is none that the person just made.

    Where the provider does not tell it, none is known, and what wants a fresh sign-in asks for one.
    """
    request.session.pop(SIGNED_IN_AT, None)
    if signed.auth_time:
        request.session[SIGNED_IN_AT] = min(signed.auth_time, database_now()).isoformat()


def _told(signed: SignedIn) -> dict[str, Any]:
    return {
        "issuer": signed.issuer,
        "subject": signed.subject,
        "sid": signed.sid,
        "id_token": sealed(signed.id_token),
        "refresh_token": sealed(signed.refresh_token),
        "id_token_expires_at": signed.id_token_expires_at,
        "refreshed_at": database_now(),
    }


def _pending(request: HttpRequest) -> dict[str, Any]:
    """The sign-ins that this browser began and has not ended, by their state, the oldest first."""
    kept = request.session.get(PENDING)
    return kept if isinstance(kept, dict) else {}


def state_told(way_back: str, *, is_second: bool) -> str:
    """What a state says beside its own secret, for this portal alone: where the person wants to go, and since when.

    So the page that was asked for is known though the session is another one by then.
    """
    return sealed(json.dumps([way_back[:LONGEST_WAY_BACK], database_now().timestamp(), is_second]))


def state_read(state: str) -> tuple[str, datetime | None, bool]:
    """The way back, when it was begun, and whether for a second time; home and None for a state of somebody else's."""
    told = unsealed(state.partition(MARK)[2]) if len(state) <= LONGEST_STATE else ""
    if not told:
        return "/", None, False
    way_back, begun_at, is_second = json.loads(told)
    return way_back, datetime.fromtimestamp(begun_at, UTC), is_second


def _read(kept: dict[str, Any]) -> Begun | None:
    try:
        return converted(kept, Begun)
    except msgspec.ValidationError:  # a session of another version of the portal
        return None
