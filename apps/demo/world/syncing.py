"""What an operation does to an Application, step by step as Argo CD's controller takes it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

from apps.demo.world.applications import Application, Deployment, Operation, OperationState
from apps.demo.world.resources import Resource, resources_of
from apps.demo.world.world import World

START = 0.3
COMPARES = 0.02
"""Seconds from the end of an operation to the comparison that it asks for."""
SETTLE = 6.0
FIRST_RETRY = 10.0
LONGEST_RETRY = 180.0
HISTORY_LENGTH = 10
ONLY_OUT_OF_SYNC = "ApplyOutOfSyncOnly=true"


def operation_begin(world: World, application: Application, operation: Operation) -> None:
    """Accept an operation: it is there at once, its state follows when the controller takes it up."""
    world.application_change(application, operation=operation, state=None)
    world.agenda.after(START, _guarded(application, operation, lambda: _take_up(world, application, operation)))


def operation_terminate(world: World, application: Application) -> None:
    """Terminate what runs: the phase is Terminating, then Failed."""
    operation, state = application.operation, application.state
    if operation is None:
        return
    state = state or OperationState(operation, world.now())
    world.application_change(application, state=replace(state, phase="Terminating"))
    end = replace(state, phase="Failed", message="Operation terminated", finished_at=world.now())
    world.agenda.after(1.5, _guarded(application, operation, lambda: _finish(world, application, end)))


def operation_resume(world: World, application: Application, *, delay: float) -> None:
    """Go on, `delay` seconds from now, with an operation that has been running since before the demo began."""
    operation, state = application.operation, application.state
    if operation is not None and state is not None:
        world.agenda.after(delay, _guarded(application, operation, lambda: _attempt(world, application, state)))


def _guarded(application: Application, operation: Operation, step: Callable[[], None]) -> Callable[[], None]:
    """`step`, unless the operation is over by then; a termination overtakes all steps but its own end."""

    def take() -> None:
        if application.operation is operation:
            step()

    return take


def _take_up(world: World, application: Application, operation: Operation) -> None:
    state = OperationState(operation, world.now())
    if application.hook and not operation.dry_run:
        state.message = f"waiting for completion of hook batch/Job/{application.hook}"
        state.results = [_hook_result(application)]
    world.application_change(application, state=state)
    seconds = 0.5 if operation.dry_run else application.sync_seconds
    world.agenda.after(seconds, _guarded(application, operation, lambda: _attempt(world, application, state)))


def _attempt(world: World, application: Application, state: OperationState) -> None:
    if application.state is not None and application.state.phase == "Terminating":
        return
    failure = application.failure_of(state.operation) or (
        world.connection_error(application.cluster) if application.cluster.is_lost else ""
    )
    if failure:
        _fail(world, application, state, failure)
    elif state.operation.dry_run:
        _finish(world, application, _succeeded(world, application, state, "successfully synced (no more tasks)"))
    else:
        _deploy(world, application, state)


def _fail(world: World, application: Application, state: OperationState, failure: str) -> None:
    limit = int(state.operation.retry.get("limit", 0))
    ended = replace(state, finished_at=world.now(), results=_failed_results(application, failure))
    if limit >= 0 and state.retry_count >= limit:
        tried = f" (retried {state.retry_count} times)." if state.retry_count else ""
        _finish(world, application, replace(ended, phase="Failed", message=failure + tried))
        return
    delay = min(FIRST_RETRY * 2**state.retry_count, LONGEST_RETRY)
    at = (world.now() + timedelta(seconds=delay)).strftime("%-I:%M%p")
    count = state.retry_count + 1
    again = replace(ended, retry_count=count, message=f"{failure}. Retrying attempt #{count} at {at}.")
    world.application_change(application, state=again)
    step = _guarded(application, state.operation, lambda: _attempt(world, application, again))
    world.agenda.after(delay, step)


def _finish(world: World, application: Application, state: OperationState) -> None:
    state.operation.outcome = state.phase
    world.application_change(application, state=state, operation=None)
    if not state.operation.dry_run:
        world.agenda.after(COMPARES, lambda: world.application_change(application))


def _deploy(world: World, application: Application, state: OperationState) -> None:
    operation = state.operation
    done = _succeeded(world, application, state, "successfully synced (all tasks run)")
    operation.outcome = done.phase
    rolls_out = application.runs_workloads and (application.health == "Missing" or not _is_deployed(application))
    history = _longer_history(application, state, world)
    world.application_change(application, state=done, operation=None, history=history)
    world.agenda.after(COMPARES, lambda: _compare(world, application, operation, rolls_out=rolls_out))


def _compare(world: World, application: Application, operation: Operation, *, rolls_out: bool) -> None:
    """Compare anew: what is synced is told only then. A cluster that was lost meanwhile is compared when it is back."""
    if application.before_loss is not None:
        return
    world.application_change(
        application,
        has_legacy=_stays_legacy(application, operation),
        sync=_sync_after(application, operation),
        conditions=tuple(each for each in application.conditions if each.type != "SyncError"),
    )
    if rolls_out:
        world.application_change(application, health="Progressing", health_message="Waiting for rollout to finish")
        world.agenda.after(SETTLE, lambda: application_settle(world, application))
    elif application.health == "Missing":
        world.application_change(application, health="Healthy")


def application_settle(world: World, application: Application) -> None:
    """The workloads have become ready, or will not; while the cluster is lost nobody can tell."""
    if application.before_loss is not None:
        world.agenda.after(SETTLE, lambda: application_settle(world, application))
    elif application.health == "Progressing":
        message = application.broken
        world.application_change(application, health="Degraded" if message else "Healthy", health_message=message)


def _is_deployed(application: Application) -> bool:
    return bool(application.history) and application.history[-1].revision == application.revision


def _sync_after(application: Application, operation: Operation) -> str:
    drifted = [each for each in resources_of(application) if each.status == "OutOfSync"]
    is_partial = any(not operation.wants(each.kind, each.name) for each in drifted)
    return "OutOfSync" if is_partial or _stays_legacy(application, operation) else "Synced"


def _stays_legacy(application: Application, operation: Operation) -> bool:
    legacy = [each for each in resources_of(application) if each.requires_pruning]
    return any(not operation.prune or not operation.wants(each.kind, each.name) for each in legacy)


def _longer_history(application: Application, state: OperationState, world: World) -> tuple[Deployment, ...]:
    number = application.history[-1].id + 1 if application.history else 0
    operation = state.operation
    line = Deployment(number, operation.revision, state.started_at, world.now(), operation.username)
    return (*application.history, line)[-HISTORY_LENGTH:]


def _succeeded(world: World, application: Application, state: OperationState, message: str) -> OperationState:
    operation = state.operation
    chosen = [each for each in resources_of(application) if operation.wants(each.kind, each.name)]
    if ONLY_OUT_OF_SYNC in operation.sync_options:
        chosen = [each for each in chosen if each.status == "OutOfSync"]
    results = [_result(each, operation) for each in chosen]
    return replace(state, phase="Succeeded", message=message, finished_at=world.now(), results=results)


def _result(resource: Resource, operation: Operation) -> dict[str, Any]:
    status, message, phase = "Synced", f"{resource.plain} {resource.deed}", "Running"
    if resource.requires_pruning and operation.prune:
        status, message, phase = "Pruned", "pruned", "Succeeded"
    elif resource.requires_pruning:
        status, message, phase = "PruneSkipped", "ignored (requires pruning)", "Succeeded"
    if operation.dry_run:
        message, phase = f"{message} (dry run)", "Succeeded"
    return {**resource.identity, "status": status, "message": message, "hookPhase": phase, "syncPhase": "Sync"}


def _failed_results(application: Application, failure: str) -> list[dict[str, Any]]:
    """The last resource failed; none is known while the cluster cannot be reached."""
    failed = resources_of(application)[-1:]
    return [{**each.identity, "status": "SyncFailed", "message": failure, "syncPhase": "Sync"} for each in failed]


def _hook_result(application: Application) -> dict[str, Any]:
    return {
        "group": "batch",
        "version": "v1",
        "kind": "Job",
        "namespace": application.namespace,
        "name": application.hook,
        "status": "Synced",
        "message": f"job.batch/{application.hook} created",
        "hookType": "PreSync",
        "hookPhase": "Running",
        "syncPhase": "PreSync",
        "images": ["quay.io/example/migrate:1"],
    }
