"""Lines of the timeline about what people say of things."""

from __future__ import annotations

from datetime import datetime

from apps.core.text import clean
from apps.core.tones import Tone
from apps.timeline.changes import ACKNOWLEDGED, NOTE
from apps.timeline.models import Transition

from .models import Acknowledgement, Concerning, Note, Subjects
from .things import PANEL, address_of

LETTERS_OF_A_NOTE = 200


def acknowledged_line(said: Acknowledgement, words: str, *, by: str, at: datetime, tone: Tone) -> Transition:
    """That it began, has another end, or ended."""
    return _line(said, ACKNOWLEDGED, words, by=by, at=at, tone=tone, link=panel_address(said))


def note_line(note: Note, *, at: datetime) -> Transition:
    """That somebody wrote a note, with its first words."""
    first = " ".join(note.text.split())
    words = f"note: {first[:LETTERS_OF_A_NOTE]}{'…' if len(first) > LETTERS_OF_A_NOTE else ''}"
    return _line(note, NOTE, words, by=note.by, at=at, tone=Tone.HELD, link=note_address(note))


def note_lines_blank(note: Note) -> None:
    """What a note said goes from the timeline with it: somebody may have written what nobody is to read."""
    lines = Transition.objects.filter(kind=note.kind, subject=note.subject, field=NOTE, link=note_address(note))
    lines.update(after="a note, which was taken back")


def taken_back_line(note: Note, *, by: str, at: datetime) -> Transition:
    """That somebody took a note back."""
    return _line(note, NOTE, "took a note back", by=by, at=at, tone=Tone.HELD, link=panel_address(note))


def note_address(note: Note) -> str:
    """The thing's page, at the note."""
    return f"{address_of(note.kind, note.subject)}#note-{note.pk}"


def panel_address(said: Concerning) -> str:
    """The thing's page, at what people say of it."""
    return f"{address_of(said.kind, said.subject)}#{PANEL}"


def moment_told(moment: datetime, now: datetime) -> str:
    """ "14:30 UTC", with the day where it is another one."""
    return f"{moment:%H:%M}" + ("" if moment.date() == now.date() else f" on {moment:%d %b}") + " UTC"


def _line(said: Concerning, field: str, words: str, *, by: str, at: datetime, tone: Tone, link: str) -> Transition:
    return Transition(
        kind=said.kind,
        subject=said.subject,
        title=said.title,
        cluster=said.cluster,
        application=clean(said.subject, 300) if said.kind == Subjects.APPLICATION else "",
        environment=said.environment,
        field=field,
        after=words,
        tone=tone.value,
        by=by,
        link=clean(link, 500),
        at=at,
        seen_at=at,
    )
