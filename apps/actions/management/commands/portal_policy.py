"""`manage.py portal_policy --action sync --application NAME --as ROLE`: what would happen, and why.

Of a freeze: `--action freeze --of environment=production` (or unfreeze; cluster=, project=, everything). Of a silence:
`--action silence --of 'alertname="Slow"' --on ALERTMANAGER`.

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
from apps.actions.freezes_explained import freeze_asked, freeze_explained
from apps.actions.guards import GUARDS
from apps.actions.options import Options
from apps.actions.policies import asks_of, bulk_words, strictness
from apps.actions.preflight import Ask, Preflight, preflight
from apps.actions.silences.explained import silence_explained
from apps.actions.states import Action
from apps.core.errors import RuleViolation
from apps.gitops.models import Application
from apps.sources.fleetfile import FleetFileInvalid, fleet_file_in_force
from apps.sources.fleetfile.policies import FREEZES, SILENCES, PolicyAction, RiskyOption

WRONG_QUESTION = 2


class Command(BaseCommand):
    """Reads the database and the fleet file alone; writes nothing."""

    help = "Tell which policy applies to an action, how strict each guard is, and what a person would have to give."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the action, the Application, the role and the options."""
        actions = [each.value for each in PolicyAction if each not in SILENCES or each is PolicyAction.SILENCE]
        parser.add_argument("--action", choices=actions, required=True)
        words = "its name, or instance/namespace/name"
        parser.add_argument("--application", default="", metavar="NAME", help=words)
        words = "what is frozen: environment=NAME, cluster=NAME, project=NAME, or everything; a silence's matchers"
        parser.add_argument("--of", default="", metavar="WHAT", help=words)
        words = "the Alertmanager of a silence; without it the one where it hides most"
        parser.add_argument("--on", default="", metavar="ALERTMANAGER", help=words)
        parser.add_argument("--as", choices=Role.values, required=True, dest="role", help="role of who asks")
        for option in RiskyOption:
            parser.add_argument(f"--{option}", action="store_true", help=f"with {option}")

    def handle(self, *args: Any, action: str, application: str, of: str, on: str, role: str, **options: Any) -> None:
        """Write what was found; raises CommandError for a wrong question, SystemExit where it is refused."""
        has_of = PolicyAction(action) in FREEZES | SILENCES
        if not (of if has_of else application):
            wanted = "--of, and no Application" if has_of else "--application"
            raise CommandError(f"{action} wants {wanted}", returncode=WRONG_QUESTION)
        if PolicyAction(action) in SILENCES:
            self.explain_silence(of, on, Role(role))
        elif has_of:
            self.explain_freeze(Action(action), of, Role(role))
        else:
            self.explain(action, application, role, options)

    def explain_freeze(self, action: Action, of: str, role: Role) -> None:
        """The same for beginning a freeze, or ending somebody else's."""
        try:
            freeze, fleet = freeze_asked(of), fleet_file_in_force()
        except (RuleViolation, FleetFileInvalid) as error:
            raise CommandError(str(error), returncode=WRONG_QUESTION) from error
        found = freeze_explained(fleet=fleet, action=action, freeze=freeze, who=somebody(role))
        for line in found.lines:
            self.stdout.write(line)
        if found.is_refused:
            sys.exit(1)

    def explain_silence(self, of: str, on: str, role: Role) -> None:
        """The same for a silence of two hours."""
        try:
            found = silence_explained(fleet=fleet_file_in_force(), line=of, alertmanager=on, who=somebody(role))
        except (RuleViolation, FleetFileInvalid) as error:
            raise CommandError(str(error), returncode=WRONG_QUESTION) from error
        for line in found.lines:
            self.stdout.write(line)
        if found.is_refused:
            sys.exit(1)

    def explain(self, action: str, application: str, role: str, options: dict[str, Any]) -> None:
        """What an action on an Application would meet."""
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
