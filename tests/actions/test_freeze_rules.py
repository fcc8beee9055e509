"""What policies say of freezes and of their ends."""

from __future__ import annotations

import html
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from pytest_django import Settings

from apps.accounts.models import Role
from apps.accounts.scopes import Place
from apps.accounts.sessions import SIGNED_IN_AT
from apps.actions.case import Who
from apps.actions.freeze_rules import freeze_rules
from apps.actions.freezes import SignInTooOld, freeze_begin, freeze_end
from apps.actions.models import ActionRequest, AuditLine, Freeze
from apps.actions.states import Action
from apps.core.clock import database_now
from apps.core.errors import RuleViolation
from apps.sources.fleetfile import fleet_file_parse
from tests.actions.cases import freeze_row, who
from tests.fleet_in_force import FleetFileOfTest

PLACES = """
environments: [{name: staging, rings: [1]}, {name: production, rings: [2, 3]}]
clusters:
  - {name: hub, role: control-plane, environment: production}
  - {name: m02, role: member, environment: production, ring: 2}
  - {name: s01, role: member, environment: staging, ring: 1}
"""
POLICIES = """
policies:
  - {name: of-syncs, match: {environments: [production]}, least_role: admin, second_person: true}
  - {name: the-hub, match: {actions: [freeze], roles: [control-plane]}, least_role: admin}
  - {name: builds, match: {actions: [freeze], projects: ["build-*"]}, fresh_sign_in: 5m}
  - name: production
    match: {actions: [freeze, unfreeze], environments: [production]}
    least_role: approver
    reason: true
  - {name: elsewhere, match: {actions: [unfreeze]}, fresh_sign_in: 10m}
"""
FREEZE, UNFREEZE = Action.FREEZE, Action.UNFREEZE
EVERYTHING, PRODUCTION, STAGING = Place(), Place(environment="production"), Place(environment="staging")
FREEZES = "/actions/freezes/"


@pytest.mark.parametrize(
    ("action", "place", "policies", "least_role", "minutes"),
    [
        (FREEZE, EVERYTHING, "the-hub, builds, production", Role.ADMIN, 5),
        (FREEZE, PRODUCTION, "the-hub, builds, production", Role.ADMIN, 5),
        (FREEZE, STAGING, "the-hub, builds", Role.ADMIN, 5),
        (FREEZE, Place(cluster="hub", environment="production"), "the-hub", Role.ADMIN, None),
        (FREEZE, Place(cluster="m02", environment="production"), "builds, production", Role.APPROVER, 5),
        (FREEZE, Place(project="build-a"), "the-hub, builds", Role.ADMIN, 5),
        (FREEZE, Place(project="other"), "the-hub, production", Role.ADMIN, None),
        (UNFREEZE, PRODUCTION, "production", Role.APPROVER, None),
        (UNFREEZE, STAGING, "elsewhere", Role.RESPONDER, 10),
        (UNFREEZE, Place(project="other"), "production, elsewhere", Role.APPROVER, 10),
    ],
)
def test_the_strictest_of_all_that_a_freeze_reaches_into_up_to_the_first_that_holds_it_whole(
    action: Action, place: Place, policies: str, least_role: Role, minutes: int | None
) -> None:
    rules = freeze_rules(fleet_file_parse(text=PLACES + POLICIES), action=action, place=place)
    span = timedelta(minutes=minutes) if minutes else None
    assert (rules.policy, rules.least_role, rules.fresh_sign_in) == (policies, least_role, span)
    assert rules.wants_reason is (action is FREEZE or "production" in policies)


def test_without_a_policy_that_names_it_only_role_and_scope_count() -> None:
    rules = freeze_rules(
        fleet_file_parse(text="policies: [{name: all, second_person: true}]"), action=UNFREEZE, place=STAGING
    )
    assert (rules.policy, rules.least_role, rules.wants_reason) == ("", Role.RESPONDER, False)


@pytest.fixture
def fleet(tmp_path: Path, settings: Settings, db: None) -> None:
    FleetFileOfTest(tmp_path, settings).put(PLACES + POLICIES)


def begun(person: Who, value: str = "production") -> ActionRequest:
    ends_at = database_now() + timedelta(hours=1)
    told = {"scope": "environment", "value": value, "reason": "the release", "ends_at": ends_at}
    return freeze_begin(who=person, request_id=uuid4(), **told)  # type: ignore[arg-type]


def test_who_a_policy_keeps_it_from_is_told_and_the_attempt_written_down(fleet: None) -> None:
    with pytest.raises(RuleViolation) as refused:
        begun(who(Role.APPROVER))
    words = "the policy the-hub, builds, production keeps this for an admin: you are an approver"
    assert str(refused.value) == words
    line = AuditLine.objects.get()
    assert (line.event, line.what["action"], line.words) == ("refused", "freeze", words)
    assert not Freeze.objects.exists()


def test_an_end_for_which_a_policy_wants_a_reason_has_one(fleet: None) -> None:
    freeze, ana = freeze_row("environment", "production", by="remy"), who(Role.APPROVER, "ana")
    with pytest.raises(RuleViolation, match="Say why it ends"):
        freeze_end(who=ana, freeze=freeze, request_id=uuid4(), reason="  ")
    with pytest.raises(RuleViolation, match="keeps this for an approver: you are a responder"):
        freeze_end(who=who(), freeze=freeze, request_id=uuid4(), reason="it is mine")
    request = freeze_end(who=ana, freeze=freeze, request_id=uuid4(), reason="all is calm")
    assert request.reason == "all is calm"
    assert AuditLine.objects.latest("pk").words == "no longer frozen: all is calm"


def test_a_sign_in_that_is_too_old_for_it_is_told(fleet: None) -> None:
    freeze = freeze_row("environment", "staging", by="remy")
    with pytest.raises(SignInTooOld):
        freeze_end(who=who(), freeze=freeze, request_id=uuid4())
    freeze.refresh_from_db()
    assert freeze.is_on(database_now())


def test_the_page_asks_for_the_reason_and_leads_to_a_fresh_sign_in(fleet: None, approver: Client) -> None:
    in_production, in_staging = freeze_row("environment", "production"), freeze_row("environment", "staging")
    page = approver.get(FREEZES).content.decode()
    assert f'name="why-{in_production.pk}"' in page
    assert f'name="why-{in_staging.pk}"' not in page

    def end(freeze: Freeze, **more: str) -> Any:
        return approver.post(FREEZES, {"form": str(uuid4()), "do": f"unfreeze|{freeze.pk}", **more})

    assert "Say why it ends" in html.unescape(end(in_production, reason="of another field").content.decode())
    assert end(in_production, **{f"why-{in_production.pk}": "calm"}).status_code == 303
    session = approver.session
    session[SIGNED_IN_AT] = (database_now() - timedelta(hours=1)).isoformat()
    session.save()
    answer = end(in_staging)
    assert answer.status_code == 409
    assert f'?again=1&amp;next={FREEZES.replace("/", "%2F")}">sign in again</a>' in answer.content.decode()
    session[SIGNED_IN_AT] = database_now().isoformat()
    session.save()
    assert end(in_staging).status_code == 303
