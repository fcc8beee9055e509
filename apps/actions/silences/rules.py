"""Which policies of the fleet file apply to a silence, and what they ask for; what they do not say is built in.

As with freezes a policy is about a silence only where it names the action, and one that is bound to no place reaches
into all: the strictest of all that it reaches into counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from apps.accounts.access import role_called
from apps.accounts.models import Role
from apps.accounts.scopes import Place
from apps.actions.case import Rules
from apps.actions.freeze_rules import policies_reaching
from apps.actions.states import Action
from apps.core.ages import duration_words
from apps.core.text import counted
from apps.sources.fleetfile import FleetFile
from apps.sources.fleetfile.policies import Policy, PolicyAction

BUILT_IN = "silences (built in)"
LONGEST, MOST_HIDDEN, MOST_CLUSTERS = timedelta(hours=8), 50, 10


@dataclass(frozen=True)
class SilenceRules:
    """What is asked of a silence: `rules` of the person, the others of what it hides and for how long."""

    rules: Rules
    longest: timedelta = LONGEST
    most_hidden: int = MOST_HIDDEN
    most_clusters: int = MOST_CLUSTERS


def silence_rules(fleet: FleetFile, *, action: Action, place: Place) -> SilenceRules:
    """The strictest of what the policies that it reaches into say, over what is built in.

    A reason and a ticket are wanted of one that begins or is changed, unless a policy says otherwise.
    """
    found = list(policies_reaching(fleet, PolicyAction(action.value), place))
    roles = [Role(policy.least_role.value) for policy in found if policy.least_role]
    hides = action is not Action.SILENCE_EXPIRE
    rules = Rules(
        policy=", ".join(policy.name for policy in found) or BUILT_IN,
        least_role=max(roles, key=lambda role: role.rank, default=Role.RESPONDER),
        wants_reason=_wanted(found, "reason", hides),
        wants_ticket=_wanted(found, "ticket", hides),
        wants_typed_name=_wanted(found, "typed_name", False),
        wants_second_person=_wanted(found, "second_person", False),
        fresh_sign_in=min(_told(found, "fresh_sign_in"), default=None),
        approval_within=min(_told(found, "approval_within"), default=Rules(policy="").approval_within),
    )
    return SilenceRules(
        rules,
        longest=min(_told(found, "longest_silence"), default=LONGEST),
        most_hidden=min(_told(found, "most_hidden"), default=MOST_HIDDEN),
        most_clusters=min(_told(found, "most_clusters"), default=MOST_CLUSTERS),
    )


def limits_of(rules: SilenceRules) -> tuple[str, ...]:
    """How long a silence may be, and how wide, in words."""
    return (
        f"at most {duration_words(rules.longest)}",
        f"hides at most {counted(rules.most_hidden, 'alert')}",
        f"on at most {counted(rules.most_clusters, 'cluster')}",
    )


def built_in_asks() -> tuple[str, ...]:
    """What is asked of a silence where no policy says anything, in words."""
    return (
        f"{role_called(Role.RESPONDER)} at least",
        "a reason",
        "a ticket",
        *limits_of(SilenceRules(Rules(policy=""))),
    )


def policy_limits(policy: Policy) -> Iterable[str]:
    """The limits that a policy of the fleet file says itself, in words."""
    if policy.longest_silence is not None:
        yield f"at most {duration_words(policy.longest_silence)}"
    if policy.most_hidden is not None:
        yield f"hides at most {counted(policy.most_hidden, 'alert')}"
    if policy.most_clusters is not None:
        yield f"on at most {counted(policy.most_clusters, 'cluster')}"


def _told(found: Sequence[Policy], name: str) -> list[Any]:
    return [value for policy in found if (value := getattr(policy, name)) is not None]


def _wanted(found: Sequence[Policy], name: str, built_in: bool) -> bool:
    said = _told(found, name)
    return any(said) if said else built_in
