"""Saying something of a thing: notes in Markdown, and that somebody is at it until an end."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import TypeVar
from uuid import UUID

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from apps.accounts.access import Verb, refusal_of
from apps.accounts.scopes import Subject
from apps.core.ages import duration_words
from apps.core.clock import database_now
from apps.core.errors import RuleViolation
from apps.core.text import clean
from apps.core.tones import Tone
from apps.core.topics import raise_topics
from apps.timeline.services import transitions_note

from .models import LONGEST_NOTE, LONGEST_TEXT, Acknowledgement, Concerning, Note, Subjects
from .telling import acknowledged_line, moment_told, note_line, note_lines_blank, taken_back_line
from .things import Thing, is_gone, unwell_among

TOPIC = "notes"
LONGEST = timedelta(days=7)
FLAP = timedelta(minutes=10)
"""What is well for less may be a flap, which an acknowledgement survives (decision 24)."""
ALIKE = timedelta(minutes=1)

S = TypeVar("S", bound=Concerning)


def note_add(*, who: User, thing: Thing, text: str, request_id: UUID) -> Note:
    """Writes a note (Markdown) on the thing. The same id again is the same note.

    Raises RuleViolation, in words for the person, where they may not, and for no text or too much of it.
    """
    check(who, Verb.ANNOTATE, thing)
    text = clean(text.strip().replace("\r\n", "\n"), LONGEST_TEXT * 2)
    if not text:
        raise RuleViolation("There is nothing in the note")
    if len(text) > LONGEST_TEXT:
        raise RuleViolation(f"The note is too long: at most {LONGEST_TEXT:,} characters, and it has {len(text):,}")

    def write(now: datetime) -> Note:
        note = said_of(thing, Note(pk=request_id, text=text), who, now)
        note.save(force_insert=True)
        transitions_note([note_line(note, at=now)])
        return note

    return once(Note.objects.filter(pk=request_id), write)


def note_take_back(*, who: User, note: Note) -> None:
    """Takes a note back: it is not shown any more, and the timeline keeps that it was there.

    Raises RuleViolation where it is somebody else's, or the person may not write there (any more). One that was taken
    back already is left as it is.
    """
    if refused := taking_back_refusal(who, note):
        raise RuleViolation(refused)
    with transaction.atomic():
        now = database_now()
        if Note.objects.current().filter(pk=note.pk).update(deleted_at=now, deleted_by=who.get_username()):
            note_lines_blank(note)
            transitions_note([taken_back_line(note, by=who.get_username(), at=now)])
            raise_topics([TOPIC])


def taking_back_refusal(who: User, note: Note) -> str:
    """Why this person may not take the note back; "" where they may."""
    if note.by != who.get_username():
        return f"Only {note.by}, who wrote it, may take it back"
    return refusal_of(who, Verb.ANNOTATE, note)


def acknowledgement_begin(*, who: User, thing: Thing, note: str, until: datetime, request_id: UUID) -> Acknowledgement:
    """Tells everybody that somebody is at it, until an end (aware). The same id again is the same acknowledgement.

    Raises RuleViolation where the person may not, where it is acknowledged already, for an end that is past or more
    than LONGEST ahead, and for a note that is too long.
    """
    check(who, Verb.ACKNOWLEDGE, thing)
    note = " ".join(clean(note).split())
    if len(note) > LONGEST_NOTE:
        raise RuleViolation(f"The note is too long here: at most {LONGEST_NOTE} characters. Write it as a note below")

    def write(now: datetime) -> Acknowledgement:
        check_end(until, now)
        end_by_themselves(Acknowledgement.objects.open().on(thing.kind, thing.subject).filter(until__lte=now), now)
        said = said_of(thing, Acknowledgement(pk=request_id, note=note, until=until), who, now)
        said.save(force_insert=True)
        words = f"acknowledged until {moment_told(until, now)}{f': {note}' if note else ''}"
        transitions_note([acknowledged_line(said, words, by=said.by, at=now, tone=Tone.HELD)])
        return said

    try:
        return once(Acknowledgement.objects.filter(pk=request_id), write)
    except IntegrityError:
        other = Acknowledgement.objects.open().on(thing.kind, thing.subject).first()
        if other is None:
            raise RuleViolation("Its acknowledgement ended just now: try again") from None
        until_told = moment_told(other.until, database_now())
        raise RuleViolation(f"{other.by} has acknowledged it already, until {until_told}") from None


def acknowledgement_extend(*, who: User, said: Acknowledgement, until: datetime) -> None:
    """Gives it another end (aware). Sent twice it is done once.

    Raises RuleViolation as `acknowledgement_begin` does, and where it has ended already.
    """
    check(who, Verb.ACKNOWLEDGE, said)
    with transaction.atomic():
        now = database_now()
        check_end(until, now)
        still = Acknowledgement.objects.open().select_for_update().filter(pk=said.pk).first()
        if still is None:
            raise RuleViolation("This acknowledgement has ended already")
        if abs(still.until - until) < ALIKE:
            return
        still.until = until
        still.save(update_fields=["until"])
        words = f"acknowledged until {moment_told(until, now)} instead"
        transitions_note([acknowledged_line(still, words, by=who.get_username(), at=now, tone=Tone.HELD)])
        raise_topics([TOPIC])


def acknowledgement_end(*, who: User, said: Acknowledgement) -> None:
    """Ends it before its time; one that has ended is left as it is. Raises RuleViolation where the person may not."""
    check(who, Verb.ACKNOWLEDGE, said)
    with transaction.atomic():
        now, by = database_now(), who.get_username()
        if Acknowledgement.objects.open().filter(pk=said.pk).update(ended_at=now, ended_by=by):
            line = acknowledged_line(said, "acknowledgement ended", by=by, at=now, tone=Tone.WELL)
            transitions_note([line])
            raise_topics([TOPIC])


def acknowledgements_on(now: datetime) -> dict[tuple[str, str], Acknowledgement]:
    """By (kind, subject), what is acknowledged at this moment. One query."""
    return {said.key: said for said in Acknowledgement.objects.open() if said.until > now}


def acknowledgements_look_after() -> int:
    """Ends those whose time is over, and those whose thing has been well for FLAP; returns how many.

    One query where there are none.
    """
    open_ones = list(Acknowledgement.objects.open())
    if not open_ones:
        return 0
    unwell = unwell_among([said.key for said in open_ones])
    with transaction.atomic():
        now = database_now()
        turned = [said for said in open_ones if (said.key in unwell) == (said.well_since is not None)]
        for said in turned:
            said.well_since = None if said.key in unwell else now
            Acknowledgement.objects.open().filter(pk=said.pk).update(well_since=said.well_since)
        ended = end_by_themselves(open_ones, now)
        if turned or ended:
            raise_topics([TOPIC])
    return ended


def end_by_themselves(open_ones: Iterable[Acknowledgement], now: datetime) -> int:
    """Ends those of them that are to end now, in the caller's transaction; returns how many."""
    due = [(said, end) for said in open_ones if (end := end_of_itself(said, now))]
    ended = [
        acknowledged_line(said, f"acknowledgement ended: {why}", by="", at=now, tone=tone)
        for said, (tone, why) in due
        if Acknowledgement.objects.open().filter(pk=said.pk, until=said.until).update(ended_at=now)
    ]
    return transitions_note(ended)


