"""One clock for ages, leases and staleness: the database's (faults.md, case 24)."""

from __future__ import annotations

from datetime import UTC, datetime

from django.db import connection

SQLITE_NOW = "strftime('%Y-%m-%d %H:%M:%f', 'now')"
POSTGRESQL_NOW = "clock_timestamp()"


def now_sql() -> str:
    """The database's moment in SQL that stands in a query with values (where a "%" is doubled)."""
    return (SQLITE_NOW if connection.vendor == "sqlite" else POSTGRESQL_NOW).replace("%", "%%")


def database_now() -> datetime:
    """The database's moment as an aware UTC datetime (on SQLite with milliseconds). One query."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute(f"SELECT {SQLITE_NOW}")
            return datetime.fromisoformat(cursor.fetchone()[0]).replace(tzinfo=UTC)
        cursor.execute(f"SELECT {POSTGRESQL_NOW}")
        moment: datetime = cursor.fetchone()[0]
        return moment.astimezone(UTC)
