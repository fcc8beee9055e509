"""Where a role counts, and why somebody may not do something."""

from __future__ import annotations

import io
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.core.management import CommandError, call_command

from apps.accounts.access import Verb, grants_held, may, person_shown, refusal_of, role_at, role_of
from apps.accounts.backends import LocalAccountBackend
from apps.accounts.grants import Grant, grants_by, grants_shown
from apps.accounts.models import Person, Role
from apps.accounts.scopes import Place, Scope
from apps.sources.fleetfile import fleet_file_parse

pytestmark = [pytest.mark.database, pytest.mark.django_db]
STAGING = Place(project="build", environment="staging", cluster="stone-stg-m01")
PRODUCTION = Place(project="build", environment="production", cluster="stone-prd-m01")
ACTING = (Verb.ACT, Verb.APPROVE, Verb.FREEZE, Verb.UNFREEZE)


def somebody(role: Role = Role.RESPONDER, **scope: Any) -> User:
    """An account as a page or a worker reads it."""
    user = User.objects.create_user("kim")
    Person.objects.create(user=user, role=role, scope=scope)
    read = LocalAccountBackend().get_user(user.pk)
    assert read
    return read


@pytest.mark.parametrize(
    ("role", "allowed"),
    [
        (Role.VIEWER, ()),
        (Role.RESPONDER, (Verb.ACT, Verb.FREEZE)),
        (Role.APPROVER, ACTING),
        (Role.ADMIN, ACTING),
    ],
)
def test_each_role_may_do_what_it_is_for(role: Role, allowed: tuple[Verb, ...]) -> None:
    user = somebody(role)
    assert tuple(verb for verb in ACTING if may(user, verb)) == allowed
    assert tuple(verb for verb in ACTING if may(user, verb, PRODUCTION)) == allowed


def test_a_refusal_says_which_role_is_needed() -> None:
    user = somebody(Role.VIEWER)
    assert refusal_of(user, Verb.ACT, STAGING) == "Your role is viewer: a responder may do this"
    assert refusal_of(user, Verb.APPROVE) == "Your role is viewer: an approver may do this"
    assert refusal_of(user, Verb.SEE) == ""
    assert refusal_of(AnonymousUser(), Verb.SEE) == "You have no role in this portal"


def test_a_responder_of_one_environment_may_not_act_in_another() -> None:
    user = somebody(environments=["staging"])
    assert refusal_of(user, Verb.ACT, STAGING) == ""
    assert refusal_of(user, Verb.ACT, PRODUCTION) == "You are responder for staging: this is in production"
    assert not may(user, Verb.FREEZE, PRODUCTION)
    assert may(user, Verb.ACT), "there is something that they may act on"
    assert may(user, Verb.SEE, PRODUCTION), "everybody sees everything"


@pytest.mark.parametrize(
    ("scope", "missed"),
    [
        ({}, ""),
        ({"projects": [], "environments": [], "clusters": []}, ""),
        ({"projects": ["x", "b*"], "environments": ["prod*"], "clusters": ["stone-prd-m0?"]}, ""),
        ({"projects": ["x"], "environments": ["*"]}, "in the project build"),
        ({"projects": ["b*"], "clusters": ["stone-stg-*"]}, "on the cluster stone-prd-m01"),
        ({"environments": ["Production"]}, "in production"),
    ],
)
def test_one_glob_of_each_list_must_fit(scope: dict[str, Any], missed: str) -> None:
    refusal = refusal_of(somebody(**scope), Verb.ACT, PRODUCTION)
    assert refusal.partition(": this is ")[2] == missed
    assert bool(refusal) is bool(missed)


def test_a_scope_does_not_reach_what_is_not_known_or_everything() -> None:
    user = somebody(environments=["staging"])
    told = [refusal_of(user, Verb.FREEZE, Place(**given)) for given in ({}, {"cluster": "elsewhere"})]
    assert told == [
        "You are responder for staging: this is about everything",
        "You are responder for staging: this is of no known environment",
    ]


@pytest.mark.parametrize("broken", [["staging"], {"environment": ["staging"]}, {"environments": "staging"}, "staging"])
def test_a_scope_that_cannot_be_read_reaches_nothing(broken: Any) -> None:
    user = somebody()
    user.person.scope = broken
    assert not may(user, Verb.ACT, STAGING)
    assert may(user, Verb.SEE)


TWO_GRANTS = [
    {"role": "approver", "environments": ["staging"]},
    {"role": "responder", "environments": ["production"], "projects": ["default", "monitoring"]},
]


