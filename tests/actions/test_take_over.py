"""Take over: end the running operation, wait for its end, then sync."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from django.db import transaction
from pytest_django import Settings

from apps.actions.digests import OPERATION, PRUNE, UID, digest_of_row, parts_changed
from apps.actions.models import ActionRequest, AuditLine
from apps.actions.options import Options
from apps.actions.states import Action, State
from apps.actions.steps import steps_advance, steps_of_take_over
from apps.gitops.models import Application
from apps.integrations.argocd import Operation
from tests.actions.bulks import FLEET, again, settle, states
from tests.actions.cases import request_row, running
from tests.fleet_in_force import FleetFileOfTest
from tests.rows import ago, application_row

pytestmark = [pytest.mark.database, pytest.mark.django_db]

OPTIONS = Options(apply_out_of_sync_only=True)


@pytest.fixture(autouse=True)
def fleet(tmp_path: Path, settings: Settings, db: None) -> None:
    """A fleet file in force."""
    FleetFileOfTest(tmp_path, settings).put(FLEET)


def with_operation(operation: Operation, row: Application | None = None) -> Application:
    """An Application with that operation, as its row keeps it."""
    row = row or application_row()
    row.operation, row.operation_phase = msgspec.to_builtins(operation), operation.phase
    row.save()
    return row


def take_over_of(row: Application, **fields: Any) -> ActionRequest:
    """A take over of alex that was let go."""
    with transaction.atomic():
        request = request_row(
            Action.TAKE_OVER,
            State.APPROVED,
            sent_at=None,
            digest=digest_of_row(row, OPTIONS),
            options=OPTIONS.as_builtins(),
            **fields,
        )
        steps_of_take_over(request)
    return request


def test_both_steps_are_planned_for_the_same_application_and_hold_nothing_themselves() -> None:
    request = take_over_of(with_operation(running()), reason="stuck")
    terminate, sync = request.steps.order_by("position")
    assert (terminate.action, sync.action) == (Action.TERMINATE, Action.SYNC)
    assert {(step.state, step.holds, step.name, step.reason) for step in (terminate, sync)} == {
        (State.PLANNED, False, request.name, "stuck")
    }
    assert (terminate.options, sync.options) == ({}, request.options)
    assert ActionRequest.objects.holding("production", "argocd", request.name).get() == request


def test_it_ends_the_operation_then_syncs_and_ends_as_the_sync_did() -> None:
    request = take_over_of(with_operation(running()))
    terminate, sync = request.steps.order_by("position")
    assert steps_advance() == [terminate.pk]
    assert (again(request).state, states(request)) == (State.RUNNING, [State.APPROVED, State.PLANNED])
    settle(request, 1, State.RUNNING)
    assert steps_advance() == []
    settle(request, 1, State.SUCCEEDED, "The operation was terminated")
    assert steps_advance() == [sync.pk]
    assert steps_advance() == []
    settle(request, 2, State.STILL_OUT_OF_SYNC, "2 resources out of sync still")
    assert steps_advance() == []
    done = again(request)
    assert (done.state, done.outcome) == (State.STILL_OUT_OF_SYNC, "2 resources out of sync still")
    last = AuditLine.objects.filter(request=request.pk).latest("pk")
    assert (last.event, last.words) == ("still-out-of-sync", "2 resources out of sync still")


def test_what_it_ends_is_the_operation_that_the_person_saw() -> None:
    row = with_operation(running())
    request = take_over_of(row)
    with_operation(running(started_at=ago(seconds=3)), row)
    steps_advance()
    terminate = request.steps.get(position=1)
    assert parts_changed(terminate.digest, digest_of_row(row, Options())) == [OPERATION]
    assert parts_changed(terminate.digest, request.digest) == []


def test_the_sync_is_bound_to_what_was_seen_but_for_revision_and_operation() -> None:
    row = with_operation(running())
    request = take_over_of(row)
    steps_advance()
    settle(request, 1)
    Application.objects.filter(pk=row.pk).update(sync_revision="e" * 40, path="elsewhere")
    steps_advance()
    sync = request.steps.get(position=2)
    now = digest_of_row(Application.objects.get(), OPTIONS)
    assert parts_changed(sync.digest, now) == ["source"]
    assert sync.revision_seen == "e" * 40
    assert {UID, PRUNE}.isdisjoint(parts_changed(sync.digest, request.digest))


def test_an_operation_that_ended_by_itself_before_is_not_ended_again() -> None:
    row = with_operation(running())
    request = take_over_of(row)
    with_operation(running(phase="Failed"), row)
    assert steps_advance() == [request.steps.get(position=2).pk]
    assert states(request) == [State.LEFT, State.APPROVED]
    assert request.steps.get(position=1).outcome.startswith("No operation is running there any more")


@pytest.mark.parametrize(
    ("end", "columns"),
    [
        (State.REFUSED, {"answer": "Unable to terminate operation. No operation is in progress"}),
        (State.REFUSED, {"outcome": "no operation is under way: there is nothing to terminate"}),
        (State.REFUSED, {"outcome": "No operation is running there any more"}),
        (State.NOT_STARTED, {"operation": {"phase": "Succeeded"}}),
        (State.NOT_KNOWN, {"operation": {"phase": "Succeeded"}}),
    ],
)
def test_an_operation_that_ended_by_itself_meanwhile_makes_room_too(end: State, columns: dict[str, Any]) -> None:
    request = take_over_of(with_operation(running()))
    steps_advance()
    settle(request, 1, end, **columns)
    assert steps_advance() == [request.steps.get(position=2).pk]


@pytest.mark.parametrize("end", [State.REFUSED, State.NOT_STARTED, State.NOT_KNOWN, State.FAILED], ids=str)
def test_where_the_operation_was_not_ended_nothing_is_synced(end: State) -> None:
    request = take_over_of(with_operation(running()))
    steps_advance()
    settle(request, 1, end, "Argo CD does not let the portal do this")
    assert steps_advance() == []
    done = again(request)
    assert done.state == end
    assert done.outcome == (
        "The running operation was not ended: Argo CD does not let the portal do this. Nothing was synced"
    )
    assert states(request) == [end, State.LEFT]


def test_while_it_is_not_known_whether_it_was_ended_nothing_is_synced() -> None:
    request = take_over_of(with_operation(running()))
    steps_advance()
    settle(request, 1, State.UNKNOWN)
    assert steps_advance() == []
    assert (again(request).state, states(request)) == (State.RUNNING, [State.UNKNOWN, State.PLANNED])


def test_a_sync_that_is_withdrawn_at_the_last_moment_ends_it() -> None:
    request = take_over_of(with_operation(running()))
    steps_advance()
    settle(request, 1)
    steps_advance()
    settle(request, 2, State.WITHDRAWN)
    steps_advance()
    assert again(request).state == State.WITHDRAWN


def test_an_application_that_is_gone_is_not_taken_over() -> None:
    row = with_operation(running())
    request = take_over_of(row)
    row.delete()
    assert steps_advance() == []
    done = again(request)
    assert (done.state, states(request)) == (State.REFUSED, [State.REFUSED, State.LEFT])
    assert "does not know this application" in done.outcome
