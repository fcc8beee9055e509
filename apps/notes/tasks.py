"""What is done for acknowledgements in the background."""

from __future__ import annotations

from celery import shared_task

from .services import acknowledgements_look_after


@shared_task(name="notes.look_after")
def look_after() -> None:
    """Ends the acknowledgements whose time is over, or whose thing is well again."""
    acknowledgements_look_after()
