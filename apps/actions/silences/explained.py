"""What `portal_policy` says of a silence: the policy, each check by what the portal knows now, and what comes of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import uuid4

from apps.accounts.access import role_called
from apps.accounts.models import Role
from apps.actions.case import Who
from apps.actions.policies import asks_of
from apps.actions.states import Action
from apps.core.clock import database_now
from apps.core.errors import RuleViolation
from apps.core.matchers import MatcherSyntaxError, matchers_read
from apps.sources.fleetfile import FleetFile

from .asking import groups_of, nearest
from .form import USUAL, Form, end_read
from .preflight import SilenceAsk, SilencePreflight, silence_preflight
from .rules import limits_of
from .wanted import Wanted, told_matchers


@dataclass(frozen=True)
class SilenceExplained:
    """The lines that are told, and whether this role is refused."""

    lines: tuple[str, ...]
    is_refused: bool


def silence_explained(*, fleet: FleetFile, line: str, alertmanager: str, who: Who) -> SilenceExplained:
    """Of a silence of two hours with these matchers, by somebody with a role everywhere.

    `alertmanager` "" is the group where it hides most. Raises RuleViolation for matchers that cannot be read, and for
    an Alertmanager that the fleet file does not name.
    """
    try:
        form = Form(matchers=matchers_read(line), length=USUAL)
    except MatcherSyntaxError as error:
        raise RuleViolation(f"the matchers cannot be read: {error}") from error
    groups = groups_of(fleet)
    if alertmanager and alertmanager not in groups:
        raise RuleViolation(f"the fleet file names no Alertmanager {alertmanager!r}")
    now = database_now()
    wanted = Wanted(
        alertmanager=alertmanager or nearest(groups, form),
        matchers=told_matchers(form.matchers),
        starts_at=now,
        ends_at=end_read(form, now, None),
    )
    found = silence_preflight(SilenceAsk(request_id=uuid4(), action=Action.SILENCE, wanted=wanted, who=who))
    return SilenceExplained(tuple(_lines(found)), found.is_refused)


def _lines(found: SilencePreflight) -> Iterator[str]:
    case, rules = found.case, found.rules
    place = ", ".join(filter(None, [case.place.environment, case.place.cluster])) or "everywhere"
    yield f"Silence of {case.wanted.subject} ({place}) as {role_called(case.who.role or Role.VIEWER)}"
    yield f"Policy: {rules.policy}"
    yield f"  asks for {', '.join(asks_of(rules))}"
    yield f"  {', '.join(limits_of(case.rules))}"
    yield f"It would have hidden {found.preview.past_count} {found.preview.past_time}"
    yield "Checks, by what the portal knows now:"
    yield from (f"  {each.guard:<20}{each.answer:<9}{each.words}" for each in found.findings)
    if found.is_refused:
        yield f"Refused by {', '.join(each.guard for each in found.refusals)}"
    else:
        then = "it waits for an approver" if found.waits_for_approval else "it is sent"
        yield f"Allowed: once {', '.join(found.missing)} is given, {then}"
