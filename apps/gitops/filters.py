"""Which Applications the address of the list asks for, and in which order."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import F, Q
from django.db.models.expressions import Combinable, OrderBy

from apps.core.environment import PARAMETER
from apps.core.lists import NOT_SET, Asked, Sort, name_has, short, words_meant, words_offered
from apps.core.tones import Tone
from apps.fleet.models import Cluster

from .models import ApplicationQuerySet
from .window_filter import WindowWord, in_window_state

KNOWN_WORDS: Mapping[str, tuple[str, ...]] = {
    "sync": ("Synced", "OutOfSync", "Unknown"),
    "health": ("Healthy", "Progressing", "Degraded", "Suspended", "Missing", "Unknown"),
    "operation": ("Running", "Terminating", "Succeeded", "Failed", "Error"),
    "condition": ("ComparisonError", "InvalidSpecError", "SyncError", "OrphanedResourceWarning"),
}
COLUMNS = {
    "sync": "sync_status",
    "health": "health_status",
    "operation": "operation_phase",
    "condition": "condition_types",
    "instance": "instance",
    "environment": "environment",
    "cluster": "cluster",
    "project": "project",
}
TIMES_IN_STATE: Mapping[str, tuple[str, timedelta]] = {
    "under-10m": ("less than 10 min", timedelta(minutes=10)),
    "under-1h": ("less than 1 h", timedelta(hours=1)),
    "under-1d": ("less than 1 d", timedelta(days=1)),
    "over-1h": ("more than 1 h", timedelta(hours=1)),
    "over-1d": ("more than 1 d", timedelta(days=1)),
    "over-7d": ("more than 7 d", timedelta(days=7)),
}
TURNING = frozenset({"window", "in_state"})
SHORTEST_REVISION = 7
REVISION = re.compile(r"^[\w.:+-]+$", re.ASCII)
SORTS = ("tone", "name", "cluster", "since")
DEFAULT_SORT = "tone"


@dataclass(frozen=True)
class ApplicationFilters:
    """What is asked for; empty fields ask for nothing. `words` are parameter → allowed words, of which one must fit."""

    words: Mapping[str, tuple[str, ...]]
    tones: tuple[str, ...] = ()
    set_name: str = ""
    auto_sync: bool | None = None
    windows: tuple[str, ...] = ()
    in_state: str = ""
    revision: str = ""
    part: str = ""

    @property
    def is_narrow(self) -> bool:
        """Whether it leaves anything out beside other environments, which are pages of their own."""
        words = any(words for name, words in self.words.items() if name != PARAMETER)
        return self.is_special or bool(words or self.tones or self.part)

    @property
    def is_special(self) -> bool:
        """Whether it uses one of the filters that are folded away."""
        folded = any(self.words[name] for name in ("operation", "condition", "project", "instance"))
        texts = self.set_name or self.windows or self.in_state or self.revision
        return bool(folded or texts or self.auto_sync is not None)

    @property
    def times(self) -> tuple[str, ...]:
        """`in_state` as the chosen ones of a filter."""
        return (self.in_state,) if self.in_state else ()

    def kept(self, applications: ApplicationQuerySet, now: datetime) -> ApplicationQuerySet:
        """Those that fit at `now` in everything but their tone, so that tones can be counted."""
        for name, words in self.words.items():
            applications = applications.filter(_one_of(name, words)) if words else applications
        applications = applications.filter(self._texts(now))
        return applications.filter(in_window_state(applications, self.windows, now)) if self.windows else applications

    def _texts(self, now: datetime) -> Q:
        fits = Q(set_name=self.set_name) if self.set_name else Q()
        if self.auto_sync is not None:
            fits &= Q(auto_sync=self.auto_sync)
        if self.revision:
            fits &= Q(sync_revision__startswith=self.revision)
        if self.in_state:
            fits &= _in_state(self.in_state, now)
        return fits & name_has(self.part) if self.part else fits


def filters_read(asked: Asked, options: Mapping[str, Iterable[str]]) -> ApplicationFilters:
    """The filters of an address; `options` are parameter → the words that may be asked for."""
    return ApplicationFilters(
        words={name: asked.choices(name, options[name]) for name in COLUMNS},
        tones=asked.choices("tone", [tone.value for tone in Tone]),
        set_name=asked.text("set", limit=253),
        auto_sync=asked.flag("auto_sync"),
        windows=asked.choices("window", WindowWord),
        in_state=asked.choice("in_state", TIMES_IN_STATE),
        revision=_revision_read(asked),
        part=asked.text("q", limit=253),
    )


def options_of(applications: ApplicationQuerySet, clusters: Iterable[Cluster]) -> dict[str, list[str]]:
    """Parameter → the words that Applications have, with those that Argo CD is known to use and the clusters'.

    One query.
    """
    found: dict[str, set[str]] = {name: set(KNOWN_WORDS.get(name, ())) for name in COLUMNS}
    for cluster in clusters:
        found["cluster"].add(cluster.name)
        found["environment"].update({cluster.environment} - {""})
    for row in applications.order_by().values_list(*COLUMNS.values()).distinct():
        for name, told in zip(COLUMNS, row, strict=True):
            found[name].update(told.split() if name == "condition" else [told])
    return {name: words_offered(words, KNOWN_WORDS.get(name, ())) for name, words in found.items()}


def order_of(sort: Sort) -> Iterator[str | OrderBy | Combinable]:
    """The order of the list; within one tone the newest change comes first."""
    newest = F("tone_since").desc(nulls_last=True)
    if sort.field == "tone":
        yield from ("-shown_rank" if sort.is_descending else "shown_rank", newest)
    elif sort.field == "since":
        since = F("tone_since")
        yield since.desc(nulls_last=True) if sort.is_descending else since.asc(nulls_last=True)
    else:
        yield str(sort)
        yield "shown_rank"
    yield from ("name", "instance", "namespace")


def _revision_read(asked: Asked) -> str:
    """The beginning of a commit's name that is asked for; a few letters would fit anything."""
    told = asked.text("revision", limit=300)
    if not told or (len(told) >= SHORTEST_REVISION and REVISION.match(told)):
        return told
    asked.problems.append(
        f"“{short(told)}” is not the beginning of a revision ({SHORTEST_REVISION} letters or more):"
        " that filter is left out."
    )
    return ""


def _in_state(word: str, now: datetime) -> Q:
    """In the tone of now for less, or for more, than the word says; where that is not known it fits neither."""
    moment = now - TIMES_IN_STATE[word][1]
    return Q(tone_since__gt=moment) if word.startswith("under") else Q(tone_since__lte=moment)


def _one_of(name: str, words: tuple[str, ...]) -> Q:
    if name != "condition":
        return Q(**{f"{COLUMNS[name]}__in": words_meant(words)})
    fits = Q()
    for word in words:
        fits |= Q(condition_types="") if word == NOT_SET else Q(condition_types__contains=f" {word} ")
    return fits
