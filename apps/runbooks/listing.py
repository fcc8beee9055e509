"""The list of runbooks as its page shows it, and as a file."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.http import HttpRequest, HttpResponse

from apps.core.addresses import page_address
from apps.core.exports import Columns, exported
from apps.core.lists import Asked, Sort, words_meant, words_offered
from apps.fleet.overlay import Overlay
from apps.sources.evidence import Evidence, evidence_of
from apps.sources.fleetfile import fleet_file_or_empty

from .models import Runbook
from .panel import KIND
from .searching import runbooks_with
from .usage import NOBODY, Usage, Usages, usages_now

SORTS = ("title", "source", "changed", "used")
DEFAULT_SORT = "title"
LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class RunbookRow:
    """One runbook and who uses it."""

    runbook: Runbook
    usage: Usage

    @property
    def title(self) -> str:
        """Its own, else the name of its file."""
        return self.runbook.title or self.runbook.path

    @property
    def page(self) -> str:
        """Where it is read."""
        return page_address("runbooks:runbook-show", self.runbook.source, self.runbook.path)


@dataclass(frozen=True)
class RunbookFilters:
    """What an address asks for; empty fields ask for nothing."""

    part: str
    sources: tuple[str, ...]
    owners: tuple[str, ...]
    components: tuple[str, ...]

    @property
    def is_narrow(self) -> bool:
        """Whether it leaves anything out."""
        return bool(self.part or self.sources or self.owners or self.components)

    def kept(self, row: RunbookRow) -> bool:
        """Whether those who use it are of an owner and a component asked for."""
        return fits(self.owners, row.usage.owners) and fits(self.components, row.usage.components)


def fits(asked: Iterable[str], there: set[str]) -> bool:
    """Whether one of the words asked for is there; "not set" is where none is."""
    wanted = set(words_meant(asked))
    return not wanted or bool(wanted & (there or {""}))


def runbooks_listed(asked: Asked, overlay: Overlay) -> dict[str, Any]:
    """What the list's template shows of what the address asks for. Three queries, and those of `usages_now`."""
    usages = usages_now(overlay)
    options = options_of(usages)
    filters = filters_read(asked, options)
    sort = asked.sort(SORTS, default=DEFAULT_SORT)
    rows = rows_found(filters, sort, usages)
    page = asked.page(len(rows))
    return {
        "title": "Runbooks",
        "rows": rows[page.rows],
        "page": page,
        "filters": filters,
        "options": options,
        "sort": sort,
        "problems": asked.problems,
        "evidence": runbook_evidence(overlay, filters.sources),
        "is_known": True,
    }


def options_of(usages: Usages) -> dict[str, list[str]]:
    """What can be asked for: the fleet file's sources, owners and components of those who use runbooks."""
    used = usages.values()
    return {
        "source": [source.name for source in fleet_file_or_empty().runbooks],
        "owner": words_offered({"", *(owner for usage in used for owner in usage.owners)}),
        "component": words_offered({"", *(name for usage in used for name in usage.components)}),
    }


def filters_read(asked: Asked, options: dict[str, list[str]]) -> RunbookFilters:
    """The filters of an address."""
    return RunbookFilters(
        asked.text("q"),
        asked.choices("source", options["source"]),
        asked.choices("owner", options["owner"]),
        asked.choices("component", options["component"]),
    )


def rows_found(filters: RunbookFilters, sort: Sort, usages: Usages) -> list[RunbookRow]:
    """The rows that are asked for, in order. One query, and those of the search."""
    found = Runbook.objects.filter(runbooks_with(filters.part)).defer("text")
    found = found.filter(source__in=filters.sources or [source.name for source in fleet_file_or_empty().runbooks])
    rows = [RunbookRow(each, usages.get((each.source, each.path), NOBODY)) for each in found]
    return in_order([row for row in rows if filters.kept(row)], sort)


def in_order(rows: list[RunbookRow], sort: Sort) -> list[RunbookRow]:
    """Sorted; what is the same by title and path."""
    orders = {
        "title": lambda row: row.title.casefold(),
        "source": lambda row: row.runbook.source,
        "changed": lambda row: row.runbook.changed_at or LONG_AGO,
        "used": lambda row: row.usage.last_at or LONG_AGO,
    }
    by_name = sorted(rows, key=lambda row: (row.title.casefold(), row.runbook.path))
    return sorted(by_name, key=orders[sort.field], reverse=sort.is_descending)


def runbook_evidence(overlay: Overlay, names: Iterable[str]) -> Evidence:
    """The sources of the runbooks that are asked for."""
    wanted = set(names)
    every = (source for source in overlay.sources.values() if source.key.startswith(f"{KIND}/"))
    shown = [source for source in every if not wanted or source.key.partition("/")[2] in wanted]
    return evidence_of("source of runbooks", shown, overlay.now)


COLUMNS: Columns[RunbookRow] = {
    "title": lambda row: row.title,
    "source": lambda row: row.runbook.source,
    "path": lambda row: row.runbook.path,
    "problem": lambda row: row.runbook.problem,
    "changed": lambda row: row.runbook.changed_at,
    "changed by": lambda row: row.runbook.changed_by,
    "rules": lambda row: [rule.name for rule in row.usage.rules],
    "owners": lambda row: sorted(row.usage.owners),
    "components": lambda row: sorted(row.usage.components),
    "firing": lambda row: row.usage.firing,
    "last used": lambda row: row.usage.last_at,
    "link": lambda row: row.page,
}


def runbooks_exported(request: HttpRequest, overlay: Overlay) -> HttpResponse:
    """The file that the address asks for."""
    asked, usages = Asked(request.GET), usages_now(overlay)
    filters = filters_read(asked, options_of(usages))
    rows = rows_found(filters, asked.sort(SORTS, default=DEFAULT_SORT), usages)
    return exported(request, name="runbooks", columns=COLUMNS, rows=rows, now=overlay.now, asked=asked)
