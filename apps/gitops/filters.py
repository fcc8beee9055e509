"""Which Applications the address of the list asks for, and in which order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from django.db.models import F, Q
from django.db.models.expressions import Combinable, OrderBy

from apps.core.lists import NOT_SET, Asked, Sort, name_has, words_meant, words_offered
from apps.core.tones import Tone

from .models import ApplicationQuerySet

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
SORTS = ("tone", "name", "cluster", "since")
DEFAULT_SORT = "tone"


@dataclass(frozen=True)
class ApplicationFilters:
    """What is asked for; empty fields ask for nothing. `words` are parameter → allowed words, of which one must fit."""

    words: Mapping[str, tuple[str, ...]]
    tones: tuple[str, ...] = ()
    set_name: str = ""
    auto_sync: bool | None = None
    part: str = ""

    @property
    def is_narrow(self) -> bool:
        """Whether it leaves anything out."""
        return bool(any(self.words.values()) or self.tones or self.set_name or self.part or self.auto_sync is not None)

    @property
    def is_special(self) -> bool:
        """Whether it uses one of the filters that are folded away."""
        folded = any(self.words[name] for name in ("operation", "condition", "project", "instance"))
        return bool(folded or self.set_name or self.auto_sync is not None)

    def kept(self, applications: ApplicationQuerySet) -> ApplicationQuerySet:
        """Those that fit in everything but their tone, so that tones can be counted."""
        for name, words in self.words.items():
            applications = applications.filter(_one_of(name, words)) if words else applications
        if self.set_name:
            applications = applications.filter(set_name=self.set_name)
        if self.auto_sync is not None:
            applications = applications.filter(auto_sync=self.auto_sync)
        return applications.filter(name_has(self.part)) if self.part else applications


def filters_read(asked: Asked, options: Mapping[str, Iterable[str]]) -> ApplicationFilters:
    """The filters of an address; `options` are parameter → the words that may be asked for."""
    return ApplicationFilters(
        words={name: asked.choices(name, options[name]) for name in COLUMNS},
        tones=asked.choices("tone", [tone.value for tone in Tone]),
        set_name=asked.text("set", limit=253),
        auto_sync=asked.flag("auto_sync"),
        part=asked.text("q", limit=253),
    )


def options_of(applications: ApplicationQuerySet, clusters: Iterable[str]) -> dict[str, list[str]]:
    """Parameter → the words that Applications have, with those that Argo CD is known to use. One query."""
    found: dict[str, set[str]] = {name: set(KNOWN_WORDS.get(name, ())) for name in COLUMNS}
    found["cluster"].update(clusters)
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


def _one_of(name: str, words: tuple[str, ...]) -> Q:
    if name != "condition":
        return Q(**{f"{COLUMNS[name]}__in": words_meant(words)})
    fits = Q()
    for word in words:
        fits |= Q(condition_types="") if word == NOT_SET else Q(condition_types__contains=f" {word} ")
    return fits
