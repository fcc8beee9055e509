"""The shape of JSON documents: which keys they have, and of which types their values are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

# Maps whose keys are data, not structure.
FREE_MAPS = frozenset(
    {
        "labels",
        "annotations",
        "metric",
        "matchLabels",
        "values",
        "capacity",
        "allocatable",
        "memoryUsagePerNodeRole",
        "memoryUsagePercentPerNodeRole",
        "discoveredLabels",
    }
)


@dataclass
class Shape:
    """The types that a value has had, and the shapes of what is inside it."""

    types: set[str] = field(default_factory=set)
    keys: dict[str, Shape] = field(default_factory=dict)
    inside: Shape | None = None

    def learn(self, value: Any, *, is_free: bool = False) -> None:
        """Take in one more example."""
        self.types.add(type_of(value))
        if isinstance(value, dict):
            for key, each in value.items():
                self._part(key, is_free=is_free).learn(each, is_free=key in FREE_MAPS)
        elif isinstance(value, list):
            for each in value:
                self._inside().learn(each)

    def strangers(self, value: Any, path: str = "", *, is_free: bool = False) -> Iterator[str]:
        """What a value has that no example had, each as its path and what is strange about it."""
        if type_of(value) not in self.types:
            yield f"{path or '.'}: {type_of(value)} where the recordings have {', '.join(sorted(self.types))}"
        elif isinstance(value, dict):
            for key, each in value.items():
                part = self.inside if is_free else self.keys.get(key)
                if part is None:
                    yield f"{path}.{key}: a key that no recording has"
                else:
                    yield from part.strangers(each, f"{path}.{key}", is_free=key in FREE_MAPS)
        elif isinstance(value, list) and value:
            for each in value:
                yield from self._inside().strangers(each, f"{path}[]")

    def _part(self, key: str, *, is_free: bool) -> Shape:
        return self._inside() if is_free else self.keys.setdefault(key, Shape())

    def _inside(self) -> Shape:
        if self.inside is None:
            self.inside = Shape()
        return self.inside


def type_of(value: Any) -> str:
    """The JSON type of a value."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    for kind, name in (((int, float), "number"), (str, "string"), (list, "array")):
        if isinstance(value, kind):  # type: ignore[arg-type]
            return name
    return "object"
