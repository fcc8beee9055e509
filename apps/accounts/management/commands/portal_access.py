"""`manage.py portal_access --groups a,b`: what somebody in these groups may, and by which rules of the fleet file."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Iterator
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.accounts.access import LEAST_ROLE
from apps.accounts.grants import grant_of, grants_by, grants_shown, highest
from apps.sources.fleetfile import FleetFileInvalid, fleet_file_in_force
from apps.sources.fleetfile.schema import FleetFile


class Command(BaseCommand):
    """Reads the fleet file alone: it asks neither the provider nor the database."""

    help = "Says which roles, and where, the fleet file gives to somebody in these groups."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--groups", default="", help="names of groups as the provider tells them, by commas")

    def handle(self, *, groups: str, **options: Any) -> None:
        held = [group.strip() for group in groups.split(",") if group.strip()]
        try:
            fleet = fleet_file_in_force()
        except FleetFileInvalid as error:
            raise CommandError(str(error)) from error
        if fleet.sso is None:
            raise CommandError("the fleet file has no 'sso': people have local accounts (manage.py portal_account)")
        for line in explained(fleet, held):
            self.stdout.write(line)


def explained(fleet: FleetFile, groups: list[str]) -> Iterator[str]:
    """The rules that fit and those that do not, what they give together, and what may be done with it."""
    for rule in fleet.access:
        sign = "fits" if rule.group in groups else "    "
        yield f"{sign}  group {rule.group}: {grants_shown([grant_of(rule)])}"
    for group in sorted(set(groups) - {rule.group for rule in fleet.access}):
        yield f"      group {group}: no rule names it (upper and lower case count)"
    grants = grants_by(fleet.access, groups)
    role = highest(grants)
    if role is None:
        yield "Together: no access"
        return
    verbs = [verb.value for verb in LEAST_ROLE if role.rank >= LEAST_ROLE[verb].rank]
    yield f"Together: {grants_shown(grants)}"
    yield f"May, where it counts: {'; '.join(verbs)}"
