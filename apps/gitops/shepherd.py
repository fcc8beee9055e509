"""The follower threads of one process: one for each Argo CD instance of the fleet file in force."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass

from apps.sources.clients import argocd_client
from apps.sources.fleetfile.current import fleet_file_in_force
from apps.sources.fleetfile.schema import ArgoCD, FleetFile

from .following import Follower, Pace

log = logging.getLogger(__name__)

LOOK_SECONDS = 2.0
STOP_SECONDS = 4.0


@dataclass(frozen=True)
class Running:
    """A follower's thread, what it was made from, and how to stop it."""

    thread: threading.Thread
    stop: threading.Event
    fleet: FleetFile


class Shepherd:
    """Starts followers, starts them anew when the fleet file changed or one died, and stops them."""

    def __init__(self, *, stop: threading.Event, only: frozenset[str] = frozenset()) -> None:
        self._stop, self._only = stop, only
        self._running: dict[str, Running] = {}

    def run(self) -> None:
        """Until `stop` is set, and STOP_SECONDS more. Raises FleetFileInvalid if there never was a right file."""
        while not self._stop.is_set():
            self.look()
            self._stop.wait(LOOK_SECONDS)
        self._end(list(self._running.values()))

    def look(self) -> None:
        """Brings the threads in line with the fleet file in force."""
        fleet = fleet_file_in_force()
        wanted = {argocd.name: argocd for argocd in fleet.argocd if not self._only or argocd.name in self._only}
        old = {name: one for name, one in self._running.items() if name not in wanted or one.fleet is not fleet}
        self._end(list(old.values()))
        for name in old:
            del self._running[name]
        for name, argocd in wanted.items():
            running = self._running.get(name)
            if running is None or not running.thread.is_alive():
                if running is not None:
                    log.error("the follower of %s died of a bug and is started again", name)
                self._running[name] = self._begin(argocd, fleet)

    def _begin(self, argocd: ArgoCD, fleet: FleetFile) -> Running:
        stop = threading.Event()
        follower = Follower(
            instance=argocd.name,
            fleet=fleet,
            client=argocd_client(fleet, f"argocd/{argocd.name}"),
            stop=stop,
            pace=Pace(interval=argocd.interval.total_seconds()),
        )
        thread = threading.Thread(target=follower.run, name=f"follow {argocd.name}", daemon=True)
        thread.start()
        return Running(thread, stop, fleet)

    def _end(self, followers: list[Running]) -> None:
        """Tells all to stop, and waits STOP_SECONDS for them; who writes even then has its lease until it runs out."""
        for follower in followers:
            follower.stop.set()
        until = time.monotonic() + STOP_SECONDS
        for follower in followers:
            follower.thread.join(max(0.0, until - time.monotonic()))
