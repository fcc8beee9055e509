"""`manage.py portal_break_glass NAME --hours 4`: an account that signs in past the identity provider, until its end.

For when the provider is away and something has to be done. Its use stands above everybody's page; the way in is
/accounts/break-glass/, which is there only while such an account is.
"""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from apps.accounts.backends import is_reserved
from apps.accounts.break_glass import break_glass_note
from apps.accounts.management.passwords import asked_password
from apps.accounts.models import Person, Role, SignIn
from apps.accounts.sessions import sessions_end
from apps.core.clock import database_now

MOST_HOURS = 72


class Command(BaseCommand):
    """Asks for the password on a terminal, else reads one line of standard input."""

    help = "Opens an account for emergencies that signs in without the identity provider; --remove closes it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="of an account of its own: nobody else's")
        parser.add_argument("--hours", type=int, default=4, help=f"how long it can be used (4; at most {MOST_HOURS})")
        parser.add_argument("--role", choices=Role.values, default=Role.APPROVER)
        parser.add_argument("--remove", action="store_true", help="close it, and end its sessions")

    @transaction.atomic
    def handle(self, *, name: str, hours: int, role: str, remove: bool, **options: Any) -> None:
        user = User.objects.filter(username=name).first()
        if user and not Person.objects.filter(user=user, break_glass_until__isnull=False).exists():
            raise CommandError(f"{name!r} is somebody's account: choose another name")
        if remove:
            self.close(user, name)
            return
        if is_reserved(name):
            raise CommandError(f"{name!r} stands for the portal itself in the audit log: choose another name")
        if not 1 <= hours <= MOST_HOURS:
            raise CommandError(f"it can be open for 1 to {MOST_HOURS} hours")
        self.open(user or User(username=name), role, hours)

    def open(self, user: User, role: str, hours: int) -> None:
        """Sets password, role and end; sessions of before are over."""
        user.is_active = True
        user.set_password(asked_password())
        user.save()
        until = database_now() + timedelta(hours=hours)
        told = {"role": role, "scope": {}, "grants": [], "is_persona": False, "break_glass_until": until}
        Person.objects.update_or_create(user=user, defaults=told)
        sessions_end(SignIn.objects.filter(user=user).values_list("session_key", flat=True))
        break_glass_note("break-glass opened", user.get_username())
        self.stdout.write(
            f"{user} can sign in at /accounts/break-glass/ as {role} until {until:%Y-%m-%d %H:%M} UTC,"
            " and everybody will see it. Close it with --remove"
        )

    def close(self, user: User | None, name: str) -> None:
        """Nobody signs in by it any more."""
        if user is None:
            raise CommandError(f"there is no account {name!r} for emergencies")
        sessions_end(SignIn.objects.filter(user=user).values_list("session_key", flat=True))
        Person.objects.filter(user=user).update(break_glass_until=database_now())
        User.objects.filter(pk=user.pk).update(is_active=False)
        break_glass_note("break-glass closed", name)
        self.stdout.write(f"{name} is closed, and signed out")
