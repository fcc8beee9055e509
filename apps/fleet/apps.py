"""Clusters and what their APIs tell."""

from django.apps import AppConfig


class FleetConfig(AppConfig):
    name = "apps.fleet"
    label = "fleet"

    def ready(self) -> None:
        """Has its things acknowledged and noted on."""
        from .noting import register

        register()
