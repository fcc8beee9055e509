"""What one answer of Argo CD says of a request that was sent: never more than is so."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from apps.actions.judging import CATCHES_UP, LATE, MOST_RESOURCES, SETTLES, Judgement, Sight, judged
from apps.actions.models import ActionRequest
from apps.actions.states import Action, State
from apps.integrations.argocd import Application, ApplicationDetail, Operation, ResourceStatus

PK = UUID("0192f3a0-0000-7000-8000-000000000001")
SENT = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)
BEFORE = datetime(2026, 11, 24, 11, 0, 0, tzinfo=UTC)
LATER = SENT + timedelta(seconds=2)
DEADLINE = timedelta(seconds=10)
TOO_LATE = DEADLINE + LATE
OURS = (("portal.request-id", str(PK)),)
ANOTHERS = (("portal.request-id", "0192f3a0-0000-7000-8000-00000000ffff"),)
WAS_THERE = Operation("Succeeded", started_at=BEFORE)


def request_in(state: State, **fields: Any) -> ActionRequest:
    told = {"action": Action.SYNC, "operation_seen": BEFORE.isoformat(), "sent_at": SENT, "state_at": SENT}
    return ActionRequest(pk=PK, state=state, **{**told, **fields})


def detail(operation: Operation | None, sync: str = "Synced", *resources: ResourceStatus) -> ApplicationDetail:
    application = Application("argocd", "build", "default", True, sync_status=sync, operation=operation)
    return ApplicationDetail(application, resources=resources)


def judge(
    request: ActionRequest,
    operation: Operation | None,
    *,
    after: timedelta = timedelta(seconds=3),
    sync: str = "Synced",
    resources: tuple[ResourceStatus, ...] = (),
    **more: Any,
) -> Judgement:
    told = detail(operation, sync, *resources)
    return judged(request, Sight(told=told, asked_at=SENT + after, deadline=DEADLINE, **more))


def ours(phase: str, **fields: Any) -> Operation:
    return Operation(phase, started_at=LATER, infos=OURS, **fields)


# --- unknown ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("phase", "state"), [("Pending", State.ACCEPTED), ("Running", State.RUNNING)])
def test_f39_unknown_with_its_id_in_the_operation_has_begun(phase: str, state: State) -> None:
    assert judge(request_in(State.UNKNOWN), ours(phase)).state is state


def test_f39_unknown_whose_operation_has_ended_already_ends_with_it() -> None:
    assert judge(request_in(State.UNKNOWN), ours("Failed", message="no such namespace")).state is State.FAILED


def test_f39_unknown_stays_so_while_a_late_call_may_still_arrive() -> None:
    request = request_in(State.UNKNOWN)
    assert judge(request, WAS_THERE, after=TOO_LATE - timedelta(seconds=1)) == Judgement()
    assert judge(request, WAS_THERE, after=TOO_LATE).state is State.NOT_STARTED


def test_f39_unknown_where_no_operation_ever_was_has_not_started_once_it_is_too_late() -> None:
    request = request_in(State.UNKNOWN, operation_seen="")
    assert judge(request, None, after=TOO_LATE).state is State.NOT_STARTED
    assert judge(request, Operation("Pending"), after=TOO_LATE).state is State.NOT_KNOWN


def test_f39_unknown_behind_another_operation_is_not_known_unless_the_stream_saw_it() -> None:
    request, another = request_in(State.UNKNOWN), Operation("Running", started_at=LATER, infos=ANOTHERS)
    assert judge(request, another) == Judgement()
    assert judge(request, another, after=TOO_LATE).state is State.NOT_KNOWN
    assert judge(request, another, seen="Succeeded").state is State.SUCCEEDED
    assert judge(request, another, seen="Error").state is State.FAILED
    assert judge(request, another, seen="Running").state is State.NOT_KNOWN


def test_an_application_of_a_new_life_proves_nothing_of_the_old_one() -> None:
    assert judge(request_in(State.UNKNOWN), None, after=TOO_LATE, is_reborn=True).state is State.NOT_KNOWN
    assert judge(request_in(State.RUNNING), None, is_reborn=True).state is State.NOT_KNOWN


# --- under way -------------------------------------------------------------------------------------------------------


def test_what_runs_is_shown_with_its_message_and_its_resources() -> None:
    operation = ours("Running", message="waiting for hook", retry_count=2)
    told = judge(request_in(State.ACCEPTED), operation)
    assert told.state is State.RUNNING
    assert told.operation
    assert (told.operation["phase"], told.operation["message"]) == ("Running", "waiting for hook")
    assert told.operation["started_at"] == LATER.isoformat()
    assert judge(request_in(State.RUNNING), operation).state is None


def test_of_many_resources_those_that_failed_are_kept() -> None:
    many = [ResourceStatus("", "v1", "ConfigMap", "a", f"c{number}", status="Synced") for number in range(600)]
    failed = ResourceStatus("", "v1", "Secret", "a", "the-one", status="SyncFailed", message="forbidden\x00")
    told = ApplicationDetail(detail(ours("Running")).application, operation_resources=(*many, failed))
    kept = judged(request_in(State.RUNNING), Sight(told=told, asked_at=SENT, deadline=DEADLINE)).operation
    assert kept
    assert kept["resource_count"] == 601
    assert len(kept["resources"]) == MOST_RESOURCES
    assert kept["resources"][0]["name"] == "the-one"
    assert kept["resources"][0]["message"] == "forbidden\ufffd"


def test_an_answer_from_a_cache_that_lags_behind_what_was_accepted_says_nothing() -> None:
    assert judge(request_in(State.ACCEPTED), WAS_THERE) == Judgement()
    assert judge(request_in(State.ACCEPTED), WAS_THERE, after=CATCHES_UP) == Judgement()
    assert judge(request_in(State.ACCEPTED), WAS_THERE, after=TOO_LATE).state is State.NOT_KNOWN


def test_an_operation_that_a_later_one_overwrote_ends_as_it_was_last_seen() -> None:
    another = Operation("Running", started_at=LATER, infos=ANOTHERS)
    request = request_in(State.RUNNING, operation={"phase": "Running"})
    assert judge(request, another, after=CATCHES_UP, seen="Failed").state is State.FAILED
    told = judge(request, another, after=CATCHES_UP)
    assert told.state is State.NOT_KNOWN
    assert "last seen running" in told.words


# --- ends ------------------------------------------------------------------------------------------------------------


def test_a_sync_that_left_nothing_out_of_sync_succeeded() -> None:
    assert judge(request_in(State.RUNNING), ours("Succeeded")).state is State.SUCCEEDED


def test_a_success_that_leaves_the_application_out_of_sync_says_what_is_left() -> None:
    left = (
        ResourceStatus("", "v1", "ConfigMap", "backup", "legacy", status="OutOfSync", requires_pruning=True),
        ResourceStatus("apps", "v1", "Deployment", "backup", "api", status="OutOfSync"),
    )
    first = judge(request_in(State.RUNNING), ours("Succeeded"), sync="OutOfSync", resources=left)
    assert first.state is None, "Argo CD compares anew just after the end"
    request = request_in(State.RUNNING, operation=first.operation)
    last = judge(request, ours("Succeeded"), after=timedelta(seconds=3) + SETTLES, sync="OutOfSync", resources=left)
    assert last.state is State.STILL_OUT_OF_SYNC
    assert last.words == (
        "1 resource would be deleted only with prune: ConfigMap backup/legacy; "
        "1 resource out of sync still: Deployment backup/api"
    )


def test_synced_within_the_moment_after_the_end_is_a_success() -> None:
    first = judge(request_in(State.RUNNING), ours("Succeeded"), sync="OutOfSync")
    request = request_in(State.RUNNING, operation=first.operation)
    assert judge(request, ours("Succeeded"), after=timedelta(seconds=4)).state is State.SUCCEEDED


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"action": Action.DRY_RUN}, "Dry run of 0 resources: nothing was changed"),
        ({"options": {"resources": [["", "ConfigMap", "a", "b"]]}}, "1 chosen resource synced"),
    ],
)
def test_dry_runs_and_chosen_resources_need_not_leave_all_in_sync(fields: dict[str, Any], words: str) -> None:
    if "options" in fields:
        names = ("group", "kind", "namespace", "name")
        resources = [dict(zip(names, each, strict=True)) for each in fields["options"]["resources"]]
        fields = {"options": {"resources": resources}}
    told = judge(request_in(State.RUNNING, **fields), ours("Succeeded"), sync="OutOfSync")
    assert (told.state, told.words) == (State.SUCCEEDED, words)


def test_a_terminated_operation_is_terminated_and_another_failure_says_why() -> None:
    assert judge(request_in(State.RUNNING), ours("Failed", message="Operation terminated")).state is State.TERMINATED
    told = judge(request_in(State.RUNNING), ours("Error", message="cannot reach the cluster"))
    assert (told.state, told.words) == (State.FAILED, "cannot reach the cluster")


def test_a_revision_that_moved_is_named_at_the_end() -> None:
    request = request_in(State.RUNNING, revision_seen="a" * 40)
    told = judge(request, ours("Succeeded", revision="b" * 40))
    assert told.words == f"Synced. The revision is {'b' * 7}, not {'a' * 7} as it stood when it was asked for"


# --- terminate -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "operation", "after", "expected"),
    [
        (State.ACCEPTED, Operation("Terminating", started_at=BEFORE), 1, State.RUNNING),
        (State.RUNNING, Operation("Failed", "Operation terminated", BEFORE), 1, State.SUCCEEDED),
        (State.RUNNING, Operation("Running", started_at=LATER), 1, State.SUCCEEDED),
        (State.UNKNOWN, Operation("Failed", "Operation terminated", BEFORE), 1, State.SUCCEEDED),
        (State.UNKNOWN, Operation("Succeeded", "done", BEFORE), 1, State.NOT_STARTED),
        (State.UNKNOWN, Operation("Running", started_at=BEFORE), 1, None),
        (State.UNKNOWN, Operation("Running", started_at=BEFORE), 100, State.NOT_STARTED),
        (State.UNKNOWN, Operation("Running", started_at=LATER), 1, State.NOT_KNOWN),
    ],
)
def test_a_terminate_is_about_the_operation_that_it_named(
    state: State, operation: Operation, after: int, expected: State | None
) -> None:
    request = request_in(state, action=Action.TERMINATE)
    assert judge(request, operation, after=timedelta(seconds=after)).state is expected
