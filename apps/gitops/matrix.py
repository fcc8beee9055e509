"""The matrix of components and clusters as its page shows it: what has something to say first, the quiet folded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from itertools import groupby
from typing import Any, NamedTuple
from urllib.parse import urlencode

from django.urls import reverse

from apps.core.addresses import page_address
from apps.core.ages import moment_words
from apps.core.lists import Asked, Page
from apps.core.ranking import tone_counts
from apps.core.text import clean
from apps.core.tones import Tone
from apps.core.verdict import Verdict
from apps.fleet.models import Cluster
from apps.fleet.overlay import Overlay
from apps.fleet.shown import shown_verdict as shown_cluster_verdict

from .components import NOT_IN_THE_FLEET, Component, Placed, components_of, rank_of
from .filters import ApplicationFilters
from .listing import applications_chosen, choice_shown
from .models import Application

ALL = "all"
MOST_COLUMNS = 24
OTHER_PLACES = "other places"
MOST_CELLS = 700
MOST_ROWS, FEWEST_ROWS = 60, 10
MOST_TOLD = 5
NO_WEIGHT = (len(Tone), 0)
MOST_MARKS = 2
LONGEST_REASON = 140


class Told(NamedTuple):
    """What a cell says of one Application."""

    pk: int
    instance: str
    namespace: str
    name: str
    sync_status: str
    health_status: str
    sync_revision: str
    tone_since: datetime | None
    reason: str


@dataclass(frozen=True)
class Column:
    """One column: a cluster of the fleet file, or a place that it does not name."""

    name: str
    cluster: Cluster | None = None
    verdict: Verdict | None = None

    @property
    def environment(self) -> str:
        """The environment of its cluster."""
        return self.cluster.environment if self.cluster else ""

    @property
    def ring(self) -> int | None:
        """The ring of its cluster."""
        return self.cluster.ring if self.cluster else None

    @property
    def is_quiet(self) -> bool:
        """Whether the cluster itself is well."""
        return self.verdict is not None and self.verdict.tone is Tone.WELL


@dataclass(frozen=True)
class Head:
    """One head over several columns."""

    title: str
    span: int


@dataclass(frozen=True)
class Mark:
    """One shape in a cell, and how many Applications it stands for."""

    tone: str
    is_doubtful: bool
    count: int


@dataclass(frozen=True)
class Cell:
    """A component on a cluster; `placed` is empty where it is not there."""

    column: Column
    placed: Sequence[Placed]
    rows: Sequence[Told]
    marks: Sequence[Mark]
    differs: bool

    @property
    def is_well(self) -> bool:
        """Whether there is nothing to say of it."""
        return not self.differs and all(mark.tone == Tone.WELL for mark in self.marks)

    @property
    def since(self) -> str:
        """Since when the one Application in it is in its state."""
        moment = self.rows[0].tone_since if len(self.rows) == 1 else None
        return moment.isoformat(timespec="milliseconds") if moment else ""

    @cached_property
    def address(self) -> str:
        """The Application's page; the list of them where there are several."""
        first = self.placed[0]
        if len(self.rows) == 1:
            row = self.rows[0]
            address = page_address("dashboard:application-show", row.instance, row.namespace, row.name)
            return address or list_address(q=row.name)
        where = {"cluster": first.cluster} if first.cluster and self.column.cluster else {}
        return list_address(**({"set": first.set_name} if first.set_name else {"q": first.name}), **where)

    @property
    def told(self) -> str:
        """All of it in words."""
        by_key = {each.pk: each for each in self.placed}
        lines = [told_of(row, by_key[row.pk].tone) for row in self.rows[:MOST_TOLD]]
        more = [f"and {len(self.rows) - MOST_TOLD} more"] if len(self.rows) > MOST_TOLD else []
        other = ["another revision than most here"] if self.differs else []
        return f"{self.column.name or OTHER_PLACES}: {'; '.join([*lines, *more, *other])}"


