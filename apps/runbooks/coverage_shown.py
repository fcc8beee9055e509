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
from apps.core.tones import Tone
from apps.fleet.overlay import Overlay
from apps.sources.evidence import Evidence, evidence_of
from apps.sources.fleetfile import FleetFile
from apps.sources.models import Source

from .carrying import Fate
from .coverage import Coverage, JudgedRule, coverage_of
from .coverage_days import SPAN, days_before, held_rules, prometheuses_of
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
from .linking import fleet_now
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
    """One rule as a row; `is_doubtful` while its Prometheus is not fresh."""

    judged: JudgedRule
    is_doubtful: bool

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

    @property
    def untold(self) -> int:
        """How many of which nothing is known."""
        return self.rules - self.found - self.lacking

    @property
    def tone(self) -> Tone:
        """Well only where each of them has one."""
        if self.slo_lacking:
            return Tone.CRITICAL
        if self.lacking:
            return Tone.WARNING
        return Tone.WELL if self.found == self.rules else Tone.UNKNOWN


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
    fleet = fleet_now()
    coverage = coverage_of(fleet, held_rules(fleet))
    options = options_of(coverage.rules, prometheuses_of(fleet))
    return Asking(fleet, coverage, options, filters_read(asked, options))


def coverage_shown(asked: Asked, overlay: Overlay) -> dict[str, Any]:
    """What the page's template shows of what the address asks for."""
    told = asking(asked)
    filters, coverage = told.filters, told.coverage
    rows = in_order(filters.kept(coverage.rules), sort := asked.sort(SORTS, default=DEFAULT_SORT))
    page, any_verdict = asked.page(len(rows)), filters.kept(coverage.rules, without="verdict")
    evidence = rules_evidence(overlay, filters)
    return {
        "title": "Runbook coverage",
        "rows": [row_of(each, overlay) for each in rows[page.rows]],
        "page": page,
        "untold": sum(each.lint.cluster is Fate.UNTOLD for each in rows),
        "sort": sort,
        "filters": filters,
        "options": told.options,
        "verdicts": verdicts_of(any_verdict),
        "verdict_titles": {word.value: words for word, words in TITLES.items()},
        "sentences": sentences_of(coverage, is_fresh=not evidence.doubtful) if coverage.rules else [],
        "supported": supported_of(coverage),
        "agreement": agreement_of(told.fleet),
        "groups": {name: groups_of(any_verdict, name) for name in GROUPED},
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
    rows = in_order(told.filters.kept(told.coverage.rules), asked.sort(SORTS, default=DEFAULT_SORT))
    return exported(request, name="runbook-coverage", columns=COLUMNS, rows=rows, now=overlay.now, asked=asked)


def row_of(judged: JudgedRule, overlay: Overlay) -> RuleRow:
    """One rule as a row."""
    source = overlay.sources.get(f"prometheus/{judged.rule.prometheus}")
    return RuleRow(judged, source is None or bool(evidence_of("", [source], overlay.now).doubtful))


def rules_evidence(overlay: Overlay, filters: CoverageFilters) -> Evidence:
    """The Prometheuses and tenants whose rules are asked for."""
    wanted = filters.words["prometheus"]
    every = [source for source in overlay.sources.values() if source.kind == Source.Kind.PROMETHEUS]
    return evidence_of("Prometheus", [each for each in every if not wanted or each.group in wanted], overlay.now)


def verdicts_of(rows: Iterable[JudgedRule]) -> list[tuple[RunbookWord, str, Tone, int]]:
    """Each verdict in words, with its tone and how many rules have it."""
    counts = Counter(row.word for row in rows)
    return [(word, words, WORD_TONES[word], counts[word]) for word, words in TITLES.items()]


def sentences_of(coverage: Coverage, *, is_fresh: bool) -> list[Told]:
    """What is most wrong, first; nothing is well unless every rule's runbook was found, and the rules are fresh."""
    slo, words = coverage.slo_rules, Counter(row.word for row in coverage.slo_rules)
    without, dead = coverage.counts["slo_without"], words[RunbookWord.DEAD]
    found: list[Told] = []
    if without:
        told = f"{without} of {counted(len(slo), 'SLO rule')} without a runbook"
        found.append(Told(Tone.CRITICAL, told, query_of(SLO_LACKING)))
    if dead:
        told = f"{dead} of {counted(len(slo), 'SLO rule')} with a dead link"
        found.append(Told(Tone.CRITICAL, told, query_of(SLO_DEAD)))
    quiet = [] if found else [slo_quiet(len(slo), words[RunbookWord.FOUND], is_fresh=is_fresh)]
    return [*found, *quiet, all_told(coverage, is_fresh=is_fresh)]


def slo_quiet(count: int, found: int, *, is_fresh: bool) -> Told:
    """That no SLO rule is known to lack its runbook."""
    if not count:
        return Told(Tone.UNKNOWN, "No rule is an SLO rule")
    if found == count:
        tone = Tone.WELL if is_fresh else Tone.UNKNOWN
        return Told(tone, f"Each of the {count} SLO rules has its runbook", "?slo=yes")
    words = f"Each of the {count} SLO rules links a runbook; {count - found} of them could not be looked for"
    return Told(Tone.UNKNOWN, words, "?slo=yes")


def all_told(coverage: Coverage, *, is_fresh: bool) -> Told:
    """How many of all rules lack one."""
    total, lacking = len(coverage.rules), sum(coverage.words.get(word, 0) for word in LACKING)
    found = coverage.words.get(RunbookWord.FOUND, 0)
    words = f"{found} of {total} rules have a runbook that is there"
    if lacking:
        return Told(Tone.WARNING, f"{words}, {lacking} have none", query_of(ALL_LACKING))
    return Told(Tone.WELL if found == total and is_fresh else Tone.UNKNOWN, words)


def supported_of(coverage: Coverage) -> list[tuple[Tone, str, int]]:
    """Each support verdict with its tone, and on how many rules it is; the most frequent first."""
    counts = Counter((row.support.tone, row.support.words) for row in coverage.rules)
    return [(tone, words, count) for (tone, words), count in counts.most_common()]


def agreement_of(fleet: FleetFile) -> str:
    """The agreement's phase, as the fleet file has it; "" where it says none."""
    return fleet.portal.phase or ""


def groups_of(rows: Iterable[JudgedRule], by: str) -> list[Fraction]:
    """The rules by team or by component, those that lack most first."""
    kept: dict[str, list[JudgedRule]] = {}
    for row in rows:
        kept.setdefault(WORDS[by](row), []).append(row)
    found = [fraction_of(name, by, of_name) for name, of_name in kept.items()]
    return sorted(found, key=lambda each: (-each.slo_lacking, -each.lacking, -each.rules, each.name))


def fraction_of(name: str, by: str, rows: Sequence[JudgedRule]) -> Fraction:
    """The rules of one team or component, counted."""
    lacking = [row for row in rows if row.word in LACKING]
    return Fraction(
        name=name,
        query=query_of([(by, name or NOT_SET)]),
        rules=len(rows),
        found=sum(row.word is RunbookWord.FOUND for row in rows),
        lacking=len(lacking),
        slo_lacking=sum(row.is_slo for row in lacking),
    )


def day_then(days: Iterable[CoverageDay], now: datetime) -> CoverageDay | None:
    """How it stood thirty days ago; None where it was not written down yet."""
    return next((each for each in days if each.day <= (now - SPAN).date()), None)


def query_of(pairs: Iterable[tuple[str, str]]) -> str:
    """This page's address with these filters."""
    return f"?{urlencode(list(pairs))}"


COLUMNS: Columns[JudgedRule] = {
    "tone": lambda row: row.tone,
    "verdict": lambda row: TITLES[row.word],
    "support": lambda row: row.support.words,
    "slo": lambda row: row.is_slo,
    "severity": lambda row: row.rule.severity,
    "name": lambda row: row.rule.name,
    "group": lambda row: row.rule.group,
    "file": lambda row: row.rule.file,
    "prometheus": lambda row: row.rule.prometheus,
    "team": lambda row: row.rule.told("team"),
    "component": lambda row: row.rule.told("component"),
    "runbook_url": lambda row: row.rule.runbook_url or "",
    "state": lambda row: row.rule.state,
    "for seconds": lambda row: row.rule.duration,
    "health": lambda row: row.rule.health,
    "last error": lambda row: row.rule.last_error,
    "remarks": lambda row: list(row.lint.remarks),
    "cluster label": lambda row: row.lint.cluster,
    "link": lambda row: row.support.page,
}
