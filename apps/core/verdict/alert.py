"""What an alert means for the one on call, by its own labels and state alone."""

from __future__ import annotations

from dataclasses import dataclass

from apps.core.tones import Tone
from apps.core.verdict import Verdict

BY_SEVERITY = {
    "critical": Verdict(Tone.CRITICAL, "severity critical"),
    "high": Verdict(Tone.WARNING, "severity high"),
    "warning": Verdict(Tone.WARNING, "severity warning"),
    "info": Verdict(Tone.HELD, "informational"),
    "none": Verdict(Tone.WELL, "severity none"),
    "": Verdict(Tone.WARNING, "no severity given"),
}
QUIET_STATES = frozenset({"silenced", "inhibited", "muted"})


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertFacts:
    """What is known of one alert.

    `state` is active, silenced, inhibited, muted or ended; `other_state` a word that the portal does not know, as the
    upstream said it. `cause` tells who or what quiets it ("by remy"), `dissent` what another member says of it
    ("silenced on alertmanager-1"), `unconfirmed` why nobody fresh vouches for it, "" where somebody does.
    """

    state: str
    severity: str = ""
    is_slo: bool = False
    is_watchdog: bool = False
    other_state: str = ""
    cause: str = ""
    dissent: str = ""
    unconfirmed: str = ""


def alert_verdict(facts: AlertFacts) -> Verdict:
    """The alert's own verdict; the state of its Alertmanager is laid over it when shown."""
    if facts.state == "ended":
        return Verdict(Tone.WELL, "ended")
    verdict = _by_state(facts)
    tone, remarks = verdict.tone, [verdict.reason]
    if facts.other_state:
        tone, remarks = _not_known(tone), [*remarks, f"state '{facts.other_state}' is not known to the portal"]
    if facts.unconfirmed:
        tone, remarks = _not_known(tone), [*remarks, f"unconfirmed: {facts.unconfirmed}"]
    if facts.dissent:
        remarks.append(facts.dissent)
    return Verdict(tone, " · ".join(remarks))


def _by_state(facts: AlertFacts) -> Verdict:
    """The verdict where everything about the alert is known and confirmed."""
    if facts.is_watchdog:
        return Verdict(Tone.WELL, "watchdog: it fires as it should")
    if facts.state in QUIET_STATES:
        return Verdict(Tone.HELD, f"{facts.state} {facts.cause}".rstrip())
    if facts.is_slo:
        return Verdict(Tone.CRITICAL, "SLO alert")
    unknown = Verdict(Tone.WARNING, f"severity '{facts.severity}' is not known to the portal")
    return BY_SEVERITY.get(facts.severity.strip().lower(), unknown)


def _not_known(tone: Tone) -> Tone:
    """`tone` where its evidence is doubtful: what needs somebody stays, everything quieter is unknown."""
    return tone if tone.needs_somebody else Tone.UNKNOWN
