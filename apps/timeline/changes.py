"""Lines of the timeline as people read them, the same change of many things told once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from apps.core.tones import Tone
from apps.timeline.models import Kind, Transition

CHANGES_READ = 400
CHANGES_SHOWN = 30
REVISION_LETTERS = 7
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
    """The newest changes, in the order of `lines`; lines of one kind that say the same within a minute are one."""
    groups: dict[tuple[str, ...], list[Transition]] = {}
    for line in lines:
        said = (line.kind, line.field, line.before, line.after, f"{line.seen_at:%H:%M}")
        groups.setdefault(said, []).append(line)
    return [told(group) for group in list(groups.values())[:CHANGES_SHOWN]]


def told(group: list[Transition]) -> Change:
    """Lines that say the same, as one change."""
    first = group[0]
    others = len({line.subject for line in group}) - 1
    url = first.link if first.link.startswith("/") and not first.link.startswith("//") else ""
    return Change(first.seen_at, first.title, words_of(first), first.tone or Tone.UNKNOWN, url, first.by, others)


def words_of(line: Transition) -> str:
    """ "OutOfSync → Synced", "revision 3f2c1d0 → 9ab01e2", "node/w1: ready → not ready", "begins"."""
    before, after = line.before, line.after
    if line.field == "revision":
        return f"revision {before[:REVISION_LETTERS] or 'none'} → {after[:REVISION_LETTERS] or 'none'}"
    arrow = f"{before} → {after}" if before and line.field in BOTH_ENDS else after
    if line.kind == Kind.CLUSTER and "/" in line.field:
        return f"{line.field}: {arrow}"
    if line.kind == Kind.ALERT and line.field != "firing":
        return f"{line.field} {after}"
    return arrow or line.field
