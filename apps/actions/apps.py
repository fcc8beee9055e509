"""Guarded actions: what a person asks for, what speaks against it, what was sent, and what came of it."""

from django.apps import AppConfig


class ActionsConfig(AppConfig):
    """The app of requests, freezes and the audit log."""

    name = "apps.actions"

    def ready(self) -> None:
        """Has what is under way follow its person into the session of a fresh sign-in."""
        from apps.accounts.sessions import session_renewed

        from .moves import session_follow

        session_renewed.connect(session_follow, dispatch_uid="session-follow")
