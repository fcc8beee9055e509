"""Tasks of the runbooks: reading one source, and writing down how the coverage stands."""

from __future__ import annotations

from celery import shared_task

from apps.runbooks.coverage_days import coverage_note
from apps.runbooks.reading import runbooks_read
from apps.sources.fleetfile import fleet_file_in_force
from apps.sources.reading import source_read


@shared_task(name="runbooks.read_source")
def read_source(key: str) -> None:
    """Reads one source of runbooks ("runbooks/<name>")."""
    source_read(key=key, read=runbooks_read)


@shared_task(name="runbooks.note_coverage")
def note_coverage() -> None:
    """Writes down how many rules have a runbook, where that changed."""
    coverage_note(fleet=fleet_file_in_force())
