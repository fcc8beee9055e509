"""Not holding a connection of the database while something else is waited for (a pool is small)."""

from __future__ import annotations

from django.db import connection


def connection_let_go() -> None:
    """Gives this thread's connection back; the next query takes one again. Does nothing within a transaction."""
    if not connection.in_atomic_block:
        connection.close()
