"""What the address of a list asks for: filters, order and page. What cannot be done is told, and the rest is shown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from django.db.models import Q
from django.http import QueryDict

from .text import clean

PAGE_SIZE = 50
LONGEST_WORD = 60
ALL = "all"
NOT_SET = "not-set"


@dataclass(frozen=True)
class Sort:
    """By which column, and which way round; `str()` is how it stands in the address."""

    field: str
    is_descending: bool = False

    def __str__(self) -> str:
        return f"-{self.field}" if self.is_descending else self.field


@dataclass(frozen=True)
class Page:
    """One page of `total` rows; `number` counts from 1."""

    number: int
    total: int
    size: int = PAGE_SIZE

    @property
    def count(self) -> int:
        """How many pages there are, at the least one."""
        return max(1, -(-self.total // self.size))

    @property
    def rows(self) -> slice:
        """The rows of this page."""
        return slice((self.number - 1) * self.size, self.number * self.size)

    @property
    def first(self) -> int:
        """The number of its first row, counted from 1; 0 when there is none."""
        return min((self.number - 1) * self.size + 1, self.total)

    @property
    def last(self) -> int:
        """The number of its last row."""
        return min(self.number * self.size, self.total)

    @property
    def before(self) -> int | None:
        """The page before this one."""
        return self.number - 1 if self.number > 1 else None

    @property
    def after(self) -> int | None:
        """The page after this one."""
        return self.number + 1 if self.number < self.count else None


class Asked:
    """Reads an address piece by piece; `problems` gathers, in words for people, what it asks and cannot have."""

    def __init__(self, query: QueryDict) -> None:
        self.query = query
        self.problems: list[str] = []

    def text(self, name: str, *, limit: int = 200) -> str:
        """Free text, without white space around it."""
        told = self.query.get(name, "").strip()
        if len(told) > limit:
            self.problems.append(f"“{name}” is longer than {limit} letters: only the beginning counts.")
        return clean(told[:limit])

    def choice(self, name: str, allowed: Iterable[str]) -> str:
        """One of the allowed words; "" where none, or another one, is asked for."""
        return next(iter(self.choices(name, allowed)), "")

    def choices(self, name: str, allowed: Iterable[str]) -> tuple[str, ...]:
        """Those of the words asked for (`?tone=critical&tone=warning`) that are allowed; `all` asks for none."""
        return tuple(self._allowed(name, list(allowed)))

    def flag(self, name: str) -> bool | None:
        """yes or no; None where neither is asked for."""
        return {"yes": True, "no": False}.get(self.choice(name, ["yes", "no"]))

    def sort(self, allowed: Iterable[str], *, default: str) -> Sort:
        """`?sort=-since`: one of the allowed columns, "-" in front for the other way round."""
        wanted = self.query.get("sort", "") or default
        names = list(allowed)
        if wanted.removeprefix("-") not in names:
            self.problems.append(f"Cannot sort by “{short(wanted)}”: there are {', '.join(names)}.")
            wanted = default
        return Sort(wanted.removeprefix("-"), wanted.startswith("-"))

    def page(self, total: int, *, size: int = PAGE_SIZE) -> Page:
        """`?page=2`, within the pages that `total` rows fill."""
        told = self.query.get("page", "") or "1"
        number = int(told) if told.isascii() and told.isdigit() and len(told) < 10 else 0
        last = Page(1, total, size).count
        if number < 1:
            self.problems.append(f"“{short(told)}” is not a page number: page 1 is shown.")
        elif number > last:
            self.problems.append(f"There is no page {number}: the last one, page {last}, is shown.")
        return Page(min(max(number, 1), last), total, size)

    def _allowed(self, name: str, allowed: list[str]) -> Iterator[str]:
        for word in dict.fromkeys(filter(None, self.query.getlist(name))):
            if word in allowed:
                yield word
            elif word != ALL:
                self.problems.append(f"There is no {name.replace('_', ' ')} “{short(word)}”: that filter is left out.")


def short(word: str) -> str:
    """The word, cut where it is too long for a message."""
    return clean(word) if len(word) <= LONGEST_WORD else clean(word[:LONGEST_WORD]) + "…"


def words_offered(words: Iterable[str], known: Iterable[str] = ()) -> list[str]:
    """The words that a filter offers: the `known` ones in their order, other words that there are, NOT_SET for ""."""
    found, first = set(words), list(known)
    return [*first, *sorted(found - {*first, ""}), *([NOT_SET] if "" in found else [])]


def words_meant(chosen: Iterable[str]) -> list[str]:
    """What the words chosen of a filter are in the rows."""
    return ["" if word == NOT_SET else word for word in chosen]


def name_has(part: str, *, field: str = "name") -> Q:
    """Whether every word of `part` is in the name, in any order: what search and all lists mean by a part of a name."""
    fits = Q()
    for word in part.split():
        fits &= Q(**{f"{field}__icontains": word})
    return fits
