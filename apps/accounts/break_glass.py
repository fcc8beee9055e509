"""Break-glass: an account that signs in past the identity provider, made by a command, until a set end.

Whoever is signed in by one stands above everybody's page, and in the log beside the audit log's lines.
"""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from datetime import datetime

from django.contrib.sessions.models import Session
from django.http import HttpRequest

from apps.core.clock import database_now
from apps.core.text import clean

from .models import Person, SignIn
from .provider import is_sign_in_known, is_sso_in_force

audit = logging.getLogger("portal.audit")


@dataclass(frozen=True)
class InUse:
    """Somebody is signed in by break-glass since this moment."""

    username: str
    since: datetime


def is_past_provider() -> bool:
    """Whether people sign in at a provider, or it is not known how they do: no fleet file was right yet."""
    return is_sso_in_force() or not is_sign_in_known()


def is_break_glass_open() -> bool:
    """Whether any account may sign in past the provider now."""
    return is_past_provider() and Person.objects.filter(break_glass_until__gt=database_now()).exists()


def break_glass_in_use() -> list[InUse]:
    """Who is signed in by break-glass now. No query without single sign-on, else one, and two where somebody is."""
    if not is_past_provider():
        return []
    rows = list(SignIn.objects.filter(kind=SignIn.Kind.BREAK_GLASS).select_related("user"))
    keys = [row.session_key for row in rows]
    alive = set(
        Session.objects.filter(session_key__in=keys, expire_date__gt=database_now()).values_list(
            "session_key", flat=True
        )
        if keys
        else ()
    )
    return [InUse(row.user.get_username(), row.began_at) for row in rows if row.session_key in alive]


def break_glass_note(event: str, username: str, request: HttpRequest | None = None) -> None:
    """One line of JSON where the audit log's lines go, which are kept elsewhere."""
    address = clean(request.META.get("REMOTE_ADDR", ""), 100) if request else ""
    told = {"at": database_now().isoformat(), "event": event, "who": username, "address": address}
    audit.warning("%s", json.dumps({"log": audit.name, **told}, ensure_ascii=True))
