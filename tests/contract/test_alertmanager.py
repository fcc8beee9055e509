"""What the portal relies on of an Alertmanager (0.22 and later), its own or behind Observatorium, reading only."""

from __future__ import annotations

import re

import pytest

from apps.core.errors import UpstreamNotInstalled
from apps.integrations.alertmanager import AlertmanagerClient
from tests.contract.calls import everything_is_readable, facts_are_told


def test_the_alerts_are_readable_to_the_last_one(alertmanager: AlertmanagerClient) -> None:
    listing = alertmanager.alerts()
    everything_is_readable(alertmanager, listing)
    facts_are_told(alertmanager)
    fingerprints = [alert.fingerprint for alert in listing.items]
    assert len(fingerprints) == len(set(fingerprints)), "a fingerprint is an alert's identity"
    assert all(alert.fingerprint and alert.labels and alert.starts_at for alert in listing.items)


def test_every_state_of_an_alert_is_known_and_has_its_cause(alertmanager: AlertmanagerClient) -> None:
    for alert in alertmanager.alerts().items:
        assert alert.state in {"active", "suppressed", "unprocessed"}
        if alert.state == "active":
            assert (alert.silenced_by, alert.inhibited_by) == ((), ()), alert.labels
        if alert.silenced_by or alert.inhibited_by:
            assert alert.state == "suppressed", alert.labels


def test_its_groups_hold_alerts_that_it_tells_and_nothing_else(own_alertmanager: AlertmanagerClient) -> None:
    before = own_alertmanager.alerts().items
    groups = own_alertmanager.groups()
    after = own_alertmanager.alerts().items
    everything_is_readable(own_alertmanager, groups)
    told = {alert.fingerprint for alert in (*before, *after)}
    for group in groups.items:
        assert group.receiver
        assert set(group.fingerprints) <= told, group.labels
        assert group.muted_by.keys() <= set(group.fingerprints)


def test_the_labels_of_a_group_are_those_of_its_alerts(own_alertmanager: AlertmanagerClient) -> None:
    groups = own_alertmanager.groups().items
    labels = {alert.fingerprint: alert.labels for alert in own_alertmanager.alerts().items}
    for group in groups:
        for fingerprint in group.fingerprints:
            assert group.labels.items() <= labels.get(fingerprint, group.labels).items()


def test_an_alert_is_silenced_by_silences_that_it_tells(own_alertmanager: AlertmanagerClient) -> None:
    before = own_alertmanager.silences().items
    alerts = own_alertmanager.alerts().items
    after = own_alertmanager.silences().items
    known = {silence.id for silence in (*before, *after)}
    assert {silence for alert in alerts for silence in alert.silenced_by} <= known


def test_an_alert_is_inhibited_by_alerts_that_it_tells(own_alertmanager: AlertmanagerClient) -> None:
    before = own_alertmanager.alerts().items
    after = own_alertmanager.alerts().items
    known = {alert.fingerprint for alert in (*before, *after)}
    lasting = [alert for alert in before if alert in after]
    assert {cause for alert in lasting for cause in alert.inhibited_by} <= known


def test_its_silences_are_readable_with_their_matchers(alertmanager: AlertmanagerClient) -> None:
    listing = alertmanager.silences()
    everything_is_readable(alertmanager, listing)
    ids = [silence.id for silence in listing.items]
    assert len(ids) == len(set(ids))
    for silence in listing.items:
        assert silence.state in {"active", "pending", "expired"}
        assert silence.starts_at, silence.id
        assert silence.ends_at, silence.id
        assert silence.matchers, silence.id
        assert all(matcher.name for matcher in silence.matchers)


def test_it_tells_how_it_stands(own_alertmanager: AlertmanagerClient) -> None:
    status = own_alertmanager.status()
    facts_are_told(own_alertmanager)
    assert status.cluster_status in {"ready", "settling", "disabled"}
    assert status.started_at is not None
    assert re.match(r"\d+\.\d+|$", status.version), "a build of one's own may tell an empty version"


def test_behind_observatorium_groups_and_status_are_not_even_asked_for(hidden_alertmanager: AlertmanagerClient) -> None:
    hidden_alertmanager.alerts()
    facts = hidden_alertmanager.last
    with pytest.raises(UpstreamNotInstalled, match="groups"):
        hidden_alertmanager.groups()
    with pytest.raises(UpstreamNotInstalled, match="status"):
        hidden_alertmanager.status()
    assert hidden_alertmanager.last is facts, "a refusal without a call leaves the last call's facts alone"
