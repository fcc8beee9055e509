"""Items of upstreams with one hostile value at each place in turn."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

Place = tuple[str | int, ...]

RECORDINGS = Path(__file__).parents[1] / "recordings"
LONG = "\x00\u202e<img src=x onerror=alert(1)>{{7*7}}" + "\U0001f525é" * 6_000
TEXTS: tuple[Any, ...] = (
    LONG,
    "lone \ud800 surrogate",
    "",
    "9999-12-31T23:59:59.999999-23:59",
    "0001-01-01T00:00:00+23:59",
    None,
    [],
    7,
)
NUMBERS: tuple[Any, ...] = (2**63, -(2**63), 1e308, None, "seven")
MOST_PLACES = 60


def recorded(name: str) -> Any:
    """The JSON that a real server answered."""
    return json.loads((RECORDINGS / f"{name}.json").read_text())["response"]["json"]


def spoilt(item: Any) -> list[Any]:
    """The item once for each hostile value at each of its places."""
    return [with_value(item, place, value) for place in places_of(item) for value in hostile_values(item, place)]


def places_of(value: Any, above: Place = ()) -> list[Place]:
    """Where it holds a text, a number, a truth value or null; of a list only in its first element."""
    return list(_places(value, above))[:MOST_PLACES]


def _places(value: Any, above: Place) -> Iterator[Place]:
    if isinstance(value, dict):
        for name, part in value.items():
            yield from _places(part, (*above, name))
    elif isinstance(value, list):
        for part in value[:1]:
            yield from _places(part, (*above, 0))
    else:
        yield above


def hostile_values(item: Any, place: Place) -> tuple[Any, ...]:
    """What may not be expected there."""
    value = item
    for step in place:
        value = value[step]
    return TEXTS if value is None or isinstance(value, str) else NUMBERS


def with_value(item: Any, place: Place, value: Any) -> Any:
    """A copy of the item with this value at the place."""
    changed = copy.deepcopy(item)
    parent = changed
    for step in place[:-1]:
        parent = parent[step]
    parent[place[-1]] = value
    return changed


def numbered(items: list[Any], place: Place, pattern: str = "{}") -> list[Any]:
    """The items, each with a name of its own at the place, unless something hostile stands there."""
    usual = items[-1]
    for step in place:
        usual = usual[step]
    for number, item in enumerate(items):
        parent = item
        for step in place[:-1]:
            parent = parent[step]
        if parent[place[-1]] == usual:
            parent[place[-1]] = pattern.format(number)
    return items
