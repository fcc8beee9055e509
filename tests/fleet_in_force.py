"""A fleet file of the test's own, in force for as long as the test runs."""

from __future__ import annotations

from pathlib import Path

from pytest_django import Settings

from apps.fleet.services import clusters_align
from apps.sources.fleetfile.current import fleet_file_in_force, fleet_file_look_again
from apps.sources.fleetfile.schema import FleetFile
from apps.sources.services import sources_align


class FleetFileOfTest:
    """Writes fleet files to one path, puts them in force, and aligns the rows with them."""

    def __init__(self, folder: Path, settings: Settings) -> None:
        self.path = folder / "fleet.yaml"
        settings.PORTAL_FLEET = str(self.path)

    def put(self, text: str) -> FleetFile:
        """The text in force, and sources and clusters in line with it."""
        self.path.write_text(text)
        fleet_file_look_again()
        fleet = fleet_file_in_force()
        sources_align(fleet=fleet)
        clusters_align(fleet=fleet)
        return fleet
