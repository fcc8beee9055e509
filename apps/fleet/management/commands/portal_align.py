"""`manage.py portal_align`: brings sources and clusters in line with the fleet file now, before anything reads."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.fleet.alignment import align_with_fleet_file
from apps.sources.fleetfile import FleetFileInvalid


class Command(BaseCommand):
    """What the worker does every five seconds, once."""

    help = __doc__

    def handle(self, **options: Any) -> None:
        try:
            align_with_fleet_file()
        except FleetFileInvalid as error:
            raise CommandError(str(error)) from error
