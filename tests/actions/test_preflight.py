"""Preflight as a whole: what is loaded, the strictest answer, and what the person has still to give."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from pytest_django import DjangoAssertNumQueries, Settings

from apps.accounts.models import Role
from apps.actions.case import Answer, Bulk, Rules, Who
from apps.actions.digests import digest_of_row
from apps.actions.models import ActionRequest
from apps.actions.options import Options
from apps.actions.policies import rules_for
from apps.actions.preflight import Ask, Preflight, case_of, preflight
from apps.actions.states import Action, State
from apps.gitops.models import Application
from apps.sources.fleetfile.current import fleet_file_in_force
from tests.actions.cases import NAME, freeze_row, live, prunable, request_row, who
from tests.fleet_in_force import FleetFileOfTest
from tests.gitops.argocd_server import ArgoCDServer, application, serving
from tests.rows import ago, application_row

pytestmark = pytest.mark.django_db

FLEET = """
environments: [{{name: staging}}, {{name: production}}]
clusters:
  - {{name: control, role: control-plane, environment: staging}}
  - {{name: stone-prd-m01, role: member, environment: production}}
argocd: [{{name: production, url: "{url}", control_plane: control, environment: staging}}]
"""
PLAIN = Rules(policy="plain")


@pytest.fixture(autouse=True)
def argocd(tmp_path: Path, settings: Settings) -> Iterator[ArgoCDServer]:
    """A local Argo CD, the only one of the fleet file in force."""
    with serving() as server:
        FleetFileOfTest(tmp_path, settings).put(FLEET.format(url=server.url))
        yield server


def ask_for(row: Application | None = None, action: Action = Action.SYNC, **given: Any) -> Ask:
    """Remy asks, with what is `given`."""
    defaults: dict[str, Any] = {"request_id": uuid4(), "options": Options(), "who": given.pop("who", None) or who()}
    return Ask(action=action, application=row or application_row(), **{**defaults, **given})


def found(ask: Ask, rules: Rules = PLAIN, **parts: Any) -> Preflight:
    """The preflight without a live look."""
    return preflight(ask, looks=False, rules=rules, **parts)


def test_a_plain_resync_of_production_that_nothing_speaks_against_runs_at_once() -> None:
    told = found(ask_for())
    assert (told.strictest, told.spoken, told.missing, told.is_refused) == (Answer.PASS, (), [], False)
    assert len(told.findings) == 17


def test_each_action_is_asked_of_its_own_guards_only() -> None:
    assert {finding.guard for finding in found(ask_for(action=Action.REFRESH)).findings} == {
        "role",
        "argocd-right",
        "not-checked",
    }


def test_the_strictest_answer_counts_and_is_told_first() -> None:
    row = application_row(self_heal=True, sync_status="OutOfSync", sync_since=ago(hours=1))
    told = found(ask_for(row, options=Options(force=True)))
    assert [finding.guard for finding in told.spoken] == ["replace-force", "self-heal"]
    assert told.strictest == Answer.CONFIRM
    freeze_row()
    assert found(ask_for(row, options=Options(force=True))).spoken[0].guard == "freeze"


def test_a_warning_wants_a_confirmation() -> None:
    row = application_row()
    request_row(ended_at=ago(seconds=1))
    assert found(ask_for(row)).missing == ["your confirmation"]
    assert found(ask_for(row, is_confirmed=True, who=who())).missing == []


def test_to_confirm_takes_the_name_and_a_reason_and_the_name_of_another_one_is_none() -> None:
    """F45; what a prune deletes is listed by its guard."""
    row, force = application_row(), Options(force=True)
    name, reason = "the Application's name, typed", "a reason"
    for given, missing in (
        ({"is_confirmed": True}, [name, reason]),
        ({"typed_name": "other", "reason": "drift"}, [name]),
        ({"typed_name": NAME, "reason": "  "}, [reason]),
        ({"typed_name": NAME, "reason": "drift"}, []),
    ):
        assert found(ask_for(row, options=force, **given)).missing == missing  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("rules", "missing"),
    [
        ({"wants_reason": True}, ["a reason"]),
        ({"wants_ticket": True}, ["a ticket"]),
        ({"wants_typed_name": True}, ["the Application's name, typed"]),
        ({"fresh_sign_in": timedelta(minutes=15)}, ["a sign-in of the last 15 m"]),
        ({"fresh_sign_in": timedelta(hours=2)}, []),
    ],
)
def test_what_a_policy_wants_is_missing_until_it_is_given(rules: dict[str, Any], missing: list[str]) -> None:
    row, policy = application_row(), Rules(policy="strict", **rules)
    assert found(ask_for(row), policy).missing == missing
    given = {"reason": "drift", "ticket": "K-1", "typed_name": NAME}
    remy = who()
    now = Who(user=remy.user, role=remy.role, signed_in_at=ago(minutes=1))
    assert found(ask_for(row, who=now, **given), policy).missing == []


def test_who_never_told_when_they_signed_in_has_to_sign_in() -> None:
    remy = who()
    unknown = Who(user=remy.user, role=remy.role)
    policy = Rules(policy="strict", fresh_sign_in=timedelta(hours=2))
    assert found(ask_for(who=unknown), policy).missing == ["a sign-in of the last 2 h"]


def test_what_is_refused_does_not_run_whatever_is_given() -> None:
    freeze_row()
    told = found(
        ask_for(is_confirmed=True, typed_name=NAME, reason="now"), Rules(policy="two", wants_second_person=True)
    )
    assert told.is_refused
    assert told.missing
    assert not told.waits_for_approval


def test_a_second_person_is_waited_for_where_the_policy_says_so() -> None:
    row = application_row()
    assert found(ask_for(row), Rules(policy="two", wants_second_person=True)).waits_for_approval
    assert not found(ask_for(row)).waits_for_approval


def test_a_confirmation_of_what_has_changed_meanwhile_is_none() -> None:
    row = application_row()
    shown = digest_of_row(row, Options())
    Application.objects.update(sync_revision="b" * 40)
    row.refresh_from_db()
    told = found(ask_for(row, digest=shown, is_confirmed=True))
    assert told.changed == ["revision"]
    assert told.missing == ["a look at what has changed"]
    assert found(ask_for(row, digest=told.case.digest, is_confirmed=True)).missing == []


def test_a_viewer_is_refused() -> None:
    assert found(ask_for(who=who(Role.VIEWER, "vera"))).is_refused


def test_another_request_that_holds_the_application_is_found_and_its_own_steps_are_not_held() -> None:
    row = application_row()
    holding = request_row(Action.TAKE_OVER, State.RUNNING)
    step = request_row(state=State.APPROVED, parent=holding, holds=False, ended_at=None, sent_at=None)
    assert case_of(ask_for(row), live=None).holding == holding
    assert case_of(ask_for(row, request_id=holding.pk), live=None).holding is None
    assert case_of(ask_for(row, request_id=step.pk), live=None).holding is None
    ActionRequest.objects.update(state=State.SUCCEEDED)
    assert case_of(ask_for(row), live=None).holding is None


def test_the_last_sync_and_the_last_dry_run_are_those_that_were_sent() -> None:
    row = application_row()
    request_row(state=State.REFUSED, sent_at=None, created_at=ago(seconds=1))
    request_row(created_at=ago(minutes=2), state=State.FAILED)
    sync, dry_run = request_row(created_at=ago(minutes=1)), request_row(Action.DRY_RUN)
    request_row(name="other")
    case = case_of(ask_for(row), live=None)
    assert (case.last, case.dry_run) == (sync, dry_run)


def test_argo_cds_own_answer_is_what_the_digest_is_of() -> None:
    row, prune = application_row(), Options(prune=True)
    without = case_of(ask_for(row, options=prune), live=None)
    told = case_of(ask_for(row, options=prune), live=live(prunable("old")))
    assert told.digest != without.digest
    assert told.digest == case_of(ask_for(row, options=prune), live=live(prunable("old"))).digest


def test_it_looks_at_argo_cd_before_the_guards_are_asked(argocd: ArgoCDServer) -> None:
    argocd.put(application(NAME, metadata={"deletionTimestamp": "2026-11-24T08:00:00Z"}))
    told = preflight(ask_for(), rules=PLAIN)
    assert "deleting" in [finding.guard for finding in told.spoken if finding.answer == Answer.REFUSE]
    assert told.case.live is not None
    assert told.case.live.detail is not None


def test_the_rules_are_the_policys_that_fits() -> None:
    row = application_row()
    rules = rules_for(fleet_file_in_force(), action=Action.SYNC, application=row, options=Options(prune=True))
    assert preflight(ask_for(row, options=Options(prune=True)), looks=False).case.rules == rules


def test_a_big_bulk_is_looked_at_as_a_whole() -> None:
    row = application_row()
    assert found(ask_for(row), bulk=Bulk(40, 2, 2)).strictest == Answer.CONFIRM
    assert found(ask_for(row)).strictest == Answer.PASS


def test_the_queries_are_few(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    ask = ask_for()
    for number in range(30):
        application_row(f"build-service-{number}", environment="staging", cluster="control")
        request_row(created_at=ago(minutes=number + 1))
    with django_assert_num_queries(10):
        case_of(ask, live=None)
    ask.application.refresh_from_db()
    with django_assert_num_queries(14):
        found(ask)
