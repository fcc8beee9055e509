"""Lists of upstreams, decoded in two steps: the envelope with its items raw, then each item by itself.

So one item that has another shape than expected costs that item and not its thousands of neighbours.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Annotated, Generic, TypeVar

import msgspec
from msgspec import Raw, Struct

from apps.core.structs import decoded

Count = Annotated[int, msgspec.Meta(ge=-(2**31), le=2**31 - 1)]
"""A whole number that a database's integer holds: JSON may have one of any length."""

T = TypeVar("T")
W = TypeVar("W")


class Unreadable(Struct, frozen=True):
    """An item that could not be read: its place in the list, its name if that much could be told, and why."""

    index: int
    name: str
    reason: str


class Listing(Struct, Generic[T], frozen=True):
    """The items that could be read, and those that could not.

    `warnings` are the upstream's own: where there are any, data may be missing.
    """

    items: tuple[T, ...] = ()
    unreadable: tuple[Unreadable, ...] = ()
    warnings: tuple[str, ...] = ()


class _Metadata(Struct, frozen=True):
    name: str = ""


class _Named(Struct):
    """The places where the upstreams put the name of a thing."""

    name: str = ""
    fingerprint: str = ""
    id: str = ""
    metadata: _Metadata = _Metadata()


def read_items(
    raws: Iterable[Raw] | None, wire: type[W], build: Callable[[W], T], *, warnings: Iterable[str] = ()
) -> Listing[T]:
    """Each item decoded as `wire` and built into a value; None, as Go writes an empty list, is no items."""
    items: list[T] = []
    unreadable: list[Unreadable] = []
    for index, raw in enumerate(raws or ()):
        try:
            items.append(build(decoded(raw, wire)))
        except (ValueError, RecursionError) as error:  # ValidationError among them
            unreadable.append(Unreadable(index, _name_of(raw), str(error)[:300]))
    return Listing(tuple(items), tuple(unreadable), tuple(warnings))


def _name_of(raw: Raw) -> str:
    try:
        named = decoded(raw, _Named)
    except (ValueError, RecursionError):
        return ""
    return named.name or named.metadata.name or named.fingerprint or named.id


def read_time(text: str | None) -> datetime | None:
    """An RFC 3339 moment, aware, in UTC; None where there is none, it cannot be read, or it is Go's zero (year 1).

    A moment in the future is kept: what to make of it is for those who show it.
    """
    try:
        moment = datetime.fromisoformat(text or "")
        moment = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
    return moment if moment.year > 1 else None
