"""Lines of the timeline as people read them, the same change of many things told once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from apps.core.tones import Tone
from apps.timeline.models import Kind, Transition

CHANGES_READ = 200
CHANGES_SHOWN = 30
REVISION_LETTERS = 7
WORDS_SHOWN = 4
BOTH_ENDS = frozenset({"sync", "health", "operation", "version"})


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
    """The newest changes first, as `lines` are.

    What happened to one thing within a minute is one change, and what happened alike to several things is one too.
    """
    things: dict[tuple[str, ...], list[Transition]] = {}
    for line in lines:
        things.setdefault((line.kind, line.subject, minute_of(line)), []).append(line)
    alike: dict[tuple[str, ...], list[list[Transition]]] = {}
    for (kind, _, minute), of_thing in things.items():
        alike.setdefault((kind, minute, words_of_all(of_thing)), []).append(of_thing)
    return [told(words, together) for (_, _, words), together in list(alike.items())[:CHANGES_SHOWN]]


def minute_of(line: Transition) -> str:
    """The minute in which it was seen."""
    return f"{line.seen_at:%Y-%m-%d %H:%M}"


def told(words: str, together: list[list[Transition]]) -> Change:
    """What happened alike to several things, in the name of the first."""
    first = together[0][0]
    others = len({lines[0].subject for lines in together}) - 1
    by = next((line.by for line in together[0] if line.by), "")
    url = first.link if first.link.startswith("/") and not first.link.startswith("//") else ""
    return Change(first.seen_at, first.title, words, first.tone or Tone.UNKNOWN, url, by, others)


def words_of_all(lines: list[Transition]) -> str:
    """What happened to one thing, in the order in which it happened; only the last of much."""
    words = list(dict.fromkeys(words_of(line) for line in reversed(lines)))
    return ", ".join(["…", *words[-WORDS_SHOWN:]] if len(words) > WORDS_SHOWN else words)


def words_of(line: Transition) -> str:
    """ "OutOfSync → Synced", "revision 3f2c1d0 → 9ab01e2", "node/w1: ready → not ready", "begins"."""
    before, after = line.before, line.after
    if line.field == "revision":
        return f"revision {before[:REVISION_LETTERS] or 'none'} → {after[:REVISION_LETTERS] or 'none'}"
    arrow = f"{before} → {after}" if before and line.field in BOTH_ENDS else after
    if line.kind == Kind.CLUSTER and "/" in line.field:
        return f"{line.field}: {arrow}"
    if line.kind == Kind.ALERT and line.field != "firing":
        return after if after == line.field else f"no longer {line.field}"
    return arrow or line.field
