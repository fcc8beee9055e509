"""What must follow the fleet file, and what is let go of with time."""

from __future__ import annotations

from apps.alerts.services import alerts_prune
from apps.fleet.services import clusters_align
from apps.sources.fleetfile import fleet_file_in_force
from apps.sources.services import sources_align
from apps.timeline.services import transitions_prune


def align_with_fleet_file() -> None:
    """Takes a changed fleet file in: rows of sources and clusters follow it; what left it is archived."""
    fleet = fleet_file_in_force()
    sources_align(fleet=fleet)
    clusters_align(fleet=fleet)


def prune_what_is_old() -> None:
    """Deletes transitions and ended episodes past the fleet file's retention, batch by batch."""
    days = fleet_file_in_force().portal.retention.days
    while transitions_prune(days=days):
        pass
    while alerts_prune(days=days):
        pass
