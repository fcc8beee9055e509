"""`manage.py portal_account NAME --role ROLE`: makes or changes a local account, for portals without single sign-on.

`--project`, `--environment` and `--cluster` say where the role counts; without them, everywhere.
"""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from apps.accounts.backends import is_reserved
from apps.accounts.grants import Grant, grants_shown
from apps.accounts.management.passwords import asked_password
from apps.accounts.models import Person, Role
from apps.accounts.scopes import Scope


class Command(BaseCommand):
    """Asks for the password on a terminal, else reads one line of standard input."""

    help = "Makes a local account, or changes its role and password; --remove disables it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name")
        parser.add_argument("--role", choices=Role.values, default=Role.VIEWER)
        for noun in ("project", "environment", "cluster"):
            words = f"the role counts in this {noun} alone (a glob; may be given more than once)"
            parser.add_argument(f"--{noun}", action="append", default=[], metavar="GLOB", dest=f"{noun}s", help=words)
        parser.add_argument("--remove", action="store_true", help="disable the account and end its sessions")

    @transaction.atomic
    def handle(self, *, name: str, role: str, remove: bool, **options: Any) -> None:
        if remove:
            self.disable(name)
            return
        if is_reserved(name):
            raise CommandError(f"{name!r} stands for the portal itself in the audit log: choose another name")
        scope = self.asked_scope(role, options)
        password = asked_password()
        user, created = User.objects.get_or_create(username=name)
        user.is_active = True
        user.set_password(password)
        user.save()
        told = {"role": role, "scope": scope.as_builtins(), "is_persona": False}
        Person.objects.update_or_create(user=user, defaults=told)
        given = grants_shown([Grant(Role(role), scope)])
        self.stdout.write(f"{name} can sign in as {given}" + ("" if created else " (changed)"))

    def disable(self, name: str) -> None:
        """An inactive account's sessions count no more: the backend no longer finds the person."""
        if not User.objects.filter(username=name).update(is_active=False):
            raise CommandError(f"there is no account {name!r}")
        self.stdout.write(f"{name} can no longer sign in, and is signed out")

    def asked_scope(self, role: str, options: Any) -> Scope:
        """Where the role counts; CommandError for an admin's, who is not held to one."""
        asked = {name: tuple(options[name]) for name in ("projects", "environments", "clusters")}
        if role == Role.ADMIN and any(asked.values()):
            raise CommandError("an admin's role counts everywhere: leave the scope out")
        if "" in sum(asked.values(), ()):
            raise CommandError("a scope must not be empty: leave it out for everywhere")
        return Scope(**asked)
