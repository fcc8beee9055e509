"""The coverage of the rules as its page shows it, and as a file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse

from apps.alerts.support import LACKING, RunbookWord
from apps.core.exports import Columns, exported
from apps.core.lists import NOT_SET, Asked
from apps.core.text import counted
from apps.core.tones import Tone, strictest
from apps.fleet.overlay import Overlay
from apps.sources.evidence import Evidence, evidence_of
from apps.sources.fleetfile import FleetFile, fleet_file_or_empty
from apps.sources.models import Source

from .carrying import Fate
from .coverage import Coverage, JudgedRule, coverage_of
from .coverage_days import SPAN, days_before, held_rules, prometheuses_of
from .coverage_doubts import Doubts, doubts_of
from .coverage_filters import (
    ALL_LACKING,
    DEFAULT_SORT,
    SLO_DEAD,
    SLO_LACKING,
    SORTS,
    TITLES,
    WORDS,
    CoverageFilters,
    filters_read,
    in_order,
    options_of,
)
from .listing import runbook_evidence
from .models import CoverageDay

GROUPED = ("team", "component")
WORD_TONES: Mapping[RunbookWord, Tone] = {
    **dict.fromkeys(LACKING, Tone.WARNING),
    RunbookWord.NOT_CONFIGURED: Tone.UNKNOWN,
    RunbookWord.UNREAD: Tone.UNKNOWN,
    RunbookWord.FOUND: Tone.WELL,
}


@dataclass(frozen=True)
class RuleRow:
    """One rule as a row; `is_doubtful` while its Prometheus, or the source of its runbook, is not fresh."""

    judged: JudgedRule
    is_doubtful: bool
    tone: Tone

    @property
    def key(self) -> str:
        """What tells the row apart from others."""
        rule = self.judged.rule
        return f"{rule.prometheus}/{rule.file}/{rule.group}/{rule.name}/{rule.query[:200]}"

    @property
    def verdict(self) -> str:
        """What is known of its runbook, in few words."""
        return TITLES[self.judged.word]

    @property
    def team(self) -> str:
        """Who it names; "" for nobody."""
        return WORDS["team"](self.judged)

    @property
    def component(self) -> str:
        """What it watches; "" where it does not say."""
        return WORDS["component"](self.judged)

    @property
    def remarks(self) -> str:
        """What is to be mended."""
        return "; ".join(self.judged.lint.remarks)

    @property
    def is_broken(self) -> bool:
        """Whether it cannot be evaluated, so that its alert cannot fire."""
        return self.judged.rule.health == "err"


@dataclass(frozen=True)
class Fraction:
    """How many rules of a team or a component have a runbook, lack one, or are not known to have one."""

    name: str
    query: str
    rules: int
    found: int
    lacking: int
    slo_lacking: int
    worst: Tone

    @property
    def untold(self) -> int:
        """How many of which nothing is known."""
        return self.rules - self.found - self.lacking

    @property
    def tone(self) -> Tone:
        """Well only where each of them surely has one that can be read."""
        return Tone.CRITICAL if self.slo_lacking else Tone.WARNING if self.lacking else self.worst


@dataclass(frozen=True)
class Told:
    """A sentence with its tone, and which rules it is about as a query of this page."""

    tone: Tone
    words: str
    query: str = ""


@dataclass(frozen=True)
class Asking:
    """The coverage of all rules, and what an address asks for of it."""

    fleet: FleetFile
    coverage: Coverage
    options: Mapping[str, list[str]]
    filters: CoverageFilters


def asking(asked: Asked) -> Asking:
    """Reads the address. One query for the rules, three for the runbooks."""
    fleet = fleet_file_or_empty()
    coverage = coverage_of(fleet, held_rules(fleet))
    options = options_of(coverage.rules, prometheuses_of(fleet))
    return Asking(fleet, coverage, options, filters_read(asked, options))


def coverage_shown(asked: Asked, overlay: Overlay) -> dict[str, Any]:
    """What the page's template shows of what the address asks for."""
    told = asking(asked)
    filters, coverage = told.filters, told.coverage
    rows = in_order(filters.kept(coverage.rules), sort := asked.sort(SORTS, default=DEFAULT_SORT))
    page, any_verdict = asked.page(len(rows)), filters.kept(coverage.rules, without="verdict")
    evidence, doubts = rules_evidence(overlay, filters), doubts_of(overlay)
    return {
        "title": "Runbook coverage",
        "rows": [row_of(each, doubts) for each in rows[page.rows]],
        "page": page,
        "untold": sum(each.lint.cluster is Fate.UNTOLD for each in rows),
        "sort": sort,
        "filters": filters,
        "options": told.options,
        "verdicts": verdicts_of(any_verdict, doubts),
        "verdict_titles": {word.value: words for word, words in TITLES.items()},
        "sentences": sentences_of(coverage, doubts, is_fresh=not evidence.doubtful) if coverage.rules else [],
        "supported": supported_of(coverage, doubts),
        "agreement": agreement_of(told.fleet),
        "groups": {name: groups_of(any_verdict, name, doubts) for name in GROUPED},
        "days": (days := days_before(overlay.now)),
        "then": day_then(days, overlay.now),
        "problems": asked.problems,
        "evidence": evidence,
        "runbook_evidence": runbook_evidence(overlay, ()),
    }


