"""The shapes of a handover's facts, and of what they are made of: plain values, moments in UTC."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from apps.timeline.steps import Window

OPEN_SHOWN, ENDED_SHOWN, DEEDS_SHOWN, HOLDS_SHOWN, NOTES_SHOWN, CLUSTERS_SHOWN, GAPS_SHOWN = 60, 40, 60, 20, 40, 200, 20
NOW = timedelta(minutes=1)

Key = tuple[str, str]


class Trouble(NamedTuple):
    """One time that a thing needed somebody. `began_at` None: before it is known; `ended_at` None: it still does.

    `kind` and `subject` name the thing as the timeline does, `place` is its cluster, `words` say what it was.
    """

    kind: str
    subject: str
    title: str
    tone: str
    place: str = ""
    words: str = ""
    began_at: datetime | None = None
    ended_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Said:
    """A note, or an acknowledgement with its end, on a thing."""

    by: str
    at: datetime
    text: str = ""
    until: datetime | None = None
    title: str = ""
    place: str = ""
    kind: str = ""
    subject: str = ""

    @property
    def key(self) -> Key:
        """The thing: (kind, subject)."""
        return self.kind, self.subject


@dataclass(frozen=True, kw_only=True)
class Matter:
    """A thing that needed somebody, or several alike (`alike`, of which `titles` are the first) that nobody spoke of.

    `times`: how often it began in the span. An open one that flapped began at `began_at` the last time.
    """

    kind: str
    subject: str
    titles: tuple[str, ...]
    tone: str
    place: str = ""
    words: str = ""
    began_at: datetime | None = None
    ended_at: datetime | None = None
    is_new: bool = False
    times: int = 1
    alike: int = 1
    acknowledged: Said | None = None
    notes: tuple[Said, ...] = ()
    earlier_notes: int = 0


@dataclass(frozen=True, kw_only=True)
class Deed:
    """What somebody did: an action of this portal, or a silence made elsewhere."""

    at: datetime
    by: str
    what: str
    tone: str
    outcome: str = ""
    place: str = ""
    reason: str = ""
    ticket: str = ""
    approver: str = ""
    link: str = ""


@dataclass(frozen=True, kw_only=True)
class Hold:
    """A freeze or a silence that was in force."""

    kind: str
    what: str
    by: str
    began_at: datetime
    ends_at: datetime
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class Lost:
    """How long a cluster was critical in the span, and for how long that is not known, in seconds."""

    cluster: str
    seconds: int = 0
    unknown: int = 0


@dataclass(frozen=True, kw_only=True)
class Gap:
    """From when to when sources were not read, and how that is said."""

    names: tuple[str, ...]
    words: str
    began_at: datetime
    ended_at: datetime


@dataclass(frozen=True, kw_only=True)
class Facts:
    """A handover's facts, the gravest first. `more_…` count what does not fit: (tone, number), or a number.

    `open`, `new`, `began`, `ended` and `quiet` (silenced, inhibited or muted alerts) are numbers of things; `unseen`
    are Applications that are not known, by cluster. `untouched` is how many clusters lost no time, all of it known.
    """

    from_at: datetime
    until_at: datetime
    made_at: datetime
    open: int = 0
    new: int = 0
    began: int = 0
    ended: int = 0
    quiet: int = 0
    open_matters: tuple[Matter, ...] = ()
    more_open: tuple[tuple[str, int], ...] = ()
    ended_matters: tuple[Matter, ...] = ()
    more_ended: int = 0
    unseen: tuple[tuple[str, int], ...] = ()
    holds: tuple[Hold, ...] = ()
    more_holds: int = 0
    deeds: tuple[Deed, ...] = ()
    more_deeds: int = 0
    notes: tuple[Said, ...] = ()
    more_notes: int = 0
    lost: tuple[Lost, ...] = ()
    more_lost: int = 0
    untouched: int = 0
    gaps: tuple[Gap, ...] = ()
    more_gaps: int = 0
    cut: tuple[str, ...] = ()

    @property
    def window(self) -> Window:
        """The span."""
        return Window(self.from_at, self.until_at)

    @property
    def is_of_now(self) -> bool:
        """Whether the span ended when it was made, so that what is open then is open now."""
        return self.made_at - self.until_at < NOW


@dataclass(frozen=True, kw_only=True)
class Known:
    """What the facts are made of, as it was read. `more_…` were only counted; `cut` says what was too much for that."""

    troubles: Sequence[Trouble] = ()
    acknowledged: Sequence[Said] = ()
    notes: Sequence[Said] = ()
    deeds: Sequence[Deed] = ()
    more_deeds: int = 0
    holds: Sequence[Hold] = ()
    more_holds: int = 0
    lost: Sequence[Lost] = ()
    gaps: Sequence[Gap] = ()
    quiet: int = 0
    unseen: Sequence[tuple[str, int]] = ()
    cut: Sequence[str] = ()
