"""What a runbook's links and images can lead to: what was read of its source."""

from __future__ import annotations

from apps.sources.fleetfile import fleet_file_or_empty

from .models import Runbook, RunbookFile
from .rendering.places import Place
from .texts import images_named


def place_of(runbook: Runbook) -> Place:
    """Its place, with the images that were read. One query where it names any."""
    named = images_named(runbook.source, runbook.path, runbook.text)
    there = RunbookFile.objects.filter(source=runbook.source, path__in=named).values_list("path", flat=True)
    under = next((each.under for each in fleet_file_or_empty().runbooks if each.name == runbook.source), "")
    return Place(runbook.source, runbook.path, under, frozenset(there) if named else frozenset())
