"""Each operation that a request of the portal's own began is written down before a later one overwrites it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.core.clock import database_now
from apps.gitops.collecting import applications_apply, applications_list, applications_reconcile
from apps.gitops.models import SeenOperation
from apps.gitops.seen import seen_operations_note, seen_operations_prune
from apps.integrations.argocd import ApplicationEvent, ArgoCDClient
from apps.integrations.argocd.wire import WireApplication, whole_application
from apps.sources.fleetfile.schema import FleetFile
from stonesoup_portal.pruning import prune_what_is_old
from tests.gitops.argocd_server import ArgoCDServer, Json, application

pytestmark = pytest.mark.database

FIRST = "0192f3a0-0000-7000-8000-000000000001"
SECOND = "0192f3a0-0000-7000-8000-000000000002"
AT = "2026-11-24T09:00:00Z"
LATER = "2026-11-24T09:05:00Z"


def asked(request_id: str = "") -> Json:
    """An operation as it was asked for, by a request of the portal's or by somebody else."""
    infos = [{"name": "reason", "value": "drift"}]
    infos += [{"name": "portal.request-id", "value": request_id}] if request_id else []
    return {"sync": {"revision": "a" * 40}, "info": infos, "initiatedBy": {"username": "portal"}}


def accepted(request_id: str = "", name: str = "build-m01") -> Json:
    """Right after a sync was accepted: `operation`, and no `operationState`."""
    return {**application(name), "operation": asked(request_id)}


def going(phase: str, request_id: str = "", *, started: str = AT, name: str = "build-m01") -> Json:
    """With an operationState."""
    state = {"phase": phase, "startedAt": started, "operation": asked(request_id)}
    return application(name, operation_state=state | ({} if phase == "Running" else {"finishedAt": started}))


def told(*values: Json, kind: str = "MODIFIED") -> list[ApplicationEvent]:
    return [ApplicationEvent(kind, whole_application(msgspec.convert(value, WireApplication))) for value in values]


def take(fleet: FleetFile, *events: ApplicationEvent) -> None:
    applications_apply(fleet=fleet, instance="production", events=events)


def seen() -> list[tuple[str, str, datetime | None]]:
    return list(SeenOperation.objects.order_by("request_id").values_list("request_id", "phase", "started_at"))


def queries_of_seen(captured: CaptureQueriesContext) -> list[str]:
    return [query["sql"] for query in captured.captured_queries if SeenOperation._meta.db_table in query["sql"]]


def test_an_operation_is_written_down_from_its_acceptance_to_its_end(fleet: FleetFile) -> None:
    take(fleet, *told(accepted(FIRST)))
    assert seen() == [(FIRST, "Pending", None)]
    first_seen = SeenOperation.objects.get().seen_at

    take(fleet, *told(going("Running", FIRST)))
    take(fleet, *told(going("Succeeded", FIRST)))
    assert seen() == [(FIRST, "Succeeded", datetime(2026, 11, 24, 9, tzinfo=UTC))]
    row = SeenOperation.objects.get()
    assert (row.instance, row.namespace, row.name) == ("production", "argocd", "build-m01")
    assert row.seen_at == first_seen


def test_one_that_is_overwritten_within_the_same_batch_of_events_is_written_down_too(fleet: FleetFile) -> None:
    take(fleet, *told(accepted(FIRST), going("Running", FIRST), going("Running"), accepted(SECOND), going("Failed")))
    assert [(request_id, phase) for request_id, phase, _ in seen()] == [(FIRST, "Running"), (SECOND, "Pending")]


def test_one_whose_application_is_deleted_within_the_same_batch_is_written_down_too(fleet: FleetFile) -> None:
    value = going("Running", FIRST)
    take(fleet, *told(value), *told(value, kind="DELETED"))
    assert [request_id for request_id, _, _ in seen()] == [FIRST]


def test_the_same_id_at_two_applications_is_two_rows_and_twice_at_one_is_one(fleet: FleetFile) -> None:
    take(fleet, *told(going("Succeeded", FIRST), going("Failed", FIRST, name="other-m01")))
    take(fleet, *told(accepted(FIRST), going("Running", FIRST, started=LATER)))
    assert {(row.name, row.phase, row.started_at and row.started_at.minute) for row in SeenOperation.objects.all()} == {
        ("build-m01", "Running", 5),
        ("other-m01", "Failed", 0),
    }


def test_a_list_that_tells_the_end_of_a_known_operation_is_taken_in(
    fleet: FleetFile, argocd: ArgoCDServer, client_of_argocd: ArgoCDClient
) -> None:
    take(fleet, *told(going("Running", FIRST)))
    argocd.put(going("Succeeded", FIRST))
    listed = applications_list(client=client_of_argocd, instance="production")
    applications_reconcile(fleet=fleet, instance="production", listed=listed)
    assert [(request_id, phase) for request_id, phase, _ in seen()] == [(FIRST, "Succeeded")]


def test_what_a_replay_tells_of_an_application_not_known_yet_is_taken_in(
    fleet: FleetFile, argocd: ArgoCDServer, client_of_argocd: ArgoCDClient
) -> None:
    argocd.put(going("Succeeded", FIRST))
    listed = applications_list(client=client_of_argocd, instance="production")
    replayed = {event.application.key: event.application for event in told(going("Succeeded", FIRST), kind="ADDED")}
    applications_reconcile(fleet=fleet, instance="production", listed=listed, replayed=replayed)
    assert [(request_id, phase) for request_id, phase, _ in seen()] == [(FIRST, "Succeeded")]


def test_operations_of_others_cost_no_query_and_a_replay_of_what_is_known_neither(fleet: FleetFile) -> None:
    with CaptureQueriesContext(
        connection,
    ) as captured:
        take(fleet, *told(accepted(), going("Running"), going("Succeeded")))
    assert queries_of_seen(captured) == []
    take(fleet, *told(going("Succeeded", FIRST)))
    with CaptureQueriesContext(connection) as captured:
        take(fleet, *told(going("Succeeded", FIRST), kind="ADDED"))
    assert queries_of_seen(captured) == []


def test_many_are_written_in_one_query(fleet: FleetFile) -> None:
    events = told(*(going("Running", f"{FIRST}-{n}", name=f"build-{n:02}") for n in range(30)))
    with CaptureQueriesContext(connection) as captured:
        take(fleet, *events)
    assert SeenOperation.objects.count() == 30
    assert len(queries_of_seen(captured)) == 1


@pytest.mark.parametrize("value", ["x" * 5_000, "nul \x00 inside", "\ud800"])
def test_an_id_that_is_hostile_is_cut_to_what_a_column_holds(value: str, fleet: FleetFile) -> None:
    take(fleet, *told(going("Running", value)))
    assert 0 < len(SeenOperation.objects.get().request_id) <= 100


def row(request_id: str, **fields: Any) -> SeenOperation:
    defaults = {"instance": "production", "namespace": "argocd", "name": "build-m01", "phase": "Succeeded"}
    return SeenOperation(request_id=request_id, **{**defaults, **fields})


def test_after_thirty_days_they_are_let_go_of(fleet: FleetFile) -> None:
    now = database_now()
    seen_operations_note([row(FIRST, seen_at=now - timedelta(days=31)), row(SECOND, seen_at=now - timedelta(days=29))])
    prune_what_is_old()
    assert [request_id for request_id, _, _ in seen()] == [SECOND]
    assert seen_operations_prune() == 0
