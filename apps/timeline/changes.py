"""Lines of the timeline as people read them, the same change of many things told once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from apps.core.tones import Tone
from apps.timeline.models import Kind, Transition

CHANGES_READ = 200
CHANGES_SHOWN = 30
REVISION_LETTERS = 7
WORDS_SHOWN = 4
STEPS_SHOWN = 2
ALERT_WORDS = {"begins": "began", "ends": "ended"}
BOTH_ENDS = frozenset({"sync", "health", "version"})


@dataclass(frozen=True)
class Change:
    """One change, of one thing or of several at about the same time."""

    at: datetime
    title: str
    words: str
    tone: str
    url: str
    by: str
    others: int = 0


def changes_told(lines: Iterable[Transition]) -> list[Change]:
    """The newest changes first; of lines of one moment those that come first are newer.

    What happened to one thing within a minute is one change, and what happened alike to several things is one too.
    """
    things: dict[tuple[str, ...], list[Transition]] = {}
    for line in sorted(lines, key=moment_of, reverse=True):
        things.setdefault((line.kind, line.subject, minute_of(line)), []).append(line)
    alike: dict[tuple[str, ...], list[list[Transition]]] = {}
    for (kind, _, minute), of_thing in things.items():
        alike.setdefault((kind, minute, words_of_all(of_thing)), []).append(of_thing)
    return [told(words, together) for (_, _, words), together in list(alike.items())[:CHANGES_SHOWN]]


def moment_of(line: Transition) -> datetime:
    """When it happened, as the upstream tells, else when it was seen; nothing happens after it was seen."""
    return min(line.at or line.seen_at, line.seen_at)


def minute_of(line: Transition) -> str:
    """The minute in which it happened."""
    return f"{moment_of(line):%Y-%m-%d %H:%M}"


def told(words: str, together: list[list[Transition]]) -> Change:
    """What happened alike to several things, in the name of the first."""
    first = together[0][0]
    others = len({lines[0].subject for lines in together}) - 1
    by = next((line.by for line in together[0] if line.by), "")
    url = first.link if first.link.startswith("/") and not first.link.startswith("//") else ""
    return Change(moment_of(first), first.title, words, first.tone or Tone.UNKNOWN, url, by, others)


def words_of_all(lines: list[Transition]) -> str:
    """What happened to one thing, in the order in which it began; only the last of much."""
    fields: dict[str, list[Transition]] = {}
    for line in reversed(lines):
        fields.setdefault(line.field, []).append(line)
    words = [words_of_field(of_field) for of_field in fields.values()]
    return ("… " if len(words) > WORDS_SHOWN else "") + ", ".join(words[-WORDS_SHOWN:])


def words_of_field(lines: list[Transition]) -> str:
    """What happened to one field, the oldest first: "Healthy → Progressing → Healthy", or its last change."""
    last = lines[-1]
    steps = [value for line in lines[-STEPS_SHOWN:] for value in (line.before, line.after)]
    if len(lines) == 1 or last.field not in BOTH_ENDS or not all(steps):
        return words_of(last)
    return " → ".join(step for step, _ in groupby(steps))


def words_of(line: Transition) -> str:
    """ "OutOfSync → Synced", "revision 3f2c1d0 → 9ab01e2", "node w1: not ready", "began"."""
    before, after = line.before, line.after
    if line.field == "revision":
        return f"revision {before[:REVISION_LETTERS] or 'none'} → {after[:REVISION_LETTERS] or 'none'}"
    if line.field == "operation":
        return f"operation {after}"
    if before and not after:
        return f"no longer {before}"
    arrow = f"{before} → {after}" if before and line.field in BOTH_ENDS else after
    if line.kind == Kind.CLUSTER and "/" in line.field:
        return f"{line.field.replace('/', ' ')}: {arrow}"
    if line.kind == Kind.ALERT and line.field != "firing":
        return after if after == line.field else f"no longer {line.field}"
    return (ALERT_WORDS.get(arrow, arrow) if line.kind == Kind.ALERT else arrow) or line.field
