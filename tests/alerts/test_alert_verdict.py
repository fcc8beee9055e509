"""What an alert means, and how it is shown where its Alertmanager is doubtful."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from apps.alerts.models import Episode, shown_verdict
from apps.core.tones import Tone
from apps.core.verdict.alert import AlertFacts, alert_verdict
from apps.fleet.overlay import Overlay

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("facts", "tone", "reason"),
    [
        (AlertFacts(state="active", severity="critical"), "critical", "severity critical"),
        (AlertFacts(state="active", severity="CRITICAL "), "critical", "severity critical"),
        (AlertFacts(state="active", severity="warning", is_slo=True), "critical", "SLO alert"),
        (AlertFacts(state="active", severity="high"), "warning", "severity high"),
        (AlertFacts(state="active", severity="warning"), "warning", "severity warning"),
        (AlertFacts(state="active", severity="page"), "warning", "severity 'page' is not known to the portal"),
        (AlertFacts(state="active"), "warning", "no severity given"),
        (AlertFacts(state="active", severity="info"), "held", "informational"),
        (AlertFacts(state="active", severity="none"), "well", "severity none"),
        (AlertFacts(state="active", is_watchdog=True), "well", "watchdog: it fires as it should"),
        (AlertFacts(state="silenced", severity="critical", cause="by remy"), "held", "silenced by remy"),
        (AlertFacts(state="inhibited", is_slo=True), "held", "inhibited"),
        (AlertFacts(state="muted", severity="high", cause="by nights"), "held", "muted by nights"),
        (AlertFacts(state="ended", severity="critical"), "well", "ended"),
    ],
)
def test_an_alerts_own_verdict(facts: AlertFacts, tone: str, reason: str) -> None:
    assert alert_verdict(facts) == (tone, reason)


@pytest.mark.parametrize(
    ("severity", "state", "tone"),
    [
        ("critical", "active", "critical"),
        ("warning", "active", "warning"),
        ("info", "active", "unknown"),
        ("none", "active", "unknown"),
        ("critical", "silenced", "unknown"),
    ],
)
def test_what_is_unconfirmed_keeps_a_loud_tone_and_loses_a_quiet_one(severity: str, state: str, tone: str) -> None:
    verdict = alert_verdict(AlertFacts(state=state, severity=severity, unconfirmed="nobody holds it"))
    assert verdict.tone == tone
    assert verdict.reason.endswith("unconfirmed: nobody holds it")


@pytest.mark.parametrize("state", ["active", "silenced", "inhibited", "muted", "snoozed"])
@pytest.mark.parametrize("severity", ["critical", "high", "warning", "info", "none", "page", ""])
def test_only_a_watchdog_and_severity_none_are_ever_well(severity: str, state: str) -> None:
    """F16."""
    verdict = alert_verdict(AlertFacts(state=state, severity=severity))
    assert (verdict.tone is Tone.WELL) == (severity == "none" and state in {"active", "snoozed"})


def test_the_shown_tone_is_the_same_in_a_query_and_in_python(db: None) -> None:
    overlay = Overlay(now=NOW, doubtful_alertmanagers={"doubtful": "Alertmanager doubtful is down"})
    for group in ("doubtful", "sound"):
        for ended_at in (None, NOW):
            Episode.objects.bulk_create(
                Episode(
                    alertmanager=group, fingerprint=f"{tone}-{ended_at}", began_at=NOW, first_seen_at=NOW,
                    ended_at=ended_at, tone=tone, reason="so it is",
                )
                for tone in Tone
            )  # fmt: skip
    rows = Episode.objects.with_shown_tone(overlay)
    assert len(rows) == 24
    for row in rows:
        assert row.shown_tone == shown_verdict(row, overlay).tone
    shown = {row.tone: row.shown_tone for row in rows.firing().filter(alertmanager="doubtful")}
    assert shown == {
        "critical": "critical", "warning": "warning",
        "unknown": "unknown", "held": "unknown", "busy": "unknown", "well": "unknown",
    }  # fmt: skip


def test_a_doubt_is_told_beside_the_reason() -> None:
    overlay = Overlay(now=NOW, doubtful_alertmanagers={"appsre": "it is down"})
    loud = Episode(alertmanager="appsre", tone="critical", reason="SLO alert")
    quiet = Episode(alertmanager="appsre", tone="held", reason="silenced by remy")
    assert shown_verdict(loud, overlay) == ("critical", "SLO alert · it is down")
    assert shown_verdict(quiet, overlay) == ("unknown", "Not known: it is down · last known: silenced by remy")


def test_episodes_of_an_alertmanager_that_left_the_fleet_file_are_not_current(db: None) -> None:
    """F55."""
    for group in ("gone", "here"):
        Episode.objects.create(alertmanager=group, fingerprint="f", began_at=NOW, first_seen_at=NOW)
    overlay = Overlay(now=NOW, archived_alertmanagers=frozenset({"gone"}))
    assert [episode.alertmanager for episode in Episode.objects.current(overlay)] == ["here"]
