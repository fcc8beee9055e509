"""What many ask for at once and costs much is made once, kept for a moment in this process, and given to all."""

from __future__ import annotations

import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Lock
from typing import Generic, TypeVar

from django.conf import settings
from django.db import close_old_connections

log = logging.getLogger(__name__)

REST = 3.0

T = TypeVar("T")
IsGood = Callable[[T, float], bool]
IsBearable = Callable[[T, float, float], bool]


def is_younger(age: float, seconds: float) -> bool:
    """Whether what is kept is younger than that; never where nothing is to be kept (PAGES_KEPT_SECONDS)."""
    return settings.PAGES_KEPT_SECONDS > 0 and age < seconds


@dataclass
class Kept(Generic[T]):
    """A value with the moments (monotonic) at which its making began and at which who asked last found it good."""

    value: T
    begun_at: float
    good_at: float


@dataclass
class Entry(Generic[T]):
    """What is kept, exchanged as one; the lock that who makes it holds; whether the keeper's own thread is about to."""

    kept: Kept[T] | None = None
    making: Lock = field(default_factory=Lock)
    is_awaited: bool = False


class Keeper(Generic[T]):
    """Values by key, the `size` last used ones. Safe for threads; of one key one thread at a time makes the value.

    What is to be made anew while an old value can be borne is made by one thread of the keeper's own, which rests
    three times as long as it works, so that those who ask are never held up by it for long. What waits for that thread
    holds nobody up: who cannot bear the old value any more makes the new one at once.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._entries: OrderedDict[Hashable, Entry[T]] = OrderedDict()
        self._lock = Lock()
        self._renewing = ThreadPoolExecutor(1, thread_name_prefix="keeper")

    def get(self, key: Hashable, *, is_good: IsGood[T], is_bearable: IsBearable[T], make: Callable[[], T]) -> T:
        """The kept value if it `is_good` (value, seconds since its making began); an old one that `is_bearable` (value,
        the same seconds, seconds since it was last found good), while a new one is made; else a new one, which is
        waited for."""
        entry, now = self._entry(key), time.monotonic()
        kept = entry.kept
        if kept is not None and is_good(kept.value, now - kept.begun_at):
            kept.good_at = now
            return kept.value
        if kept is not None and is_bearable(kept.value, now - kept.begun_at, now - kept.good_at):
            self._renew_soon(entry, is_good, make)
            return kept.value
        return self._good_or_made(entry, is_good, make)

    def _good_or_made(self, entry: Entry[T], is_good: IsGood[T], make: Callable[[], T]) -> T:
        """Does not note the value as found good: who asked may have asked long ago, and judges by what was then."""
        with entry.making:
            kept, now = entry.kept, time.monotonic()
            if kept is not None and is_good(kept.value, now - kept.begun_at):
                return kept.value
            value = make()
            entry.kept = Kept(value, now, now)
            return value

    def _renew_soon(self, entry: Entry[T], is_good: IsGood[T], make: Callable[[], T]) -> None:
        with self._lock:
            if entry.is_awaited:
                return
            entry.is_awaited = True
        self._renewing.submit(self._renew, entry, is_good, make)

    def _renew(self, entry: Entry[T], is_good: IsGood[T], make: Callable[[], T]) -> None:
        """Makes the value for those who come later, if nobody has meanwhile."""
        began = time.monotonic()
        try:
            self._good_or_made(entry, is_good, make)
        except Exception:  # nobody waits for it: who asks once the old value cannot be borne any more meets it again
            log.exception("what is kept could not be made anew")
        finally:
            entry.is_awaited = False
            close_old_connections()
        time.sleep(REST * (time.monotonic() - began))

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
