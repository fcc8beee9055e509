"""Whether the provider still stands by a session: asked again every few minutes, and before anything is done by it."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from datetime import datetime, timedelta
from functools import partial

from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from apps.core.clock import database_now
from apps.core.connections import connection_let_go
from apps.core.errors import PortalError
from apps.core.topics import raise_topics
from apps.integrations.oidc import OidcProvider, PortalRefused, ProviderAway, Renewed, SessionEnded, SignInRefused

from .models import SignIn
from .people import access_apply
from .provider import is_sso_in_force, provider_or_none, sso_in_force
from .sessions import sessions_end
from .tokens import sealed, unsealed

log = logging.getLogger(__name__)

AT_ACTIONS = timedelta(seconds=10)
"""How old the provider's word may be where something is done in the person's name."""
LEASE = timedelta(seconds=30)
"""Longer than the provider's answers can take together."""
PAUSE_SECONDS = 20.0
"""After an attempt that the provider did not answer, no page of this process waits for it for so long."""
WAIT_SECONDS, LOOK_SECONDS = 6.0, 0.1
ROUND_SECONDS, MOST_IN_A_ROUND = 30, 500
NOT_CONFIRMED = "a session is not confirmed"
LEAST_LIFE = timedelta(seconds=30)
"""Of a token that a call is made with, well over the call's deadline; some realms give them for a minute in all."""

_one_at_a_time = threading.Semaphore(1)
"""Of this process's pages: while the provider takes long one of them waits for it, and the others go on."""
_quiet_until = 0.0


class SessionLost(PortalError):
    """The session is over: the provider ended it, or does not renew it. It has been ended here too."""


class SignInNeeded(PortalError):
    """What was wanted needs the person to sign in again."""


def session_confirmed(session_key: str, *, at_most: timedelta, waits: bool = True) -> bool:
    """Whether the provider stood by the session within `at_most`, asked now if need be; True where none is asked.

    False: the provider cannot be asked now, and the session counts as it is. With `waits` an answer that another
    thread or process is waiting for is waited for too (6 s). No transaction may be open. Raises SessionLost.
    """
    if not is_sso_in_force():
        return True
    row = SignIn.objects.filter(session_key=session_key, kind=SignIn.Kind.SSO).first()
    if row is None or _is_confirmed(row, at_most):
        return True
    if waits:
        return _renewed(row) or _waited_for(row, at_most)
    if time.monotonic() < _quiet_until or not _one_at_a_time.acquire(blocking=False):
        return False
    try:
        return _renewed(row)
    finally:
        _one_at_a_time.release()


def sessions_renew() -> int:
    """Asks the provider of every live session on which its word is about to run out; how many were asked about.

    Called every ROUND_SECONDS, so that a person who was disabled is out in time though nothing but streams asks.
    """
    sso = sso_in_force()
    if sso is None:
        return 0
    now = database_now()
    old = now - timedelta(minutes=sso.refresh_minutes) + timedelta(seconds=ROUND_SECONDS)
    alive = Session.objects.filter(expire_date__gt=now).values("session_key")
    due = SignIn.objects.filter(kind=SignIn.Kind.SSO, issuer=sso.issuer, refreshed_at__lte=old, session_key__in=alive)
    keys = list(due.order_by("refreshed_at").values_list("session_key", flat=True)[:MOST_IN_A_ROUND])
    for key in keys:
        with contextlib.suppress(SessionLost):
            session_confirmed(key, at_most=now - old, waits=False)
    return len(keys)


def id_token_for(session_key: str) -> str:
    """The person's own ID token, good for half a minute more at least, renewed if it is not.

    Raises SignInNeeded where it cannot be had: nothing is sent in the person's name then.
    """
    try:
        if token := _id_token_of(session_key):
            return token
        session_confirmed(session_key, at_most=timedelta(0))
    except SessionLost as lost:
        raise SignInNeeded(str(lost)) from lost
    if token := _id_token_of(session_key):
        return token
    raise SignInNeeded("The provider gives no new token in your name: sign in again")


def portal_refusal() -> str:
    """The code with which the provider refused the portal itself when it was last asked of a live session; "" for none.

    "invalid_client", "unauthorized_client". No query without single sign-on, else one.
    """
    if not is_sso_in_force():
        return ""
    alive = Session.objects.filter(expire_date__gt=Now()).values("session_key")
    rows = SignIn.objects.filter(session_key__in=alive).exclude(portal_refused="")
    return rows.values_list("portal_refused", flat=True).first() or ""


def is_renewal_due(refreshed_at: datetime | None, now: datetime) -> bool:
    """Whether the provider's word on a session is older than the fleet file lets it hold."""
    sso = sso_in_force()
    return sso is not None and (refreshed_at is None or now - refreshed_at >= timedelta(minutes=sso.refresh_minutes))


def _is_confirmed(row: SignIn, at_most: timedelta) -> bool:
    """A provider that gives no refresh token cannot be asked sooner than its word runs out."""
    now = database_now()
    if not row.refresh_token and not is_renewal_due(row.refreshed_at, now):
        return True
    return row.refreshed_at is not None and now - row.refreshed_at <= at_most


