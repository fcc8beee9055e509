"""What is well: pure functions over plain values, one module per thing; nothing else in the portal decides it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from apps.core.tones import Tone

NOTHING_KNOWN = "nothing is known"


class Verdict(NamedTuple):
    """A tone and, in words for people, why."""

    tone: Tone
    reason: str = ""


def strictest_verdict(verdicts: Iterable[Verdict]) -> Verdict:
    """The verdict that wins, with at most one more reason of the same tone behind it; UNKNOWN of none.

    Among verdicts of one tone the first given wins, and reasons are joined by " · ".
    """
    given = list(verdicts)
    if not given:
        return Verdict(Tone.UNKNOWN, NOTHING_KNOWN)
    tone = min(given, key=lambda verdict: verdict.tone.rank).tone
    reasons = dict.fromkeys(verdict.reason for verdict in given if verdict.tone is tone and verdict.reason)
    return Verdict(tone, " · ".join(list(reasons)[:2]))
