"""What one shift has to tell the next, made from plain values: pure, so that it can be tested as a table.

Nothing is left out in silence: what does not fit is counted, and what could not be known is named.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import groupby
from typing import TypeVar

from apps.core.tones import RANKS, Tone
from apps.timeline.models import Kind
from apps.timeline.steps import Window

from .values import (
    CLUSTERS_SHOWN,
    DEEDS_SHOWN,
    ENDED_SHOWN,
    GAPS_SHOWN,
    HOLDS_SHOWN,
    NOTES_SHOWN,
    OPEN_SHOWN,
    Facts,
    Gap,
    Key,
    Known,
    Lost,
    Matter,
    Said,
    Trouble,
)

NAMED = 3
NOTES_OF_ONE = 3
FIRST_KINDS = (Kind.CLUSTER.value, Kind.ALERT.value, Kind.APPLICATION.value)

T = TypeVar("T")


def facts_of(window: Window, made_at: datetime, known: Known) -> Facts:
    """The facts of a span. The same values give the same facts, in whatever order they come."""
    things = things_of(known.troubles, window)
    still = {key: of_thing for key, of_thing in things.items() if is_open(of_thing[-1], window)}
    over = {key: of_thing for key, of_thing in things.items() if key not in still}
    said = by_thing(known.acknowledged), by_thing(known.notes)
    open_all = [open_matter(of_thing, window, *said) for of_thing in still.values()]
    open_matters, open_left = cut_to(ranked(merged(open_all)), OPEN_SHOWN)
    ended_matters, ended_left = cut_to(
        ranked(merged(ended_matter(each, window) for each in over.values())), ENDED_SHOWN
    )
    deeds, earlier = last_of(sorted(known.deeds, key=lambda deed: (deed.at, deed.by, deed.what)), DEEDS_SHOWN)
    holds, more_holds = cut_to(sorted(known.holds, key=lambda hold: (hold.ends_at, hold.kind, hold.what)), HOLDS_SHOWN)
    notes, more_notes = last_of(said_elsewhere(known, window, open_matters), NOTES_SHOWN)
    lost, more_lost = cut_to(lost_ranked(known.lost), CLUSTERS_SHOWN)
    gaps, more_gaps = cut_to(gaps_told(known.gaps), GAPS_SHOWN)
    return Facts(
        from_at=window.start,
        until_at=window.end,
        made_at=made_at,
        open=len(still),
        new=sum(matter.is_new for matter in open_all),
        began=sum(any(is_within(each.began_at, window) for each in of_thing) for of_thing in things.values()),
        ended=len(over),
        quiet=known.quiet,
        open_matters=open_matters,
        more_open=by_tone(open_left),
        ended_matters=ended_matters,
        more_ended=sum(matter.alike for matter in ended_left),
        unseen=tuple(sorted(known.unseen)),
        holds=holds,
        more_holds=known.more_holds + len(more_holds),
        deeds=deeds,
        more_deeds=known.more_deeds + earlier,
        notes=notes,
        more_notes=more_notes,
        lost=lost,
        more_lost=len(more_lost),
        untouched=sum(not each.seconds and not each.unknown for each in known.lost),
        gaps=gaps,
        more_gaps=len(more_gaps),
        cut=tuple(known.cut),
    )


def things_of(troubles: Iterable[Trouble], window: Window) -> Mapping[Key, list[Trouble]]:
    """The troubles that the span has a part of, by thing, the first first; what is open at its end is the last."""
    found: dict[Key, list[Trouble]] = {}

    def order(each: Trouble) -> tuple[object, ...]:
        return is_open(each, window), moment_key(each.began_at), moment_key(each.ended_at)

    for each in sorted(troubles, key=order):
        begins_later = each.began_at is not None and each.began_at >= window.end
        if not begins_later and (each.ended_at is None or each.ended_at > window.start):
            found.setdefault((each.kind, each.subject), []).append(each)
    return found


def is_open(trouble: Trouble, window: Window) -> bool:
    """Whether it had not ended when the span did."""
    return trouble.ended_at is None or trouble.ended_at > window.end


def is_within(moment: datetime | None, window: Window) -> bool:
    """Whether it is a moment of the span."""
    return moment is not None and window.start <= moment < window.end


def by_thing(said: Iterable[Said]) -> Mapping[Key, list[Said]]:
    """What was said, by the thing, in order."""
    found: dict[Key, list[Said]] = {}
    for each in sorted(said, key=said_order):
        found.setdefault(each.key, []).append(each)
    return found


def open_matter(
    of_thing: Sequence[Trouble],
    window: Window,
    acknowledged: Mapping[Key, Sequence[Said]],
    noted: Mapping[Key, Sequence[Said]],
) -> Matter:
    """A thing that is open when the span ends, with who is at it and what was noted since it began."""
    first, last = of_thing[0], of_thing[-1]
    key = (last.kind, last.subject)
    since = min(last.began_at or window.start, window.start)
    notes, earlier = last_of([each for each in noted.get(key, ()) if each.at >= since], NOTES_OF_ONE)
    holding = [each for each in acknowledged.get(key, ()) if holds_at(each, window.end)]
    return Matter(
        kind=last.kind,
        subject=last.subject,
        titles=(last.title,),
        tone=last.tone,
        place=last.place,
        words=last.words,
        began_at=last.began_at,
        ended_at=last.ended_at,
        is_new=is_within(first.began_at, window),
        times=len(of_thing),
        acknowledged=holding[-1] if holding else None,
        notes=notes,
        earlier_notes=earlier,
    )


def ended_matter(of_thing: Sequence[Trouble], window: Window) -> Matter:
    """A thing that was over when the span ended: as it was at its worst, from its first beginning to its last end."""
    first, last = of_thing[0], of_thing[-1]
    worst = min(of_thing, key=lambda trouble: RANKS.get(trouble.tone, Tone.UNKNOWN.rank))
    return Matter(
        kind=worst.kind,
        subject=worst.subject,
        titles=(worst.title,),
        tone=worst.tone,
        place=worst.place,
        words=worst.words,
        began_at=first.began_at,
        ended_at=last.ended_at,
        is_new=is_within(first.began_at, window),
        times=len(of_thing),
    )


def merged(matters: Iterable[Matter]) -> list[Matter]:
    """Those that say the same of the same place as one, unless somebody spoke of them."""
    alike: dict[tuple[object, ...], list[Matter]] = {}
    for matter in matters:
        title = matter.titles if matter.kind == Kind.ALERT else ()
        is_spoken_of = matter.acknowledged or matter.notes
        same = (matter.place, matter.tone, matter.words, title, matter.is_new, matter.times, matter.ended_at is None)
        alike.setdefault((matter.kind, *((matter.subject,) if is_spoken_of else same)), []).append(matter)
    return [together(of_one) for of_one in alike.values()]


def together(matters: Sequence[Matter]) -> Matter:
    """Several alike as one: from the first beginning to the last end."""
    if len(matters) == 1:
        return matters[0]
    in_order = sorted(matters, key=lambda matter: (matter.titles, matter.subject))
    begins = [matter.began_at for matter in matters]
    ends = [matter.ended_at for matter in matters]
    return replace(
        in_order[0],
        titles=tuple(dict.fromkeys(title for matter in in_order for title in matter.titles))[:NAMED],
        alike=len(matters),
        began_at=None if None in begins else min(filter(None, begins)),
        ended_at=None if None in ends else max(filter(None, ends)),
    )


def ranked(matters: Iterable[Matter]) -> list[Matter]:
    """By tone, those that somebody is at below the others of theirs, then what began last."""
    return sorted(matters, key=rank)


def rank(matter: Matter) -> tuple[object, ...]:
    """What comes first is smaller."""
    kind = FIRST_KINDS.index(matter.kind) if matter.kind in FIRST_KINDS else len(FIRST_KINDS)
    began = -matter.began_at.timestamp() if matter.began_at else 0.0
    tone = RANKS.get(matter.tone, Tone.UNKNOWN.rank)
    return tone, matter.acknowledged is not None, kind, began, matter.titles, matter.place, matter.subject


def by_tone(matters: Iterable[Matter]) -> tuple[tuple[str, int], ...]:
    """How many things there are of each tone, the gravest first."""
    counts: Counter[str] = Counter()
    for matter in matters:
        counts[matter.tone] += matter.alike
    return tuple(sorted(counts.items(), key=lambda pair: RANKS.get(pair[0], Tone.UNKNOWN.rank)))


def said_elsewhere(known: Known, window: Window, shown: Iterable[Matter]) -> list[Said]:
    """What was said in the span, in order, without what stands beside the things that are shown as open."""
    spoken_of = {(matter.kind, matter.subject) for matter in shown if matter.acknowledged or matter.notes}
    said = [*known.notes, *known.acknowledged]
    return sorted((each for each in said if is_within(each.at, window) and each.key not in spoken_of), key=said_order)


def holds_at(said: Said, moment: datetime) -> bool:
    """Whether an acknowledgement holds at a moment."""
    return said.at <= moment and said.until is not None and said.until > moment


def said_order(said: Said) -> tuple[object, ...]:
    """In order of time."""
    return said.at, said.by, said.title, said.text


def lost_ranked(lost: Iterable[Lost]) -> list[Lost]:
    """Those that lost time or of which that is not known, the longest first."""
    told = [each for each in lost if each.seconds or each.unknown]
    return sorted(told, key=lambda each: (-each.seconds, -each.unknown, each.cluster))


def gaps_told(gaps: Iterable[Gap]) -> list[Gap]:
    """Those of the same time, to the minute, as one, the longest first."""

    def same(gap: Gap) -> tuple[object, ...]:
        began, ended = (each.replace(second=0, microsecond=0) for each in (gap.began_at, gap.ended_at))
        return began - ended, began, gap.words

    in_order = sorted(gaps, key=lambda gap: (*same(gap), gap.names))
    return [all_of(list(of_one)) for _, of_one in groupby(in_order, key=same)]


def all_of(gaps: Sequence[Gap]) -> Gap:
    """Several gaps as one."""
    names = tuple(name for gap in gaps for name in gap.names)
    began, ended = min(gap.began_at for gap in gaps), max(gap.ended_at for gap in gaps)
    return replace(gaps[0], names=names, began_at=began, ended_at=ended)


def cut_to(rows: Sequence[T], most: int) -> tuple[tuple[T, ...], Sequence[T]]:
    """The first rows, and the others."""
    return tuple(rows[:most]), rows[most:]


def last_of(rows: Sequence[T], most: int) -> tuple[tuple[T, ...], int]:
    """The last rows, and how many came before them."""
    earlier = max(0, len(rows) - most)
    return tuple(rows[earlier:]), earlier


def moment_key(moment: datetime | None) -> tuple[bool, float]:
    """For sorting: what is not known comes first."""
    return moment is not None, moment.timestamp() if moment else 0.0


def grouped(matters: Iterable[Matter]) -> Mapping[str, list[Matter]]:
    """The matters by their cluster, the one with the gravest first."""
    found: dict[str, list[Matter]] = {}
    for matter in matters:
        found.setdefault(matter.place, []).append(matter)
    return found
