"""Which policies of the fleet file apply to a freeze, or to ending one, and what they ask for.

A policy is about a freeze only where it names the action. A freeze may reach further than a policy (one of a project
into all environments): such a policy applies too, and the strictest of all that do counts. The first policy within
which all of the freeze lies is the last that is looked at.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase

from apps.accounts.access import role_at, role_called
from apps.accounts.models import Role
from apps.accounts.scopes import Place
from apps.sources.fleetfile import FleetFile
from apps.sources.fleetfile.policies import Match, Policy, PolicyAction
from apps.sources.fleetfile.schema import Cluster

from .case import Rules, Who
from .states import Action


def freeze_rules(fleet: FleetFile, *, action: Action, place: Place) -> Rules:
    """What the policies ask for, beside the role and the scope that freezing needs anyway; all else is as built in."""
    found = list(policies_reaching(fleet, PolicyAction(action.value), place))
    roles = [Role(policy.least_role.value) for policy in found if policy.least_role]
    spans = [policy.fresh_sign_in for policy in found if policy.fresh_sign_in is not None]
    return Rules(
        policy=", ".join(policy.name for policy in found),
        least_role=max(roles, key=lambda role: role.rank, default=Role.RESPONDER),
        wants_reason=action is Action.FREEZE or any(policy.reason for policy in found),
        fresh_sign_in=min(spans, default=None),
    )


def freeze_refusal(who: Who, rules: Rules, place: Place) -> str:
    """Why the policies keep it from the role that this person has there; "" where they do not."""
    role = role_at(who.user, place)
    if role is None or role.rank >= rules.least_role.rank:
        return ""
    words = f"the policy {rules.policy} keeps this for {role_called(rules.least_role)}"
    return f"{words}: you are {role_called(role)}"


def policies_reaching(fleet: FleetFile, action: PolicyAction, place: Place) -> Iterator[Policy]:
    """The policies that name the action and reach into the place, up to the first within which all of it lies."""
    cluster = next((each for each in fleet.clusters if each.name == place.cluster), None)
    for policy in fleet.policies:
        if action not in policy.match.actions:
            continue
        held = _held(policy.match, place, cluster)
        if False in held:
            continue
        yield policy
        if None not in held:
            return


def _held(match: Match, place: Place, cluster: Cluster | None) -> tuple[bool | None, ...]:
    """Of each list whether the freeze lies within; None where it reaches beyond."""
    environment, project = place.environment, place.project
    return (
        _lies(match.environments, environment in match.environments if environment else None),
        _lies(match.rings, cluster.ring in match.rings if cluster else None),
        _lies(match.roles, cluster.role in match.roles if cluster else None),
        _lies(match.projects, any(fnmatchcase(project, glob) for glob in match.projects) if project else None),
    )


def _lies(wanted: Sequence[object], is_within: bool | None) -> bool | None:
    return is_within if wanted else True
