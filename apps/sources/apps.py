"""What is configured, when each was last read, how it is doing; the collectors' common frame."""

from django.apps import AppConfig


class SourcesConfig(AppConfig):
    name = "apps.sources"
    label = "sources"
