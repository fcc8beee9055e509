"""Whom an Observatorium gateway lets in, reading only."""

from __future__ import annotations

import pytest

from apps.core.errors import UpstreamDenied, UpstreamNotInstalled
from apps.integrations.alertmanager import AlertmanagerClient
from apps.integrations.prometheus import PrometheusClient
from tests.contract.calls import NOBODYS_TOKEN, stranger
from tests.contract.fleets import Gateway

NOBODYS_TENANT = "no-such-tenant-anywhere"
TOKENS = pytest.mark.parametrize("token", ["", NOBODYS_TOKEN], ids=["no-token", "wrong-token"])


@TOKENS
def test_metrics_are_denied_to_strangers(gateway: Gateway, token: str) -> None:
    endpoint = stranger(gateway.metrics, token)
    with (
        PrometheusClient(endpoint, observatorium=True, tenant=gateway.tenant) as nobody,
        pytest.raises(UpstreamDenied),
    ):
        nobody.query("vector(1)")


@TOKENS
def test_alerts_are_denied_to_strangers(gateway: Gateway, token: str) -> None:
    endpoint = stranger(gateway.alerts, token)
    with (
        AlertmanagerClient(endpoint, observatorium=True, tenant=gateway.tenant) as nobody,
        pytest.raises(UpstreamDenied),
    ):
        nobody.alerts()


def test_another_tenant_is_denied_to_us(gateway: Gateway) -> None:
    endpoint = gateway.metrics.http.endpoint
    with (
        PrometheusClient(endpoint, observatorium=True, tenant=NOBODYS_TENANT) as elsewhere,
        pytest.raises(UpstreamDenied),
    ):
        elsewhere.query("vector(1)")


def test_the_alerts_of_rules_and_the_build_are_not_even_asked_for(gateway: Gateway) -> None:
    gateway.metrics.query("vector(1)")
    facts = gateway.metrics.last
    with pytest.raises(UpstreamNotInstalled, match="alerts"):
        gateway.metrics.alerts()
    with pytest.raises(UpstreamNotInstalled, match="build"):
        gateway.metrics.build_version()
    assert gateway.metrics.last is facts, "a refusal without a call leaves the last call's facts alone"
