"""`manage.py demo_provider`: run the demo's OpenID provider until it is told to end."""

from __future__ import annotations

import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.demo.provider import ProviderMissing, provider_command


class Command(BaseCommand):
    """Becomes the provider's process."""

    help = "Run the demo's OpenID provider, with the settings that demo_fleet wrote for it."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Where its settings are."""
        parser.add_argument("--provider-settings", type=Path, required=True, help="the file of its settings")

    def handle(self, *args: Any, **options: Any) -> None:
        """Does not return."""
        try:
            command = provider_command(options["provider_settings"])
        except ProviderMissing as error:
            raise CommandError(str(error)) from error
        os.execv(command[0], command)  # noqa: S606  # a program of our own, with no shell
