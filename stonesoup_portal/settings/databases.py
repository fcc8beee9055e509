"""How the portal wants its two databases."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

PAGE_THREADS = int(os.environ.get("PORTAL_PAGE_THREADS", "3"))
BESIDE_PAGES = 4
POOL = {"min_size": 1, "max_size": PAGE_THREADS + BESIDE_PAGES, "timeout": 5, "reconnect_timeout": 2}
"""Every thread that answers pages may hold one while it waits for what another makes anew, which needs one too."""


def sqlite_database(path: Path) -> dict[str, Any]:
    """SQLite in WAL mode; writers queue up at BEGIN, with 20 s of patience."""
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": path,
        "OPTIONS": {
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
        },
    }


def database_from_url(url: str) -> dict[str, Any]:
    """PostgreSQL from postgresql://user:password@host:port/name[?sslmode=…], pooled, with a lock timeout of 5 s.

    While the server is away a connection is waited for 5 s; once it is back the pool's broken connections are found by
    their check, and new ones are tried for at once, since no attempt to connect is kept up for longer than 2 s.

    Raises:
        ValueError: the URL is of another scheme.
    """
    parts = urlsplit(url)
    if parts.scheme not in {"postgres", "postgresql"}:
        raise ValueError(f"PORTAL_DATABASE_URL must begin with postgresql://, not {parts.scheme}://")
    options = dict(parse_qsl(parts.query))
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts.path.lstrip("/"),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": options.pop("host", parts.hostname or ""),
        "PORT": str(parts.port or ""),
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {"pool": POOL, "options": "-c lock_timeout=5s -c statement_timeout=60s", **options},
    }
