"""Guarded actions: what a person asks for, what speaks against it, what was sent, and what came of it."""

from django.apps import AppConfig


class ActionsConfig(AppConfig):
    """The app of requests, freezes and the audit log."""

    name = "apps.actions"

    def ready(self) -> None:
        """Has what is under way follow its person into the session of a fresh sign-in, and keys of the Wall noted."""
        from apps.accounts.sessions import session_renewed
        from apps.accounts.walls import wall_key_changed

        from .audit import wall_key_note
        from .moves import session_follow

        session_renewed.connect(session_follow, dispatch_uid="session-follow")
        wall_key_changed.connect(wall_key_note, dispatch_uid="wall-key-note")
