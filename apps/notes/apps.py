"""Notes and acknowledgements of alerts, Applications and clusters."""

from django.apps import AppConfig


class NotesConfig(AppConfig):
    name = "apps.notes"
    label = "notes"
