"""Guarded actions: what a person asks for, what speaks against it, what was sent, and what came of it."""

from django.apps import AppConfig


class ActionsConfig(AppConfig):
    """The app of requests, freezes and the audit log."""

    name = "apps.actions"
