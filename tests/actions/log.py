"""The audit log as tests want it: some lines, a hand that tampers with them, and triggers that stop it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection, transaction

from apps.actions.append_only import statements_to_drop, statements_to_make
from apps.actions.audit import audit_note
from apps.actions.models import ActionRequest, AuditLine
from apps.core.clock import database_now
from apps.timeline.models import Transition

TABLE = AuditLine._meta.db_table


def lines_written(count: int) -> list[AuditLine]:
    """So many lines, each in a transaction of its own."""
    return [line_written(f"event {number}") for number in range(count)]


def line_written(event: str = "requested", **columns: Any) -> AuditLine:
    """One line."""
    with transaction.atomic():
        return audit_note(event=event, who="remy", **{"what": {"why": event}, **columns})


def request_row(**columns: Any) -> ActionRequest:
    """A request for one Application, as it stands before it is sent."""
    now = database_now()
    defaults: dict[str, Any] = {
        "action": "sync",
        "username": "remy",
        "role": "responder",
        "address": "192.0.2.7",
        "instance": "production",
        "namespace": "argocd",
        "name": "build-service-stone-prd-m01",
        "project": "default",
        "environment": "production",
        "cluster": "stone-prd-m01",
        "subject": "build-service-stone-prd-m01",
        "created_at": now,
        "state_at": now,
    }
    return ActionRequest.objects.create(**{**defaults, **columns})


def at_one_moment() -> None:
    """All lines of the timeline are of one minute, whenever the clock's minute ended."""
    now = database_now()
    Transition.objects.update(at=now, seen_at=now)


def tampered(*statements: str) -> None:
    """What somebody does who can write to the database; `{table}` stands for the log's table."""
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement.format(table=TABLE))


@contextmanager
def triggers() -> Iterator[None]:
    """The triggers that the migration makes, which the tests' database has none of otherwise."""
    tampered(*statements_to_make(connection.vendor))
    try:
        yield
    finally:
        tampered(*statements_to_drop(connection.vendor))
