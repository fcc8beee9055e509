"""Tasks of the runbooks: each reads one source."""

from __future__ import annotations

from celery import shared_task

from apps.runbooks.reading import runbooks_read
from apps.sources.reading import source_read


@shared_task(name="runbooks.read_source")
def read_source(key: str) -> None:
    """Reads one source of runbooks ("runbooks/<name>")."""
    source_read(key=key, read=runbooks_read)
