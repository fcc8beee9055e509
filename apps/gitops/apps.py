"""Argo CD instances, Applications, ApplicationSets, projects."""

from django.apps import AppConfig


class GitopsConfig(AppConfig):
    name = "apps.gitops"
    label = "gitops"