def end_of_itself(said: Acknowledgement, now: datetime) -> tuple[Tone, str] | None:
    """Why it ends now without anybody's doing, and how that is; None while it does not.

    Of what is gone nobody knows that it is well. One query where its thing was not unwell for FLAP.
    """
    if said.until <= now:
        return Tone.WELL, "its time is over"
    if said.well_since is None or now - said.well_since < FLAP:
        return None
    if is_gone(said.kind, said.subject):
        return Tone.UNKNOWN, f"the {Subjects(said.kind).label} is gone"
    return Tone.WELL, f"well for {duration_words(now - said.well_since)}"


def check(who: User, verb: Verb, thing: Subject) -> None:
    """Raises RuleViolation where role or scope keep it from the person."""
    if refused := refusal_of(who, verb, thing):
        raise RuleViolation(refused)


def check_end(until: datetime, now: datetime) -> None:
    """Raises RuleViolation for an end that cannot be one."""
    if until <= now:
        raise RuleViolation("The end lies in the past")
    if until - now > LONGEST:
        raise RuleViolation(f"An acknowledgement ends after {LONGEST.days} days at the latest")


def said_of(thing: Thing, said: S, who: User, now: datetime) -> S:
    """The row, filled with what it is said of, by whom and when."""
    for name in ("kind", "subject", "title", "cluster", "environment", "project"):
        setattr(said, name, getattr(thing, name))
    said.by, said.at = who.get_username(), now
    return said


def once(kept: QuerySet[S], write: Callable[[datetime], S]) -> S:
    """What `write` wrote in one transaction, or what is `kept` under the same id. Raises IntegrityError."""
    if found := kept.first():
        return found
    try:
        with transaction.atomic():
            written = write(database_now())
            raise_topics([TOPIC])
            return written
    except IntegrityError:
        if found := kept.first():
            return found
        raise
