"""What one answer of Argo CD says of a request that was sent: never more than is so."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from apps.actions.comparing import COMPARES, SETTLES
from apps.actions.judging import (
    CATCHES_UP,
    LATE,
    LOOKS_APART,
    MOST_RESOURCES,
    REFRESHES_WITHIN,
    Judgement,
    Sight,
    judged,
)
from apps.actions.models import ActionRequest
from apps.actions.states import Action, State
from apps.core.ages import moment_words
from apps.integrations.argocd import Application, ApplicationDetail, Operation, ResourceStatus

PK = UUID("0192f3a0-0000-7000-8000-000000000001")
SENT = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)
BEFORE = datetime(2026, 11, 24, 11, 0, 0, tzinfo=UTC)
LATER = SENT + timedelta(seconds=2)
ENDED = SENT + timedelta(seconds=3)
SECOND = timedelta(seconds=1)
COMMIT, NEWER = "a" * 40, "b" * 40
DEADLINE = timedelta(seconds=10)
TOO_LATE = DEADLINE + LATE
OURS = (("portal.request-id", str(PK)),)
ANOTHERS = (("portal.request-id", "0192f3a0-0000-7000-8000-00000000ffff"),)
WAS_THERE = Operation("Succeeded", started_at=BEFORE)


def request_in(state: State, **fields: Any) -> ActionRequest:
    told = {"action": Action.SYNC, "operation_seen": BEFORE.isoformat(), "sent_at": SENT, "state_at": SENT}
    return ActionRequest(pk=PK, state=state, **{**told, **fields})


def detail(
    operation: Operation | None,
    sync: str = "Synced",
    *resources: ResourceStatus,
    compared: datetime | None = ENDED + SECOND,
    revision: str = "",
    results: tuple[ResourceStatus, ...] = (),
    refreshing: str = "",
) -> ApplicationDetail:
    application = Application(
        "argocd", "build", "default", True, sync_status=sync, sync_revision=revision, operation=operation
    )
    return ApplicationDetail(
        application,
        resources=resources,
        operation_resources=results,
        reconciled_at=compared,
        refreshing=refreshing,
    )


def judge(
    request: ActionRequest,
    operation: Operation | None,
    *,
    after: timedelta = timedelta(seconds=4),
    sync: str = "Synced",
    resources: tuple[ResourceStatus, ...] = (),
    seen: str | None = None,
    is_reborn: bool = False,
    **told: Any,
) -> Judgement:
    sight = Sight(
        told=detail(operation, sync, *resources, **told),
        asked_at=SENT + after,
        deadline=DEADLINE,
        seen=seen,
        is_reborn=is_reborn,
    )
    return judged(request, sight)


def judge_twice(request: ActionRequest, operation: Operation | None, *, after: timedelta, **more: Any) -> Judgement:
    """What the second of two looks says, of which the first concluded nothing."""
    first = judge(request, operation, after=after, **more)
    assert first.state is None
    request.operation = first.operation
    return judge(request, operation, after=after + LOOKS_APART, **more)


def ours(phase: str, **fields: Any) -> Operation:
    ended = ENDED if phase in {"Succeeded", "Failed", "Error"} else None
    return Operation(phase, **{"started_at": LATER, "finished_at": ended, "infos": OURS, **fields})


def result(name: str, status: str, **fields: Any) -> ResourceStatus:
    return ResourceStatus("", "v1", "ConfigMap", "a", name, status=status, **fields)


# --- unknown ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("phase", "state"), [("Pending", State.ACCEPTED), ("Running", State.RUNNING)])
def test_f39_unknown_with_its_id_in_the_operation_has_begun(phase: str, state: State) -> None:
    assert judge(request_in(State.UNKNOWN), ours(phase)).state is state


def test_f39_unknown_whose_operation_has_ended_already_ends_with_it() -> None:
    assert judge(request_in(State.UNKNOWN), ours("Failed", message="no such namespace")).state is State.FAILED


def test_f39_unknown_stays_so_while_a_late_call_may_still_arrive() -> None:
    request = request_in(State.UNKNOWN)
    assert judge(request, WAS_THERE, after=TOO_LATE - timedelta(seconds=1)) == Judgement()
    assert judge_twice(request, WAS_THERE, after=TOO_LATE).state is State.NOT_STARTED


def test_f39_one_look_alone_does_not_say_that_nothing_began_since_the_call_may_be_served_after_it() -> None:
    """An Argo CD that stood still for minutes has the call in its buffer, and may serve the look first."""
    request = request_in(State.UNKNOWN)
    request.operation = judge(request, WAS_THERE, after=timedelta(minutes=9)).operation
    assert judge(request, WAS_THERE, after=timedelta(minutes=9) + LOOKS_APART - SECOND).state is None
    assert judge(request, ours("Running"), after=timedelta(minutes=9) + LOOKS_APART).state is State.RUNNING


def test_f39_unknown_where_no_operation_ever_was_has_not_started_once_it_is_too_late() -> None:
    request = request_in(State.UNKNOWN, operation_seen="")
    assert judge_twice(request, None, after=TOO_LATE).state is State.NOT_STARTED
    assert judge(request, Operation("Pending"), after=TOO_LATE + LOOKS_APART).state is State.NOT_KNOWN


def test_f39_unknown_behind_another_operation_is_not_known_unless_the_stream_saw_it() -> None:
    request, another = request_in(State.UNKNOWN), Operation("Running", started_at=LATER, infos=ANOTHERS)
    assert judge(request, another) == Judgement()
    assert judge_twice(request, another, after=TOO_LATE).state is State.NOT_KNOWN
    assert judge(request, another, seen="Succeeded").state is State.SUCCEEDED
    assert judge(request, another, seen="Error").state is State.FAILED
    assert judge(request, another, seen="Running").state is State.NOT_KNOWN


def test_an_application_of_a_new_life_proves_nothing_of_the_old_one() -> None:
    assert judge(request_in(State.UNKNOWN), None, is_reborn=True) == Judgement(), "the call may still arrive"
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


@pytest.mark.parametrize(
    ("phase", "message", "state"),
    [
        ("Succeeded", "", State.SUCCEEDED),
        ("Failed", "Operation terminated", State.TERMINATED),
        ("Failed", "no such namespace", State.FAILED),
    ],
)
def test_an_end_that_an_answer_told_counts_more_than_what_the_stream_saw_before_it(
    phase: str, message: str, state: State
) -> None:
    request = request_in(State.RUNNING, operation={"phase": phase, "message": message})
    told = judge(request, Operation("Running", started_at=LATER, infos=ANOTHERS), after=CATCHES_UP, seen="Running")
    assert told.state is state
    assert message in told.words or state is State.TERMINATED


def test_an_end_that_the_stream_saw_counts_more_than_what_an_answer_told_before_it() -> None:
    request = request_in(State.RUNNING, operation={"phase": "Running", "message": "waiting"})
    told = judge(request, Operation("Running", started_at=LATER, infos=ANOTHERS), after=CATCHES_UP, seen="Failed")
    assert (told.state, told.words.startswith("The operation ended: Failed; ")) == (State.FAILED, True)


def test_what_was_out_of_sync_after_the_end_stays_so_behind_a_later_operation() -> None:
    request = request_in(State.RUNNING, operation={"phase": "Running"})
    left = (result("legacy", "OutOfSync", requires_pruning=True),)
    first = judge(request, ours("Succeeded"), compared=ENDED, sync="OutOfSync", resources=left)
    request.operation = first.operation
    told = judge(request, Operation("Running", started_at=LATER, infos=ANOTHERS), after=CATCHES_UP, seen="Succeeded")
    assert told.state is State.STILL_OUT_OF_SYNC
    assert told.words.startswith("1 resource would be deleted only with prune: ConfigMap a/legacy; a later operation")


def test_while_an_answer_lags_behind_the_stream_no_later_operation_is_made_up() -> None:
    assert judge(request_in(State.RUNNING), WAS_THERE, after=CATCHES_UP, seen="Succeeded").state is None
    assert judge(request_in(State.UNKNOWN), WAS_THERE, after=CATCHES_UP, seen="Succeeded").state is State.RUNNING


# --- ends ------------------------------------------------------------------------------------------------------------


def test_a_sync_that_left_nothing_out_of_sync_succeeded() -> None:
    assert judge(request_in(State.RUNNING), ours("Succeeded")).state is State.SUCCEEDED


def test_a_success_that_leaves_the_application_out_of_sync_says_what_is_left() -> None:
    left = (
        ResourceStatus("", "v1", "ConfigMap", "backup", "legacy", status="OutOfSync", requires_pruning=True),
        ResourceStatus("apps", "v1", "Deployment", "backup", "api", status="OutOfSync"),
    )
    told = judge(request_in(State.RUNNING), ours("Succeeded"), sync="OutOfSync", resources=left)
    assert told.state is State.STILL_OUT_OF_SYNC
    assert told.words == (
        "1 resource would be deleted only with prune: ConfigMap backup/legacy; "
        "1 resource out of sync still: Deployment backup/api"
    )


@pytest.mark.parametrize("sync", ["Synced", "OutOfSync"])
@pytest.mark.parametrize("compared", [None, SENT - SECOND, ENDED - SECOND])
def test_a_comparison_from_before_the_end_says_nothing_of_it(sync: str, compared: datetime | None) -> None:
    request = request_in(State.RUNNING)
    first = judge(request, ours("Succeeded"), sync=sync, compared=compared)
    assert (first.state, first.operation and first.operation["phase"]) == (None, "Succeeded")
    request.operation = first.operation
    last = judge(request, ours("Succeeded"), after=timedelta(seconds=4) + COMPARES, sync=sync, compared=compared)
    assert last.state is State.SUCCEEDED
    assert last.words == "The operation succeeded; Argo CD has not compared the application since"


def test_the_comparison_after_the_end_is_what_counts_however_late_it_comes() -> None:
    request = request_in(State.RUNNING)
    request.operation = judge(request, ours("Succeeded"), compared=SENT).operation
    late = timedelta(seconds=40)
    told = judge(request, ours("Succeeded"), after=late, sync="OutOfSync", compared=SENT + late)
    assert told.state is State.STILL_OUT_OF_SYNC


def test_synced_in_the_very_second_of_the_end_is_synced() -> None:
    assert judge(request_in(State.RUNNING), ours("Succeeded"), compared=ENDED).words == "Synced"


def test_out_of_sync_in_the_very_second_of_the_end_may_be_from_before_it() -> None:
    request, sync = request_in(State.RUNNING), {"sync": "OutOfSync", "compared": ENDED}
    request.operation = judge(request, ours("Running"), **sync | {"compared": SENT}).operation
    request.operation = judge(request, ours("Succeeded"), **sync).operation
    assert judge(request, ours("Succeeded"), after=timedelta(seconds=5)).words == "Synced", "a newer one came"
    assert judge(request, ours("Succeeded"), after=timedelta(seconds=4) + SETTLES - SECOND, **sync).state is None
    told = judge(request, ours("Succeeded"), after=timedelta(seconds=4) + SETTLES, **sync)
    assert told.state is State.STILL_OUT_OF_SYNC


def test_a_comparison_that_was_there_while_it_ran_is_none_of_its_end() -> None:
    request = request_in(State.RUNNING)
    request.operation = judge(request, ours("Running"), sync="OutOfSync", compared=ENDED).operation
    request.operation = judge(request, ours("Succeeded"), sync="OutOfSync", compared=ENDED).operation
    told = judge(request, ours("Succeeded"), after=timedelta(seconds=4) + COMPARES, sync="OutOfSync", compared=ENDED)
    assert (told.state, "has not compared" in told.words) == (State.SUCCEEDED, True)


@pytest.mark.parametrize(("sync", "state"), [("Synced", State.SUCCEEDED), ("OutOfSync", State.STILL_OUT_OF_SYNC)])
def test_a_comparison_with_another_revision_is_called_one(sync: str, state: State) -> None:
    request, operation = request_in(State.RUNNING), ours("Succeeded", revision=COMMIT)
    first = judge(request, operation, sync=sync, revision=NEWER)
    assert first.state is None
    request.operation = first.operation
    told = judge(request, operation, after=timedelta(seconds=4) + COMPARES, sync=sync, revision=NEWER)
    assert (told.state, f"with revision {NEWER[:7]}, which came meanwhile" in told.words) == (state, True)


def test_a_dry_run_needs_not_leave_all_in_sync() -> None:
    told = judge(request_in(State.RUNNING, action=Action.DRY_RUN), ours("Succeeded"), sync="OutOfSync", compared=SENT)
    assert (told.state, told.words) == (State.SUCCEEDED, "Dry run of 0 resources: nothing was changed")


def with_chosen(*names: str, **options: Any) -> ActionRequest:
    chosen = [{"group": "", "kind": "ConfigMap", "namespace": "a", "name": name} for name in names]
    return request_in(State.RUNNING, options={"resources": chosen, **options})


def test_chosen_resources_need_not_leave_all_in_sync() -> None:
    results = (result("one", "Synced"), result("two", "Pruned"))
    told = judge(with_chosen("one", "two"), ours("Succeeded"), sync="OutOfSync", compared=SENT, results=results)
    assert (told.state, told.words) == (State.SUCCEEDED, "2 chosen resources synced")


def test_chosen_resources_that_were_not_synced_are_named() -> None:
    results = (result("one", "Synced"), result("two", "PruneSkipped"), result("four", "SyncFailed"))
    told = judge(with_chosen("one", "two", "three", "four"), ours("Succeeded"), results=results)
    assert told.state is State.STILL_OUT_OF_SYNC
    assert told.words == (
        "The operation succeeded, but 3 of 4 chosen resources not synced: ConfigMap a/two (deleted only with prune), "
        "ConfigMap a/three (Argo CD tells nothing of it), ConfigMap a/four (SyncFailed)"
    )


def test_a_chosen_resource_of_no_namespace_is_found_where_argo_cd_tells_the_applications_own() -> None:
    chosen = {"group": "rbac.authorization.k8s.io", "kind": "ClusterRole", "namespace": "", "name": "one"}
    request = request_in(State.RUNNING, options={"resources": [chosen]})
    told = ResourceStatus("rbac.authorization.k8s.io", "v1", "ClusterRole", "build", "one", status="Synced")
    assert judge(request, ours("Succeeded"), results=(told,)).state is State.SUCCEEDED


def test_chosen_resources_that_were_in_sync_are_no_work_where_only_the_others_were_to_be_synced() -> None:
    told = {"resources": (result("one", "Synced"), result("two", "OutOfSync"))}
    request = with_chosen("one", apply_out_of_sync_only=True)
    assert judge(request, ours("Succeeded"), **told).state is State.SUCCEEDED
    request = with_chosen("one", "two", apply_out_of_sync_only=True)
    assert judge(request, ours("Succeeded"), **told).state is State.STILL_OUT_OF_SYNC


def test_a_terminated_operation_is_terminated_and_another_failure_says_why() -> None:
    assert judge(request_in(State.RUNNING), ours("Failed", message="Operation terminated")).state is State.TERMINATED
    told = judge(request_in(State.RUNNING), ours("Error", message="cannot reach the cluster"))
    assert (told.state, told.words) == (State.FAILED, "cannot reach the cluster")


def test_a_revision_that_moved_is_named_at_the_end() -> None:
    request = request_in(State.RUNNING, revision_seen=COMMIT)
    told = judge(request, ours("Succeeded", revision=NEWER), revision=NEWER)
    assert told.words == f"Synced. The revision is {'b' * 7}, not {'a' * 7} as it stood when it was asked for"


# --- terminate -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "operation", "after", "expected"),
    [
        (State.ACCEPTED, Operation("Terminating", started_at=BEFORE), 1, State.RUNNING),
        (State.RUNNING, Operation("Failed", "Operation terminated", BEFORE), 1, State.SUCCEEDED),
        (State.RUNNING, Operation("Running", started_at=LATER), 1, State.SUCCEEDED),
        (State.ACCEPTED, Operation("Running", started_at=BEFORE), 1, None),
        (State.ACCEPTED, Operation("Running", started_at=BEFORE), 100, State.NOT_KNOWN),
        (State.RUNNING, Operation("Running", started_at=BEFORE), 100, State.NOT_KNOWN),
    ],
)
def test_a_terminate_is_about_the_operation_that_it_named(
    state: State, operation: Operation, after: int, expected: State | None
) -> None:
    request = request_in(state, action=Action.TERMINATE)
    assert judge(request, operation, after=timedelta(seconds=after)).state is expected


@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        (Operation("Failed", "Operation terminated", BEFORE), State.SUCCEEDED),
        (Operation("Succeeded", "done", BEFORE), State.NOT_KNOWN),
        (Operation("Terminating", started_at=BEFORE), State.RUNNING),
        (Operation("Running", started_at=BEFORE), State.NOT_STARTED),
        (Operation("Running", started_at=LATER), State.NOT_KNOWN),
    ],
)
def test_of_a_terminate_that_may_still_arrive_nothing_is_concluded(operation: Operation, expected: State) -> None:
    """It would end whatever runs when it comes: a sync that the same take over began, for one."""
    request = request_in(State.UNKNOWN, action=Action.TERMINATE)
    assert judge(request, operation, after=TOO_LATE - SECOND).state is None
    assert judge_twice(request, operation, after=TOO_LATE).state is expected


def refresh_in(action: Action = Action.REFRESH, *, before: datetime | None = BEFORE) -> ActionRequest:
    kept = {"compared_before": before.isoformat() if before else ""}
    return request_in(State.UNKNOWN, action=action, operation=kept)


@pytest.mark.parametrize("action", [Action.REFRESH, Action.HARD_REFRESH])
@pytest.mark.parametrize("compared", [SENT.replace(microsecond=0), BEFORE])
def test_a_refresh_that_took_longer_than_its_call_is_followed_to_its_comparison(
    action: Action, compared: datetime
) -> None:
    """It may begin in the very second of sending, and Argo CD's clock may be behind ours."""
    request = refresh_in(action)
    under_way = judge(request, WAS_THERE, compared=BEFORE, refreshing="hard")
    assert under_way.state is State.RUNNING
    request.state, request.operation = State.RUNNING, under_way.operation
    assert judge(request, WAS_THERE, compared=BEFORE, refreshing="hard") == Judgement(), "nothing new to keep"
    told = judge(request, WAS_THERE, compared=compared)
    assert told.state is State.SUCCEEDED
    assert told.words == f"Refreshed: compared at {moment_words(compared)}, by Argo CD’s clock"