def coverage_exported(request: HttpRequest, overlay: Overlay) -> HttpResponse:
    """The file that the address asks for."""
    asked = Asked(request.GET)
    told = asking(asked)
    doubts = doubts_of(overlay)
    kept = in_order(told.filters.kept(told.coverage.rules), asked.sort(SORTS, default=DEFAULT_SORT))
    rows = [row_of(each, doubts) for each in kept]
    return exported(request, name="runbook-coverage", columns=COLUMNS, rows=rows, now=overlay.now, asked=asked)


def row_of(judged: JudgedRule, doubts: Doubts) -> RuleRow:
    """One rule as a row."""
    return RuleRow(judged, doubts.of(judged), doubts.tone(judged))


def rules_evidence(overlay: Overlay, filters: CoverageFilters) -> Evidence:
    """The Prometheuses and tenants whose rules are asked for."""
    wanted = filters.words["prometheus"]
    every = [source for source in overlay.sources.values() if source.kind == Source.Kind.PROMETHEUS]
    return evidence_of("Prometheus", [each for each in every if not wanted or each.group in wanted], overlay.now)


def verdicts_of(rows: Sequence[JudgedRule], doubts: Doubts) -> list[tuple[RunbookWord, str, Tone, int]]:
    """Each verdict in words, with its tone and how many rules have it."""
    counts = Counter(row.word for row in rows)
    found = worst_of([row for row in rows if row.word is RunbookWord.FOUND], doubts)
    tones = {**WORD_TONES, RunbookWord.FOUND: found}
    return [(word, words, tones[word], counts[word]) for word, words in TITLES.items()]


def worst_of(rows: Iterable[JudgedRule], doubts: Doubts) -> Tone:
    """The tone that needs somebody most; unknown for no rules."""
    return strictest(doubts.tone(row) for row in rows)


def sentences_of(coverage: Coverage, doubts: Doubts, *, is_fresh: bool) -> list[Told]:
    """What is most wrong, first; nothing is well unless every rule's runbook was found, and rules and sources are
    fresh."""
    slo, words = coverage.slo_rules, Counter(row.word for row in coverage.slo_rules)
    without, dead = coverage.counts["slo_without"], words[RunbookWord.DEAD]
    found: list[Told] = []
    if without:
        told = f"{without} of {counted(len(slo), 'SLO rule')} without a runbook"
        found.append(Told(Tone.CRITICAL, told, query_of(SLO_LACKING)))
    if dead:
        told = f"{dead} of {counted(len(slo), 'SLO rule')} with a dead link"
        found.append(Told(Tone.CRITICAL, told, query_of(SLO_DEAD)))
    quiet = [] if found else [slo_quiet(slo, doubts, is_fresh=is_fresh)]
    return [*found, *quiet, all_told(coverage, doubts, is_fresh=is_fresh)]


def slo_quiet(slo: Sequence[JudgedRule], doubts: Doubts, *, is_fresh: bool) -> Told:
    """That no SLO rule is known to lack its runbook."""
    if not slo:
        return Told(Tone.UNKNOWN, "No rule is an SLO rule")
    count, found = len(slo), sum(row.word is RunbookWord.FOUND for row in slo)
    if found == count:
        return Told(
            found_tone(slo, doubts, is_fresh=is_fresh),
            f"Each of the {count} SLO rules has its runbook{illegible(slo)}{doubts.words(slo)}",
            "?slo=yes",
        )
    words = f"Each of the {count} SLO rules links a runbook; {count - found} of them could not be looked for"
    return Told(Tone.UNKNOWN, words, "?slo=yes")


def found_tone(rows: Sequence[JudgedRule], doubts: Doubts, *, is_fresh: bool) -> Tone:
    """The tone of a sentence that says of these rules that their runbooks were found."""
    worst = worst_of(rows, doubts)
    return worst if is_fresh or worst is not Tone.WELL else Tone.UNKNOWN


