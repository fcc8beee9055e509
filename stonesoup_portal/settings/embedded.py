"""`make demo` and `make run`: one machine, loopback only, SQLite unless PORTAL_DATABASE_URL says otherwise."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

from django.core.management.utils import get_random_secret_key

from .base import *  # noqa: F403
from .base import DATABASES, PORTAL_STATE


def made_private(path: Path) -> None:
    """Makes the file, if it is not there yet, readable and writable by its owner alone."""
    os.close(os.open(path, os.O_RDONLY | os.O_CREAT, 0o600))


def kept_secret_key(state: Path) -> str:
    """The signing key of this installation, made once and kept in its state folder.

    It is there whole or not at all: processes that start together all read the one that was linked first.
    """
    path = state / "secret-key"
    state.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not path.exists():
        with tempfile.NamedTemporaryFile("w", dir=state, prefix="secret-key.") as file:
            file.write(get_random_secret_key())
            file.flush()
            with contextlib.suppress(FileExistsError):
                os.link(file.name, path)
    return path.read_text()


SECRET_KEY = kept_secret_key(PORTAL_STATE)

if "sqlite" in DATABASES["default"]["ENGINE"]:
    made_private(DATABASES["default"]["NAME"])
    DATABASES["default"]["CONN_MAX_AGE"] = 600
