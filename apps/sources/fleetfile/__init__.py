"""The fleet file: what the portal watches, and how."""

from apps.sources.fleetfile.current import (
    FleetFileStatus,
    fleet_file_in_force,
    fleet_file_look_again,
    fleet_file_or_empty,
    fleet_file_status,
)
from apps.sources.fleetfile.loading import FleetFileInvalid, Problem, fleet_file_load, fleet_file_parse
from apps.sources.fleetfile.schema import FleetFile

__all__ = [
    "FleetFile",
    "FleetFileInvalid",
    "FleetFileStatus",
    "Problem",
    "fleet_file_in_force",
    "fleet_file_load",
    "fleet_file_look_again",
    "fleet_file_or_empty",
    "fleet_file_parse",
    "fleet_file_status",
]
