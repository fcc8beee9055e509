"""When a source is well (and nothing else is)."""

from __future__ import annotations

import pytest

from apps.core.tones import Tone
from apps.core.verdict import Verdict, strictest_verdict
from apps.core.verdict.source import SourceFacts, source_verdict


def test_fresh_and_nothing_to_tell_is_well() -> None:
    assert source_verdict(SourceFacts(state="fresh", items=0)) == Verdict(Tone.WELL, "fresh")


@pytest.mark.parametrize(
    ("facts", "tone", "words"),
    [
        ({"state": "never"}, Tone.UNKNOWN, "not read yet"),
        ({"state": "never", "error": "refused"}, Tone.UNKNOWN, "never reached: refused"),
        ({"state": "stale"}, Tone.UNKNOWN, "stale"),
        ({"state": "down", "error": "refused", "error_kind": "unavailable"}, Tone.WARNING, "refused"),
        (
            {"state": "down", "error": "401", "error_kind": "credentials"},
            Tone.WARNING,
            "401 (give the portal's account",
        ),
        ({"state": "down", "error": "expired", "error_kind": "tls"}, Tone.WARNING, "expired (set `ca`"),
        ({"state": "fresh", "unreadable": 2, "unreadable_reason": "x"}, Tone.WARNING, "2 unreadable: x"),
        ({"state": "fresh", "skew": 61.0}, Tone.WARNING, "its clock is 61 s ahead of ours"),
        ({"state": "fresh", "skew": -600.0}, Tone.WARNING, "its clock is 600 s behind ours"),
        ({"state": "fresh", "skew": -59.0}, Tone.WELL, "fresh"),
        ({"state": "fresh", "note": "may have lost its rights"}, Tone.WARNING, "may have lost its rights"),
        ({"state": "fresh", "warnings": ("watchdog missing",)}, Tone.WARNING, "watchdog missing"),
        ({"state": "fresh", "error": "refused"}, Tone.BUSY, "the last read failed: refused"),
        ({"state": "fresh", "error": "401", "error_kind": "credentials"}, Tone.WARNING, "the last read failed: 401"),
        ({"state": "odd"}, Tone.UNKNOWN, "state 'odd' is not known to the portal"),
    ],
)
def test_anything_else_is_not_well(facts: dict[str, object], tone: Tone, words: str) -> None:
    """F7: what would mend refused credentials is said; F24: a clock that is off is told."""
    verdict = source_verdict(SourceFacts(**facts))  # type: ignore[arg-type]
    assert verdict.tone is tone
    assert verdict.reason.startswith(words)


def test_the_strictest_of_several_wins_with_one_more_reason() -> None:
    given = [Verdict(Tone.WELL, "a"), Verdict(Tone.HELD, "b"), Verdict(Tone.WARNING, "c"), Verdict(Tone.UNKNOWN, "d")]
    assert strictest_verdict(given) == Verdict(Tone.WARNING, "c · d")
    assert strictest_verdict(given[:2]) == Verdict(Tone.HELD, "b"), "well adds no reason"
    assert strictest_verdict([Verdict(Tone.WELL, "a"), Verdict(Tone.WELL, "a")]) == Verdict(Tone.WELL, "a")
    assert strictest_verdict([]).tone is Tone.UNKNOWN
