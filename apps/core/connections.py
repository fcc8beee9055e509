"""The connection of the database: not held while something else is waited for, and what it raises when it is not well.

A pool is small, so whoever waits for an upstream gives its connection back first (decision 7).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import InterfaceError, InternalError, OperationalError, connection

DATABASE_FAILURES = (OperationalError, InterfaceError, InternalError)
"""Away, busy, full or read-only (which PostgreSQL tells as an InternalError): a matter of the database, not a bug."""


def connection_let_go() -> None:
    """Gives this thread's connection back; the next query takes one again. Does nothing within a transaction."""
    if not connection.in_atomic_block:
        connection.close()


@contextmanager
def short_patience(seconds: float) -> Iterator[None]:
    """Within it, a lock of the database is waited for at most so long; then it is an OperationalError."""
    is_sqlite = connection.vendor == "sqlite"
    own_milliseconds = int(connection.settings_dict["OPTIONS"].get("timeout", 5) * 1000)
    _run(f"PRAGMA busy_timeout = {seconds * 1000:.0f}" if is_sqlite else f"SET lock_timeout = {seconds * 1000:.0f}")
    try:
        yield
    finally:
        _run(f"PRAGMA busy_timeout = {own_milliseconds}" if is_sqlite else "RESET lock_timeout")


@contextmanager
def durable_commits() -> Iterator[None]:
    """Within it, what is committed has reached the disk once the commit returns, also if the power fails then.

    So it is on PostgreSQL anyway; SQLite in WAL mode syncs only now and then with the portal's settings. Does nothing
    within a transaction, in which that cannot be changed.
    """
    if connection.vendor != "sqlite" or connection.in_atomic_block:
        yield
        return
    with connection.cursor() as cursor:
        own = cursor.execute("PRAGMA synchronous").fetchone()[0]
    _run("PRAGMA synchronous = FULL")
    try:
        yield
    finally:
        _run(f"PRAGMA synchronous = {own:d}")


def _run(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)
