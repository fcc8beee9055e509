"""Rows of sources and clusters follow the fleet file."""

from __future__ import annotations

from apps.sources.fleetfile import fleet_file_in_force
from apps.sources.services import sources_align

from .services import clusters_align


def align_with_fleet_file() -> None:
    """Takes the fleet file in force in, where it changed; what left it is archived. Judges which clusters are lost.

    Raises:
        FleetFileInvalid: there never was a right one.
    """
    fleet = fleet_file_in_force()
    sources_align(fleet=fleet)
    clusters_align(fleet=fleet)
