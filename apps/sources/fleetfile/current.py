"""The fleet file in force in this process.

The file is looked at again when somebody asks and LOOK_EVERY seconds have passed; when it changed it is taken in after
the same check as at the start. A file with mistakes is kept out, the one before it stays in force, and its problems
are in the status.
"""

from __future__ import annotations

import hashlib
import logging
import threading
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from django.conf import settings

from apps.sources.fleetfile.loading import FleetFileInvalid, Problem, fleet_file_parse, fleet_file_text
from apps.sources.fleetfile.schema import FleetFile

LOOK_EVERY = 2.0
NOT_LOOKED_AT: tuple[int, ...] = ()

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class FleetFileStatus:
    """How the fleet file stands in this process.

    `digest` (SHA-256 in hex) and `loaded_at` are of the file in force, empty and None where there is none;
    `problems` and `refused_at` of a newer one that was kept out, empty and None where there is none. Moments are this
    process's, in UTC.
    """

    path: str
    digest: str = ""
    loaded_at: datetime | None = None
    problems: tuple[Problem, ...] = ()
    refused_at: datetime | None = None


class FleetFileKeeper:
    """Keeps one fleet file in force, for all threads of a process."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._fleet: FleetFile | None = None
        self._status = FleetFileStatus(str(path))
        self._stamp: tuple[int, ...] | None = NOT_LOOKED_AT
        self._look_at = 0.0

    @property
    def status(self) -> FleetFileStatus:
        """How the file stood at the last look."""
        return self._status

    def fleet(self) -> FleetFile:
        """The file in force; raises FleetFileInvalid as long as there never was a right one."""
        with self._lock:
            if time.monotonic() >= self._look_at:
                self._look()
                self._look_at = time.monotonic() + LOOK_EVERY
            if self._fleet is None:
                raise FleetFileInvalid(str(self._path), self._status.problems)
            return self._fleet

    def look_now(self) -> None:
        """Look at the file at the next question, however short ago the last look was."""
        with self._lock:
            self._look_at = 0.0
            self._stamp = NOT_LOOKED_AT

    def _look(self) -> None:
        stamp = _stamp_of(self._path)
        if stamp == self._stamp and not self._status.problems:
            return
        self._stamp = stamp
        try:
            self._take_in(fleet_file_text(path=self._path))
        except FleetFileInvalid as error:
            self._refuse(error.problems)

    def _take_in(self, text: str) -> None:
        """Put a text in force, unless it is the one in force; raises FleetFileInvalid."""
        digest = hashlib.sha256(text.encode()).hexdigest()
        if digest != self._status.digest:
            folder = self._path.absolute().parent
            self._fleet = fleet_file_parse(text=text, file=str(self._path), folder=folder, must_exist=True)
            log.info("the fleet file %s is in force, digest %s", self._path, digest[:12])
            self._status = FleetFileStatus(str(self._path), digest, datetime.now(UTC))
        self._status = replace(self._status, problems=(), refused_at=None)

    def _refuse(self, problems: tuple[Problem, ...]) -> None:
        if problems != self._status.problems:
            told = "; ".join(map(str, problems))
            log.warning("the fleet file %s is kept out, the one before stays in force: %s", self._path, told)
            self._status = replace(self._status, problems=problems, refused_at=datetime.now(UTC))


EMPTY = FleetFile()
_keepers: dict[str, FleetFileKeeper] = {}
_keepers_lock = threading.Lock()


def fleet_file_in_force() -> FleetFile:
    """The fleet file of the setting PORTAL_FLEET; raises FleetFileInvalid as long as there never was a right one."""
    return _keeper().fleet()


def fleet_file_or_empty() -> FleetFile:
    """The same; where there never was a right one, one that says nothing: all is as it is delivered."""
    try:
        return fleet_file_in_force()
    except FleetFileInvalid:
        return EMPTY


def fleet_file_status() -> FleetFileStatus:
    """How the fleet file of the setting PORTAL_FLEET stands, looked at anew when it is time to."""
    keeper = _keeper()
    try:
        keeper.fleet()
    except FleetFileInvalid:
        return keeper.status  # its problems tell it
    return keeper.status


def fleet_file_look_again() -> None:
    """Have the fleet file looked at anew at the next question (after it was written, in tests)."""
    _keeper().look_now()


def _keeper() -> FleetFileKeeper:
    path: str = settings.PORTAL_FLEET
    if not path:
        raise FleetFileInvalid("PORTAL_FLEET", (Problem("", "names no fleet file: give one with FLEET=fleet.yaml"),))
    with _keepers_lock:
        if path not in _keepers:
            _keepers[path] = FleetFileKeeper(Path(path))
        return _keepers[path]


def _stamp_of(path: Path) -> tuple[int, ...] | None:
    """What tells that a file changed; None when it cannot be looked at."""
    try:
        found = path.stat()
    except OSError:
        return None
    return (found.st_mtime_ns, found.st_size, found.st_ino)
