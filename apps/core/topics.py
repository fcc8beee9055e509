"""Raising and reading the versions of topics."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import transaction
from django.db.models import F

from .hints import hint_send
from .models import Topic
from .rows import rows_of

VERSIONS = "SELECT name, version FROM core_topic WHERE name IN"


def raise_topics(names: Iterable[str]) -> None:
    """Raises each topic's version by one: the last thing a transaction does, in sorted order, so that none deadlock.

    Once it is committed the web processes are told by a hint, which may be lost: they read the versions themselves.
    """
    wanted = sorted(set(names))
    if not wanted:
        return
    Topic.objects.bulk_create([Topic(name=name) for name in wanted], ignore_conflicts=True)
    for name in wanted:
        Topic.objects.filter(name=name).update(version=F("version") + 1)
    transaction.on_commit(lambda: hint_send(wanted), robust=True)


def versions_of(names: Iterable[str]) -> dict[str, int]:
    """The version of each of the topics; one never raised counts as 0. One query."""
    wanted = list(set(names))
    places = ", ".join(["%s"] * len(wanted))
    return {**dict.fromkeys(wanted, 0), **dict(rows_of(f"{VERSIONS} ({places})", wanted) if wanted else [])}


def version_of(names: Iterable[str]) -> int:
    """One number that rises whenever any of the topics does. One query."""
    return sum(versions_of(names).values())