@dataclass(frozen=True)
class Row:
    """A component with its cells in the order of the columns shown."""

    component: Component
    cells: Sequence[Cell]

    @property
    def name(self) -> str:
        """The component's."""
        return self.component.name

    @property
    def address(self) -> str:
        """The list of its Applications."""
        has_set = any(each.set_name for each in self.component.placed)
        return list_address(**{"set" if has_set else "q": self.name})

    @property
    def notes(self) -> list[str]:
        """Where it runs on more than one revision."""
        skews = self.component.skews.items()
        return [f"{count} revisions in {environment or 'no known environment'}" for environment, count in skews]

    @property
    def well_count(self) -> int:
        """How many of its Applications are well."""
        return self.component.tones[Tone.WELL]


@dataclass(frozen=True)
class Fold:
    """Of the rows, or of the columns: those shown now on their page, and how many quiet ones are folded away."""

    page: Page
    quiet: int
    is_open: bool


def matrix_shown(asked: Asked, overlay: Overlay) -> dict[str, Any]:
    """What the matrix' template shows of what the address asks for. Its queries are as many for any fleet."""
    chosen = applications_chosen(asked, overlay)
    names = [cluster.name for cluster in overlay.clusters]
    everything = components_of(chosen.applications, names)
    components = [
        each for each in everything if not chosen.filters.tones or set(chosen.filters.tones) & set(each.tones)
    ]
    columns, across = columns_shown(asked, columns_of(components, overlay), components)
    rows, down = rows_shown(asked, components, chosen.filters, len(columns))
    return {
        "title": "Matrix of applications",
        "columns": columns,
        "environments": heads(columns, environment_title),
        "rings": heads(columns, ring_title) if any(column.ring is not None for column in columns) else [],
        "rows": filled(rows, columns, overlay),
        "down": down,
        "across": across,
        "total": len(components),
        "other_places": OTHER_PLACES,
        "application_count": sum(len(each.placed) for each in components),
        "counts": tone_counts(Counter(tone for each in everything for tone in each.tones.elements()).items()),
        **choice_shown(asked, chosen, overlay),
    }


def columns_of(components: Iterable[Component], overlay: Overlay) -> list[Column]:
    """A column for each place where one of the components is, in the fleet file's order, by environment and ring."""
    used = {name for each in components for name in each.cells}
    known = [cluster for cluster in overlay.clusters if cluster.name in used]
    columns = [Column(each.name, each, shown_cluster_verdict(each, overlay)) for each in known]
    environments = list(dict.fromkeys(column.environment for column in columns))
    rings = list(dict.fromkeys((column.environment, column.ring) for column in columns))
    columns.sort(key=lambda each: (environments.index(each.environment), rings.index((each.environment, each.ring))))
    others = sorted(used - {cluster.name for cluster in known}, key=lambda name: (name == NOT_IN_THE_FLEET, name))
    return [*columns, *(Column(name) for name in others)]


def columns_shown(
    asked: Asked, columns: Sequence[Column], components: Iterable[Component]
) -> tuple[list[Column], Fold]:
    """The columns of this page, in the fleet file's order.

    Where they are too many, those without anything to say are folded away, and those with the worst come first.
    """
    is_open = asked.choice("columns", [ALL]) == ALL or len(columns) <= MOST_COLUMNS
    weights = column_weights(components)
    kept = [each for each in columns if is_open or not each.is_quiet or each.name in weights]
    page = page_asked(asked, "across", len(kept), MOST_COLUMNS)
    ranked = kept if is_open else sorted(kept, key=lambda each: weights.get(each.name, NO_WEIGHT))
    shown = {each.name for each in ranked[page.rows]}
    fold = Fold(page, len(columns) - len(kept), is_open and len(columns) > MOST_COLUMNS)
    return [each for each in kept if each.name in shown], fold


