"""Who a signed-in session is: a local account, read together with its role in one query."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import User


class LocalAccountBackend(ModelBackend):
    """Django's own accounts; passwords for `make run`, none for the demo's personas."""

    def get_user(self, user_id: int) -> User | None:
        """The active account with its role, or None; a persona counts in the demo alone."""
        users = User.objects.select_related("person").filter(pk=user_id, is_active=True)
        return (users if settings.PORTAL_DEMO else users.exclude(person__is_persona=True)).first()
