"""Argo CD instances, Applications, ApplicationSets, projects."""

from django.apps import AppConfig


class GitopsConfig(AppConfig):
    name = "apps.gitops"
    label = "gitops"

    def ready(self) -> None:
        """Has its things acknowledged and noted on."""
        from .noting import register

        register()
