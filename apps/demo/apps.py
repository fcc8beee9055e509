"""The simulated fleet; nothing else in the portal knows it."""

from django.apps import AppConfig


class DemoConfig(AppConfig):
    name = "apps.demo"
    label = "demo"
