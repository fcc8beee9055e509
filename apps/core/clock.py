"""One clock for ages, leases and staleness: the database's (faults.md, case 24)."""

from __future__ import annotations

from datetime import UTC, datetime

from django.db import connection

SQLITE_NOW = "SELECT strftime('%Y-%m-%d %H:%M:%f', 'now')"
POSTGRESQL_NOW = "SELECT clock_timestamp()"


def database_now() -> datetime:
    """The database's moment as an aware UTC datetime (on SQLite with milliseconds). One query."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute(SQLITE_NOW)
            return datetime.fromisoformat(cursor.fetchone()[0]).replace(tzinfo=UTC)
        cursor.execute(POSTGRESQL_NOW)
        moment: datetime = cursor.fetchone()[0]
        return moment.astimezone(UTC)
