"""What trying a source gave."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from apps.core.errors import UpstreamError
from apps.integrations.http import plain_line
from apps.integrations.upstream import UpstreamClient
from apps.sources.catalog import SourceSpec

T = TypeVar("T")
NOTABLE_SKEW = 5.0
UNVERIFIED = "WARNING: its certificate is NOT verified, anybody in between can read our token"


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong, and what would mend it; both in plain words."""

    what: str
    mend: str

    def __str__(self) -> str:
        return f"{self.what} — to mend it: {self.mend}"


@dataclass(frozen=True, slots=True)
class SourceCheck:
    """One source, tried: what was `seen` of it, its `faults`, and `notes` that are no fault but worth knowing.

    `latency` in seconds is that of the slowest call and `skew` by how many seconds its clock is ahead of ours; both
    None where nothing answered.
    """

    spec: SourceSpec
    seen: tuple[str, ...]
    faults: tuple[Fault, ...]
    notes: tuple[str, ...]
    latency: float | None
    skew: float | None

    @property
    def is_ok(self) -> bool:
        """Whether the portal gets from it all that it needs."""
        return not self.faults

    def line(self) -> str:
        """All of it on one line."""
        clock = f"clock {self.skew:+.0f} s" if self.skew is not None and abs(self.skew) >= NOTABLE_SKEW else ""
        took = f"{self.latency:.2f} s" if self.latency is not None else ""
        told = [*map(str, self.faults), *self.seen, took, clock, *self.notes]
        return f"{'ok  ' if self.is_ok else 'FAIL'}  {self.spec.key}: {'; '.join(part for part in told if part)}"

    def as_data(self) -> dict[str, object]:
        """The same for machines."""
        return {
            "key": self.spec.key,
            "kind": self.spec.kind.value,
            "title": self.spec.title,
            "address": self.spec.address,
            "ok": self.is_ok,
            "seen": list(self.seen),
            "faults": [{"what": fault.what, "mend": fault.mend} for fault in self.faults],
            "notes": list(self.notes),
            "latency": self.latency,
            "skew": self.skew,
        }


class Findings:
    """What is being found out about a source by calls of its client; `mend` says what would mend an error."""

    def __init__(self, client: UpstreamClient, mend: Callable[[UpstreamError], str]) -> None:
        self.mend = mend
        self.seen: list[str] = []
        self.faults: list[Fault] = []
        self.notes: list[str] = []
        self._client = client
        self._latency: float | None = None
        self._skew: float | None = None

    def attempt(self, what: str, call: Callable[[], T]) -> T | None:
        """What a call gives; None and a fault when it fails. `what` names what was asked for, "" where it is plain."""
        try:
            return self.timed(call)
        except UpstreamError as error:
            self.failed(what, error)
            return None

    def timed(self, call: Callable[[], T]) -> T:
        """What a call gives, with what it cost taken down; raises UpstreamError."""
        try:
            return call()
        finally:
            facts = self._client.last
            if facts is not None:
                self._latency = max(self._latency or 0.0, facts.latency)
                self._skew = facts.skew if facts.skew is not None else self._skew

    def failed(self, what: str, error: UpstreamError) -> None:
        """Take an error down as a fault."""
        self.faults.append(Fault(f"{what}: {error.message}" if what else error.message, self.mend(error)))

    def result(self, spec: SourceSpec) -> SourceCheck:
        """What was found out, for good; an upstream's words among it cannot write to a terminal what they like."""
        unverified = [] if self._client.http.endpoint.verify else [UNVERIFIED]
        return SourceCheck(
            spec,
            tuple(plain_line(seen) for seen in self.seen),
            tuple(Fault(plain_line(fault.what), fault.mend) for fault in self.faults),
            tuple(plain_line(note) for note in [*unverified, *self.notes]),
            self._latency,
            self._skew,
        )
