"""Roles. A person is Django's user; their role, until single sign-on tells it, is a row of this app."""

from __future__ import annotations

from django.conf import settings
from django.db import models


class Role(models.TextChoices):
    """What a person may do, each role including the ones before it."""

    VIEWER = "viewer", "viewer"
    RESPONDER = "responder", "responder"
    APPROVER = "approver", "approver"
    ADMIN = "admin", "admin"

    @property
    def rank(self) -> int:
        """0 for viewer up to 3 for admin."""
        return list(Role).index(self)


class Person(models.Model):
    """The portal's side of an account: its role, and where it counts (`apps.accounts.scopes`).

    The demo's personas have no password and count in the demo alone.
    """

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="person")
    role = models.CharField(max_length=20, choices=Role, default=Role.VIEWER)
    is_persona = models.BooleanField(default=False)
    scope = models.JSONField(
        default=dict,
        db_default=models.Value({}, models.JSONField()),
        help_text='{"projects", "environments", "clusters": [glob]}; empty or absent: everywhere',
    )

    def __str__(self) -> str:
        return f"{self.user} ({self.role})"


class FailedSignIn(models.Model):
    """A wrong password, kept for a quarter of an hour to slow guessing down."""

    username = models.CharField(max_length=150)
    address = models.CharField(max_length=100)
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["username", "at"], name="failed_sign_in_username")]

    def __str__(self) -> str:
        return f"{self.username} from {self.address}"
