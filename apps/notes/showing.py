"""What people said of a thing, as its page shows it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import Any

from django.utils.safestring import SafeString

from apps.core.markdown import markdown_safe
from apps.sources.fleetfile import fleet_file_or_empty

from .models import LONGEST_TEXT, Acknowledgement, Note, Subjects

MOST_SHOWN = 50
LENGTHS: Mapping[str, tuple[str, timedelta]] = {
    "30m": ("30 min", timedelta(minutes=30)),
    "1h": ("1 h", timedelta(hours=1)),
    "4h": ("4 h", timedelta(hours=4)),
    "8h": ("8 h (a shift)", timedelta(hours=8)),
    "1d": ("1 day", timedelta(days=1)),
    "7d": ("7 days", timedelta(days=7)),
}
USUAL = "1h"


@dataclass(frozen=True)
class NoteShown:
    """A note with its text as markup."""

    note: Note

    @cached_property
    def html(self) -> SafeString:
        """The text, safe to show."""
        return markdown_safe(self.note.text, incident_url=incident_url())


@dataclass(frozen=True)
class Panel:
    """What the panel of a thing's page shows; `needs_somebody` where there is something to acknowledge."""

    kind: Subjects
    subject: str
    acknowledgement: Acknowledgement | None
    needs_somebody: bool
    notes: tuple[NoteShown, ...]
    more: bool
    lengths: tuple[tuple[str, str], ...] = tuple((word, words) for word, (words, _) in LENGTHS.items())
    usual: str = USUAL
    longest_text: int = LONGEST_TEXT

    @property
    def acknowledged_with(self) -> SafeString:
        """The acknowledgement's note as markup."""
        note = self.acknowledgement.note if self.acknowledgement else ""
        return markdown_safe(note, incident_url=incident_url())

    @property
    def name(self) -> str:
        """The thing in a form."""
        return f"{self.kind}|{self.subject}"


def notes_panel(
    *, kind: Subjects, subject: str, acknowledgement: Acknowledgement | None, needs_somebody: bool
) -> dict[str, Any]:
    """The context of templates/notes/_panel.html. One query.

    `acknowledgement` is what the overlay knows of the thing (`Overlay.acknowledged`).
    """
    notes = list(Note.objects.current().on(kind, subject)[: MOST_SHOWN + 1])
    shown = tuple(NoteShown(note) for note in notes[:MOST_SHOWN])
    panel = Panel(kind, subject, acknowledgement, needs_somebody, shown, len(notes) > MOST_SHOWN)
    return {"said": panel}


def incident_url() -> str:
    """The shape of an incident's address, as the fleet file says; "" where it does not."""
    return fleet_file_or_empty().portal.incident_url or ""
