"""Which rules apply to an action: the first policy of the fleet file that fits, over the built-in one that fits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Any

from apps.accounts.access import LEAST_ROLE, Verb, role_called
from apps.accounts.models import Role
from apps.core.durations import duration_text
from apps.gitops.models import Application
from apps.sources.fleetfile import FleetFile
from apps.sources.fleetfile.policies import Match, Policy
from apps.sources.fleetfile.schema import Cluster

from .built_in import BUILT_IN, BuiltIn, built_in_for, is_production, production_of
from .case import Answer, Rules
from .guards import GUARDS
from .options import Options
from .silences.rules import BUILT_IN as SILENCES_BUILT_IN
from .silences.rules import built_in_asks, policy_limits
from .states import Action

LONGEST_NAME = 100
DEFAULTS: Mapping[str, Answer] = {guard.name: guard.default for guard in GUARDS}
FIXED = frozenset(guard.name for guard in GUARDS if guard.is_fixed)
LIMITS = ("cool_down", "fresh_sign_in", "approval_within", "most_in_bulk", "at_once", "hosts_first")
WANTED = {
    "reason": "a reason",
    "ticket": "a ticket",
    "typed_name": "the name, typed",
    "second_person": "a second person to approve it",
}
PARTS = {
    Action.TAKE_OVER: (Action.TAKE_OVER, Action.SYNC, Action.TERMINATE),
    Action.BULK_SYNC: (Action.BULK_SYNC, Action.SYNC),
}
"""Steps are not asked again for what their whole was asked for: the strictest rules of all that it does apply to it."""

Found = tuple[Policy | None, BuiltIn]


def rules_for(fleet: FleetFile, *, action: Action, application: Application, options: Options) -> Rules:
    """The rules for one action on one Application; for a take over the strictest of all that it does."""
    return _strictest(_found(fleet, action, application, options))


def rules_for_bulk(fleet: FleetFile, *, applications: Sequence[Application], options: Options) -> Rules:
    """The strictest rules of all members, with the lowest limits; without members those of production.

    Whether hosts go first is a matter of the bulk alone, which no rule for a sync by itself says anything of.
    """
    members = [_found(fleet, Action.BULK_SYNC, one, options) for one in applications]
    if not members:
        return _strictest([(None, built_in_for(Action.BULK_SYNC, options, is_production=True))])
    rules = _strictest([each for found in members for each in found])
    hosts_first = any(_over(built_in.rules, policy).hosts_first for (policy, built_in), *_ in members)
    return replace(rules, hosts_first=hosts_first)


def policy_for(fleet: FleetFile, action: Action, application: Application, options: Options) -> Policy | None:
    """The first policy of the fleet file that fits; None where the built-in ones alone apply."""
    if not fleet.policies:
        return None
    cluster = next((each for each in fleet.clusters if each.name == application.cluster), None)
    fitting = (each for each in fleet.policies if _fits(each.match, action, application, options, cluster))
    return next(fitting, None)


def strictness(rules: Rules, guard: str) -> Answer:
    """How strict a guard is where it speaks, under these rules."""
    default = DEFAULTS[guard]
    return default if guard in FIXED else rules.guards.get(guard, default)


def _found(fleet: FleetFile, action: Action, application: Application, options: Options) -> list[Found]:
    """What fits the action, and each of those that it consists of."""
    strict = is_production(fleet, application.environment)
    return [
        (policy_for(fleet, part, application, options), built_in_for(part, options, is_production=strict))
        for part in PARTS.get(action, (action,))
    ]


def _fits(match: Match, action: Action, row: Application, options: Options, cluster: Cluster | None) -> bool:
    """Whether each list that the match has holds something that fits."""
    return (
        _holds(match.actions, action.value)
        and _holds(match.environments, row.environment)
        and _holds(match.rings, cluster.ring if cluster else None)
        and _holds(match.roles, cluster.role if cluster else None)
        and _names(match.projects, row.project)
        and _names(match.sets, row.set_name)
        and _names(match.applications, row.name)
        and (not match.options or any(getattr(options, option) for option in match.options))
    )


def _holds(wanted: Sequence[object], value: object) -> bool:
    return not wanted or value in wanted


def _names(globs: Sequence[str], name: str) -> bool:
    return not globs or any(fnmatchcase(name, glob) for glob in globs)


def _over(rules: Rules, policy: Policy | None) -> Rules:
    """The built-in rules with what the policy says instead."""
    if policy is None:
        return rules
    said: dict[str, Any] = {name: value for name in LIMITS if (value := getattr(policy, name)) is not None}
    said |= {f"wants_{name}": value for name in WANTED if (value := getattr(policy, name)) is not None}
    if policy.least_role:
        said["least_role"] = Role(policy.least_role.value)
    return replace(rules, policy=policy.name, guards={**rules.guards, **_guards_said(policy)}, **said)


def _guards_said(policy: Policy) -> dict[str, Answer]:
    return {name: Answer(told) for name, told in policy.guards.said().items()}


# --- the strictest of several ----------------------------------------------------------------------------------------


def _strictest(found: Iterable[Found]) -> Rules:
    """One set of rules that is as strict as each of them; its name is of the policies that it comes from."""
    distinct = {
        (policy.name if policy else "", built_in.rules.policy): (policy, built_in) for policy, built_in in found
    }
    each = [_over(built_in.rules, policy) for policy, built_in in distinct.values()]
    if len(each) == 1:
        return each[0]
    named = [name for name, _ in distinct if name]
    signed_in = [rules.fresh_sign_in for rules in each if rules.fresh_sign_in is not None]
    return Rules(
        policy=_joined(dict.fromkeys(named or [rules.policy for rules in each])),
        least_role=max((rules.least_role for rules in each), key=lambda role: role.rank),
        guards=_strictest_guards(each),
        cool_down=max(rules.cool_down for rules in each),
        wants_reason=any(rules.wants_reason for rules in each),
        wants_ticket=any(rules.wants_ticket for rules in each),
        wants_typed_name=any(rules.wants_typed_name for rules in each),
        wants_second_person=any(rules.wants_second_person for rules in each),
        fresh_sign_in=min(signed_in, default=None),
        approval_within=min(rules.approval_within for rules in each),
        most_in_bulk=min(rules.most_in_bulk for rules in each),
        at_once=min(rules.at_once for rules in each),
        hosts_first=any(rules.hosts_first for rules in each),
    )


def _strictest_guards(each: Sequence[Rules]) -> dict[str, Answer]:
    """One that a policy does not name is as strict there as it is by default."""
    return {name: max((strictness(rules, name) for rules in each), key=lambda answer: answer.rank) for name in DEFAULTS}


def _joined(names: Iterable[str]) -> str:
    """The first names, as many as there is room for, and how many more."""
    first, *others = names
    told = first
    for index, name in enumerate(others):
        if len(f"{told}, {name}") > LONGEST_NAME - len(" and 99 more"):
            return f"{told} and {len(others) - index} more"
        told = f"{told}, {name}"
    return told


# --- for people ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class PolicyShown:
    """A policy in words: what it is about, what it asks for, and how strict the guards are that it names."""

    name: str
    is_built_in: bool
    fits: tuple[str, ...]
    asks: tuple[str, ...]
    guards: Mapping[str, Answer]


def policies_shown(fleet: FleetFile) -> list[PolicyShown]:
    """All policies in the order in which they are tried: those of the fleet file, then the built-in ones."""
    production = production_of(fleet)
    built_in = [_built_in_shown(each, production) for each in BUILT_IN]
    freezes = map(_freezes_shown, (Verb.FREEZE, Verb.UNFREEZE))
    silences = PolicyShown(SILENCES_BUILT_IN, True, ("actions: silence, silence-edit",), built_in_asks(), {})
    return [*map(_policy_shown, fleet.policies), *freezes, silences, *built_in]


def asks_of(rules: Rules) -> tuple[str, ...]:
    """What the rules ask for, in words."""
    wanted = [words for name, words in WANTED.items() if getattr(rules, f"wants_{name}")]
    fresh = [f"a sign-in of the last {duration_text(rules.fresh_sign_in)}"] if rules.fresh_sign_in else []
    waits = [f"approval within {duration_text(rules.approval_within)}"] if rules.wants_second_person else []
    tries = [f"{duration_text(rules.cool_down)} between two tries"] if rules.cool_down else []
    return (f"{role_called(rules.least_role)} at least", *wanted, *fresh, *waits, *tries)


def bulk_words(rules: Rules) -> str:
    """How big a bulk may be, in words."""
    return f"in bulk at most {rules.most_in_bulk}, {rules.at_once} at once"


def _policy_shown(policy: Policy) -> PolicyShown:
    lists = [(name, [str(value) for value in values]) for name, values in policy.match]
    fits = tuple(f"{name}: {', '.join(values)}" for name, values in lists if values)
    return PolicyShown(policy.name, False, fits or ("everything",), tuple(_said(policy)), _guards_said(policy))


def _said(policy: Policy) -> Iterable[str]:
    """What the policy itself says, in words; the rest is built in."""
    if policy.least_role:
        yield f"{role_called(Role(policy.least_role.value))} at least"
    for name, words in WANTED.items():
        if (value := getattr(policy, name)) is not None:
            yield words if value else f"not {words}"
    spans = (
        (policy.fresh_sign_in, "a sign-in of the last {}"),
        (policy.approval_within, "approval within {}"),
        (policy.cool_down, "{} between two tries"),
    )
    yield from (words.format(duration_text(span)) for span, words in spans if span is not None)
    sizes = ((policy.most_in_bulk, "in bulk at most {}"), (policy.at_once, "in bulk {} at once"))
    yield from (words.format(size) for size, words in sizes if size is not None)
    yield from policy_limits(policy)
    if policy.hosts_first is not None:
        yield "in bulk hosts before members" if policy.hosts_first else "in bulk hosts and members together"


def _freezes_shown(verb: Verb) -> PolicyShown:
    """A freeze needs the role and the scope, and what a policy that names it asks for besides."""
    given = ("a reason", "an end") if verb is Verb.FREEZE else ()
    asks = (f"{role_called(LEAST_ROLE[verb])} at least", *given)
    action = Action.FREEZE if verb is Verb.FREEZE else Action.UNFREEZE
    return PolicyShown(f"{action} (built in)", True, (f"to {verb}",), asks, {})


def _built_in_shown(built_in: BuiltIn, production: str) -> PolicyShown:
    fits = [f"actions: {', '.join(sorted(built_in.actions))}"] if built_in.actions < frozenset(Action) else []
    if built_in.is_production_alone:
        fits.append(f"environments: {production}, and those that are not in the fleet file")
    if built_in.options:
        fits.append(f"options: {', '.join(sorted(built_in.options))}")
    asks = (*asks_of(built_in.rules), bulk_words(built_in.rules))
    return PolicyShown(built_in.rules.policy, True, tuple(fits) or ("everything",), asks, built_in.rules.guards)
