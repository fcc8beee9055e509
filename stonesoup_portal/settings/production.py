"""Behind a TLS-terminating proxy, with PostgreSQL and Redis or Valkey. What must be given is asked for by name."""

from __future__ import annotations

import os

from django.core.exceptions import ImproperlyConfigured

from .base import *  # noqa: F403
from .base import BASE_DIR


def required(name: str) -> str:
    """The environment variable `name`.

    Raises:
        ImproperlyConfigured: it is not set.
    """
    value = os.environ.get(name, "")
    if not value:
        raise ImproperlyConfigured(f"{name} must be set for the production settings")
    return value


SECRET_KEY = required("PORTAL_SECRET_KEY")
ALLOWED_HOSTS = [host.strip() for host in required("PORTAL_HOSTS").split(",") if host.strip()]
CSRF_TRUSTED_ORIGINS = [f"https://{'*' if host.startswith('.') else ''}{host}" for host in ALLOWED_HOSTS]
required("PORTAL_DATABASE_URL")
required("PORTAL_BROKER_URL")

SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_SSL_REDIRECT = True
SECURE_REDIRECT_EXEMPT = ["^healthz$", "^readyz$", "^metrics$"]
SECURE_HSTS_SECONDS = 365 * 24 * 3600
SECURE_HSTS_INCLUDE_SUBDOMAINS = True
SECURE_HSTS_PRELOAD = True
SESSION_COOKIE_SECURE = True
SESSION_COOKIE_NAME = "__Host-portal-session"
WALL_COOKIE_NAME = "__Host-portal-wall"
CSRF_COOKIE_SECURE = True
CSRF_COOKIE_NAME = "__Host-portal-csrf"
STATIC_ROOT = BASE_DIR / "staticfiles"
