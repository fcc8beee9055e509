"""What `portal_policy` says of a freeze, or of ending one: the policies that reach it, and what they ask for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from apps.accounts.access import Verb, refusal_of, role_called
from apps.accounts.models import Role
from apps.core.durations import duration_text
from apps.core.errors import RuleViolation
from apps.sources.fleetfile import FleetFile

from .case import Rules, Who
from .freeze_rules import freeze_refusal, freeze_rules
from .freezes import begin_refusal, freeze_values, place_of
from .models import Freeze
from .states import Action


@dataclass(frozen=True)
class FreezeExplained:
    """The lines that are told, and whether this role is refused."""

    lines: tuple[str, ...]
    is_refused: bool


def freeze_asked(told: str) -> Freeze:
    """What "environment=NAME", "cluster=NAME", "project=NAME" or "everything" says. Raises RuleViolation for others."""
    scope, _, value = told.partition("=")
    if scope not in Freeze.Scope.values or (scope == Freeze.Scope.EVERYTHING) is bool(value):
        raise RuleViolation("say what is frozen: everything, or environment=, cluster= or project= with a name")
    if value and value not in freeze_values(scope):
        raise RuleViolation(f"the portal knows no {scope} {value!r}")
    return Freeze(scope=scope, value=value)


def freeze_explained(*, fleet: FleetFile, action: Action, freeze: Freeze, who: Who) -> FreezeExplained:
    """What somebody with a role everywhere would have to give to begin it, or to end somebody else's."""
    place, is_end = place_of(freeze), action is Action.UNFREEZE
    rules = freeze_rules(fleet, action=action, place=place)
    refused = refusal_of(who.user, Verb.UNFREEZE, place) if is_end else begin_refusal(who, freeze, place)
    refused = refused or freeze_refusal(who, rules, place)
    doing = "Ending somebody else's freeze" if is_end else "A freeze"
    lines = [
        f"{doing} of {freeze.words} as {role_called(who.role or Role.VIEWER)}",
        f"Policy: {rules.policy or f'{action} (built in)'}",
        f"  asks for {', '.join(_asks(rules, is_end=is_end))}",
        f"Refused: {refused}" if refused else "Allowed",
    ]
    return FreezeExplained(tuple(lines), bool(refused))


def _asks(rules: Rules, *, is_end: bool) -> Iterator[str]:
    least = max(rules.least_role, Role.APPROVER if is_end else Role.RESPONDER, key=lambda role: role.rank)
    yield f"{role_called(least)} at least{', or whoever began it' if is_end else ''}"
    if rules.wants_reason:
        yield "a reason"
    if not is_end:
        yield "an end"
    if rules.fresh_sign_in:
        yield f"a sign-in of the last {duration_text(rules.fresh_sign_in)}"
