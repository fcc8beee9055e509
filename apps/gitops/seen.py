"""Writing down each operation that a request of this portal began, before a later one overwrites it at Argo CD."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from apps.core.clock import database_now
from apps.core.text import clean

from .merging import operation_of
from .models import Application, SeenOperation

KEPT: Final = timedelta(days=30)
PRUNE_BATCH: Final = 500
MOST_A_STATEMENT: Final = 100


def seen_operation(row: Application, now: datetime) -> SeenOperation | None:
    """The operation that the row holds, if a request of this portal began it; not in the database yet."""
    operation = operation_of(row)
    if operation is None or not operation.request_id:
        return None
    return SeenOperation(
        instance=row.instance,
        namespace=row.namespace,
        name=row.name,
        request_id=clean(operation.request_id, 100),
        phase=operation.phase,
        started_at=operation.started_at,
        seen_at=now,
    )


def seen_operations_note(seen: Iterable[SeenOperation]) -> None:
    """Writes them down, given in the order in which they were seen; a known one keeps its moment. A query, or none."""
    last = {(each.instance, each.namespace, each.name, each.request_id): each for each in seen}
    if last:
        SeenOperation.objects.bulk_create(
            last.values(),
            batch_size=MOST_A_STATEMENT,
            update_conflicts=True,
            unique_fields=["instance", "namespace", "name", "request_id"],
            update_fields=["phase", "started_at"],
        )


def seen_operations_prune() -> int:
    """Deletes one small batch of those seen more than 30 days ago; returns how many, 0 when none are left."""
    too_old = SeenOperation.objects.filter(seen_at__lt=database_now() - KEPT).order_by("seen_at")
    batch = list(too_old.values_list("pk", flat=True)[:PRUNE_BATCH])
    deleted, _ = SeenOperation.objects.filter(pk__in=batch).delete()
    return deleted
