"""Places in what is drawn of a runbook that are filled at each use: values, ticks, copy buttons.

A place is marked by a word that nobody can guess, so that no runbook can make one up. It stands in text only, never in
an attribute.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass

NONCE = f"slot{secrets.token_hex(12)}"
MARK = re.compile(rf"{NONCE}-(\d{{1,6}})-")


@dataclass(frozen=True)
class Placeholder:
    """A name in a command for which a value may be known; `written` is what stands there.

    `is_label` where it names a label exactly (`{{ $labels.x }}`).
    """

    name: str
    written: str
    is_label: bool = False


@dataclass(frozen=True)
class Step:
    """A step that can be ticked off. `key` stays while its text does; `ordinal` counts from 1; `text` begins it."""

    key: str
    ordinal: int
    text: str


@dataclass(frozen=True)
class CopyButton:
    """Where the button stands that copies the code before it."""


Slot = Placeholder | Step | CopyButton


class Slots:
    """Those of one runbook while it is drawn."""

    def __init__(self) -> None:
        self.kept: list[Slot] = []

    def mark(self, slot: Slot) -> str:
        """The word that stands for it in the text."""
        self.kept.append(slot)
        return f"{NONCE}-{len(self.kept) - 1}-"


def parts_of(html: str, slots: Slots) -> tuple[str | Slot, ...]:
    """The markup between the places, and the places, in order."""
    told = MARK.split(html)
    return tuple(slots.kept[int(part)] if at % 2 else part for at, part in enumerate(told))


def joined(parts: tuple[str | Slot, ...], fill: Callable[[Slot], str]) -> str:
    """All of it as one text."""
    return "".join(part if isinstance(part, str) else fill(part) for part in parts)
