"""What many ask for at once and costs much is made once, kept for a moment in this process, and given to all."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from threading import Lock
from typing import Generic, TypeVar

T = TypeVar("T")
IsGood = Callable[[T, float], bool]


@dataclass
class Entry(Generic[T]):
    """A value with the moment (monotonic) at which its making began, and the lock that its maker holds."""

    value: T | None = None
    begun_at: float = 0.0
    making: Lock = field(default_factory=Lock)


class Keeper(Generic[T]):
    """Values by key, the `size` last used ones. Safe for threads; of one key one thread at a time makes the value."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._entries: OrderedDict[Hashable, Entry[T]] = OrderedDict()
        self._lock = Lock()

    def get(self, key: Hashable, *, is_good: IsGood[T], is_bearable: IsGood[T], make: Callable[[], T]) -> T:
        """The kept value if it `is_good` (value, seconds since its making began), else a new one.

        While another thread makes a new one, the old one is given as long as it `is_bearable`; else this one waits.
        """
        entry = self._entry(key)
        found = self._value_if(entry, is_good)
        if found is None and entry.making.locked():
            found = self._value_if(entry, is_bearable)
        if found is not None:
            return found
        with entry.making:
            found = self._value_if(entry, is_good)
            if found is not None:
                return found
            begun_at = time.monotonic()
            entry.value, entry.begun_at = make(), begun_at
            return entry.value

    def forget(self) -> None:
        """Keeps nothing any more."""
        with self._lock:
            self._entries.clear()

    def _entry(self, key: Hashable) -> Entry[T]:
        with self._lock:
            entry = self._entries.setdefault(key, Entry())
            self._entries.move_to_end(key)
            while len(self._entries) > self._size:
                self._entries.popitem(last=False)
            return entry

    @staticmethod
    def _value_if(entry: Entry[T], is_right: IsGood[T]) -> T | None:
        value = entry.value
        return value if value is not None and is_right(value, time.monotonic() - entry.begun_at) else None
