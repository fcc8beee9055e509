"""Who a signed-in session is: a local account, read together with its role in one query."""

from __future__ import annotations

import json
import unicodedata
from typing import Any

from django.conf import settings
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import AnonymousUser, User

from apps.core.rows import rows_of

from .models import Person

OF_ACCOUNT = ("id", "password", "is_superuser", "username", "first_name", "last_name", "email", "is_staff", "is_active")
"""In the order of the model's fields. Moments are read when somebody asks: SQLite's would lack their zone here."""
OF_PERSON = ("id", "user_id", "role", "is_persona", "scope")
ACTIVE = """
    SELECT account.id, account.password, account.is_superuser, account.username, account.first_name, account.last_name,
        account.email, account.is_staff, account.is_active, person.id, person.user_id, person.role, person.is_persona,
        person.scope
    FROM auth_user account LEFT JOIN accounts_person person ON person.user_id = account.id
    WHERE account.id = %s AND account.is_active
"""
RESERVED = frozenset({"portal"})
"""Names that stand for the portal itself in the audit log: nobody's account."""


def is_reserved(username: str) -> bool:
    """Whether the name, or one that reads like it, is nobody's."""
    return unicodedata.normalize("NFKC", username).strip().casefold() in RESERVED


class LocalAccountBackend(ModelBackend):
    """Django's own accounts; passwords for `make run`, none for the demo's personas."""

    def get_user(self, user_id: int) -> User | None:
        """The active account with its role, or None; a persona counts in the demo alone."""
        for row in rows_of(ACTIVE, [user_id]):
            user = User.from_db("default", OF_ACCOUNT, row[: len(OF_ACCOUNT)])
            person_id, *others, is_persona, scope = row[len(OF_ACCOUNT) :]
            if person_id is not None:
                user.person = Person.from_db("default", OF_PERSON, (person_id, *others, is_persona, scope_told(scope)))
            if (settings.PORTAL_DEMO or not is_persona) and not is_reserved(user.username):
                return user
        return None

    def user_can_authenticate(self, user: User | AnonymousUser | None) -> bool:
        """An active account, unless its name is the portal's own."""
        return super().user_can_authenticate(user) and isinstance(user, User) and not is_reserved(user.username)


def scope_told(told: Any) -> Any:
    """The column's content: the drivers give the text of its JSON."""
    return json.loads(told) if isinstance(told, str) else told
