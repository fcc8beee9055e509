"""The guards that say whether it may be done at all, each with every answer that it can give."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from apps.accounts.models import Role
from apps.actions.asking import address_of
from apps.actions.case import Answer, Live, Rules
from apps.actions.guards import GUARDS
from apps.actions.options import Options
from apps.actions.states import Action, State
from apps.core.clock import database_now
from apps.gitops.models import Project
from apps.integrations.argocd import WindowState
from tests.actions.cases import case_for, freeze_row, live, look, request_row, running, who
from tests.fleet_in_force import FleetFileOfTest
from tests.rows import ago, application_row

pytestmark = pytest.mark.django_db


def test_each_guard_is_listed_once_with_a_title() -> None:
    names = [guard.name for guard in GUARDS]
    assert len(set(names)) == len(names) == 17
    assert all(guard.title for guard in GUARDS)


def test_what_argo_cd_or_the_portal_refuses_anyway_no_policy_can_loosen() -> None:
    fixed = {guard.name for guard in GUARDS if guard.is_fixed}
    assert fixed == {
        "role", "argocd-right", "freeze", "sync-window", "operation-running", "active-request", "deleting",
    }  # fmt: skip
    loose = Rules(policy="loose", guards=dict.fromkeys(fixed, Answer.PASS))
    assert look("deleting", case_for(rules=loose, live=live(is_deleting=True))).answer == Answer.REFUSE


def test_a_policy_says_how_strict_the_others_are_where_they_speak() -> None:
    strict = Rules(policy="strict", guards={"replace-force": Answer.REFUSE})
    assert look("replace-force", case_for(rules=strict, options=Options(force=True))).answer == Answer.REFUSE
    assert look("replace-force", case_for(rules=strict, application=application_row("other"))).answer == Answer.PASS


@pytest.mark.parametrize(
    ("action", "names"),
    [
        (Action.REFRESH, {"role", "argocd-right", "not-checked"}),
        (Action.HARD_REFRESH, {"role", "argocd-right", "not-checked"}),
        (Action.TERMINATE, {"role", "argocd-right", "operation-running", "changed", "not-checked"}),
    ],
)
def test_what_starts_no_operation_is_held_by_few_guards(action: Action, names: set[str]) -> None:
    assert {guard.name for guard in GUARDS if action in guard.actions} == names


# role


def test_a_responder_may_and_a_viewer_may_not() -> None:
    assert look("role", case_for()).answer == Answer.PASS
    refused = look("role", case_for(application=application_row("other"), who=who(Role.VIEWER, "vera")))
    assert refused.answer == Answer.REFUSE
    assert "viewer" in refused.words


def test_a_policy_may_keep_an_action_for_a_higher_role() -> None:
    found = look("role", case_for(rules=Rules(policy="production", least_role=Role.APPROVER)))
    assert found.answer == Answer.REFUSE
    assert found.words == "the policy production keeps this for an approver: you are a responder"


def test_the_scope_of_a_role_counts() -> None:
    elsewhere = who(Role.RESPONDER, "sam")
    elsewhere.user.person.scope = {"environments": ["staging"]}
    found = look("role", case_for(who=elsewhere))
    assert found.answer == Answer.REFUSE
    assert "staging" in found.words


# argocd-right


def test_argo_cds_no_is_a_refusal_that_names_the_right() -> None:
    assert look("argocd-right", case_for(live=Live(may_act=True))).answer == Answer.PASS
    found = look("argocd-right", case_for(live=Live(may_act=False), application=application_row("b")))
    assert found.answer == Answer.REFUSE
    assert "(applications, sync, in project default)" in found.words
    refresh = case_for(Action.REFRESH, live=Live(may_act=False), application=application_row("c"))
    assert "(applications, get, in project default)" in look("argocd-right", refresh).words


def test_a_right_that_was_not_told_is_left_to_the_guard_for_that() -> None:
    assert look("argocd-right", case_for(live=Live(problems=("no answer",)))).answer == Answer.PASS
    assert look("argocd-right", case_for(application=application_row("b"))).answer == Answer.PASS


# freeze


@pytest.fixture
def fleet(tmp_path: Path, settings: Settings) -> FleetFileOfTest:
    file = FleetFileOfTest(tmp_path, settings)
    file.put("environments: [{name: staging}, {name: production}]")
    return file


@pytest.mark.usefixtures("fleet")
def test_a_freeze_that_covers_the_application_refuses_and_says_who_and_until_when() -> None:
    freezes = [freeze_row("environment", "production"), freeze_row("cluster", "stone-stg-m01")]
    found = look("freeze", case_for(freezes=freezes))
    assert found.answer == Answer.REFUSE
    assert found.words.startswith("frozen: environment production, by ana until ")
    assert "release night" in found.words
    assert "auto-sync goes on" in found.words


@pytest.mark.parametrize("environment", ["", "elsewhere"])
def test_a_freeze_of_production_holds_all_that_counts_as_production(environment: str, fleet: FleetFileOfTest) -> None:
    fleet.put("environments: [{name: staging}, {name: prod}]")
    row = application_row(environment=environment)
    assert look("freeze", case_for(application=row, freezes=[freeze_row("environment", "prod")])).answer == "refuse"
    assert look("freeze", case_for(application=row, freezes=[freeze_row("environment", "staging")])).answer == "pass"
    staged = application_row("staged", environment="staging")
    assert look("freeze", case_for(application=staged, freezes=[freeze_row("environment", "prod")])).answer == "pass"


@pytest.mark.usefixtures("fleet")
def test_a_freeze_of_something_else_is_none() -> None:
    assert look("freeze", case_for(freezes=[freeze_row("project", "other")])).answer == Answer.PASS


# sync-window


def window(**changes: Any) -> None:
    """A window of the project that is open all the time."""
    defaults = {"kind": "deny", "schedule": "* * * * *", "duration": "24h", "applications": ["*"]}
    Project.objects.create(instance="production", name="default", sync_windows=[{**defaults, **changes}])


def test_no_window_passes() -> None:
    assert look("sync-window", case_for()).answer == Answer.PASS


def test_argo_cds_own_word_on_the_windows_is_the_one_that_counts() -> None:
    refused = look("sync-window", case_for(live=Live(windows=WindowState(can_sync=False))))
    assert refused.answer == Answer.REFUSE
    assert refused.words == "blocked by sync window"
    window()
    passed = look(
        "sync-window", case_for(live=Live(windows=WindowState(can_sync=True)), application=application_row("b"))
    )
    assert passed.answer == Answer.PASS


def test_without_argo_cds_word_the_windows_are_computed_and_it_says_when_they_open() -> None:
    now = database_now()
    begun = now - timedelta(minutes=5)
    window(schedule=f"{begun.minute} {begun.hour} * * *", duration="1h")
    found = look("sync-window", case_for())
    assert found.answer == Answer.REFUSE
    assert found.words.startswith("blocked by sync window: a deny window is active; it opens ")
    assert "(in 5" in found.words


def test_a_window_that_holds_auto_sync_alone_passes_with_a_note() -> None:
    window(manualSync=True, manual_sync=True)
    found = look("sync-window", case_for())
    assert found.answer == Answer.PASS
    assert found.words.startswith("a sync by hand is allowed; auto-sync is not now: a deny window is active")


def test_a_window_that_cannot_be_read_is_a_warning() -> None:
    window(schedule="once in a while")
    assert look("sync-window", case_for()).answer == Answer.WARN


# operation-running


def test_nothing_under_way_passes() -> None:
    ended = running(phase="Succeeded")
    assert look("operation-running", case_for(live=live(operation=ended))).answer == Answer.PASS


def test_an_operation_under_way_refuses_and_offers_to_take_it_over() -> None:
    row = application_row()
    found = look("operation-running", case_for(application=row, live=live(operation=running(retry_count=4))))
    assert found.answer == Answer.REFUSE
    assert found.words.startswith("an operation of alex is under way, begun 2 m ago, tried again 4 times:")
    assert found.link == address_of(Action.TAKE_OVER, row)


def test_who_asked_the_portal_is_named_rather_than_its_account() -> None:
    found = look("operation-running", case_for(live=live(operation=running(infos=(("requested-by", "sam"),)))))
    assert "of sam is under way" in found.words
    automatic = live(operation=running(automated=True, initiated_by=""))
    found = look("operation-running", case_for(live=automatic, application=application_row("b")))
    assert "of Argo CD itself (auto-sync)" in found.words


def test_without_argo_cds_word_the_row_tells_of_the_operation() -> None:
    row = application_row(operation={"phase": "Running", "started_at": ago(minutes=1).isoformat(), "dry_run": True})
    found = look("operation-running", case_for(application=row))
    assert found.answer == Answer.REFUSE
    assert found.words.startswith("a dry run of somebody is under way, begun 1 m ago")
    assert look("operation-running", case_for(application=row, live=live())).answer == Answer.PASS


def test_one_that_is_being_terminated_is_waited_for() -> None:
    found = look("operation-running", case_for(live=live(operation=running(phase="Terminating"))))
    assert found.answer == Answer.REFUSE
    assert not found.link


def test_take_over_passes_where_something_is_under_way() -> None:
    found = look("operation-running", case_for(Action.TAKE_OVER, live=live(operation=running())))
    assert found.answer == Answer.PASS
    assert found.words.endswith("it is terminated first")


def test_to_terminate_needs_something_to_terminate() -> None:
    assert look("operation-running", case_for(Action.TERMINATE, live=live(operation=running()))).answer == Answer.PASS
    none = case_for(Action.TERMINATE, live=live(), application=application_row("b"))
    assert look("operation-running", none).answer == Answer.REFUSE


# active-request


def test_a_request_that_has_not_ended_refuses_another_one() -> None:
    other = request_row(state=State.RUNNING)
    found = look("active-request", case_for(holding=other))
    assert found.answer == Answer.REFUSE
    assert found.words == "already asked for: resync by alex, 12 s ago (running)"
    assert found.link == other.get_absolute_url()
    assert look("active-request", case_for(application=application_row("b"))).answer == Answer.PASS


# deleting


def test_what_is_being_deleted_is_not_synced() -> None:
    row = application_row(is_deleting=True, deleting_since=ago(minutes=3))
    found = look("deleting", case_for(application=row))
    assert found.answer == Answer.REFUSE
    assert found.words.endswith("seen so first 3 m ago")
    assert look("deleting", case_for(application=row, live=live())).answer == Answer.PASS
    assert look("deleting", case_for(application=row, live=live(is_deleting=True))).answer == Answer.REFUSE
