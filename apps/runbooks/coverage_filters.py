"""Which rules the address of the coverage page asks for, and in which order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from apps.alerts.support import LACKING, RunbookWord
from apps.core.lists import Asked, Sort, words_meant, words_offered
from apps.core.tones import RANKS

from .coverage import UNUSABLE, JudgedRule
from .lint import SEVERITIES

TITLES: Mapping[RunbookWord, str] = {
    RunbookWord.WITHOUT: "no runbook",
    RunbookWord.EMPTY: "empty link",
    RunbookWord.NO_ADDRESS: "not a web address",
    RunbookWord.DEAD: "dead link",
    RunbookWord.NOT_CONFIGURED: "no source covers it",
    RunbookWord.UNREAD: "not known yet",
    RunbookWord.FOUND: "has a runbook",
}
STATES = ("firing", "pending", "inactive")
WORDS: Mapping[str, Callable[[JudgedRule], str]] = {
    "verdict": lambda row: row.word.value,
    "team": lambda row: row.rule.told("team"),
    "component": lambda row: row.rule.told("component"),
    "severity": lambda row: row.rule.severity,
    "prometheus": lambda row: row.rule.prometheus,
    "state": lambda row: row.rule.state,
}
FOLDED = ("prometheus", "state")
SORTS = ("tone", "name", "team", "component")
DEFAULT_SORT = "tone"
SLO_LACKING = [("slo", "yes"), *(("verdict", word.value) for word in TITLES if word in UNUSABLE)]
SLO_DEAD = [("slo", "yes"), ("verdict", RunbookWord.DEAD.value)]
ALL_LACKING = [("verdict", word.value) for word in TITLES if word in LACKING]


@dataclass(frozen=True)
class CoverageFilters:
    """What is asked for; empty fields ask for nothing. `words` are those of WORDS, of each of which one must fit."""

    words: Mapping[str, tuple[str, ...]]
    is_slo: bool | None = None
    has_remarks: bool | None = None
    part: str = ""

    @property
    def is_narrow(self) -> bool:
        """Whether it leaves anything out."""
        return bool(any(self.words.values()) or self.part) or self.is_special

    @property
    def is_special(self) -> bool:
        """Whether it uses one of the filters that are folded away."""
        return any(self.words[name] for name in FOLDED) or self.has_remarks is not None

    def kept(self, rows: Iterable[JudgedRule], *, without: str = "") -> list[JudgedRule]:
        """Those that fit in everything, or in everything `without` one of WORDS, so that its words can be counted."""
        meant = {name: set(words_meant(words)) for name, words in self.words.items() if words and name != without}
        return [row for row in rows if self._fits(row) and all(WORDS[name](row) in meant[name] for name in meant)]

    def _fits(self, row: JudgedRule) -> bool:
        if self.is_slo is not None and row.is_slo is not self.is_slo:
            return False
        if self.has_remarks is not None and bool(row.lint.remarks) is not self.has_remarks:
            return False
        name = row.rule.name.casefold()
        return all(word in name for word in self.part.casefold().split())


def filters_read(asked: Asked, options: Mapping[str, Iterable[str]]) -> CoverageFilters:
    """The filters of an address; `options` are the words that may be asked for."""
    return CoverageFilters(
        words={name: asked.choices(name, options[name]) for name in WORDS},
        is_slo=asked.flag("slo"),
        has_remarks=asked.flag("remarks"),
        part=asked.text("q", limit=300),
    )


def options_of(rows: Sequence[JudgedRule], prometheuses: Iterable[str]) -> dict[str, list[str]]:
    """The words that each filter offers: those that rules have, and those known anyhow."""
    known: Mapping[str, Iterable[str]] = {
        "verdict": [word.value for word in TITLES],
        "severity": SEVERITIES,
        "prometheus": sorted(prometheuses),
        "state": STATES,
    }
    return {name: words_offered({told(row) for row in rows}, known.get(name, ())) for name, told in WORDS.items()}


def in_order(rows: Iterable[JudgedRule], sort: Sort) -> list[JudgedRule]:
    """Sorted; among equals those that need somebody first, SLO rules before others, by name."""
    found = sorted(rows, key=lambda row: (RANKS[row.tone], not row.is_slo, row.rule.name, row.rule.prometheus))
    keys: Mapping[str, Callable[[JudgedRule], object]] = {
        "tone": lambda row: RANKS[row.tone],
        "name": lambda row: row.rule.name.casefold(),
        "team": WORDS["team"],
        "component": WORDS["component"],
    }
    return sorted(found, key=keys[sort.field], reverse=sort.is_descending)  # type: ignore[arg-type]  # texts or numbers
