"""Which files of a source are linked: by rules, and by alerts that fire."""

from __future__ import annotations

from apps.alerts.models import Episode, Rule
from apps.fleet.overlay import overlay_now
from apps.sources.fleetfile.schema import FleetFile

from .finding import runbook_address

KEYS = ("runbook_url", "runbook")


def paths_wanted(fleet: FleetFile, source: str) -> frozenset[str]:
    """Their paths in the source. Two queries and those of the overlay."""
    told = Rule.objects.values_list(*(f"annotations__{key}" for key in KEYS)).distinct()
    urls = {url for row in told for url in row if isinstance(url, str)}
    firing = Episode.objects.firing().current(overlay_now())
    urls |= set(firing.exclude(runbook_url="").values_list("runbook_url", flat=True))
    addresses = (runbook_address(fleet, url) for url in urls)
    return frozenset(address.path for address in addresses if address and address.source == source)
