"""All names that search looks through, kept in memory: a letter more costs a walk over them and no scan of wide rows.

Who types is given those of the last ten seconds, of a minute at most while they are read anew: a name that came into
being just now is found some seconds later. A page that stays current is given those of now. Only their order hangs on
the kept tone; what is shown is read again.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum
from functools import lru_cache
from itertools import islice
from typing import Generic, Self, TypeVar
from uuid import UUID

from django.db.models import Q

from apps.actions.models import ActionRequest
from apps.actions.states import Action
from apps.alerts.models import Episode
from apps.core.keeping import Keeper, is_younger
from apps.core.ranking import rank_of
from apps.core.topics import version_of
from apps.fleet.overlay import Overlay, overlay_now
from apps.gitops.models import Application, ApplicationSet
from apps.runbooks.models import Runbook

NAMED_TOPICS = ("actions", "alerts", "apps", "clusters", "runbooks", "sources")
"""What the search's page listens to: only what has a name is found."""
MOST_SHOWN = 8
ENDED_LATELY = timedelta(hours=24)
MOST_FOLDED = 32_768
MOST_REQUESTS = 1_000
GOOD_SECONDS, BEARABLE_SECONDS = 10.0, 60.0
WORD_BREAK = re.compile(r"[-./_:\s]+|(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


class Grade(IntEnum):
    """How well a name fits, the best first."""

    EXACT = 0
    PREFIX = 1
    WORD_START = 2
    PART = 3
    NONE = 4


K = TypeVar("K", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Name(Generic[K]):
    """A name to be found; `words` are its words, each with a space before it."""

    key: K
    folded: str
    words: str

    @classmethod
    def of(cls, key: K, name: str) -> Self:
        """The name of what `key` is."""
        return cls(key, *folded(name))

    def fits(self, part: str) -> bool:
        """The twin of `apps.core.lists.name_has`."""
        return all(word in self.folded for word in part.casefold().split())


@lru_cache(maxsize=MOST_FOLDED)
def folded(name: str) -> tuple[str, str]:
    """The name, and its words with a space before each ("KubePodCrash" has three), in small letters."""
    return name.casefold(), " " + WORD_BREAK.sub(" ", name).casefold()


@dataclass(frozen=True)
class Best(Generic[K]):
    """The first keys, how many there are in all, and how well the first one fits."""

    keys: Sequence[K]
    count: int
    grade: Grade


@dataclass(frozen=True)
class Names:
    """The names by kind, each in the order in which equally good ones are shown.

    `version` is that of their topics, `standing` how the sources stood (`Overlay.digest`); `ends_at` is when the first
    of those that ended has ended too long ago.
    """

    version: int
    standing: str
    ends_at: datetime | None

    applications: Sequence[Name[int]]
    firing: Sequence[Name[int]]
    ended: Sequence[Name[int]]
    sets: Sequence[Name[int]]
    runbooks: Sequence[Name[int]]
    requests: Sequence[Name[UUID]]


NAMES: Keeper[Names] = Keeper(1)


def best(part: str, names: Iterable[Name[K]]) -> Best[K]:
    """Those that hold every word of `part`, the best ones first; equally good ones stay in their order."""
    words = part.casefold().split()
    fitting = list(names)
    for word in words:
        fitting = [name for name in fitting if word in name.folded]
    if not words or not fitting:
        return Best([], 0, Grade.NONE)
    whole, start = " ".join(words), f" {words[0]}"
    tiers = (
        (name for name in fitting if name.folded == whole),
        (name for name in fitting if name.folded.startswith(whole)),
        (name for name in fitting if start in name.words),
        iter(fitting),
    )
    found: dict[K, Grade] = {}
    for grade, tier in zip(Grade, tiers, strict=False):
        for name in islice((name for name in tier if name.key not in found), MOST_SHOWN - len(found)):
            found[name.key] = grade
    return Best(list(found), len(fitting), next(iter(found.values())))


def names_lately() -> Names:
    """The names, as they were a moment ago."""
    return NAMES.get(
        "names",
        is_good=lambda _, age: is_younger(age, GOOD_SECONDS),
        is_bearable=lambda _, age, __: is_younger(age, BEARABLE_SECONDS),
        make=lambda: names_read(version_of(NAMED_TOPICS), overlay_now()),
    )


def names_now(overlay: Overlay) -> Names:
    """The names, with whatever was written until now, as the sources stand. One query where nothing has changed."""
    version = version_of(NAMED_TOPICS)

    def is_true(names: Names, age: float) -> bool:
        has_ended = names.ends_at is not None and names.ends_at <= overlay.now
        is_current = names.version >= version and names.standing == overlay.digest
        return is_current and not has_ended and is_younger(age, BEARABLE_SECONDS)

    return NAMES.get(
        "names",
        is_good=is_true,
        is_bearable=lambda _, __, ___: False,
        make=lambda: names_read(version, overlay_now()),  # the page's own overlay may be older than the version
    )


def names_read(version: int, overlay: Overlay) -> Names:
    """All names there are; `version` was read before the overlay. One query for each kind."""
    applications = Application.objects.current(overlay).with_shown_tone(overlay).annotate(rank=rank_of("shown_tone"))
    sets = ApplicationSet.objects.exclude(instance__in=overlay.archived_instances)
    firing, ended, ends_at = alert_names(overlay)
    return Names(
        version=version,
        standing=overlay.digest,
        ends_at=ends_at,
        applications=[Name.of(*row) for row in applications.order_by("rank", "name").values_list("pk", "name")],
        firing=firing,
        ended=ended,
        sets=[Name.of(*row) for row in sets.order_by("name", "instance").values_list("pk", "name")],
        runbooks=[Name.of(*row) for row in Runbook.objects.order_by("title", "path").values_list("pk", "title")],
        requests=request_names(),
    )


def request_names() -> list[Name[UUID]]:
    """What people asked for last, by action, subject and person; steps go by what they are steps of. One query."""
    asked = ActionRequest.objects.filter(parent=None).order_by("-created_at")
    rows = asked.values_list("pk", "action", "subject", "username")[:MOST_REQUESTS]
    return [Name.of(key, f"{Action(action).label} {subject} {who}") for key, action, subject, who in rows]


def alert_names(overlay: Overlay) -> tuple[list[Name[int]], list[Name[int]], datetime | None]:
    """The alerts that fire, and those that did within the last day: of each alert its last time; and when the first of
    those is none any more. One query."""
    lately = Q(ended_at=None) | Q(ended_at__gte=overlay.now - ENDED_LATELY)
    episodes = Episode.objects.current(overlay).with_shown_tone(overlay).filter(lately)
    columns = ("alertmanager", "fingerprint", "ended_at", "pk", "name")
    seen: set[tuple[str, str]] = set()
    firing: list[Name[int]] = []
    ended: list[Name[int]] = []
    ends: list[datetime] = []
    ordered = episodes.annotate(rank=rank_of("shown_tone")).order_by("rank", "-began_at").values_list(*columns)
    for alertmanager, fingerprint, ended_at, key, name in sorted(ordered, key=lambda row: row[2] is not None):
        if (alertmanager, fingerprint) not in seen:
            seen.add((alertmanager, fingerprint))
            (firing if ended_at is None else ended).append(Name.of(key, name))
            if ended_at is not None:
                ends.append(ended_at + ENDED_LATELY)
    return firing, ended, min(ends, default=None)
