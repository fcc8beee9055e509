"""Rows brought in line with what was told, by as few statements as it takes and none where nothing differs."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import msgspec
from django.db import models, transaction

from apps.core.topics import raise_topics

BATCH = 500

Columns = dict[str, object]
RowKey = tuple[str | int, ...]
Item = TypeVar("Item")
Row = TypeVar("Row", bound=models.Model)


@dataclass(frozen=True)
class Shelf(Generic[Row]):
    """The rows of one owner: a model, the columns that name the owner, and those that tell its rows apart."""

    model: type[Row]
    owner: Mapping[str, str]
    identity: tuple[str, ...]
    topic: str

    def present(self) -> dict[RowKey, Row]:
        """The rows that are there, by their identity. One query."""
        rows = self._rows().filter(**self.owner)
        return {tuple(getattr(row, column) for column in self.identity): row for row in rows}

    def align(self, present: Mapping[RowKey, Row], wanted: Mapping[RowKey, Columns], gone: Collection[RowKey]) -> bool:
        """Inserts what is new, updates what differs, deletes what is gone; whether there was anything to do."""
        new = [self._row(key, columns) for key, columns in wanted.items() if key not in present]
        compared = ((present[key], columns) for key, columns in wanted.items() if key in present)
        changed = [(row.pk, changes) for row, columns in compared if (changes := differing(row, columns))]
        if not (new or changed or gone):
            return False
        rows = self._rows()
        with transaction.atomic():
            rows.bulk_create(new, batch_size=BATCH, ignore_conflicts=True)
            columns_write(rows.all(), changed)
            for some in in_batches([present[key].pk for key in gone]):
                rows.filter(pk__in=some).delete()
            raise_topics([self.topic])
        return True

    def _rows(self) -> models.QuerySet[Row]:
        return models.QuerySet(self.model)

    def _row(self, key: RowKey, columns: Columns) -> Row:
        return self.model(**self.owner, **dict(zip(self.identity, key, strict=True)), **columns)


def differing(row: models.Model, columns: Columns) -> Columns:
    """Those of the columns that the row has otherwise."""
    return {column: value for column, value in columns.items() if getattr(row, column) != value}


def put(row: models.Model, columns: Columns) -> Columns:
    """Sets the columns on the row, unsaved; returns those that differed."""
    changes = differing(row, columns)
    for column, value in changes.items():
        setattr(row, column, value)
    return changes


def columns_write(rows: models.QuerySet[Row], changes: Iterable[tuple[int, Columns]], *, by: str = "pk") -> None:
    """Updates rows, found by the column `by`: one statement (in batches) for all that change alike."""
    alike: dict[bytes, tuple[Columns, list[int]]] = {}
    for key, columns in changes:
        same = msgspec.json.encode(columns, order="sorted")
        alike.setdefault(same, (columns, []))[1].append(key)
    for columns, keys in alike.values():
        for some in in_batches(keys):
            rows.filter(**{f"{by}__in": some}).update(**columns)


def in_batches(items: Sequence[Item]) -> Iterator[Sequence[Item]]:
    """The items, BATCH at a time."""
    for start in range(0, len(items), BATCH):
        yield items[start : start + BATCH]
