"""Which policy applies, what it says, and what is built in."""

from __future__ import annotations

from datetime import timedelta

import pytest

from apps.accounts.models import Role
from apps.actions.built_in import BUILT_IN, is_production, production_of
from apps.actions.case import Answer
from apps.actions.guards import GUARDS
from apps.actions.options import Options
from apps.actions.policies import FIXED, policies_shown, rules_for, rules_for_bulk, strictness
from apps.actions.states import Action
from apps.gitops.models import Application
from apps.sources.fleetfile import FleetFile, FleetFileInvalid, fleet_file_parse
from apps.sources.fleetfile.policies import Guards

PLACES = """
environments: [{name: staging, rings: [1]}, {name: production, rings: [2, 3]}]
clusters:
  - {name: hub, role: control-plane, environment: production, ring: 2}
  - {name: m01, role: member, environment: production, ring: 3}
  - {name: s01, role: member, environment: staging, ring: 1}
"""
PLAIN, PRUNE, FORCE = Options(), Options(prune=True), Options(force=True)


def fleet_with(policies: str = "[]") -> FleetFile:
    return fleet_file_parse(text=f"{PLACES}policies: {policies}")


def application(cluster: str = "m01", environment: str = "production", **fields: str) -> Application:
    told = {"name": f"build-{cluster}", "project": "build", "set_name": "build-service", **fields}
    return Application(instance="production", namespace="argocd", cluster=cluster, environment=environment, **told)


STAGED = application("s01", "staging")


def name_for(fleet: FleetFile, row: Application, action: Action = Action.SYNC, options: Options = PLAIN) -> str:
    return rules_for(fleet, action=action, application=row, options=options).policy


@pytest.mark.parametrize(
    ("action", "options", "row", "reason", "typed", "second"),
    [
        (Action.SYNC, Options(), application(), False, False, False),
        (Action.SYNC, PRUNE, application(), True, True, False),
        (Action.SYNC, FORCE, application(), True, True, True),
        (Action.SYNC, Options(prune=True, replace=True), application(), True, True, True),
        (Action.SYNC, Options(apply_out_of_sync_only=True), application(), False, False, False),
        (Action.DRY_RUN, FORCE, application(), False, False, False),
        (Action.REFRESH, Options(), application(), False, False, False),
        (Action.TERMINATE, Options(), application(), True, False, False),
        (Action.TAKE_OVER, Options(), application(), True, False, False),
        (Action.TAKE_OVER, FORCE, application(), True, True, True),
        (Action.BULK_SYNC, Options(), application(), True, False, False),
        (Action.SYNC, FORCE, STAGED, False, False, False),
        (Action.TAKE_OVER, PRUNE, STAGED, False, False, False),
    ],
)
def test_what_is_built_in_asks_for_care_where_it_can_hurt(
    action: Action, options: Options, row: Application, reason: bool, typed: bool, second: bool
) -> None:
    rules = rules_for(fleet_with(), action=action, application=row, options=options)
    assert (rules.wants_reason, rules.wants_typed_name, rules.wants_second_person) == (reason, typed, second)
    assert rules.least_role is Role.RESPONDER


def test_what_could_not_be_checked_stops_a_sync_of_production_alone() -> None:
    fleet, guard = fleet_with(), "not-checked"
    answers = [
        strictness(rules_for(fleet, action=action, application=row, options=Options()), guard)
        for action, row in [(Action.SYNC, application()), (Action.SYNC, STAGED), (Action.DRY_RUN, application())]
    ]
    assert answers == [Answer.REFUSE, Answer.WARN, Answer.WARN]


def test_production_is_the_one_of_that_name_or_the_last() -> None:
    fleet = fleet_file_parse(text="environments: [{name: test}, {name: live}]")
    assert (production_of(fleet), production_of(fleet_with()), production_of(FleetFile())) == (
        "live",
        "production",
        "production",
    )
    assert [is_production(fleet, name) for name in ("test", "live", "", "gone")] == [False, True, True, True]


@pytest.mark.parametrize(
    "match",
    [
        "{}",
        "{actions: [dry-run, sync]}",
        "{environments: [production]}",
        "{rings: [3]}",
        "{roles: [member]}",
        "{projects: ['bu*']}",
        "{sets: [build-service]}",
        "{applications: [other, 'build-m0?']}",
        "{options: [force, prune]}",
        "{environments: [production], rings: [2, 3], options: [prune], roles: [], applications: ['*']}",
    ],
)
def test_a_policy_fits_what_its_match_says(match: str) -> None:
    assert name_for(fleet_with(f"[{{name: mine, match: {match}}}]"), application(), options=PRUNE) == "mine"


@pytest.mark.parametrize(
    "match",
    [
        "{actions: [dry-run]}",
        "{environments: [staging]}",
        "{rings: [2]}",
        "{roles: [host, control-plane]}",
        "{projects: [Build]}",
        "{sets: [build]}",
        "{applications: [build]}",
        "{options: [force]}",
        "{environments: [production], rings: [1]}",
    ],
)
def test_a_policy_does_not_fit_where_one_list_of_its_match_does_not(match: str) -> None:
    told = name_for(fleet_with(f"[{{name: mine, match: {match}}}]"), application(), options=PRUNE)
    assert told == "prune in production (built in)"


def test_a_policy_about_rings_does_not_fit_what_goes_to_an_unknown_cluster() -> None:
    fleet = fleet_with("[{name: rings, match: {rings: [2, 3]}}, {name: roles, match: {roles: [member]}}]")
    assert name_for(fleet, application("elsewhere")) == "production (built in)"