def illegible(rows: Iterable[JudgedRule]) -> str:
    """What is to be added where there is nothing to read in some of these rules' runbooks."""
    count = sum(bool(row.support.unread) for row in rows)
    return f", {count} of which cannot be read" if count else ""


def all_told(coverage: Coverage, doubts: Doubts, *, is_fresh: bool) -> Told:
    """How many of all rules lack one."""
    total, lacking = len(coverage.rules), sum(coverage.words.get(word, 0) for word in LACKING)
    found = coverage.words.get(RunbookWord.FOUND, 0)
    words = f"{found} of {total} rules have a runbook that is there{illegible(coverage.rules)}"
    unread = doubts.words(coverage.rules)
    if lacking:
        return Told(Tone.WARNING, f"{words}, {lacking} have none{unread}", query_of(ALL_LACKING))
    return Told(found_tone(coverage.rules, doubts, is_fresh=is_fresh), f"{words}{unread}")


def supported_of(coverage: Coverage, doubts: Doubts) -> list[tuple[Tone, str, int]]:
    """Each support verdict with its tone, and on how many rules it is; the most frequent first."""
    counts = Counter(support_told(row, doubts) for row in coverage.rules)
    return [(tone, words, count) for (tone, words), count in counts.most_common()]


def support_told(row: JudgedRule, doubts: Doubts) -> tuple[Tone, str]:
    """The verdict as a tone and in words; what rests on a runbook that was not read lately is not well."""
    support, doubt = row.support, doubts.of_support(row.support)
    if not doubt:
        return support.tone, support.words
    return support.tone.in_doubt, f"{support.words}, as last read: {doubt}"


def agreement_of(fleet: FleetFile) -> str:
    """The agreement's phase, as the fleet file has it; "" where it says none."""
    return fleet.portal.phase or ""


def groups_of(rows: Iterable[JudgedRule], by: str, doubts: Doubts) -> list[Fraction]:
    """The rules by team or by component, those that lack most first."""
    kept: dict[str, list[JudgedRule]] = {}
    for row in rows:
        kept.setdefault(WORDS[by](row), []).append(row)
    found = [fraction_of(name, by, of_name, doubts) for name, of_name in kept.items()]
    return sorted(found, key=lambda each: (-each.slo_lacking, -each.lacking, -each.rules, each.name))


def fraction_of(name: str, by: str, rows: Sequence[JudgedRule], doubts: Doubts) -> Fraction:
    """The rules of one team or component, counted."""
    lacking = [row for row in rows if row.word in LACKING]
    return Fraction(
        name=name,
        query=query_of([(by, name or NOT_SET)]),
        rules=len(rows),
        found=sum(row.word is RunbookWord.FOUND for row in rows),
        lacking=len(lacking),
        slo_lacking=sum(row.is_slo for row in lacking),
        worst=worst_of(rows, doubts),
    )


def day_then(days: Iterable[CoverageDay], now: datetime) -> CoverageDay | None:
    """How it stood thirty days ago; None where it was not written down yet."""
    return next((each for each in days if each.day <= (now - SPAN).date()), None)


def query_of(pairs: Iterable[tuple[str, str]]) -> str:
    """This page's address with these filters."""
    return f"?{urlencode(list(pairs))}"


COLUMNS: Columns[RuleRow] = {
    "tone": lambda row: row.tone,
    "not certain": lambda row: row.is_doubtful,
    "verdict": lambda row: row.verdict,
    "support": lambda row: row.judged.support.words,
    "slo": lambda row: row.judged.is_slo,
    "severity": lambda row: row.judged.rule.severity,
    "name": lambda row: row.judged.rule.name,
    "group": lambda row: row.judged.rule.group,
    "file": lambda row: row.judged.rule.file,
    "prometheus": lambda row: row.judged.rule.prometheus,
    "team": lambda row: row.judged.rule.told("team"),
    "component": lambda row: row.judged.rule.told("component"),
    "runbook_url": lambda row: row.judged.rule.runbook_url or "",
    "state": lambda row: row.judged.rule.state,
    "for seconds": lambda row: row.judged.rule.duration,
    "health": lambda row: row.judged.rule.health,
    "last error": lambda row: row.judged.rule.last_error,
    "remarks": lambda row: list(row.judged.lint.remarks),
    "cluster label": lambda row: row.judged.lint.cluster,
    "link": lambda row: row.judged.support.page,
}
