"""Sources as their pages show them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.http import HttpRequest, HttpResponse

from apps.core.addresses import page_address
from apps.core.exports import Columns, exported
from apps.core.lists import Asked, Sort
from apps.core.verdict import Verdict
from apps.core.verdict.source import MENDING, SourceFacts, source_verdict

from .models import Source, SourceState
from .standing import Standing

SORTS = ("tone", "title", "age", "latency")
LONG_AGO = timedelta.max


@dataclass(frozen=True)
class SourceRow:
    """A source at one moment, with words for everybody: only `source.error` says what the upstream itself said."""

    source: Source
    state: SourceState
    verdict: Verdict
    age: timedelta

    @property
    def is_doubtful(self) -> bool:
        """Whether what it told is not certain any more."""
        return self.state is not SourceState.FRESH

    @property
    def mending(self) -> str:
        """What would mend the last error, where that is known."""
        return MENDING.get(self.source.error_kind, "") if self.source.error else ""

    @property
    def clock(self) -> str:
        """How its clock stands to ours; "" where that is not known."""
        skew = self.source.skew
        return "" if skew is None else f"{abs(skew):.1f} s {'ahead of' if skew > 0 else 'behind'} ours"

    @property
    def note(self) -> str:
        """The reason of its verdict, where that says more than its state."""
        return "" if self.verdict.reason == self.state.label else self.verdict.reason


def source_shown(source: Source, now: datetime) -> SourceRow:
    """The source as a row at `now`."""
    facts = SourceFacts(
        state=source.state(now).value,
        items=source.items,
        unreadable=source.unreadable,
        unreadable_reason=source.unreadable_reason,
        skew=source.skew,
        note=source.note,
        warnings=tuple(source.warnings),
        error_kind=source.error_kind,
        error=source.error_short,
    )
    age = now - source.succeeded_at if source.succeeded_at else LONG_AGO
    return SourceRow(source, source.state(now), source_verdict(facts), age)


def ordered(rows: Iterable[SourceRow], sort: Sort) -> list[SourceRow]:
    """In the order asked for; rows that are equal in it stay in the fleet file's order."""
    keys = {
        "tone": lambda row: row.verdict.tone.rank,
        "title": lambda row: row.source.title.casefold(),
        "age": lambda row: row.age,
        "latency": lambda row: row.source.latency or 0.0,
    }
    return sorted(rows, key=keys[sort.field], reverse=sort.is_descending)


EXPORTED: Columns[SourceRow] = {
    "state": lambda row: row.state.label,
    "tone": lambda row: row.verdict.tone,
    "note": lambda row: row.note,
    "source": lambda row: row.source.title,
    "key": lambda row: row.source.key,
    "environment": lambda row: row.source.environment,
    "last success": lambda row: row.source.succeeded_at,
    "failing since": lambda row: row.source.failing_since,
    "next try": lambda row: row.source.next_try_at,
    "latency in seconds": lambda row: row.source.latency,
    "items": lambda row: row.source.items,
    "version": lambda row: row.source.version,
    "link": lambda row: page_address("sources:source-show", row.source.key),
}


def sources_exported(request: HttpRequest, standing: Standing) -> HttpResponse:
    """Every source, in the order asked for, as a file."""
    rows = [source_shown(source, standing.now) for source in standing.sources.values()]
    asked = Asked(request.GET)
    ranked = ordered(rows, asked.sort(SORTS, default="tone"))
    return exported(request, name="sources", columns=EXPORTED, rows=ranked, now=standing.now, asked=asked)
