"""When things needed somebody, and how long clusters were critical, out of the timeline's lines and the rows. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from apps.core.tones import RANKS, Tone
from apps.timeline.models import Kind
from apps.timeline.standing import FAILING, OK, word_of
from apps.timeline.steps import Steps, Window, joined, spans_of, steps_of

from .values import Key, Lost, Trouble

BROKEN = frozenset({Tone.CRITICAL.value, Tone.WARNING.value})
NEEDS = {Kind.APPLICATION.value: BROKEN, Kind.CLUSTER.value: BROKEN | {Tone.UNKNOWN.value}}
"""In which tones a thing needs somebody. An Application that is not known is told with what it is not known for."""
CRITICAL, UNKNOWN, FINE = Tone.CRITICAL.value, Tone.UNKNOWN.value, "not critical"


@dataclass(frozen=True, kw_only=True)
class ToneLine:
    """A line that tells of a change of tone: "warning", or "critical: lost: connection refused"."""

    kind: str
    subject: str
    title: str
    place: str
    at: datetime
    before: str
    after: str


@dataclass(frozen=True, kw_only=True)
class Standing:
    """How a thing stands now, and since when."""

    title: str
    place: str
    tone: str
    words: str = ""
    since: datetime | None = None


def troubles_of(lines: Iterable[ToneLine], present: Mapping[Key, Standing], now: datetime) -> Iterator[Trouble]:
    """Each time that an Application or a cluster needed somebody, since the first of the lines; and what does now.

    The lines are the oldest first, up to now. `present` has all things that need somebody now: what began before the
    lines and needs nobody any more can only be told by them.
    """
    of_thing: dict[Key, list[ToneLine]] = {}
    for line in lines:
        of_thing.setdefault((line.kind, line.subject), []).append(line)
    for key, told in of_thing.items():
        yield from troubles_of_thing(told, present.get(key), now)
    for (kind, subject), standing in present.items():
        if (kind, subject) not in of_thing:
            yield trouble_now(kind, subject, standing)


def troubles_of_thing(lines: Sequence[ToneLine], standing: Standing | None, now: datetime) -> list[Trouble]:
    """Of one thing. One that goes and comes at the same moment (it moved) goes on.

    One that was not known when the lines begin had perhaps never been looked at: that is no trouble of its own.
    """
    needs = NEEDS[lines[0].kind]
    found: list[Trouble] = []
    under_way = begun(lines[0], lines[0].before, None) if word_of(lines[0].before) in BROKEN else None
    for line in lines:
        is_needed = word_of(line.after) in needs
        if is_needed and under_way is None:
            is_same = bool(found) and found[-1].ended_at == line.at
            under_way = begun(line, line.after, found.pop().began_at if is_same else line.at)
        elif is_needed and under_way is not None:
            under_way = worse_of(under_way, begun(line, line.after, under_way.began_at))
        elif under_way is not None:
            found.append(under_way._replace(ended_at=line.at))
            under_way = None
    if under_way is None:
        return found
    if standing is None:
        return [*found, under_way._replace(ended_at=now)]
    return [*found, under_way._replace(tone=standing.tone, words=standing.words, place=standing.place)]


def begun(line: ToneLine, told: str, began_at: datetime | None) -> Trouble:
    """What a line tells to have begun."""
    tone, _, words = told.partition(": ")
    return Trouble(
        kind=line.kind,
        subject=line.subject,
        title=line.title,
        tone=tone,
        place=line.place,
        words=words,
        began_at=began_at,
    )


def worse_of(one: Trouble, other: Trouble) -> Trouble:
    """The one that is graver; of two alike the first."""
    return other if RANKS[other.tone] < RANKS[one.tone] else one


def trouble_now(kind: str, subject: str, standing: Standing) -> Trouble:
    """What needs somebody now, by its row alone."""
    return Trouble(
        kind=kind,
        subject=subject,
        title=standing.title,
        tone=standing.tone,
        place=standing.place,
        words=standing.words,
        began_at=standing.since,
    )


def lost_of(
    cluster: str, window: Window, lines: Sequence[ToneLine], present: Standing, sources: Sequence[Steps[str]]
) -> Lost:
    """How long a cluster was critical: by the lines of its tone, as far as one of those who tell of it was read.

    While a read fails, that is what tells that it is critical; that it is not is known only while one answers.
    """
    spans = spans_of(joined(tone_steps(window, lines, present), sources, criticality), window.end)
    lasted = {
        state: sum(span.length.total_seconds() for span in spans if span.state == state)
        for state in (CRITICAL, UNKNOWN)
    }
    return Lost(cluster=cluster, seconds=round(lasted[CRITICAL]), unknown=round(lasted[UNKNOWN]))


def tone_steps(window: Window, lines: Sequence[ToneLine], present: Standing) -> Steps[str]:
    """A cluster's tone in a window. Without a line its row bounds what is known of it."""
    if lines:
        return steps_of(window, word_of(lines[0].before), [(line.at, word_of(line.after)) for line in lines])
    if present.since is not None and present.since > window.start:
        return steps_of(window, UNKNOWN, [(present.since, present.tone)])
    return steps_of(window, present.tone, [])


def criticality(tone: str, sources: tuple[str, ...]) -> str:
    """CRITICAL, FINE or UNKNOWN: what a tone says while those who tell of the cluster stand so."""
    if tone == CRITICAL:
        return CRITICAL if {OK, FAILING} & set(sources) else UNKNOWN
    return FINE if OK in sources and tone != UNKNOWN else UNKNOWN
