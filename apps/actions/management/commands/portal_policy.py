"""`manage.py portal_policy --action sync --application NAME --as ROLE`: what would happen, and why.

Exit status 0 where it may run or wait for approval, 1 where it is refused, 2 where the question is wrong. Argo CD is
not asked: the guards look at what the portal knows.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError

from apps.accounts.access import role_called
from apps.accounts.models import Person, Role
from apps.actions.case import Answer, Rules, Who
from apps.actions.guards import GUARDS
from apps.actions.options import Options
from apps.actions.policies import asks_of, bulk_words, strictness
from apps.actions.preflight import Ask, Preflight, preflight
from apps.actions.states import Action
from apps.gitops.models import Application
from apps.sources.fleetfile import FleetFileInvalid
from apps.sources.fleetfile.policies import FREEZES, PolicyAction, RiskyOption

WRONG_QUESTION = 2


class Command(BaseCommand):
    """Reads the database and the fleet file alone; writes nothing."""

    help = "Tell which policy applies to an action, how strict each guard is, and what a person would have to give."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the action, the Application, the role and the options."""
        parser.add_argument(
            "--action", choices=[each.value for each in PolicyAction if each not in FREEZES], required=True
        )
        words = "its name, or instance/namespace/name"
        parser.add_argument("--application", required=True, metavar="NAME", help=words)
        parser.add_argument("--as", choices=Role.values, required=True, dest="role", help="role of who asks")
        for option in RiskyOption:
            parser.add_argument(f"--{option}", action="store_true", help=f"with {option}")

    def handle(self, *args: Any, action: str, application: str, role: str, **options: Any) -> None:
        """Write what was found; raises CommandError for a wrong question, SystemExit where it is refused."""
        chosen = Options(**{option.value: options[option.value] for option in RiskyOption})
        ask = Ask(
            request_id=uuid4(),
            action=Action(action),
            application=application_named(application),
            options=chosen,
            who=somebody(Role(role)),
        )
        try:
            found = preflight(ask, looks=False)
        except FleetFileInvalid as error:
            raise CommandError(str(error), returncode=WRONG_QUESTION) from error
        for line in lines_of(ask, found):
            self.stdout.write(line)
        if found.is_refused:
            sys.exit(1)


def application_named(told: str) -> Application:
    """The Application of this name; CommandError where there is none, or more than one."""
    *place, name = told.split("/")
    wanted = dict(zip(("instance", "namespace"), place, strict=False)) if len(place) == 2 else {}
    found = list(Application.objects.filter(name=name, **wanted).order_by("instance", "namespace")[:10])
    if not found:
        raise CommandError(f"the portal knows no Application {told!r}", returncode=WRONG_QUESTION)
    if len(found) > 1:
        names = ", ".join(map(str, found))
        raise CommandError(
            f"there is more than one Application {told!r}: name one of {names}", returncode=WRONG_QUESTION
        )
    return found[0]


def somebody(role: Role) -> Who:
    """A person with that role everywhere, who is in no table."""
    user = User(username=f"somebody who is {role_called(role)}")
    user.person = Person(user=user, role=role)
    return Who(user=user, role=role)


def lines_of(ask: Ask, found: Preflight) -> Iterator[str]:
    """The policy, each guard, and what comes of it."""
    row, rules = ask.application, found.case.rules
    chosen = f" with {', '.join(ask.options.words)}" if ask.options.words else ""
    place = ", ".join(filter(None, [row.environment or "no known environment", row.cluster or "no known cluster"]))
    yield f"{ask.action.label}{chosen} of {row} ({place}) as {role_called(ask.who.role or Role.VIEWER)}"
    yield f"Policy: {rules.policy}"
    yield f"  asks for {', '.join(asks_of(rules))}"
    if ask.action is Action.BULK_SYNC:
        yield f"  {bulk_words(rules)}"
    yield "Guards: how strict where they speak, and what they say by what the portal knows now (Argo CD was not asked):"
    yield from guard_lines(rules, found)
    yield outcome_of(found)


def guard_lines(rules: Rules, found: Preflight) -> Iterator[str]:
    """One line for each guard that is asked about this action."""
    said = {finding.guard: finding for finding in found.findings}
    for guard in GUARDS:
        if guard.name in said:
            finding = said[guard.name]
            yield f"  {guard.name:<20}{strictness(rules, guard.name):<9}{finding.answer:<9}{finding.words}"


def outcome_of(found: Preflight) -> str:
    """What would happen, in a line."""
    if found.is_refused:
        refusing = [finding.guard for finding in found.spoken if finding.answer is Answer.REFUSE]
        return f"Refused by {', '.join(refusing)}"
    then = "it waits for an approver" if found.waits_for_approval else "it runs"
    if found.missing:
        return f"Allowed: once {', '.join(found.missing)} is given, {then}"
    return f"Allowed: {then} at once" if then == "it runs" else f"Allowed: {then}"
