"""What people said of things long ago is let go of, once the thing needs nobody any more."""

from __future__ import annotations

from datetime import timedelta
from typing import TypeVar

from django.db.models import QuerySet

from apps.core.clock import database_now

from .models import Acknowledgement, Concerning, Note
from .things import unwell_among

PRUNE_BATCH = 100

S = TypeVar("S", bound=Concerning)


def said_prune(*, days: int) -> int:
    """Deletes notes of more than `days` ago and acknowledgements that ended then, of what is well or gone; how many.

    In small batches, each of its own transaction.
    """
    until = database_now() - timedelta(days=days)
    ended = Acknowledgement.objects.filter(ended_at__lt=until)
    return let_go(Note.objects.filter(at__lt=until)) + let_go(ended)


def let_go(rows: QuerySet[S]) -> int:
    """Deletes those whose thing is not among the unwell ones; how many."""
    deleted, left = 0, rows.order_by("pk")
    while batch := list(left.values_list("pk", "kind", "subject")[:PRUNE_BATCH]):
        unwell = unwell_among({(kind, subject) for _, kind, subject in batch})
        past = [pk for pk, kind, subject in batch if (kind, subject) not in unwell]
        deleted += rows.filter(pk__in=past).delete()[0]
        left = rows.filter(pk__gt=batch[-1][0]).order_by("pk")
    return deleted
