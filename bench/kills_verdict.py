"""What the portal says of its requests, beside what Argo CD received: doubled, lost, or not so."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from apps.actions.states import ACTIVE, State

SUCCEEDED = frozenset({State.SUCCEEDED, State.STILL_OUT_OF_SYNC})
FAILED = frozenset({State.FAILED, State.TERMINATED})
NEVER_BEGUN = frozenset({State.NOT_STARTED, State.REFUSED, State.WITHDRAWN, State.EXPIRED})

Entry = Mapping[str, Any]


@dataclass(frozen=True)
class Row:
    """A request as the portal shows it at the end. `sendings` is how often its audit log says that it was sent."""

    id: str
    state: State
    outcome: str
    was_sent: bool
    sendings: int


@dataclass
class Verdict:
    """The ids of what is wrong, each with why; `states` of all requests."""

    requests: int
    duplicated: dict[str, str] = field(default_factory=dict)
    lost: dict[str, str] = field(default_factory=dict)
    untrue: dict[str, str] = field(default_factory=dict)
    states: Counter[str] = field(default_factory=Counter)

    @property
    def is_good(self) -> bool:
        """Whether nothing is wrong."""
        return not (self.duplicated or self.lost or self.untrue)

    @property
    def line(self) -> str:
        """The last line of the command."""
        wrong = f"{len(self.duplicated)} duplicated, {len(self.lost)} lost, {len(self.untrue)} untrue"
        return f"kills: {self.requests} requests, {wrong}"


def verdict_of(acknowledged: Sequence[str], rows: Iterable[Row], received: Iterable[Entry]) -> Verdict:
    """Compares them. `acknowledged` are the ids of which a person was told that they are written down.

    `received` are the syncs that Argo CD got: request_id, status of its answer (None: it did nothing), outcome (the
    phase in which the operation ended, "" while it runs).
    """
    calls: dict[str, list[Entry]] = defaultdict(list)
    for entry in received:
        calls[str(entry["request_id"])].append(entry)
    shown = {row.id: row for row in rows}
    found = Verdict(requests=len(acknowledged))
    found.states.update(row.state.value for row in shown.values())
    for key in acknowledged:
        if key not in shown:
            found.lost[key] = "there is no row of it"
    for key, row in shown.items():
        _judge(found, row, calls.get(key, []))
    for key in calls.keys() - shown.keys():
        found.untrue[key] = "Argo CD was asked for it, and the portal knows nothing of it"
    return found


def _judge(found: Verdict, row: Row, calls: Sequence[Entry]) -> None:
    if len(calls) > 1 or row.sendings > 1:
        found.duplicated[row.id] = f"{len(calls)} calls, {row.sendings} lines that say so"
    if row.state in ACTIVE:
        found.lost[row.id] = f"it did not end: {row.state.label}"
    elif why := untruth(row, calls):
        found.untrue[row.id] = f"{row.state.label} ({row.outcome}): {why}"


def untruth(row: Row, calls: Sequence[Entry]) -> str:
    """Why what is shown is not so; "" where it is. "Not known" says nothing that could be wrong."""
    begun = [call for call in calls if call["status"] == 200]
    ends = {str(call["outcome"]) for call in begun}
    if calls and not row.was_sent:
        return "it is said not to have been sent, and was received"
    if row.state in SUCCEEDED and ends != {"Succeeded"}:
        return f"its operation ended {ends or 'never, since none began'}"
    if row.state in FAILED and not ends & {"Failed", "Error"}:
        return f"its operation ended {ends or 'never, since none began'}"
    if row.state in NEVER_BEGUN and begun:
        return "its operation began"
    if row.state is State.REFUSED and row.was_sent and not calls:
        return "Argo CD is said to have refused it, and did not get it"
    return ""
