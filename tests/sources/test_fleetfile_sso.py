"""What the fleet file says of people: who signs them in, and what their groups may."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from apps.integrations.oidc import ALGORITHMS
from apps.sources.fleetfile import FleetFileInvalid, fleet_file_load, fleet_file_parse
from apps.sources.fleetfile.sso import Algorithm

EXAMPLE = Path(__file__).parents[2] / "docs" / "fleet.example.yaml"
SSO = "sso: {issuer: 'https://sso.example/realms/sre', client_id: portal}\n"
PLACES = (
    "environments: [{name: staging}, {name: production}]\nclusters: [{name: m01, role: host, environment: staging}]\n"
)


def mistakes_in(text: str) -> dict[str, str]:
    with pytest.raises(FleetFileInvalid) as refused:
        fleet_file_parse(text=text)
    return {problem.path: problem.message for problem in refused.value.problems}


def test_the_example_says_who_signs_people_in_and_what_their_groups_may() -> None:
    fleet = fleet_file_load(path=EXAMPLE, must_exist=False)
    assert fleet.sso
    assert (fleet.sso.client_id, fleet.sso.contact) == ("stonesoup-portal", "#sre-access")
    assert [rule.role for rule in fleet.access] == ["viewer", "responder", "responder", "approver", "admin"]


def test_little_has_to_be_said() -> None:
    sso = fleet_file_parse(text=SSO).sso
    assert sso
    assert (sso.client_secret, sso.scopes, sso.algorithms) == (None, ("openid", "profile", "email"), ("RS256",))
    assert (sso.idle_minutes, sso.session_hours, sso.refresh_minutes, sso.contact) == (30, 10, 5, "")


@pytest.mark.parametrize("issuer", ["https://sso.example/", "http://127.0.0.1:9/realms/a", "http://[::1]:9"])
def test_an_issuer_stays_as_it_is_written(issuer: str) -> None:
    sso = fleet_file_parse(text=f"sso: {{issuer: '{issuer}', client_id: portal}}").sso
    assert sso
    assert sso.issuer == issuer


@pytest.mark.parametrize(
    ("said", "path", "message"),
    [
        (
            "issuer: 'http://sso.example'",
            "sso.issuer",
            "must begin with https://: only on this machine",
        ),
        ("issuer: 'https://me:pass@sso.example'", "sso.issuer", "must hold no user name or password"),
        ("client_secret: hunter2", "sso.client_secret", "a secret never stands in this file"),
        ("algorithms: [none]", "sso.algorithms[0]", "must be 'RS256'"),
        ("algorithms: [HS256]", "sso.algorithms[0]", "must be 'RS256'"),
        ("algorithms: []", "sso", "'algorithms' must name one at least"),
        ("scopes: [profile]", "sso", "'scopes' must hold openid"),
        ("idle_minutes: 0", "sso.idle_minutes", "must be greater than or equal to 5"),
        ("refresh_minutes: 60", "sso.refresh_minutes", "must be less than or equal to 15"),
        ("session_hours: 100", "sso.session_hours", "must be less than or equal to 24"),
    ],
)
def test_mistakes_of_single_sign_on_are_told(said: str, path: str, message: str) -> None:
    others = {"issuer": "issuer: 'https://sso.example'", "client_id": "client_id: portal"}
    others.pop(said.partition(":")[0], None)
    told = mistakes_in(f"sso: {{{', '.join([*others.values(), said])}}}")
    assert list(told) == [path]
    assert told[path].startswith(message)


@pytest.mark.parametrize(
    ("rule", "path", "message"),
    [
        ("{group: a, role: owner}", "access[0].role", "must be 'viewer', 'responder', 'approver' or 'admin'"),
        ("{role: viewer}", "access[0].group", "is missing"),
        ("{group: a, role: admin, clusters: [m01]}", "access[0]", "the role admin counts everywhere: leave out"),
        ("{group: a, role: viewer, projects: [x]}", "access[0]", "the role viewer sees everything: leave out"),
        (
            "{group: a, role: approver, environments: [prod*, prodction]}",
            "access[0].environments[1]",
            "there is no",
        ),
        ("{group: a, role: approver, clusters: [m02]}", "access[0].clusters[0]", "there is no cluster 'm02'"),
    ],
)
def test_mistakes_of_access_are_told(rule: str, path: str, message: str) -> None:
    told = mistakes_in(f"{SSO}{PLACES}access: [{rule}]")
    assert list(told) == [path]
    assert told[path].startswith(message)


def test_what_only_single_sign_on_can_tell_is_refused_without_it() -> None:
    told = mistakes_in("argocd: [{name: a, url: 'https://a', act_as: person}]\naccess: [{group: a, role: viewer}]")
    assert told == {
        "argocd[0].act_as": "'person' needs single sign-on: add 'sso', or leave it at 'robot'",
        "access": "means nothing without 'sso': local accounts get their role by manage.py portal_account",
    }
    fleet_file_parse(text=f"{SSO}argocd: [{{name: a, url: 'https://a', act_as: person}}]")


def test_the_algorithms_are_those_that_the_provider_alone_can_sign_with() -> None:
    known: Any = {each.value for each in Algorithm}
    assert known == set(ALGORITHMS)
