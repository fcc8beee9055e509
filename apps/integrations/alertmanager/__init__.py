"""Alertmanager, its own or behind Observatorium."""

from apps.integrations.alertmanager.client import AlertmanagerClient
from apps.integrations.alertmanager.values import Alert, Group, Matcher, Silence, SilenceOrder, Status

__all__ = ["Alert", "AlertmanagerClient", "Group", "Matcher", "Silence", "SilenceOrder", "Status"]