def column_weights(components: Iterable[Component]) -> dict[str, tuple[int, int]]:
    """Column → (rank of its worst, how many with something to say, below zero); quiet columns are left out."""
    weights: dict[str, tuple[int, int]] = {}
    for each in components:
        for name, cell in each.cells.items() if not each.is_quiet else ():
            told = [placed for placed in cell if placed.tone != Tone.WELL or each.differs(placed)]
            if told:
                worst, count = weights.get(name, NO_WEIGHT)
                weights[name] = (min(worst, *(rank_of(placed.tone) for placed in told)), count - len(told))
    return weights


def rows_shown(
    asked: Asked, components: Sequence[Component], filters: ApplicationFilters, column_count: int
) -> tuple[list[Component], Fold]:
    """The components of this page; quiet ones are folded unless the address asks for them, or for some by name."""
    is_asked = asked.choice("rows", [ALL]) == ALL
    is_open = is_asked or bool(filters.part or filters.set_name or filters.revision)
    kept = [each for each in components if is_open or not each.is_quiet]
    size = min(MOST_ROWS, max(FEWEST_ROWS, MOST_CELLS // max(1, column_count)))
    page = asked.page(len(kept), size=size)
    return kept[page.rows], Fold(page, len(components) - len(kept), is_asked)


def filled(components: Sequence[Component], columns: Sequence[Column], overlay: Overlay) -> list[Row]:
    """The rows with what is told of each Application in their cells. One query."""
    shown = {column.name for column in columns}
    keys = [each.pk for row in components for name in row.cells.keys() & shown for each in row.cells[name]]
    found = {row[0]: Told(*row) for row in Application.objects.filter(pk__in=keys).values_list(*Told._fields)}
    return [Row(each, [_cell(each, column, found, overlay) for column in columns]) for each in components]


def _cell(component: Component, column: Column, found: Mapping[int, Told], overlay: Overlay) -> Cell:
    placed = [each for each in component.cells.get(column.name, ()) if each.pk in found]
    placed.sort(key=lambda each: rank_of(each.tone))
    marks = [
        Mark(tone, any(_is_doubtful(each, overlay) for each in alike), len(alike))
        for tone, grouped in groupby(placed, key=lambda each: each.tone)
        if (alike := list(grouped))
    ]
    differs = bool(component.skews) and any(component.differs(each) for each in placed)
    return Cell(column, placed, [found[each.pk] for each in placed], marks[:MOST_MARKS], differs)


def _is_doubtful(placed: Placed, overlay: Overlay) -> bool:
    return placed.instance in overlay.distrusted_instances or placed.cluster in overlay.doubtful_clusters


def told_of(row: Told, tone: str) -> str:
    """One Application in words: what a cell says of it."""
    words = [
        f"{row.name} {tone}",
        row.sync_status or "sync not told",
        row.health_status or "health not told",
        f"revision {row.sync_revision[:7]}" if row.sync_revision else "revision not known",
        f"since {moment_words(row.tone_since)}" if row.tone_since else "",
        "" if tone == Tone.WELL else clean(row.reason, LONGEST_REASON),
    ]
    return ", ".join(filter(None, words))


def heads(columns: Iterable[Column], title_of: Callable[[Column], str]) -> list[Head]:
    """Heads over columns of one environment that stand side by side and have the same title."""
    grouped = groupby(columns, key=lambda column: (environment_title(column), title_of(column)))
    return [Head(title, len(list(alike))) for (_, title), alike in grouped]


def environment_title(column: Column) -> str:
    """What stands over a column."""
    if column.cluster is None:
        return "not in the fleet file"
    return column.environment or "no environment"


def ring_title(column: Column) -> str:
    """What stands over the columns of a ring; "" over those without."""
    return "" if column.ring is None else f"ring {column.ring}"


def page_asked(asked: Asked, name: str, total: int, size: int) -> Page:
    """`?across=2`: a page of the columns; the nearest one where there is none of this number."""
    told = asked.text(name, limit=6)
    number = int(told) if told.isascii() and told.isdigit() else 1
    return Page(min(max(number, 1), Page(1, total, size).count), total, size)


def list_address(**query: str) -> str:
    """The list of Applications, in every environment, with these filters."""
    return f"{reverse('gitops:application-list')}?{urlencode({'environment': ALL, **query})}"
