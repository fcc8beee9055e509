"""How sources and clusters stood over time, by the lines that their changes left.

What no line and no row carries is not known: the time before the first answer, and the time in which nothing was read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from .models import Kind, Transition
from .steps import Steps, Window, joined, steps_of, values_at

OK, FAILING, ASLEEP, NEVER = "ok", "failing", "not read", "never read"
FORGOTTEN = "not kept"
REACHED, AWAY, UNKNOWN = "reached", "away", "not known"
UNREACHED = frozenset({"not reached", "lost"})
NEVER_REACHED = "never reached"
REACHABLE, STATE = "reachable", "state"
MOST_LINES = 20_000


class Line(NamedTuple):
    """One change of a cluster's reachability or of a source's state."""

    seen_at: datetime
    seen_after: datetime | None
    before: str
    after: str


Lines = Mapping[tuple[str, str], Sequence[Line]]


@dataclass(frozen=True)
class Present:
    """How something stands now. `since` bounds what is known of it, or tells from when on nothing was read.

    `first_at` is when it was read first, where that is known; of what was before `kept_since` no line is kept.
    """

    state: str
    since: datetime | None = None
    first_at: datetime | None = None
    kept_since: datetime | None = None


def standing_lines(since: datetime) -> Lines:
    """(kind, subject) → the changes since then of all clusters and sources, the oldest first. One query.

    Those up to now belong to it even where a window ends before: the first change after it tells how it stood.
    """
    kinds = [Kind.CLUSTER.value, Kind.SOURCE.value]
    changes = Transition.objects.filter(field__in=[REACHABLE, STATE], kind__in=kinds, seen_at__gt=since)
    columns = ("kind", "subject", "seen_at", "seen_after", "before", "after")
    found: dict[tuple[str, str], list[Line]] = {}
    for kind, subject, *rest in changes.order_by("-seen_at", "-pk").values_list(*columns)[:MOST_LINES]:
        found.setdefault((kind, subject), []).append(Line(*rest))
    return {subject: lines[::-1] for subject, lines in found.items()}


def word_of(told: str) -> str:
    """The state in a text like "not reached: connection refused"."""
    return told.partition(": ")[0]


def source_steps(window: Window, lines: Sequence[Line], present: Present) -> Steps[str]:
    """How reading a source went: OK, FAILING, ASLEEP, NEVER, or FORGOTTEN before lines are kept."""
    first = source_word(lines[0].before) if lines else present.state
    changes: list[tuple[datetime, str]] = []
    for line in lines:
        if line.before == ASLEEP and line.seen_after:
            changes.append((line.seen_after, ASLEEP))
        changes.append((line.seen_at, source_word(line.after)))
    if present.state == ASLEEP and present.since:
        first = first if lines else OK
        changes.append((present.since, ASLEEP))
    if not lines and present.first_at and present.first_at > window.start:
        first, changes = NEVER, [(present.first_at, first), *changes]
    return kept_steps(window, steps_of(window, first, changes), present.kept_since)


def kept_steps(window: Window, steps: Steps[str], kept_since: datetime | None) -> Steps[str]:
    """The steps, but FORGOTTEN before that moment."""
    if kept_since is None or kept_since <= window.start:
        return steps
    if kept_since >= window.end:
        return [(window.start, FORGOTTEN)]
    known = [(moment, state) for moment, state in steps if moment > kept_since]
    return [(window.start, FORGOTTEN), (kept_since, values_at(steps, [kept_since])[0]), *known]


def source_word(told: str) -> str:
    """One of OK, FAILING, NEVER and ASLEEP: what left the fleet file is not read."""
    word = word_of(told)
    if word in {OK, ASLEEP}:
        return OK
    return word if word in {FAILING, NEVER} else ASLEEP


def cluster_steps(window: Window, lines: Sequence[Line], present: Present) -> Steps[str]:
    """The words of a cluster's reachability: reached, not reached, lost, cannot be read, never reached."""
    if lines:
        return steps_of(window, word_of(lines[0].before), [(line.seen_at, word_of(line.after)) for line in lines])
    is_newly_seen = present.since is not None and present.since > window.start
    if is_newly_seen and present.since:
        return steps_of(window, NEVER_REACHED, [(present.since, present.state)])
    return steps_of(window, present.state, [])


def reach_steps(cluster: Steps[str], sources: Iterable[Steps[str]]) -> Steps[str]:
    """REACHED, AWAY or UNKNOWN: a cluster stood as its line says only while one of those who tell of it was read."""
    return joined(cluster, list(sources), reach_of)


def reach_of(word: str, sources: tuple[str, ...]) -> str:
    """What a word of a cluster's carries while its sources stand so: that a read failed is what tells of being away."""
    if word in UNREACHED:
        return AWAY if {OK, FAILING} & set(sources) else UNKNOWN
    return REACHED if word == REACHED and OK in sources else UNKNOWN


def all_read(sources: Sequence[Steps[str]], window: Window) -> Steps[str]:
    """OK while every source was read, else UNKNOWN; UNKNOWN where there is none."""
    return joined(steps_of(window, UNKNOWN, []), sources, read_of)


def read_of(_: str, sources: tuple[str, ...]) -> str:
    """OK where all of them are read, and there is one."""
    return OK if set(sources) == {OK} else UNKNOWN
