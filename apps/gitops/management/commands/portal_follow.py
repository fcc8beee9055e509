"""`manage.py portal_follow`: holds the stream of each Argo CD instance of the fleet file, until it is told to stop."""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from apps.core.memory import what_is_loaded_stays
from apps.gitops.shepherd import Shepherd


class Command(BaseCommand):
    """Follows Argo CD's streams; ends on SIGTERM and SIGINT within 5 s."""

    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--instance",
            action="append",
            default=[],
            metavar="NAME",
            help="follow this instance only (may be repeated): each process then has its share of them",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        stop = threading.Event()

        def end(number: int, frame: FrameType | None) -> None:
            stop.set()

        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, end)
        what_is_loaded_stays()
        Shepherd(stop=stop, only=frozenset(options["instance"])).run()
