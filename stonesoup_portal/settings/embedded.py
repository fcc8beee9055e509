"""`make demo` and `make run`: one machine, loopback only, SQLite unless PORTAL_DATABASE_URL says otherwise."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from django.core.management.utils import get_random_secret_key

from .base import *  # noqa: F403
from .base import DATABASES, PORTAL_STATE


def readable_by_owner_only(name: str, flags: int) -> int:
    """An `opener` for a file that holds a secret."""
    return os.open(name, flags, 0o600)


def kept_secret_key(state: Path) -> str:
    """The signing key of this installation, made once and kept in its state folder."""
    path = state / "secret-key"
    state.mkdir(parents=True, exist_ok=True, mode=0o700)
    opener = readable_by_owner_only
    with contextlib.suppress(FileExistsError), open(path, "x", opener=opener) as file:
        file.write(get_random_secret_key())
    return path.read_text()


SECRET_KEY = kept_secret_key(PORTAL_STATE)

if "sqlite" in DATABASES["default"]["ENGINE"]:
    DATABASES["default"]["CONN_MAX_AGE"] = 600
