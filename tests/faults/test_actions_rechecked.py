"""What is asked once more just before a call: whether it was made, is expected still, and may be made (F40 to F46)."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from apps.accounts.models import Person as Account
from apps.accounts.models import Role
from apps.actions import audit, rechecking, sending
from apps.actions.freezes import freeze_begin
from apps.actions.models import ActionRequest, AuditLine
from apps.actions.sending import request_send
from apps.actions.services import request_approve
from apps.actions.states import Action, State
from apps.actions.steps import steps_advance
from apps.core.clock import database_now
from apps.core.errors import RuleViolation
from apps.gitops.models import SeenOperation
from tests.actions.bulks import bulk_of
from tests.actions.cases import request_row
from tests.faults.acting import SERVER, Person, Scene, states_of
from tests.faults.stage import Stage, is_sqlite
from tests.rows import ago

pytestmark = [pytest.mark.database, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def scene(stage: Stage) -> Scene:
    return Scene(stage)


@pytest.fixture
def rhea(stage: Stage) -> Person:
    return Person("rhea")


def not_sent(scene: Scene, request: ActionRequest) -> ActionRequest:
    """As it is after a worker took it up, and made no call."""
    before = len(scene.posts())
    request_send(request.pk)
    assert len(scene.posts()) == before
    return scene.now(request)


def as_of_a_backup(request: ActionRequest) -> None:
    """The row is of a moment before its call."""
    before = {"sent_at": None, "operation_seen": "", "revision_sent": "", "looked_at": None, "outcome": ""}
    ActionRequest.objects.filter(pk=request.pk).update(state=State.APPROVED, **before)


def step_of_a_bulk(scene: Scene, person: Person) -> ActionRequest:
    """Its one step, whose turn has come."""
    bulk = bulk_of((scene.row,), person.who)
    (step,) = steps_advance()
    assert bulk.steps.get().pk == step
    return bulk.steps.get()


def synced_just_now(scene: Scene) -> None:
    """The cool-down guard speaks from now on."""
    request_row(instance="staging", name=scene.name, created_at=ago(seconds=5), ended_at=ago(seconds=1))


# whether it was sent


@pytest.mark.skipif(not is_sqlite(), reason="PostgreSQL commits to the disk anyway")
def test_f40_sending_is_on_disk_before_the_call_is_made(scene: Scene, rhea: Person) -> None:
    own, seen = synchronous(), []

    def watch(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.startswith("UPDATE") and State.SENDING.value in (params or ()):
            seen.append(synchronous())
        return execute(sql, params, many, context)

    with connection.execute_wrapper(watch):
        assert scene.sent(rhea).state == State.ACCEPTED
    assert (own, seen[0], synchronous()) == (1, 2, 1)


def synchronous() -> int:
    """1: synced now and then; 2: at each commit."""
    connection.ensure_connection()
    told: int = connection.connection.execute("PRAGMA synchronous").fetchone()[0]
    return told


def test_f40_a_request_that_a_backup_brought_back_is_found_by_its_operation_and_not_sent_again(
    scene: Scene, rhea: Person
) -> None:
    request = scene.sent(rhea)
    as_of_a_backup(request)
    SeenOperation.objects.all().delete()
    again = not_sent(scene, request)
    assert (again.state, again.outcome[:18]) == (State.UNKNOWN, "It was sent before")
    assert scene.looked(request).state in {State.ACCEPTED, State.RUNNING, State.SUCCEEDED}, "its own operation is there"
    assert len(scene.posts()) == 1


def test_f40_an_operation_that_was_seen_passing_by_is_not_begun_again(scene: Scene, rhea: Person) -> None:
    request = scene.submitted(rhea)
    place = {"instance": "staging", "namespace": request.namespace, "name": request.name}
    SeenOperation.objects.create(request_id=str(request.pk), phase="Failed", seen_at=database_now(), **place)
    assert not_sent(scene, request).state == State.UNKNOWN
    assert scene.looked(request).state == State.FAILED


# whether it is expected still


def test_an_approved_request_that_lay_for_minutes_is_not_sent(scene: Scene, rhea: Person) -> None:
    request = scene.submitted(rhea)
    scene.passes(request, 100)
    late = scene.submitted(rhea, Action.REFRESH)
    scene.passes(late, 130)
    refused = not_sent(scene, late)
    assert (refused.state, refused.outcome) == (State.NOT_STARTED, "Nothing was sent: it waited for 2 m; ask again")
    request_send(request.pk)
    assert scene.now(request).state == State.ACCEPTED, "less than two minutes are expected"


def test_a_step_may_lie_for_as_long_from_its_turn_on_however_old_its_bulk_is(scene: Scene, rhea: Person) -> None:
    step = step_of_a_bulk(scene, rhea)
    ActionRequest.objects.filter(pk=step.pk).update(created_at=ago(hours=1), state_at=ago(seconds=100))
    request_send(step.pk)
    assert scene.now(step).state == State.ACCEPTED
    as_of_a_backup(step)
    ActionRequest.objects.filter(pk=step.pk).update(state_at=ago(minutes=3))
    SeenOperation.objects.all().delete()
    assert not_sent(scene, step).state == State.UNKNOWN, "what was sent before is never called not started"


def test_f46_nobody_approves_what_waited_for_too_long(scene: Scene, rhea: Person) -> None:
    scene.stage.put(policies=[{"name": "two-of-us", "second_person": True, "approval_within": "5m"}])
    request = scene.submitted(rhea)
    scene.passes(request, 301)
    with pytest.raises(RuleViolation, match="Nobody approved it within 5 min: ask again"):
        request_approve(request=scene.now(request), who=Person("ada", Role.APPROVER).who)
    assert scene.now(request).state == State.EXPIRED


# whether the person may still


@pytest.mark.parametrize("is_step", [False, True], ids=["alone", "of-a-bulk"])
def test_f42_nothing_is_sent_in_the_name_of_who_signed_out(scene: Scene, rhea: Person, is_step: bool) -> None:
    request = step_of_a_bulk(scene, rhea) if is_step else scene.submitted(rhea)
    rhea.client.logout()
    refused = not_sent(scene, request)
    assert refused.state == State.REFUSED
    assert "signed out" in refused.outcome


def test_a_policy_that_wants_a_second_person_by_now_wants_one(scene: Scene, rhea: Person) -> None:
    request = scene.submitted(rhea)
    scene.stage.put(policies=[{"name": "two-of-us", "second_person": True}])
    refused = not_sent(scene, request)
    assert (refused.state, "two-of-us wants a second person" in refused.outcome) == (State.REFUSED, True)


def freeze(scene: Scene, person: Person) -> None:
    freeze_begin(
        who=Person("fay", Role.ADMIN).who, scope="everything", value="", reason="incident",
        ends_at=database_now() + timedelta(hours=1), request_id=uuid.uuid4(),
    )  # fmt: skip


def lose_the_role(scene: Scene, person: Person) -> None:
    Account.objects.filter(user=person.user).update(role=Role.VIEWER)


def lose_the_scope(scene: Scene, person: Person) -> None:
    Account.objects.filter(user=person.user).update(scope={"environments": ["production"]})


def sign_out(scene: Scene, person: Person) -> None:
    person.client.logout()


@pytest.mark.parametrize("change", [freeze, lose_the_role, lose_the_scope, sign_out])
def test_f42_f43_what_changes_while_argocd_is_asked_counts(
    scene: Scene, rhea: Person, monkeypatch: pytest.MonkeyPatch, change: Callable[[Scene, Person], None]
) -> None:
    begins = sending._sending_begins

    def and_then_changed(*given: Any) -> bool:
        change(scene, rhea)
        return begins(*given)

    request = scene.submitted(rhea)
    monkeypatch.setattr(sending, "_sending_begins", and_then_changed)
    refused = not_sent(scene, request)
    assert refused.state == State.REFUSED
    assert refused.outcome
    assert states_of(request) == ["requested", "refused"]


def test_f43_the_log_never_shows_a_freeze_before_what_was_sent_under_it(
    scene: Scene, rhea: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Freezes are read once the log's head is held: what comes after that comes after this line."""
    order: list[str] = []

    def noted(name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def run(*given: Any) -> Any:
            order.append(name)
            return real(*given)

        return run

    monkeypatch.setattr(sending, "head_locked", noted("head", audit.head_locked))
    monkeypatch.setattr(sending, "checked_at_last", noted("read", rechecking.checked_at_last))
    assert scene.sent(rhea).state == State.ACCEPTED
    freeze(scene, rhea)
    assert order == ["head", "read"]
    events = list(AuditLine.objects.order_by("pk").values_list("event", flat=True))
    assert events.index("sending") < events.index("freeze")


# what guards say by now


def test_a_warning_that_nobody_saw_is_a_new_question(scene: Scene, rhea: Person) -> None:
    request = scene.submitted(rhea)
    synced_just_now(scene)
    refused = not_sent(scene, request)
    assert refused.state == State.REFUSED
    assert refused.outcome.startswith("Changed since it was asked for: the last sync by the portal ended ")


def test_a_warning_that_was_seen_is_none(scene: Scene, rhea: Person) -> None:
    synced_just_now(scene)
    assert scene.sent(rhea).state == State.ACCEPTED


def test_what_only_the_wait_for_its_turn_brings_stops_no_step(scene: Scene, rhea: Person) -> None:
    step = step_of_a_bulk(scene, rhea)
    synced_just_now(scene)
    request_send(step.pk)
    assert scene.now(step).state == State.ACCEPTED


def test_a_confirmation_that_nobody_gave_stops_a_step_and_the_policy_of_its_bulk_says_so(
    scene: Scene, rhea: Person
) -> None:
    rule = {"name": "slow", "match": {"actions": ["bulk-sync"]}, "guards": {"cool-down": "confirm"}}
    scene.stage.put(policies=[rule])
    step = step_of_a_bulk(scene, rhea)
    synced_just_now(scene)
    refused = not_sent(scene, step)
    assert refused.state == State.REFUSED
    assert refused.outcome.startswith("Changed since it was asked for: the last sync by the portal ended ")
    alone = scene.sent(rhea)
    assert alone.state == State.ACCEPTED, "a sync by itself is not the bulk's"


def test_a_confirmation_that_was_given_with_the_bulk_holds_for_its_steps(scene: Scene, rhea: Person) -> None:
    rule = {"name": "slow", "match": {"actions": ["bulk-sync"]}, "guards": {"cool-down": "confirm"}}
    scene.stage.put(policies=[rule])
    synced_just_now(scene)
    step = step_of_a_bulk(scene, rhea)
    assert [each["guard"] for each in step.guards] == ["cool-down", "health-then"]
    request_send(step.pk)
    sent = scene.now(step)
    assert sent.state == State.ACCEPTED
    assert sent.guards[-1] == step.guards[-1], "the health of before is kept"


def test_nothing_is_terminated_while_argocd_does_not_tell_what_runs(scene: Scene, rhea: Person) -> None:
    scene.there(sync_seconds=600.0)
    sync = scene.sent(rhea)
    scene.stage.demo.advance(1)
    scene.looked(sync)
    scene.stage.read(SERVER)
    terminate = scene.submitted(rhea, Action.TERMINATE)
    scene.stage.demo.fault(SERVER, "503", path=f"/api/v1/applications/{scene.name}")
    refused = not_sent(scene, terminate)
    assert (refused.state, "which operation is running" in refused.outcome) == (State.REFUSED, True)
