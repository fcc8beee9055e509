"""How sessions end: by the person, by the provider's back channel, by an admin, and with time."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from django.contrib.auth import logout
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest
from django.urls import reverse

from apps.core.clock import database_now
from apps.core.errors import RuleViolation
from apps.integrations.oidc import LogoutTold, ProviderAway

from .models import FailedSignIn, SignIn, UsedLogoutToken
from .provider import provider_or_none
from .sessions import SIGNED_OUT, sessions_end
from .throttling import WINDOW
from .tokens import unsealed
from .walls import wall_keys_prune

log = logging.getLogger(__name__)
BATCH = 1000
HERE_ALONE = "signed out here alone"
LET_GO_AFTER = timedelta(hours=1)


def sign_out(request: HttpRequest) -> str:
    """Ends the person's session here; the address at the provider that ends theirs there, "" where there is none."""
    key = request.session.session_key or ""
    row = SignIn.objects.filter(session_key=key, kind=SignIn.Kind.SSO).first()
    sessions_end([key])
    logout(request)
    request.__dict__[SIGNED_OUT] = True
    return _leave_at_provider(request, row) if row else ""


def logout_apply(told: LogoutTold) -> int:
    """Ends the session that the provider names, or all of the person; how many there were.

    Raises RuleViolation for a token that was taken before.
    """
    named = {"sid": told.sid} if told.sid else {}
    whose = {"subject": told.subject} if told.subject else {}
    with transaction.atomic():
        try:
            with transaction.atomic():
                UsedLogoutToken.objects.create(jti=told.jti, expires_at=told.expires_at)
        except IntegrityError as error:
            raise RuleViolation("this logout token was taken before") from error
        rows = SignIn.objects.filter(kind=SignIn.Kind.SSO, issuer=told.issuer, **named, **whose)
        count = sessions_end(rows.values_list("session_key", flat=True))
    log.info("the identity provider ended %s session(s) by its back channel", count)
    return count


def sessions_ended(*, rows: QuerySet[SignIn], by: User) -> int:
    """Ends these sessions, by an admin or their own person; how many there were."""
    found = {row.session_key: row.user.get_username() for row in rows.select_related("user")}
    count = sessions_end(found)
    log.info("%s ended %s session(s) of %s", by, count, ", ".join(sorted(set(found.values()))))
    return count


def sessions_prune() -> bool:
    """Deletes what is over, a batch at a time; whether there may be more."""
    now = database_now()
    over = Session.objects.filter(expire_date__lte=now - LET_GO_AFTER).values_list("session_key", flat=True)[:BATCH]
    count = sessions_end(over)
    sign_ins_prune(now)
    FailedSignIn.objects.filter(at__lte=now - WINDOW).delete()
    UsedLogoutToken.objects.filter(expires_at__lte=now - LET_GO_AFTER).delete()
    wall_keys_prune(now)
    return count == BATCH


def sign_ins_prune(now: datetime) -> None:
    """Deletes a batch of those whose session is gone, however it went: tokens of theirs are kept for nothing."""
    gone = ~Exists(Session.objects.filter(session_key=OuterRef("session_key")))
    rows = SignIn.objects.filter(gone, began_at__lte=now - LET_GO_AFTER)
    SignIn.objects.filter(pk__in=list(rows.values_list("pk", flat=True)[:BATCH])).delete()


def _leave_at_provider(request: HttpRequest, row: SignIn) -> str:
    provider = provider_or_none(otherwise=HERE_ALONE)
    if provider is None:
        return ""
    back_to = request.build_absolute_uri(reverse("accounts:signed-out"))
    try:
        return provider.logout_url(id_token=unsealed(row.id_token), back_to=back_to)
    except ProviderAway as away:
        log.warning("%s: %s", HERE_ALONE, away)
        return ""
