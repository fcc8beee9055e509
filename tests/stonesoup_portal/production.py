"""The production settings, as far as they say how a browser is spoken to, for a test's client."""

from __future__ import annotations

import importlib
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

HOST = "portal.example.com"
ENVIRONMENT = {
    "PORTAL_SECRET_KEY": "k" * 60,
    "PORTAL_HOSTS": HOST,
    "PORTAL_DATABASE_URL": "postgresql://portal@127.0.0.1/portal",
    "PORTAL_BROKER_URL": "redis://127.0.0.1/0",
}
SPOKEN = ("SECURE_", "SESSION_COOKIE_", "CSRF_", "WALL_", "ALLOWED_HOSTS")


def put_in_force(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """What they say of hosts, cookies, TLS and forms holds for this test."""
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    module = importlib.import_module("stonesoup_portal.settings.production")
    for name, value in vars(module).items():
        if name.startswith(SPOKEN):
            setattr(settings, name, value)


def browser(**more: Any) -> Client:
    """One that comes over https, through the proxy that ends TLS."""
    return Client(SERVER_NAME=HOST, HTTP_X_FORWARDED_PROTO="https", **more)
