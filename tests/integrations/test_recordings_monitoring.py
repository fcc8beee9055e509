"""Each recorded answer of Alertmanager, Prometheus and the Observatorium gateway through the real clients."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

import pytest

from apps.core.errors import (
    UpstreamDenied,
    UpstreamError,
    UpstreamNotFound,
    UpstreamNotInstalled,
    UpstreamRejected,
    UpstreamUnverified,
)
from apps.integrations.alertmanager import AlertmanagerClient
from apps.integrations.http import Endpoint
from apps.integrations.prometheus import PrometheusClient
from tests.integrations.conftest import Serve
from tests.integrations.recordings import Recording, names_in

Client = AlertmanagerClient | PrometheusClient
Read = Callable[[Any, Recording], Any]
AM_FOLDERS = ("alertmanager/0.25", "alertmanager/0.28")
GATEWAY = "observatorium/main-2026-07"
PROMETHEUS = "prometheus/2.42"


def states(things: Iterable[Any]) -> Counter[str]:
    return Counter(thing.state for thing in things)


def alerts(client: AlertmanagerClient, recording: Recording) -> Any:
    found = client.alerts()
    assert not found.unreadable
    assert all(a.starts_at and a.fingerprint and a.labels["alertname"] for a in found.items)
    counts = (sum(bool(a.silenced_by) for a in found.items), sum(bool(a.inhibited_by) for a in found.items))
    return states(found.items), counts


def groups(client: AlertmanagerClient, recording: Recording) -> Any:
    found = client.groups().items
    return len(found), sum(len(g.fingerprints) for g in found), sorted({g.receiver for g in found})


def silences(client: AlertmanagerClient, recording: Recording) -> Any:
    found = client.silences()
    assert not found.unreadable
    return states(found.items)


def first_silence(client: AlertmanagerClient, recording: Recording) -> Any:
    silence = client.silences().items[0]
    return [m.name for m in silence.matchers], silence.created_by, silence.comment


def am_status(client: AlertmanagerClient, recording: Recording) -> Any:
    found = client.status()
    assert found.started_at is not None
    return found.version, found.cluster_status, found.peers


def keys(client: Client, recording: Recording) -> Any:
    return sorted(recording.repeated(client.http).decode(dict[str, Any]))


def count(client: Client, recording: Recording) -> int:
    return len(recording.repeated(client.http).decode(list[Any]))


def text(client: Client, recording: Recording) -> str:
    return recording.repeated(client.http).body.decode()


def rules(client: PrometheusClient, recording: Recording) -> Any:
    found = client.rules()
    assert not found.unreadable
    assert {rule.health for rule in found.items} <= {"ok", "unknown"}
    return states(found.items)


def samples(client: PrometheusClient, recording: Recording) -> Any:
    found = client.query(recording.query["query"])
    assert not found.warnings
    assert not found.unreadable
    return [sample.value for sample in found.samples]


def points(client: PrometheusClient, recording: Recording) -> Any:
    asked = recording.query
    start, end = (datetime.fromtimestamp(float(asked[name]), UTC) for name in ("start", "end"))
    found = client.query_range(asked["query"], start, end, float(asked["step"]))
    return len(found.series), {len(series.points) for series in found.series}, found.series[0].points[0][0] == start


AM_VALUES: dict[str, tuple[Read, Any]] = {
    "alerts": (alerts, ({"active": 30, "suppressed": 6}, (1, 5))),
    "alerts_filter": (count, 1),
    "alerts_filter_bad": (count, 0),
    "alerts_groups": (groups, (36, 36, ["default", "pagerduty-slo"])),
    "ready": (text, "OK"),
    "receivers": (count, 3),
    "silence": (lambda c, r: keys(c, r)[:3], ["comment", "createdBy", "endsAt"]),
    "silence_created": (keys, ["silenceID"]),
    "silence_expired": (text, ""),
    "silence_expired_again": (text, ""),
    "silence_no_comment": (keys, ["silenceID"]),
    "silence_replaced": (keys, ["silenceID"]),
    "silence_updated_in_place": (keys, ["silenceID"]),
    "silences": (silences, {"active": 1, "pending": 1}),
    "silences_after": (silences, {"active": 2, "expired": 2}),
}
AM_OWN_VALUES: dict[str, tuple[Read, Any]] = {
    "alertmanager/0.25/status": (am_status, ("0.25.0", "disabled", 0)),
    "alertmanager/0.28/status": (am_status, ("", "disabled", 0)),
    "alertmanager/0.25/v1_gone": (keys, ["data", "status"]),
}
PROMETHEUS_VALUES: dict[str, tuple[Read, Any]] = {
    "alertmanagers": (keys, ["data", "status"]),
    "alerts": (lambda c, r: states(c.alerts().items), {"firing": 10}),
    "buildinfo": (lambda c, r: c.build_version(), "2.42.0+ds"),
    "query_empty": (samples, []),
    "query_nan": (lambda c, r: math.isnan(samples(c, r)[0]), True),
    "query_range": (points, (1, {5}, True)),
    "query_scalar": (samples, [1.0]),
    "query_type_error": (samples, [2.0]),
    "query_vector": (lambda c, r: Counter(samples(c, r)), {1.0: 40}),
    "ready": (text, "Prometheus Server is Ready.\n"),
    "rules": (rules, {"inactive": 123, "firing": 1}),
    "targets": (keys, ["data", "status"]),
}
GATEWAY_VALUES: dict[str, tuple[Read, Any]] = {
    "alerts": (alerts, ({"active": 11, "suppressed": 1}, (0, 1))),
    "alerts_filter": (count, 4),
    "alerts_silenced": (alerts, ({"suppressed": 12}, (12, 1))),
    "labels": (keys, ["data", "status"]),
    "query": (lambda c, r: Counter(samples(c, r)), {1.0: 40}),
    "query_range": (points, (40, {3}, True)),
    "rules": (rules, {"inactive": 123, "pending": 1}),
    "rules_alerting_only": (rules, {"inactive": 123, "pending": 1}),
    "silence": (lambda c, r: keys(c, r)[:2], ["comment", "createdBy"]),
    "silence_broad": (keys, ["silenceID"]),
    "silence_created": (keys, ["silenceID"]),
    "silence_deleted": (text, ""),
    "silences": (first_silence, (["tenant_id", "alertname"], "remy", "recording")),
    "silences_empty": (silences, {}),
    "through_ui_route_buildinfo": (keys, ["data", "status"]),
    "through_ui_route_prometheus_alerts": (keys, ["data", "status"]),
    "through_ui_route_ready": (text, "Prometheus Server is Ready.\n"),
}
VALUES: dict[str, tuple[Read, Any]] = {
    **{f"{folder}/{name}": value for folder in AM_FOLDERS for name, value in AM_VALUES.items()},
    **AM_OWN_VALUES,
    **{f"{PROMETHEUS}/{name}": value for name, value in PROMETHEUS_VALUES.items()},
    **{f"{GATEWAY}/{name}": value for name, value in GATEWAY_VALUES.items()},
}

Refusal = tuple[type[UpstreamError], str]
AM_REFUSALS: dict[str, Refusal] = {
    "silence_bad_id": (UpstreamRejected, "(422): silenceID in path must be of type uuid"),
    "silence_bad_regex": (UpstreamRejected, "missing closing )"),
    "silence_end_in_past": (UpstreamRejected, "Failed to create silence: end time can't be in the past"),
    "silence_expire_unknown": (UpstreamNotFound, "has no such object"),
    "silence_matches_empty": (UpstreamRejected, "at least one matcher must not match the empty string"),
    "silence_not_found": (UpstreamNotFound, "has no such object"),
    "unknown_route": (UpstreamNotInstalled, "path /api/v2/nope was not found"),
}
PROMETHEUS_REFUSALS: dict[str, Refusal] = {
    "query_bad": (UpstreamRejected, "parse error: unclosed left parenthesis"),
    "query_range_too_many": (UpstreamRejected, "exceeded maximum resolution of 11,000 points"),
}
GATEWAY_REFUSALS: dict[str, Refusal] = {
    "bad_token": (UpstreamUnverified, "failed to verify ID token"),
    "no_token": (UpstreamDenied, "failed to find token"),
    "not_exposed_alert_groups": (UpstreamNotInstalled, "404 page not found"),
    "not_exposed_am_receivers": (UpstreamNotInstalled, "404 page not found"),
    "not_exposed_am_status": (UpstreamNotInstalled, "404 page not found"),
    "query_bad": (UpstreamRejected, "parse error: unclosed left parenthesis"),
    "rules_raw": (UpstreamNotFound, "no rules found"),
    "silence_delete_unknown": (UpstreamNotFound, "has no such object"),
    "silence_of_another_tenant_delete": (UpstreamDenied, "forbidden"),
    "silence_of_another_tenant_get": (UpstreamDenied, "forbidden"),
    "silence_other_tenant_matcher": (UpstreamRejected, "need at least one matcher"),
    "silence_update_refused": (UpstreamRejected, "(422): updates to silence by ID not allowed"),
    "silence_without_matchers": (UpstreamRejected, "need at least one matcher"),
    "tenant_not_allowed": (UpstreamDenied, "You don't have permission to access this tenant"),
    "tenant_unknown": (UpstreamUnverified, "tenant not found"),
}
REFUSALS: dict[str, Refusal] = {
    **{f"{folder}/{name}": refusal for folder in AM_FOLDERS for name, refusal in AM_REFUSALS.items()},
    "alertmanager/0.28/v1_gone": (UpstreamNotInstalled, "v1 API was deprecated"),
    **{f"{PROMETHEUS}/{name}": refusal for name, refusal in PROMETHEUS_REFUSALS.items()},
    **{f"{GATEWAY}/{name}": refusal for name, refusal in GATEWAY_REFUSALS.items()},
}


def client_of(recording: Recording, url: str) -> Client:
    endpoint = Endpoint(source="monitoring/one", url=url)
    if recording.name.startswith("observatorium/"):
        kind = AlertmanagerClient if "am" in recording.segments else PrometheusClient
        return kind(endpoint, observatorium=True, tenant=recording.segments[3])
    return AlertmanagerClient(endpoint) if recording.name.startswith("alertmanager/") else PrometheusClient(endpoint)


@pytest.mark.parametrize("name", sorted(VALUES))
def test_it_reads_what_monitoring_told(name: str, serve: Serve) -> None:
    recording = Recording(name)
    server = serve(recording.script())
    read, expected = VALUES[name]
    with client_of(recording, server.url) as client:
        assert read(client, recording) == expected
    assert {asked.path for asked in server.asked} == {recording.path}


@pytest.mark.parametrize("name", sorted(REFUSALS))
def test_it_names_each_refusal_of_monitoring(name: str, serve: Serve) -> None:
    recording = Recording(name)
    kind, words = REFUSALS[name]
    with client_of(recording, serve(recording.script()).url) as client, pytest.raises(UpstreamError) as caught:
        recording.repeated(client.http)
    assert type(caught.value) is kind
    assert words in caught.value.message


@pytest.mark.parametrize("folder", [*AM_FOLDERS, PROMETHEUS, GATEWAY])
def test_every_recording_of_monitoring_is_read(folder: str) -> None:
    told = [name.rpartition("/")[2] for name in (*VALUES, *REFUSALS) if name.startswith(f"{folder}/")]
    assert sorted(told) == names_in(folder)


def test_what_observatorium_does_not_expose_is_refused_without_a_call(serve: Serve) -> None:
    server = serve(Recording(f"{GATEWAY}/alerts").script())
    endpoint = Endpoint(source="rhobs", url=f"{server.url}/api/metrics/v1/rhtap")
    alertmanager = AlertmanagerClient(endpoint, observatorium=True)
    prometheus = PrometheusClient(endpoint, observatorium=True)
    for ask in (alertmanager.groups, alertmanager.status, prometheus.alerts, prometheus.build_version):
        with pytest.raises(UpstreamNotInstalled, match="Observatorium does not expose"):
            ask()
    assert not server.asked
    assert len(alertmanager.alerts().items) == 12
    assert server.asked[0].path == "/api/metrics/v1/rhtap/am/api/v2/alerts"
    alertmanager.close()
