"""A value that is fetched when it is wanted and kept for a while, for all threads of a process."""

from __future__ import annotations

import threading
from collections.abc import Callable
from time import monotonic
from typing import Final, Generic, TypeVar

from apps.integrations.oidc.errors import ProviderAway

T = TypeVar("T")

LIFE: Final = 3600.0
OLDEST: Final = 24 * LIFE
PAUSE: Final = 3.0
"""For so many seconds after a failure nobody waits for the next one."""
OFTENEST: Final = 30.0


class Kept(Generic[T]):
    """One fetch is under way at a time; those who come meanwhile get what it brought. Times are seconds."""

    def __init__(self, fetch: Callable[[], T]) -> None:
        self._fetch = fetch
        self._lock = threading.Lock()
        self._value: T | None = None
        self._fetched_at = 0.0
        self._out_of_turn_at = -OFTENEST
        self._failed_at = 0.0
        self._failure: ProviderAway | None = None

    def value(self, *, at_most: float = LIFE) -> T:
        """The value, not older than `at_most`. Raises ProviderAway, at once where it was so a moment ago.

        Nobody waits for a fetch that is under way where the value that is there will do.
        """
        if (kept := self._good(at_most)) is not None:
            return kept
        with self._lock:
            kept = self._good(at_most)
            return self._fetched_or_older(at_most) if kept is None else kept

    def newer(self) -> T:
        """The value, fetched out of turn, but not more often than every 30 s. Raises ProviderAway."""
        with self._lock:
            if self._value is not None and monotonic() - self._out_of_turn_at < OFTENEST:
                return self._value
            value = self._fetched()
            self._out_of_turn_at = monotonic()
            return value

    def _good(self, at_most: float) -> T | None:
        return self._value if monotonic() - self._fetched_at < at_most else None

    def _fetched_or_older(self, at_most: float) -> T:
        """While the provider is away, what it told before holds on for a day, unless it must be of just now."""
        try:
            return self._fetched()
        except ProviderAway:
            if at_most < LIFE or (older := self._good(OLDEST)) is None:
                raise
            return older

    def _fetched(self) -> T:
        if self._failure is not None and monotonic() - self._failed_at < PAUSE:
            raise ProviderAway(self._failure.source, self._failure.message)
        try:
            value = self._fetch()
        except ProviderAway as error:
            self._failure, self._failed_at = error, monotonic()
            raise
        self._fetched_at, self._failure = monotonic(), None
        self._value = value
        return value
