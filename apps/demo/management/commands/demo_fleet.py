"""`manage.py demo_fleet`: run the simulated fleet until it is told to end."""

from __future__ import annotations

import signal
import tempfile
import threading
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.demo.fleet import FleetOptions, start
from apps.demo.world.building import Counts

LOOK_INTERVAL = 1.0


class Command(BaseCommand):
    """Serve Argo CD, Alertmanager, Prometheus, Observatorium and Kubernetes of a fleet that does not exist."""

    help = "Run a simulated fleet on loopback and write the fleet file that leads a portal to it."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """How big, where, how fast."""
        parser.add_argument("--seed", type=int, default=1, help="the same seed makes the same fleet and the same life")
        parser.add_argument("--clusters", type=int, help="how many clusters, control planes and hosts among them")
        parser.add_argument("--applications", type=int, help="how many Applications")
        parser.add_argument("--alerts", type=int, help="how many alerts fire")
        parser.add_argument("--port-base", type=int, default=0, help="first of consecutive ports (0: any free ones)")
        parser.add_argument("--state", type=Path, help="folder of its secrets (default: a temporary one)")
        parser.add_argument("--fleet-file", type=Path, help="where the fleet file goes (default: in the state folder)")
        parser.add_argument("--still", action="store_true", help="nothing happens by itself")
        parser.add_argument("--speed", type=float, default=1.0, help="seconds of its life in one second")

        parser.add_argument("--issuer", default="", help="of the OpenID provider that demo_provider will be")
        parser.add_argument("--portal", action="append", default=[], help="origin of a portal that it serves")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run until SIGTERM or SIGINT."""
        ended = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: ended.set())
        if options["speed"] <= 0:
            raise CommandError("--speed must be more than 0")
        if options["state"] is not None:
            self._run(options, options["state"], ended)
            return
        with tempfile.TemporaryDirectory(prefix="demo-fleet-") as folder:
            self._run(options, Path(folder), ended)

    def _run(self, options: dict[str, Any], state: Path, ended: threading.Event) -> None:
        try:
            fleet = start(_fleet_options(options, state.resolve()))
        except (OSError, ValueError) as error:
            raise CommandError(str(error)) from error
        with fleet:
            count = len(fleet.servers)
            self.stdout.write(f"{count} servers listen; fleet file {fleet.fleet_file}; control {fleet.control_url}")
            if fleet.remark:
                self.stdout.write(fleet.remark)
            self.stdout.flush()
            while not ended.wait(LOOK_INTERVAL):
                if not fleet.is_running:
                    raise CommandError("the simulated fleet has broken down")


def _fleet_options(options: dict[str, Any], state: Path) -> FleetOptions:
    return FleetOptions(
        state=state,
        fleet_file=options["fleet_file"],
        seed=options["seed"],
        counts=Counts(options["clusters"], options["applications"], options["alerts"]),
        port_base=options["port_base"],
        is_still=options["still"],
        speed=options["speed"],
        issuer=options["issuer"],
        portals=tuple(options["portal"]),
    )
