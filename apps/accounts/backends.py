"""Who a signed-in session is: an account, read together with its role in one query."""

from __future__ import annotations

import json
import unicodedata
from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import AnonymousUser, User
from django.db import connection
from django.http import HttpRequest
from django.utils import timezone

from apps.core.clock import database_now
from apps.core.rows import rows_of

from .models import Person
from .provider import is_sign_in_known, is_sso_in_force

OF_ACCOUNT = ("id", "password", "is_superuser", "username", "first_name", "last_name", "email", "is_staff", "is_active")
"""In the order of the model's fields. Moments are read when somebody asks: SQLite's would lack their zone here."""
OF_PERSON = ("id", "user_id", "role", "is_persona", "scope", "grants")
ACTIVE = """
    SELECT account.id, account.password, account.is_superuser, account.username, account.first_name, account.last_name,
        account.email, account.is_staff, account.is_active, person.id, person.user_id, person.role, person.is_persona,
        person.scope, person.grants, COALESCE(person.break_glass_until <= %s, FALSE)
    FROM auth_user account LEFT JOIN accounts_person person ON person.user_id = account.id
    WHERE account.id = %s AND account.is_active
"""
RESERVED = frozenset({"portal"})
"""Names that stand for the portal itself in the audit log: nobody's account."""


def is_reserved(username: str) -> bool:
    """Whether the name, or one that reads like it, is nobody's."""
    return unicodedata.normalize("NFKC", username).strip().casefold() in RESERVED


class LocalAccountBackend(ModelBackend):
    """Django's own accounts; passwords for `make run` and for break-glass, none for who comes from the provider."""

    def get_user(self, user_id: int) -> User | None:
        """The active account with its role, or None; break-glass counts until its end, a persona of before never."""
        now = connection.ops.adapt_datetimefield_value(timezone.now())
        for row in rows_of(ACTIVE, [now, user_id]):
            user = User.from_db("default", OF_ACCOUNT, row[: len(OF_ACCOUNT)])
            person_id, *others, is_persona, scope, grants, is_over = row[len(OF_ACCOUNT) :]
            if person_id is not None:
                told = (person_id, *others, is_persona, json_told(scope), json_told(grants))
                user.person = Person.from_db("default", OF_PERSON, told)
            if not is_over and not is_persona and not is_reserved(user.username):
                return user
        return None

    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **kwargs: Any
    ) -> User | None:
        """The account of that name and password; where people sign in at the provider, a break-glass account alone."""
        user = super().authenticate(request, username, password, **kwargs)
        if not isinstance(user, User) or not (is_break_glass(user) or is_password_enough()):
            return None
        return user

    def user_can_authenticate(self, user: User | AnonymousUser | None) -> bool:
        """An active account, unless its name is the portal's own."""
        return super().user_can_authenticate(user) and isinstance(user, User) and not is_reserved(user.username)


def is_password_enough() -> bool:
    """Whether people sign in with names and passwords of the portal's own."""
    return is_sign_in_known() and not is_sso_in_force()


def is_break_glass(user: User) -> bool:
    """Whether the account may sign in past single sign-on, at this moment."""
    return Person.objects.filter(user=user, break_glass_until__gt=database_now()).exists()


def json_told(told: Any) -> Any:
    """The column's content: the drivers give the text of its JSON."""
    return json.loads(told) if isinstance(told, str) else told
