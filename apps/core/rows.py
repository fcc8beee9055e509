"""Rows by SQL that stands here: for what every page asks, where to build the query anew costs more than to run it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import connection


def rows_of(sql: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
    """The rows, each column as the database's driver gives it (SQLite: moments without their zone)."""
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        found: list[tuple[Any, ...]] = cursor.fetchall()
        return found
