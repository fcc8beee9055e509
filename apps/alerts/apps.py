"""Alerts, silences and alerting rules."""

from django.apps import AppConfig


class AlertsConfig(AppConfig):
    name = "apps.alerts"
    label = "alerts"

    def ready(self) -> None:
        """Has its things acknowledged and noted on."""
        from .noting import register

        register()
