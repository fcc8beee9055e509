"""How far a source can be trusted."""

from __future__ import annotations

from dataclasses import dataclass

from apps.core.tones import Tone
from apps.core.verdict import Verdict, strictest_verdict

SKEW_TOLERATED = 60.0
MENDING = {
    "credentials": "give the portal's account a valid token and the rights that portal_check names",
    "tls": "set `ca` in the fleet file to the authority that signed its certificate, or have the certificate renewed",
    "rejected": "run portal_check: the fleet file or the upstream's version does not fit",
    "bad_reply": "check the address in the fleet file: something else may answer there",
    "not_found": "check the address in the fleet file: its path may be wrong",
    "not_installed": "check the address in the fleet file: what is read is not served there",
    "bug": "report it with the portal's log",
}
AT_ONCE = frozenset({"credentials", "bug"})


@dataclass(frozen=True, kw_only=True)
class SourceFacts:
    """A source as it stands: `state` is fresh, stale, down or never; `skew` in seconds; `error` of the last read."""

    state: str
    items: int | None = None
    unreadable: int = 0
    unreadable_reason: str = ""
    skew: float | None = None
    note: str = ""
    warnings: tuple[str, ...] = ()
    error_kind: str = ""
    error: str = ""


def source_verdict(facts: SourceFacts) -> Verdict:
    """Well only when it is fresh, read without an error, whole, and without anything to tell people."""
    match facts.state:
        case "never":
            return Verdict(Tone.UNKNOWN, f"never reached: {mended(facts)}" if facts.error else "not read yet")
        case "down":
            return Verdict(Tone.WARNING, mended(facts) or "down")
        case "stale":
            return Verdict(Tone.UNKNOWN, f"stale: {mended(facts)}" if facts.error else "stale")
        case "fresh":
            return _fresh(facts)
        case _:
            return Verdict(Tone.UNKNOWN, f"state {facts.state!r} is not known to the portal")


def mended(facts: SourceFacts) -> str:
    """The last error, with what would mend it where that is known; "" without an error."""
    mending = MENDING.get(facts.error_kind, "")
    return f"{facts.error} ({mending})" if facts.error and mending else facts.error


def _fresh(facts: SourceFacts) -> Verdict:
    found = [Verdict(Tone.WELL, "fresh"), *(Verdict(Tone.WARNING, warning) for warning in facts.warnings)]
    if facts.error:
        tone = Tone.WARNING if facts.error_kind in AT_ONCE else Tone.BUSY
        found.append(Verdict(tone, f"the last read failed: {mended(facts)}"))
    if facts.note:
        found.append(Verdict(Tone.WARNING, facts.note))
    if facts.unreadable:
        found.append(Verdict(Tone.WARNING, f"{facts.unreadable} unreadable: {facts.unreadable_reason or 'no reason'}"))
    if facts.skew is not None and abs(facts.skew) > SKEW_TOLERATED:
        way = "ahead of" if facts.skew > 0 else "behind"
        found.append(Verdict(Tone.WARNING, f"its clock is {abs(facts.skew):.0f} s {way} ours"))
    return strictest_verdict(found)
