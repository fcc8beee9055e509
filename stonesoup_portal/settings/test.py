"""Settings of the tests: SQLite in a file (threads share it), or the database that PORTAL_DATABASE_URL names."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from .base import *  # noqa: F403
from .base import DATABASES, STORAGES

SECRET_KEY = "only-for-tests-of-the-portal-0123456789-abcdefghijklmnop"  # noqa: S105
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
PORTAL_STATE = Path(tempfile.gettempdir()) / "portal-tests"
PORTAL_FLEET = ""
CELERY_BROKER_URL = "memory://"
PAGES_KEPT_SECONDS = 0.0
STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
STATIC_ROOT: Path | None = None  # type: ignore[no-redef]
WHITENOISE_USE_FINDERS = True

if "sqlite" in DATABASES["default"]["ENGINE"]:
    DATABASES["default"]["TEST"] = {"NAME": Path(tempfile.gettempdir()) / f"portal-tests-{os.getpid()}.sqlite3"}