def test_another_persons_normal_refresh_is_none_of_manifests_made_anew() -> None:
    request = refresh_in(Action.HARD_REFRESH)
    assert judge(request, None, compared=BEFORE, refreshing="normal") == Judgement()
    told = judge(request, None, compared=LATER, after=TOO_LATE)
    assert told.state is State.NOT_KNOWN
    assert "not known whether with manifests made anew" in told.words


def test_another_comparison_than_the_one_before_is_what_a_normal_refresh_asked_for() -> None:
    assert judge(refresh_in(), None, compared=LATER).state is State.SUCCEEDED
    assert judge(refresh_in(before=None), None, compared=LATER) == Judgement(), "nobody knows what stood there before"


@pytest.mark.parametrize("action", [Action.REFRESH, Action.HARD_REFRESH])
def test_a_refresh_that_nothing_shows_is_waited_for_until_it_cannot_arrive(action: Action) -> None:
    request = refresh_in(action)
    assert judge(request, None, compared=BEFORE) == Judgement()
    told = judge(request, None, compared=BEFORE, after=TOO_LATE)
    assert (told.state, told.words) == (
        State.NOT_KNOWN,
        "Not known whether Argo CD took it: it may be asked for again",
    )


def test_a_comparison_that_never_comes_is_not_waited_for_for_ever() -> None:
    request = refresh_in()
    request.state = State.RUNNING
    told = judge(request, None, compared=BEFORE, refreshing="normal", after=REFRESHES_WITHIN + SECOND)
    assert (told.state, "has not done so yet" in told.words) == (State.NOT_KNOWN, True)
