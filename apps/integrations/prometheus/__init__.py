"""Prometheus, Thanos, and an Observatorium tenant's metrics."""

from apps.integrations.prometheus.client import PrometheusClient
from apps.integrations.prometheus.values import Answer, RangeAnswer, Rule, RuleAlert, Sample, Series

__all__ = ["Answer", "PrometheusClient", "RangeAnswer", "Rule", "RuleAlert", "Sample", "Series"]
