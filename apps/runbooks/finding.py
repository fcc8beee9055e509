"""Which runbook an alert's `runbook_url` leads to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from django.db.models import Q

from apps.sources.fleetfile.schema import FleetFile
from apps.sources.fleetfile.shapes import Address

from .models import Runbook, RunbookMiss, RunbookTree
from .texts import NOTHING


class Finding(StrEnum):
    """What became of looking for a runbook (decision 27). UNREAD: not known yet, since its source was never read."""

    FOUND = "found"
    WITHOUT = "without"
    EMPTY = "empty"
    DEAD = "dead"
    NOT_CONFIGURED = "not_configured"
    UNREAD = "unread"


@dataclass(frozen=True, slots=True)
class RunbookAddress:
    """A file of a source (its name in the fleet file), and the heading in it that the URL names, without "#"."""

    source: str
    path: str
    fragment: str


@dataclass(frozen=True, slots=True)
class Found:
    """Where a URL leads: `runbook` with FOUND alone, `address` where a source covers the URL; `words` for people.

    `unread` says why there is nothing to read in the runbook that was found, "" where there is.
    """

    state: Finding
    words: str
    address: RunbookAddress | None = None
    runbook: Runbook | None = None
    unread: str = ""


def runbook_address(fleet: FleetFile, url: str) -> RunbookAddress | None:
    """The file that a URL names, by the shapes of the fleet file's sources; None where no source covers it.

    White space behind the URL is not a part of it: YAML leaves a line break there.
    """
    try:
        address = Address.told(url.rstrip())
    except ValueError:
        return None
    for source in fleet.runbooks:
        for shape in source.shapes:
            path = shape.file_of(address)
            if path is not None and path.startswith(source.under):
                return RunbookAddress(source.name, path, address.fragment)
    return None


def runbook_found(fleet: FleetFile, url: str | None) -> Found:
    """The runbook of one URL, with its text. None stands for no annotation, "" for an empty one. Three queries."""
    return _found(fleet, [url], is_brief=False)[url]


def runbooks_found(fleet: FleetFile, urls: Iterable[str | None]) -> Mapping[str | None, Found]:
    """The same for many URLs, in three queries, the runbooks without their texts (read when they are asked for)."""
    return _found(fleet, urls, is_brief=True)


def _found(fleet: FleetFile, urls: Iterable[str | None], *, is_brief: bool) -> dict[str | None, Found]:
    addresses = {url: runbook_address(fleet, url) if url else None for url in urls}
    known = _Known.of([address for address in addresses.values() if address], is_brief=is_brief)
    return {url: known.found(url, address) for url, address in addresses.items()}


@dataclass(frozen=True, slots=True)
class _Known:
    """What the rows tell of some addresses; `whole` says of each source that was read whether all of it is known."""

    runbooks: Mapping[tuple[str, str], Runbook]
    missed: frozenset[tuple[str, str]]
    whole: Mapping[str, bool]

    @classmethod
    def of(cls, addresses: list[RunbookAddress], *, is_brief: bool) -> _Known:
        if not addresses:
            return cls({}, frozenset(), {})
        sources, paths = {each.source for each in addresses}, {each.path for each in addresses}
        runbooks = Runbook.objects.filter(source__in=sources, path__in=paths)
        runbooks = runbooks.annotate(is_blank=Q(text=""))
        missed = RunbookMiss.objects.filter(source__in=sources, path__in=paths).values_list("source", "path")
        trees = RunbookTree.objects.filter(source__in=sources).values_list("source", "is_whole")
        return cls(
            {(each.source, each.path): each for each in (runbooks.defer("text") if is_brief else runbooks)},
            frozenset(missed),
            dict(trees),
        )

    def found(self, url: str | None, address: RunbookAddress | None) -> Found:
        if url is None:
            return Found(Finding.WITHOUT, "no runbook")
        if not url.strip():
            return Found(Finding.EMPTY, "its runbook_url is empty")
        if address is None:
            return Found(Finding.NOT_CONFIGURED, "no runbook source covers its link")
        runbook = self.runbooks.get((address.source, address.path))
        if runbook is not None:
            unread = (runbook.problem or NOTHING) if vars(runbook)["is_blank"] else ""
            return Found(Finding.FOUND, runbook.problem or "has a runbook", address, runbook, unread)
        is_dead = self.whole.get(address.source) or (address.source, address.path) in self.missed
        if is_dead:
            return Found(Finding.DEAD, f"dead link: {address.source} has no {address.path}", address)
        what = "this file" if address.source in self.whole else address.source
        return Found(Finding.UNREAD, f"not known yet: {what} has not been read", address)
