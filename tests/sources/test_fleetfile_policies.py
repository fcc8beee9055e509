"""Policies of the fleet file: what they say, and how their mistakes are told."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from apps.sources.fleetfile import FleetFileInvalid, fleet_file_load, fleet_file_parse
from apps.sources.fleetfile.documents import configuration_text, json_schema_text
from apps.sources.fleetfile.policies import Guards

ENVIRONMENTS = "environments: [{name: staging, rings: [1]}, {name: production, rings: [2, 3]}]\n"
EXAMPLE = Path(__file__).parents[2] / "docs" / "fleet.example.yaml"
NAMES = {
    *("role", "argocd-right", "freeze", "sync-window", "operation-running", "active-request", "deleting", "self-heal"),
    *("unreachable-cluster", "prune", "replace-force", "dry-run", "order", "blast-radius", "cool-down", "changed"),
    "not-checked",
}
FIXED = ("role", "argocd-right", "freeze", "sync-window", "operation-running", "active-request", "deleting")


def mistakes_in(policies: str) -> dict[str, str]:
    """The mistakes of a fleet file with these policies, message by path."""
    with pytest.raises(FleetFileInvalid) as refused:
        fleet_file_parse(text=ENVIRONMENTS + f"policies: {policies}")
    return {problem.path: problem.message for problem in refused.value.problems}


def test_the_examples_policies_say_what_they_seem_to_say() -> None:
    first, second = fleet_file_load(path=EXAMPLE, must_exist=False).policies
    assert (first.least_role, first.second_person, first.reason) == ("admin", True, None)
    assert (first.fresh_sign_in, first.approval_within) == (timedelta(minutes=15), timedelta(minutes=30))
    assert second.match.rings == (3, 4)
    assert second.guards.said() == {"self-heal": "pass", "unreachable-cluster": "refuse", "order": "confirm"}


def test_a_policy_may_say_nothing_but_its_name() -> None:
    (policy,) = fleet_file_parse(text="policies: [{name: all}]").policies
    assert policy.guards.said() == {}
    assert not any(value for _, value in policy.match)


def test_the_guards_are_a_closed_list() -> None:
    assert {field.alias or name for name, field in Guards.model_fields.items()} == NAMES


def test_all_mistakes_of_policies_are_told_by_their_paths() -> None:
    told = mistakes_in(
        """
        - name: one
          match: {actions: [sink], environments: [prod, staging], rings: [2, 7], roles: [hub], options: [selective]}
          guards: {prunes: warn, prune: never, dry_run: warn}
          cool_down: 2d
          at_once: 0
        - {name: one, least_role: viewer, reason: sometimes, approval_within: 1s}
        """
    )
    assert told == {
        "policies[0].match.actions[0]": "must be 'sync', 'dry-run', 'refresh', 'hard-refresh', 'terminate',"
        " 'take-over', 'bulk-sync', 'freeze', 'unfreeze', 'silence', 'silence-edit' or 'silence-expire'",
        "policies[0].match.environments[0]": "there is no environment 'prod'",
        "policies[0].match.rings[1]": "7 is not a ring of any environment; their rings are: 1, 2, 3",
        "policies[0].match.roles[0]": "must be 'control-plane', 'host' or 'member'",
        "policies[0].match.options[0]": "must be 'prune', 'force' or 'replace'",
        "policies[0].guards.prunes": "unknown key 'prunes' (did you mean 'prune'?)",
        "policies[0].guards.prune": "must be 'pass', 'warn', 'confirm' or 'refuse'",
        "policies[0].guards.dry_run": "unknown key 'dry_run' (did you mean 'dry-run'?)",
        "policies[0].cool_down": "must be from 0s to 1d",
        "policies[0].at_once": "must be greater than or equal to 1",
        "policies[1].name": "'one' is the name of policies[0] already: give it another",
        "policies[1].least_role": "must be 'responder', 'approver' or 'admin'",
        "policies[1].reason": "must be true or false",
        "policies[1].approval_within": "must be from 1m to 7d",
    }


@pytest.mark.parametrize("guard", FIXED)
def test_a_fixed_guard_cannot_be_loosened(guard: str) -> None:
    words = "is a fixed guard: it always says 'refuse', and no policy can loosen it"
    assert mistakes_in(f"[{{name: a, guards: {{{guard}: confirm}}}}]") == {f"policies[0].guards.{guard}": words}
    (policy,) = fleet_file_parse(text=f"policies: [{{name: a, guards: {{{guard}: refuse}}}}]").policies
    assert policy.guards.said() == {guard: "refuse"}


def test_every_guard_stands_in_the_documents() -> None:
    schema = json.loads(json_schema_text())["$defs"]["Guards"]
    assert set(schema["properties"]) == NAMES
    assert all(f"| `{name}` |" in configuration_text() for name in NAMES)


@pytest.mark.parametrize(
    ("policy", "message"),
    [
        ("match: {actions: [freeze, sync]}", "'freeze' and 'unfreeze' stand in a policy of their own"),
        (
            "match: {actions: [freeze]}, second_person: true, at_once: 2",
            "of a freeze it cannot say at_once, second_person",
        ),
        (
            "match: {actions: [unfreeze], sets: [a], options: [prune]}",
            "of a freeze it cannot say match.options, match.sets",
        ),
        ("match: {actions: [unfreeze]}, guards: {order: pass}", "of a freeze it cannot say guards"),
        ("match: {actions: [freeze]}, reason: false", "a freeze always has a reason"),
    ],
)
def test_a_policy_of_freezes_says_nothing_that_a_freeze_has_not(policy: str, message: str) -> None:
    assert list(mistakes_in(f"[{{name: calm, {policy}}}]").values()) == [message]


def test_a_policy_of_freezes_says_who_may_why_and_how_freshly_signed_in() -> None:
    said = "least_role: admin, reason: true, fresh_sign_in: 5m"
    text = f"policies: [{{name: calm, match: {{actions: [freeze, unfreeze], projects: [a]}}, {said}}}]"
    (policy,) = fleet_file_parse(text=text).policies
    assert (policy.least_role, policy.reason, policy.fresh_sign_in) == ("admin", True, timedelta(minutes=5))


@pytest.mark.parametrize(
    ("policy", "message"),
    [
        (
            "match: {actions: [silence, sync]}",
            "'silence', 'silence-edit' and 'silence-expire' stand in a policy of their own",
        ),
        ("match: {actions: [silence], projects: [a]}", "of a silence it cannot say match.projects"),
        (
            "match: {actions: [silence-edit]}, guards: {order: pass}, at_once: 2",
            "of a silence it cannot say at_once, guards",
        ),
        (
            "most_hidden: 3, longest_silence: 1h",
            "says longest_silence, most_hidden: that is for a policy that names 'silence' and the like",
        ),
        ("match: {actions: [silence]}, most_hidden: 0", "must be greater than or equal to 1"),
    ],
)
def test_what_a_policy_of_silences_says_is_about_silences_alone(policy: str, message: str) -> None:
    assert message in " ".join(mistakes_in(f"[{{name: calm, {policy}}}]").values())


def test_a_policy_of_silences_says_how_long_and_how_wide() -> None:
    said = "longest_silence: 24h, most_hidden: 200, most_clusters: 3, ticket: false, second_person: true"
    (policy,) = fleet_file_parse(text=f"policies: [{{name: calm, match: {{actions: [silence]}}, {said}}}]").policies
    assert (policy.longest_silence, policy.most_hidden, policy.most_clusters) == (timedelta(hours=24), 200, 3)
    assert (policy.ticket, policy.second_person, policy.reason) == (False, True, None)
