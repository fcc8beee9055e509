"""Rows of lists as markup: drawn once for what they show, and kept, since of a long list few change at a time."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime
from hashlib import blake2b
from threading import Lock
from typing import Any, Protocol

from django.db.models import Model

MOST_KEPT = 1500
"""Of some 2 kB each."""


class Drawable(Protocol):
    """A row that can tell what its markup depends on."""

    def shows(self, now: datetime) -> object | None:
        """Something whose `repr` differs wherever the markup at that moment would; None: it cannot be told."""


class Drawings:
    """Markup by what it shows, the `size` last used. Safe for threads."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._kept: OrderedDict[bytes, str] = OrderedDict()
        self._lock = Lock()

    def get(self, shown: object, draw: Callable[[], str]) -> str:
        """The markup of what is shown, drawn if it is not kept."""
        key = blake2b(repr(shown).encode("utf-8", "surrogatepass"), digest_size=16).digest()
        with self._lock:
            found = self._kept.get(key)
            if found is not None:
                self._kept.move_to_end(key)
                return found
        text = draw()
        with self._lock:
            self._kept[key] = text
            while len(self._kept) > self._size:
                self._kept.popitem(last=False)
        return text

    def forget(self) -> None:
        """Keeps nothing any more."""
        with self._lock:
            self._kept.clear()


DRAWINGS = Drawings(MOST_KEPT)


def columns_of(row: Model) -> dict[str, Any]:
    """The columns of a row that were read, by name."""
    return {name: value for name, value in vars(row).items() if not name.startswith("_")}
