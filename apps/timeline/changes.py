"""Lines of the timeline as people read them, the same change of many things told once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Protocol

from django.db.models import Q

from apps.core.ages import duration_words
from apps.core.tones import Tone
from apps.timeline.models import QUIET_FIELDS, Kind, Transition, TransitionQuerySet

CHANGES_READ = 200
CHANGES_SHOWN = 30
REVISION_LETTERS = 7
WORDS_SHOWN = 4
STEPS_SHOWN = 2
BEFORE_IT = timedelta(hours=2)
JUST_AFTER = timedelta(minutes=5)
ALERT_WORDS = {"begins": "began", "ends": "ended"}
BOTH_ENDS = frozenset({"sync", "health", "version"})
ACKNOWLEDGED, NOTE = "acknowledged", "note"
"""Fields of what people say of a thing."""


@dataclass(frozen=True)
class Around:
    """What changes are asked for: those on a cluster or of one Application (its subject), or else all of them.

    `environment` leaves those of others out, `without` one thing's own: (kind, subject). None of `cluster` and
    `application` means everywhere; an empty one is known by no name, and nothing is found by it.
    """

    cluster: str | None = None
    application: str | None = None
    environment: str = ""
    without: tuple[str, str] | None = None

    @property
    def is_nothing(self) -> bool:
        """Whether no name is known by which anything could be found."""
        asked = [name for name in (self.cluster, self.application) if name is not None]
        return bool(asked) and not any(asked)

    def lines(self) -> TransitionQuerySet:
        """The lines that fit, of all times."""
        lines = Transition.objects.told()
        if self.cluster is not None or self.application is not None:
            lines = lines.filter(self._named())
        if self.environment:
            lines = lines.filter(environment__in=["", self.environment])
        if self.without:
            kind, subject = self.without
            lines = lines.exclude(kind=kind, subject=subject)
        return lines

    def _named(self) -> Q:
        of_application = Q(kind__in=[Kind.APPLICATION, Kind.ACTION], subject=self.application)
        if not self.cluster:
            return of_application
        return Q(cluster=self.cluster) | of_application if self.application else Q(cluster=self.cluster)


def changes_before(
    moment: datetime, around: Around, *, before: timedelta | None = BEFORE_IT, after: timedelta = JUST_AFTER
) -> list[Change]:
    """What changed before a moment, newest first: `before` is how long (None: ever), `after` how long after it.

    One query. What was seen late counts by when it happened.
    """
    if around.is_nothing:
        return []
    lines = around.lines().happened(moment - before if before else None, moment + after)
    return changes_told(lines.newest_first()[:CHANGES_READ])


@dataclass(frozen=True)
class Thing:
    """What a change is of, with the portal's page about it; `url` "" where there is none."""

    title: str
    url: str


@dataclass(frozen=True)
class Change:
    """One change, of one thing or of several (`things`, the first of which gives the title) at about the same time."""

    at: datetime
    title: str
    words: str
    tone: str
    url: str
    by: str
    others: int = 0
    things: tuple[Thing, ...] = ()
    kind: str = ""
    cluster: str = ""
    environment: str = ""
    key: str = ""


def changes_told(lines: Iterable[Transition], *, most: int = CHANGES_SHOWN) -> list[Change]:
    """The newest changes first; of lines of one moment those that come first are newer.

    What happened to one thing within a minute is one change, and what happened alike to several things is one too.
    """
    things: dict[tuple[str, ...], list[Transition]] = {}
    for line in sorted((line for line in lines if line.field not in QUIET_FIELDS), key=moment_of, reverse=True):
        things.setdefault((line.kind, line.subject, minute_of(line)), []).append(line)
    alike: dict[tuple[str, ...], list[list[Transition]]] = {}
    for (kind, _, minute), of_thing in things.items():
        alike.setdefault((kind, minute, words_of_all(of_thing)), []).append(of_thing)
    return [told(words, together) for (_, _, words), together in list(alike.items())[:most]]


def moment_of(line: Transition) -> datetime:
    """When it happened, as the upstream tells, else when it was seen; nothing happens after it was seen."""
    return min(line.at or line.seen_at, line.seen_at)


def minute_of(line: Transition) -> str:
    """The minute in which it happened."""
    return f"{moment_of(line):%Y-%m-%d %H:%M}"


