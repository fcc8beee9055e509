"""Which alerts the address of the list asks for, how they are grouped, and in which order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from django.db.models import F, Q
from django.db.models.expressions import Combinable, OrderBy

from apps.core.environment import PARAMETER
from apps.core.lists import Asked, Sort, name_has, words_meant, words_offered
from apps.core.matchers import LabelMatcher, LineRead, lines_read
from apps.core.text import clean
from apps.core.tones import Tone

from .models import AlertState, EpisodeQuerySet

COLUMNS = ("severity", "cluster", "environment", "owner", "alertmanager")
KNOWN_SEVERITIES = ("critical", "high", "warning", "info", "none")
UNCONFIRMED = "unconfirmed"
STATES = (AlertState.ACTIVE, AlertState.SILENCED, AlertState.INHIBITED, AlertState.MUTED, UNCONFIRMED)
GROUPINGS: Mapping[str, tuple[str, ...]] = {
    "alertmanager": ("alertmanager", "group_key"),
    "cluster": ("cluster",),
    "severity": ("severity",),
    "owner": ("owner",),
    "none": (),
}
GROUPING_WORDS = {
    "alertmanager": "Grouped as in Alertmanager",
    "cluster": "Grouped by cluster",
    "severity": "Grouped by severity",
    "owner": "Grouped by owner",
    "none": "Not grouped",
}
DEFAULT_GROUPING = "alertmanager"
LONGEST_KEPT = 4000
SORTS = ("tone", "name", "cluster", "since")
DEFAULT_SORT = "tone"


@dataclass(frozen=True)
class AlertFilters:
    """What is asked for; empty fields ask for nothing. `words` are column → words, of which one must fit.

    `line` is the line of matchers as it was typed, `matchers` what could be read of it.
    """

    words: Mapping[str, tuple[str, ...]]
    states: tuple[str, ...] = ()
    tones: tuple[str, ...] = ()
    is_slo: bool | None = None
    part: str = ""
    line: str = ""
    matchers: tuple[LabelMatcher, ...] = ()
    grouping: str = DEFAULT_GROUPING

    @property
    def is_narrow(self) -> bool:
        """Whether it leaves anything out beside other environments, which are pages of their own."""
        words = any(words for column, words in self.words.items() if column != PARAMETER)
        return bool(words or self.states or self.tones or self.part or self.matchers or self.is_slo is not None)

    @property
    def is_special(self) -> bool:
        """Whether it uses one of the filters that are folded away."""
        return bool(self.words["owner"] or self.words["alertmanager"] or self.is_slo is not None)

    def kept(self, episodes: EpisodeQuerySet) -> EpisodeQuerySet:
        """Those that fit in everything but labels, state and tone."""
        for column, words in self.words.items():
            if words:
                episodes = episodes.filter(**{f"{column}__in": words_meant(words)})
        if self.is_slo is not None:
            episodes = episodes.filter(is_slo=self.is_slo)
        return episodes.filter(name_has(self.part)) if self.part else episodes

    def in_state(self, episodes: EpisodeQuerySet) -> EpisodeQuerySet:
        """Those in one of the states asked for; all that fire where none is."""
        if not self.states:
            return episodes
        fits = Q(state__in=[state for state in self.states if state != UNCONFIRMED])
        return episodes.filter(fits | Q(is_unconfirmed=True) if UNCONFIRMED in self.states else fits)


def filters_read(asked: Asked, options: Mapping[str, Iterable[str]]) -> AlertFilters:
    """The filters of an address; `options` are column → the words that may be asked for."""
    lines = [line for each in asked.query.getlist("filter") if (line := clean(each.strip(), LONGEST_KEPT))]
    read = lines_read(lines)
    asked.problems.extend(
        f"Filter, {clean(fault)}. This is left out, so that more may be shown than was meant." for fault in read.faults
    )
    return AlertFilters(
        words={column: asked.choices(column, options[column]) for column in COLUMNS},
        states=asked.choices("state", STATES),
        tones=asked.choices("tone", [tone.value for tone in Tone]),
        is_slo=asked.flag("slo"),
        part=asked.text("q", limit=300),
        line=line_shown(lines, read),
        matchers=read.matchers,
        grouping=asked.choice("group", GROUPINGS) or DEFAULT_GROUPING,
    )


def line_shown(lines: Iterable[str], read: LineRead) -> str:
    """The line as it was typed; one that says the same where the address has several, each with its own braces."""
    told = list(lines)
    if len(told) > 1 and not read.faults:
        return ", ".join(map(str, read.matchers))
    return ", ".join(told)


def options_of(firing: EpisodeQuerySet, known: Mapping[str, Iterable[str]]) -> dict[str, list[str]]:
    """Column → the words that firing alerts have, and those `known` anyhow. One query."""
    found: dict[str, set[str]] = {column: set(known.get(column, ())) for column in COLUMNS}
    for row in firing.order_by().values_list(*COLUMNS).distinct():
        for column, word in zip(COLUMNS, row, strict=True):
            found[column].add(word)
    always = {"severity": KNOWN_SEVERITIES}
    return {column: words_offered(words, always.get(column, ())) for column, words in found.items()}


def order_of(sort: Sort) -> Iterator[str | OrderBy | Combinable]:
    """The order of alerts within a group; the newest first among equals, those last whose start cannot be believed."""
    if sort.field == "since":
        yield "is_odd_start"
        yield "-began_at" if sort.is_descending else "began_at"
    elif sort.field == "tone":
        yield "-shown_rank" if sort.is_descending else "shown_rank"
    else:
        yield str(sort)
        yield "shown_rank"
    yield from ("is_odd_start", F("began_at").desc(), "name", "pk")
