"""Writing transitions down, and letting go of old ones."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from apps.core.clock import database_now
from apps.core.text import clean

from .models import Transition

PRUNE_BATCH = 500


def transitions_note(transitions: Iterable[Transition]) -> int:
    """Appends the transitions, their texts capped to their columns, in the caller's transaction; returns how many."""
    lines = list(transitions)
    for line in lines:
        line.title = clean(line.title, 300)
        line.before = clean(line.before, 500)
        line.after = clean(line.after, 500)
    Transition.objects.bulk_create(lines)
    return len(lines)


def transitions_prune(*, days: int) -> int:
    """Deletes one small batch of transitions seen more than `days` ago; returns how many, 0 when none are left."""
    too_old = Transition.objects.filter(seen_at__lt=database_now() - timedelta(days=days)).order_by("seen_at")
    batch = list(too_old.values_list("pk", flat=True)[:PRUNE_BATCH])
    deleted, _ = Transition.objects.filter(pk__in=batch).delete()
    return deleted
