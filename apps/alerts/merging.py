"""One alert over the members of an HA cluster of Alertmanagers: does it fire, in which state, on whose word."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from apps.alerts.models import AlertState
from apps.alerts.telling import Status

BY_WEIGHT = (AlertState.ACTIVE, AlertState.SILENCED, AlertState.INHIBITED, AlertState.MUTED)


@dataclass(frozen=True, slots=True)
class Member:
    """One member now. `doubt` tells why its lacking an alert proves nothing: "has just restarted" and the like.

    One that `is_long_silent` would have been told the alerts again many times since, had they gone on.
    """

    key: str
    name: str
    is_fresh: bool
    is_long_silent: bool = False
    doubt: str = ""


@dataclass(frozen=True, slots=True)
class Merged:
    """An alert that fires. `status` is None where nobody tells it any more and nobody can say that it ended.

    `leader` is the key of the first fresh member that holds it: its texts are shown. `unconfirmed` and `dissent` are
    AlertFacts'.
    """

    status: Status | None
    leader: str = ""
    unconfirmed: str = ""
    dissent: str = ""


def merged(held: Mapping[str, Status], members: Sequence[Member]) -> Merged | None:
    """What the members' words, by their keys, come to; None where it has ended (decision 4).

    It ends when every fresh member lacks it, none of these is in doubt, and no other holds it that was heard of lately.
    """
    holders = [member for member in members if member.key in held]
    fresh = [member for member in holders if member.is_fresh]
    heard_of = [member for member in holders if not member.is_long_silent]
    unconfirmed = "" if fresh else _unconfirmed(heard_of, members)
    if not fresh and not unconfirmed:
        return None
    told = {member.name: held[member.key] for member in fresh or holders}
    status = _together(list(told.values())) if told else None
    dissent = [
        f"{one.other_state or one.state} on {name}"
        for name, one in told.items()
        if status and one.state is not status.state
    ]
    return Merged(status, fresh[0].key if fresh else "", unconfirmed, ", ".join(dissent))


def _unconfirmed(holders: Sequence[Member], members: Sequence[Member]) -> str:
    """Why an alert that no fresh member holds may fire all the same; "" where nothing speaks for it."""
    if holders:
        return f"only {' and '.join(member.name for member in holders)} held it, and has not answered lately"
    return next((f"{member.name} {member.doubt}" for member in members if member.is_fresh and member.doubt), "")


def _together(told: Sequence[Status]) -> Status:
    """The heaviest of the states (active wins), with every cause that any of them names."""
    heaviest = min(told, key=lambda status: (not status.other_state, BY_WEIGHT.index(status.state)))
    return Status(
        state=heaviest.state,
        other_state=heaviest.other_state,
        silenced_by=tuple(sorted({one for status in told for one in status.silenced_by})),
        inhibited_by=tuple(sorted({one for status in told for one in status.inhibited_by})),
        muted_by=tuple(sorted({one for status in told for one in status.muted_by})),
    )
