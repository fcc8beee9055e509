"""People: their roles, who the provider says they are, and the sessions in which they are signed in."""

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
    """The portal's side of an account: its role and where it counts, or all that its groups give (`grants`).

    `is_persona`: somebody of a demo from before its people signed in at a provider. They count nowhere.
    """

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="person")
    role = models.CharField(max_length=20, choices=Role, default=Role.VIEWER)
    is_persona = models.BooleanField(default=False)
    scope = models.JSONField(
        default=dict,
        db_default=models.Value({}, models.JSONField()),
        help_text='{"projects", "environments", "clusters": [glob]}; empty or absent: everywhere',
    )
    grants = models.JSONField(
        default=list,
        db_default=models.Value([], models.JSONField()),
        help_text='[{"role", and a scope}] of the groups; role is the highest. Empty: role and scope as they stand',
    )
    groups = models.JSONField(null=True, help_text="[name] as the provider told last; null: nobody told any")
    break_glass_until = models.DateTimeField(null=True, help_text="until when it signs in past single sign-on")

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


class Identity(models.Model):
    """Who an account is at the identity provider: issuer and subject, and nothing that could be given to another."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="identities")
    issuer = models.CharField(max_length=500)
    subject = models.CharField(max_length=255)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["issuer", "subject"], name="one_identity")]

    def __str__(self) -> str:
        return f"{self.subject} of {self.issuer}"


class SignIn(models.Model):
    """A session of the portal in which somebody is signed in. Tokens are encrypted (`apps.accounts.tokens`)."""

    class Kind(models.TextChoices):
        """By what the person signed in."""

        SSO = "sso", "single sign-on"
        LOCAL = "local", "local account"
        BREAK_GLASS = "break-glass", "break-glass"

    session_key = models.CharField(max_length=40, unique=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="sign_ins")
    kind = models.CharField(max_length=20, choices=Kind)
    issuer = models.CharField(max_length=500, default="")
    subject = models.CharField(max_length=255, default="")
    sid = models.CharField(max_length=255, default="", help_text="the session at the provider, if it told one")
    id_token = models.TextField(default="")
    refresh_token = models.TextField(default="")
    id_token_expires_at = models.DateTimeField(null=True)
    refreshed_at = models.DateTimeField(null=True, help_text="when the provider last said that it goes on")
    groups_at = models.DateTimeField(null=True, help_text="when the provider last told the groups; null: at the start")
    refreshing_until = models.DateTimeField(null=True, help_text="somebody asks the provider, or waits till then")
    portal_refused = models.CharField(
        max_length=40, default="", db_default="", help_text="the provider refused the portal itself, with this code"
    )
    began_at = models.DateTimeField()
    ends_at = models.DateTimeField(null=True, help_text="when it ends in any case")
    idle_seconds = models.PositiveIntegerField(null=True, help_text="it ends that long after the person's last deed")
    address = models.CharField(max_length=100, default="")
    agent = models.CharField(max_length=300, default="")

    class Meta:
        indexes = [
            models.Index(fields=["issuer", "subject"], name="sign_in_subject"),
            models.Index(fields=["kind"], name="sign_in_kind"),
        ]

    def __str__(self) -> str:
        return f"{self.user} since {self.began_at:%Y-%m-%d %H:%M}"


class UsedLogoutToken(models.Model):
    """A logout token of the provider that was taken: it counts once."""

    jti = models.CharField(max_length=255, unique=True)
    expires_at = models.DateTimeField(help_text="after it the token is refused by its own age")

    def __str__(self) -> str:
        return self.jti


class WallKey(models.Model):
    """What opens the Wall on a screen where nobody is signed in. The key itself is kept nowhere; revoked, its row goes.

    `seen_at`, `address` and `agent` are those of the last screen that asked for something by it, to the minute.
    """

    name = models.CharField(max_length=60, unique=True)
    digest = models.CharField(max_length=64, unique=True, help_text="SHA-256 of the key, in hexadecimal")
    made_by = models.CharField(max_length=150, help_text="the admin's user name")
    made_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    seen_at = models.DateTimeField(null=True)
    address = models.CharField(max_length=100, default="")
    agent = models.CharField(max_length=300, default="")

    def __str__(self) -> str:
        return self.name