def told(words: str, together: list[list[Transition]]) -> Change:
    """What happened alike to several things, in the name of the first."""
    first = together[0][0]
    things = {lines[0].subject: Thing(lines[0].title, own_page(lines[0])) for lines in together}
    clusters, environments = ({getattr(lines[0], name) for lines in together} for name in ("cluster", "environment"))
    return Change(
        at=moment_of(first),
        title=first.title,
        words=words,
        tone=first.tone or Tone.UNKNOWN,
        url=own_page(first),
        by=next((line.by for line in together[0] if line.by), ""),
        others=len(things) - 1,
        things=tuple(things.values()),
        kind=first.kind,
        cluster=clusters.pop() if len(clusters) == 1 else "",
        environment=environments.pop() if len(environments) == 1 else "",
        key=f"{together[-1][-1].pk}",
    )


class Told(Protocol):
    """As much of a line as words and its page are made of."""

    @property
    def before(self) -> str:
        """What it was."""

    @property
    def after(self) -> str:
        """What it became."""

    @property
    def link(self) -> str:
        """Where its page is."""


def own_page(line: Told) -> str:
    """The portal's page about what changed; "" for an address that is not one of its own."""
    return line.link if line.link.startswith("/") and not line.link.startswith("//") else ""


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
    special = WORDS.get((line.kind, line.field)) or WORDS.get(("", line.field))
    if special:
        return special(line)
    before, after = line.before, line.after
    if before and not after:
        return f"no longer {before}"
    arrow = f"{before} → {after}" if before and line.field in BOTH_ENDS else after
    if line.kind == Kind.CLUSTER:
        return f"{line.field.replace('/', ' ')}: {arrow}"
    if line.kind == Kind.ALERT:
        return after if after == line.field else f"no longer {line.field}"
    return arrow or line.field


def words_of_revision(line: Told) -> str:
    """ "revision 3f2c1d0 → 9ab01e2"."""
    return f"revision {line.before[:REVISION_LETTERS] or 'none'} → {line.after[:REVISION_LETTERS] or 'none'}"


def words_of_operation(line: Told) -> str:
    """ "operation Succeeded"."""
    return f"operation {line.after}" if line.after else "its operation was taken away"


def words_of_conditions(line: Transition) -> str:
    """Those that came and those that went: "SyncError, no longer ComparisonError"."""
    before, after = line.before.split(), line.after.split()
    came = [kind for kind in after if kind not in before]
    gone = [f"no longer {kind}" for kind in before if kind not in after]
    return ", ".join([*came, *gone]) or "conditions changed"


def words_of_life(_: Transition) -> str:
    """A new Application under the same name."""
    return "made anew under the same name"


def words_of_reach(line: Transition) -> str:
    """ "API lost: connection refused", "API reached again"."""
    return "API reached again" if line.after == "reached" else f"API {line.after}"


def words_of_version(line: Transition) -> str:
    """ "version 4.16.4 → 4.16.5"."""
    return f"version {line.before} → {line.after}"


def words_of_state(line: Transition) -> str:
    """Of a source: "first read", "answers again", "read again after 3 h", "failing: connection refused"."""
    if line.after != "ok":
        return line.after
    if line.before == "not read" and line.seen_after:
        return f"read again after {duration_words(line.seen_at - line.seen_after)} in which nobody read it"
    return "first read" if line.before == "never read" else "answers again"


def words_of_firing(line: Transition) -> str:
    """ "began" and "ended"."""
    return ALERT_WORDS.get(line.after, line.after) or line.field


def words_of_said(line: Transition) -> str:
    """ "acknowledged until 14:30 UTC: on it", "note: see ITN-2026-00031", as they were written."""
    return line.after


WORDS = {
    ("", ACKNOWLEDGED): words_of_said,
    ("", NOTE): words_of_said,
    ("", "revision"): words_of_revision,
    ("", "operation"): words_of_operation,
    (Kind.APPLICATION.value, "condition"): words_of_conditions,
    (Kind.APPLICATION.value, "life"): words_of_life,
    (Kind.CLUSTER.value, "reachable"): words_of_reach,
    (Kind.CLUSTER.value, "version"): words_of_version,
    (Kind.SOURCE.value, "state"): words_of_state,
    (Kind.ALERT.value, "firing"): words_of_firing,
}
