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
    """The verdict that wins, with the reason of at most one more behind it, after " · "; UNKNOWN of none.

    Of several of one tone the first given wins. A verdict of WELL adds no reason to another one.
    """
    ranked = sorted(verdicts, key=lambda verdict: verdict.tone.rank)
    if not ranked:
        return Verdict(Tone.UNKNOWN, NOTHING_KNOWN)
    tone = ranked[0].tone
    told = [verdict.reason for verdict in ranked if verdict.tone is tone or verdict.tone is not Tone.WELL]
    return Verdict(tone, " · ".join(list(dict.fromkeys(filter(None, told)))[:2]))