def test_the_first_that_fits_applies_and_the_built_in_one_says_the_rest() -> None:
    fleet = fleet_with(
        """
        - {name: staging, match: {environments: [staging]}, least_role: admin}
        - name: careful
          match: {projects: [build]}
          least_role: approver
          guards: {prune: refuse, self-heal: pass}
          typed_name: false
          ticket: true
          cool_down: 0
          fresh_sign_in: 10m
          most_in_bulk: 7
        - {name: late, second_person: true}
        """
    )
    rules = rules_for(fleet, action=Action.SYNC, application=application(), options=PRUNE)
    assert (rules.policy, rules.least_role) == ("careful", Role.APPROVER)
    assert (rules.wants_typed_name, rules.wants_ticket, rules.wants_reason, rules.wants_second_person) == (
        False,
        True,
        True,
        False,
    )
    assert (rules.cool_down, rules.fresh_sign_in) == (timedelta(), timedelta(minutes=10))
    assert (rules.most_in_bulk, rules.at_once) == (7, 3)
    told = {name: strictness(rules, name) for name in ("prune", "self-heal", "not-checked", "order")}
    assert told == {
        "prune": Answer.REFUSE,
        "self-heal": Answer.PASS,
        "not-checked": Answer.REFUSE,
        "order": Answer.WARN,
    }


def test_a_take_over_is_asked_for_all_that_its_sync_would_be() -> None:
    fleet = fleet_with("[{name: four-eyes, match: {actions: [sync], projects: [build]}, second_person: true}]")
    rules = rules_for(fleet, action=Action.TAKE_OVER, application=application(), options=Options())
    assert (rules.policy, rules.wants_second_person, rules.wants_reason) == ("four-eyes", True, True)


def test_a_bulk_is_as_strict_as_its_strictest_member() -> None:
    fleet = fleet_with(
        """
        - {name: hub, match: {roles: [control-plane]}, least_role: admin, at_once: 1, most_in_bulk: 90, cool_down: 5m}
        - {name: loose, match: {environments: [staging]}, guards: {order: pass}, approval_within: 5m, fresh_sign_in: 1h}
        """
    )
    members = [STAGED, application("hub"), application(), application()]
    rules = rules_for_bulk(fleet, applications=members, options=Options())
    assert (rules.least_role, rules.at_once, rules.most_in_bulk) == (Role.ADMIN, 1, 90)
    assert (rules.cool_down, rules.approval_within, rules.fresh_sign_in) == (
        timedelta(minutes=5),
        timedelta(minutes=5),
        timedelta(hours=1),
    )
    assert strictness(rules, "order") is Answer.WARN, "only one member's policy lets it pass"
    assert strictness(rules, "not-checked") is Answer.REFUSE
    assert rules.policy == "loose, hub"


def test_a_bulk_of_staging_asks_for_nothing_and_one_with_production_for_a_reason() -> None:
    fleet = fleet_with()
    staged = rules_for_bulk(fleet, applications=[STAGED], options=Options())
    mixed = rules_for_bulk(fleet, applications=[STAGED, application()], options=Options())
    assert (staged.wants_reason, staged.at_once, staged.most_in_bulk) == (False, 5, 200)
    assert (mixed.wants_reason, mixed.at_once, mixed.most_in_bulk) == (True, 3, 200)
    assert rules_for_bulk(fleet, applications=[], options=Options()).wants_reason


def test_a_bulk_under_many_policies_names_some_of_them() -> None:
    named = ", ".join(f"{{name: {letter * 30}, match: {{applications: [{letter}]}}}}" for letter in "abcdefgh")
    members = [application(name=letter) for letter in "abcdefgh"]
    rules = rules_for_bulk(fleet_with(f"[{named}]"), applications=members, options=Options())
    assert rules.policy == f"{'a' * 30}, {'b' * 30} and 6 more"


def test_the_guards_of_the_fleet_file_are_those_that_there_are() -> None:
    assert {field.alias or name for name, field in Guards.model_fields.items()} == {guard.name for guard in GUARDS}
    for guard in GUARDS:
        if guard.name in FIXED:
            with pytest.raises(FleetFileInvalid, match="fixed guard"):
                fleet_with(f"[{{name: a, guards: {{{guard.name}: warn}}}}]")
        else:
            rules = rules_for(
                fleet_with(f"[{{name: a, guards: {{{guard.name}: pass}}}}]"),
                action=Action.SYNC,
                application=application(),
                options=Options(),
            )
            assert strictness(rules, guard.name) is Answer.PASS


def test_all_policies_are_shown_in_words() -> None:
    fleet = fleet_with(
        "[{name: a, match: {rings: [2, 3], actions: [sync]}, reason: false, cool_down: 2m, guards: {order: confirm}}]"
    )
    mine, *others = policies_shown(fleet)
    assert (mine.name, mine.is_built_in, mine.guards) == ("a", False, {"order": Answer.CONFIRM})
    assert mine.fits == ("actions: sync", "rings: 2, 3")
    assert mine.asks == ("not a reason", "2m between two tries")
    shown = {each.name: each for each in others}
    assert all(each.is_built_in for each in others)
    assert {each.rules.policy for each in BUILT_IN} < set(shown)
    assert "a second person to approve it" in shown["replace or force in production (built in)"].asks
    assert shown["unfreeze (built in)"].asks == ("an approver at least",)
    assert shown["everything else (built in)"].fits == ("everything",)