def granted(*grants: Any, role: Role = Role.APPROVER) -> User:
    """An account of the provider's, as a page reads it."""
    user = User.objects.create_user("kim")
    Person.objects.create(user=user, role=role, grants=list(grants))
    read = LocalAccountBackend().get_user(user.pk)
    assert read
    return read


def test_several_grants_add_up() -> None:
    user = granted(*TWO_GRANTS)
    monitoring = Place("monitoring", "production", "stone-prd-m01")
    assert refusal_of(user, Verb.ACT, STAGING) == refusal_of(user, Verb.APPROVE, STAGING) == ""
    assert refusal_of(user, Verb.ACT, monitoring) == ""
    assert (role_of(user), role_at(user, STAGING), role_at(user, monitoring), role_at(user, PRODUCTION)) == (
        Role.APPROVER,
        Role.APPROVER,
        Role.RESPONDER,
        None,
    )


def test_a_role_given_elsewhere_lends_nothing_here() -> None:
    user = granted(*TWO_GRANTS)
    monitoring = Place("monitoring", "production", "stone-prd-m01")
    assert refusal_of(user, Verb.APPROVE, monitoring) == "You are approver for staging: this is in production"
    assert refusal_of(user, Verb.ACT, PRODUCTION) == (
        "You are approver for staging; responder for production, projects default and monitoring:"
        " this is in production, in the project build"
    )


def test_the_menu_says_all_that_was_given() -> None:
    assert person_shown(granted(*TWO_GRANTS))["role"] == (
        "approver for staging; responder for production: default, monitoring"
    )


@pytest.mark.parametrize(
    "broken", [[{"role": "owner"}], [{"role": "admin", "everywhere": True}], "admin", [7], {"a": 1}]
)
def test_grants_that_cannot_be_read_count_as_none(broken: Any) -> None:
    user = granted(role=Role.ADMIN)
    user.person.grants = broken
    assert refusal_of(user, Verb.SEE) == "You have no role in this portal"


RULES = """
sso: {issuer: 'https://sso.example', client_id: portal}
environments: [{name: staging}, {name: production}]
access:
  - {group: everybody, role: viewer}
  - {group: oncall, role: responder}
  - {group: build, role: responder, environments: [staging]}
  - {group: leads, role: approver, projects: [build]}
  - {group: admins, role: admin}
"""


@pytest.mark.parametrize(
    ("groups", "given"),
    [
        ((), ""),
        (("Everybody", "other"), ""),
        (("everybody", "other"), "viewer"),
        (("everybody", "build"), "responder for staging"),
        (("build", "leads"), "approver for project build; responder for staging"),
        (("oncall", "build", "leads"), "approver for project build; responder"),
        (("admins", "leads", "everybody"), "admin"),
    ],
)
def test_groups_give_what_the_rules_say_without_what_adds_nothing(groups: tuple[str, ...], given: str) -> None:
    assert grants_shown(grants_by(fleet_file_parse(text=RULES).access, groups)) == given


def test_an_admin_is_held_to_no_scope() -> None:
    user = somebody(Role.ADMIN, environments=["staging"])
    assert may(user, Verb.UNFREEZE, PRODUCTION)
    assert grants_held(user) == (Grant(Role.ADMIN),)


def test_a_scope_is_told_in_words() -> None:
    assert Scope(environments=("staging",), projects=("a", "b"), clusters=("c",)).words == (
        "staging, projects a and b, cluster c"
    )
    assert person_shown(somebody(environments=["staging"])) == {"name": "kim", "role": "responder for staging"}


def test_the_command_gives_a_role_its_scope(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("correct horse battery\n" * 2))
    asked = ("--environment", "staging", "--project", "a", "--project", "b*", "--cluster", "stone-*")
    call_command("portal_account", "kim", "--role", "responder", *asked)
    assert "kim can sign in as responder for staging, projects a and b*, cluster stone-*" in capsys.readouterr().out
    assert Person.objects.get().scope == {"projects": ["a", "b*"], "environments": ["staging"], "clusters": ["stone-*"]}
    call_command("portal_account", "kim", "--role", "responder")
    assert Person.objects.get().scope == {}


@pytest.mark.parametrize(
    ("asked", "why"), [(("admin", "staging"), "counts everywhere"), (("viewer", ""), "must not be empty")]
)
def test_the_command_refuses_a_scope_that_means_nothing(asked: tuple[str, str], why: str) -> None:
    role, environment = asked
    with pytest.raises(CommandError, match=why):
        call_command("portal_account", "kim", "--role", role, "--environment", environment)
    assert not User.objects.exists()
