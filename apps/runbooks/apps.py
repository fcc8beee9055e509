"""Runbooks: where they come from, what they say, and which rules have none."""

from django.apps import AppConfig


class RunbooksConfig(AppConfig):
    name = "apps.runbooks"
    label = "runbooks"
