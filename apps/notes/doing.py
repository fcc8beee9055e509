"""What the forms of notes and acknowledgements ask for, done."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import QueryDict

from apps.core.clock import database_now
from apps.core.errors import RuleViolation
from apps.core.forms import form_id_told, uuid_told

from .models import Acknowledgement, Concerning, Note
from .services import (
    acknowledgement_begin,
    acknowledgement_end,
    acknowledgement_extend,
    note_add,
    note_take_back,
)
from .showing import LENGTHS, USUAL
from .things import Thing, thing_found

SEPARATOR = "|"

S = TypeVar("S", bound=Concerning)


def said_by_form(who: User, told: QueryDict) -> Concerning:
    """Does what the button that was clicked says ("acknowledge|alert|appsre/5d1e"); returns the row that it is about.

    Raises RuleViolation where that cannot be.
    """
    word, _, rest = told.get("do", "").partition(SEPARATOR)
    if word not in DOING:
        raise RuleViolation("There is no such action")
    return DOING[word](who, told, rest)


def do_acknowledge(who: User, told: QueryDict, rest: str) -> Concerning:
    """Begins one."""
    thing = thing_told(rest)
    note, length = told.get("text", "").strip(), told.get("length", USUAL)
    request_id, until = form_id_told(told, SEPARATOR.join(("acknowledge", rest, note, length))), end_told(length)
    return acknowledgement_begin(who=who, thing=thing, note=note, until=until, request_id=request_id)


def do_extend(who: User, told: QueryDict, rest: str) -> Concerning:
    """Gives one another end, counted from now."""
    said = row_told(Acknowledgement.objects.all(), rest, "acknowledgement")
    acknowledgement_extend(who=who, said=said, until=end_told(told.get("length", USUAL)))
    return said


def do_end(who: User, _: QueryDict, rest: str) -> Concerning:
    """Ends one before its time."""
    said = row_told(Acknowledgement.objects.all(), rest, "acknowledgement")
    acknowledgement_end(who=who, said=said)
    return said


def do_note(who: User, told: QueryDict, rest: str) -> Concerning:
    """Writes a note."""
    text = told.get("text", "")
    request_id = form_id_told(told, SEPARATOR.join(("note", rest, text)))
    return note_add(who=who, thing=thing_told(rest), text=text, request_id=request_id)


def do_take_back(who: User, _: QueryDict, rest: str) -> Concerning:
    """Takes a note back."""
    note = row_told(Note.objects.all(), rest, "note")
    note_take_back(who=who, note=note)
    return note


DOING: dict[str, Callable[[User, QueryDict, str], Concerning]] = {
    "acknowledge": do_acknowledge,
    "extend": do_extend,
    "end": do_end,
    "note": do_note,
    "take-back": do_take_back,
}


def thing_told(rest: str) -> Thing:
    """The thing that the form names ("alert|appsre/5d1e"). Raises RuleViolation where there is none (any more)."""
    kind, _, subject = rest.partition(SEPARATOR)
    return thing_found(kind, subject)


def row_told(rows: QuerySet[S], key: str, noun: str) -> S:
    """The row of that id. Raises RuleViolation where there is none."""
    found = rows.filter(pk=uuid_told(key)).first()
    if found is None:
        raise RuleViolation(f"There is no such {noun}")
    return found


def end_told(length: str) -> datetime:
    """The end of the length that was chosen, counted from now. Raises RuleViolation for a word that is none."""
    if length not in LENGTHS:
        raise RuleViolation("Say for how long")
    return database_now() + LENGTHS[length][1]
