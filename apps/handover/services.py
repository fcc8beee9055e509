"""Saving a handover: by anybody who may write notes, and never over what somebody else wrote meanwhile."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction

from apps.accounts.access import Verb, refusal_of
from apps.core.clock import database_now
from apps.core.errors import RuleViolation
from apps.core.text import clean
from apps.core.tones import Tone
from apps.core.topics import raise_topics
from apps.timeline.models import Kind, Transition
from apps.timeline.services import transitions_note

from .models import EARLIER_KEPT, LONGEST_BYTES, EarlierText, Handover, facts_plain
from .values import Facts
from .words import span_words

FIELD = "handover"
TOPIC = "notes"
KEPT = timedelta(days=365)
PRUNE_BATCH = 50


class HandoverMoved(RuleViolation):
    """Somebody else saved it meanwhile: `theirs` is how it stands now."""

    def __init__(self, theirs: Handover) -> None:
        super().__init__(f"{theirs.edited_by or theirs.by} saved it while you wrote")
        self.theirs = theirs


def handover_save(*, who: User, pk: UUID, revision: int, text: str, facts: Facts | None = None) -> Handover:
    """Saves the text over that of `revision`; 0 is one that is not there yet, which needs `facts`.

    `facts`, and the span with them, take the place of those that are kept. The same text again is saved once. Raises
    RuleViolation, in words for the person: they may not, nothing was written or too much; HandoverMoved where another
    revision is kept by now.
    """
    if refused := refusal_of(who, Verb.ANNOTATE):
        raise RuleViolation(refused)
    told = text_told(text)
    if revision == 0 and facts is not None:
        kept = begun(who, pk, told, facts)
    else:
        kept = Handover.objects.filter(pk=pk).first()
        if kept is None:
            raise RuleViolation("There is no such handover")
        kept = kept if kept.text == told and facts is None else edited(who, pk, revision, told, facts)
    if kept is None:
        kept = Handover.objects.get(pk=pk)
        if kept.text != told:
            raise HandoverMoved(kept)
    return kept


def text_told(text: str) -> str:
    """The text as it is kept. Raises RuleViolation where there is none, or too much."""
    told = text.replace("\r\n", "\n").rstrip() + "\n"
    size = len(told.encode("utf-8", "replace"))
    if not told.strip():
        raise RuleViolation("There is nothing in the handover")
    if size > LONGEST_BYTES:
        raise RuleViolation(
            f"The handover is too long: at most {LONGEST_BYTES // 1024} kB, and it has {size / 1024:.1f}"
        )
    return clean(told, len(told))


def begun(who: User, pk: UUID, text: str, facts: Facts) -> Handover | None:
    """A new one with its line in the timeline; None where there is one of that id."""
    try:
        with transaction.atomic():
            now = database_now()
            handover = Handover(pk=pk, text=text, by=who.get_username(), at=now, **columns_of(facts))
            handover.save(force_insert=True)
            transitions_note([line_of(handover, "saved", by=handover.by, at=handover.at)])
            raise_topics([TOPIC])
            return handover
    except IntegrityError:
        return None


def edited(who: User, pk: UUID, revision: int, text: str, facts: Facts | None) -> Handover | None:
    """The one of that revision with another text; None where it has another revision by now.

    What somebody else had written is kept beside it, and that it was changed is a line of the timeline.
    """
    columns = columns_of(facts) if facts else {}
    with transaction.atomic():
        before = Handover.objects.select_for_update().filter(pk=pk, revision=revision).first()
        if before is None:
            return None
        by, now = who.get_username(), database_now()
        Handover.objects.filter(pk=pk).update(text=text, edited_by=by, edited_at=now, revision=revision + 1, **columns)
        handover = Handover.objects.get(pk=pk)
        if (before.edited_by or before.by) != by:
            earlier_keep(before)
            transitions_note([line_of(handover, "changed", by=by, at=now)])
            raise_topics([TOPIC])
        return handover


def earlier_keep(before: Handover) -> None:
    """Keeps what it said, and of that as many revisions as are kept, in the caller's transaction."""
    by, at = before.edited_by or before.by, before.edited_at or before.at
    EarlierText.objects.create(handover=before, revision=before.revision, text=before.text, by=by, at=at)
    of_it = EarlierText.objects.filter(handover=before).order_by("-revision")
    of_it.filter(pk__in=list(of_it.values_list("pk", flat=True)[EARLIER_KEPT:])).delete()


def columns_of(facts: Facts) -> dict[str, object]:
    """What a row keeps of facts."""
    return {"from_at": facts.from_at, "until_at": facts.until_at, "facts": facts_plain(facts)}


def line_of(handover: Handover, deed: str, *, by: str, at: datetime) -> Transition:
    """That it was saved or changed, for the timeline."""
    return Transition(
        kind=Kind.PORTAL,
        subject=f"handover/{handover.pk}",
        title="Handover",
        field=FIELD,
        after=f"{deed}: {span_words(handover.window)}",
        tone=Tone.HELD.value,
        by=by,
        link=handover.get_absolute_url(),
        at=at,
        seen_at=at,
    )


def handovers_prune() -> int:
    """Deletes one small batch of handovers of more than a year ago; returns how many, 0 when none are left."""
    too_old = Handover.objects.filter(at__lt=database_now() - KEPT).order_by("at")
    batch = list(too_old.values_list("pk", flat=True)[:PRUNE_BATCH])
    Handover.objects.filter(pk__in=batch).delete()
    return len(batch)