def _renewed(row: SignIn) -> bool:
    """Asks the provider, unless somebody else does or just did: False then, and where it does not answer."""
    provider = provider_or_none(otherwise=NOT_CONFIRMED)
    if provider is None:
        return False
    if row.issuer != provider.settings.issuer:
        raise _lost(row, "other-issuer")
    asked_at = database_now()
    free = Q(refreshing_until=None) | Q(refreshing_until__lte=asked_at)
    still_as_read = SignIn.objects.filter(free, pk=row.pk, refreshed_at=row.refreshed_at)
    if not still_as_read.update(refreshing_until=asked_at + LEASE):
        return False
    row.refresh_from_db()
    try:
        renewed = _asked(provider, row, asked_at)
    except ProviderAway as away:
        _away(row, asked_at, away)
        return False
    except SignInRefused as refused:
        if _is_overtaken(row, asked_at):
            return False
        raise _lost(row, refused.kind) from refused
    return renewed is not None and _keep(row, renewed, asked_at)


def _asked(provider: OidcProvider, row: SignIn, asked_at: datetime) -> Renewed | None:
    """The provider's answer; None where this process cannot read the session's token."""
    token = unsealed(row.refresh_token)
    if row.refresh_token and not token:
        log.error("no session can be confirmed: this process has no key for the tokens (PORTAL_TOKEN_KEYS)")
        _held(row, asked_at).update(refreshing_until=None)
        return None
    if not token:
        raise SessionEnded("session-over", "without a refresh token")
    connection_let_go()
    keep = partial(_keep_refresh_token, row, asked_at, token)
    renewed = provider.renew(token, subject=row.subject, sid=row.sid, keep=keep)
    if renewed.groups is None and _are_groups_old(row, asked_at):
        raise SessionEnded("groups-not-told")
    return renewed


def _held(row: SignIn, asked_at: datetime) -> QuerySet[SignIn]:
    """The row, while it is ours to write to: not once our time ran out and somebody else asks, or has an answer."""
    return SignIn.objects.filter(pk=row.pk, refreshing_until=asked_at + LEASE)


def _is_overtaken(row: SignIn, asked_at: datetime) -> bool:
    """Whether somebody else asked after us: their answer counts, whatever ours says of a token that they have used."""
    return SignIn.objects.filter(pk=row.pk).exclude(refreshing_until=asked_at + LEASE).exists()


def _away(row: SignIn, asked_at: datetime, away: ProviderAway) -> None:
    """The session counts as it is; that the provider refuses the portal itself is left for admins to see."""
    global _quiet_until
    log.warning("%s: %s", NOT_CONFIRMED, away)
    _quiet_until = time.monotonic() + PAUSE_SECONDS
    refused = away.code if isinstance(away, PortalRefused) else ""
    with transaction.atomic():
        _held(row, asked_at).update(refreshing_until=None, portal_refused=refused)
        access_apply(user=row.user, groups=None)  # the rules in force may be others by now
        if refused != row.portal_refused:
            raise_topics(["sources"])


def _are_groups_old(row: SignIn, now: datetime) -> bool:
    """Whether the groups were told too long ago, by a provider that does not tell them when a session is renewed."""
    sso = sso_in_force()
    return sso is not None and now - (row.groups_at or row.began_at) >= timedelta(minutes=sso.groups_minutes)


def _keep(row: SignIn, renewed: Renewed, asked_at: datetime) -> bool:
    """Keeps the new tokens; False where somebody else's answer came first. Raises SessionLost where it was ended."""
    told: dict[str, object] = {
        "refresh_token": sealed(renewed.refresh_token),
        "refreshed_at": asked_at,
        "refreshing_until": None,
        "portal_refused": "",
    }
    if renewed.groups is not None:
        told["groups_at"] = asked_at
    if renewed.id_token:
        told |= {"id_token": sealed(renewed.id_token), "id_token_expires_at": renewed.id_token_expires_at}
    with transaction.atomic():
        if not _held(row, asked_at).update(**told):
            if _is_overtaken(row, asked_at):
                return False
            raise SessionLost("The session was ended meanwhile")
        access_apply(user=row.user, groups=renewed.groups)
        if row.portal_refused:
            raise_topics(["sources"])
    return True


def _keep_refresh_token(row: SignIn, asked_at: datetime, before: str, now: str) -> None:
    if now != before:
        _held(row, asked_at).update(refresh_token=sealed(now))
        connection_let_go()


def _lost(row: SignIn, why: str) -> SessionLost:
    """Ends the session here, since the provider does not stand by it."""
    log.info("a session of %s is over: %s", row.user, why)
    sessions_end([row.session_key])
    return SessionLost("Your session at the identity provider is over: sign in again")


def _waited_for(row: SignIn, at_most: timedelta) -> bool:
    """The answer that somebody else waits for; False where it does not come soon, or nobody asks just now."""
    until = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < until:
        found = SignIn.objects.filter(pk=row.pk).first()
        if found is None:
            raise SessionLost("Your session is over: sign in again")
        if _is_confirmed(found, at_most) or found.refreshed_at != row.refreshed_at:
            return True
        if found.refreshing_until is None or found.refreshing_until <= database_now():
            return False
        connection_let_go()
        time.sleep(LOOK_SECONDS)
    return False


def _id_token_of(session_key: str) -> str:
    """The token that is kept, if it is good for long enough."""
    row = SignIn.objects.filter(session_key=session_key, kind=SignIn.Kind.SSO).first()
    if row is None:
        raise SignInNeeded("Nobody is signed in by the identity provider here: sign in")
    is_good = row.id_token_expires_at is not None and row.id_token_expires_at - database_now() >= LEAST_LIFE
    return unsealed(row.id_token) if is_good else ""
