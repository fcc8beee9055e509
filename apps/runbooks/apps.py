"""Runbooks: where they come from, what they say, and which rules have none."""

from django.apps import AppConfig


class RunbooksConfig(AppConfig):
    name = "apps.runbooks"
    label = "runbooks"

    def ready(self) -> None:
        """Tells the room of alerts who knows the runbooks that they link."""
        from apps.alerts.support import FINDERS

        from .linking import links_now

        FINDERS[:] = [links_now]
