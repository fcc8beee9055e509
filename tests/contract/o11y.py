"""Real alerts and rules (test data of a monitoring repository) for real servers; left out where they are missing."""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.servers import START_SECONDS, left_out

DATA = Path(__file__).parents[3] / "shared" / "data" / "o11y"
ALERTMANAGER_CONFIG = """
route:
  receiver: default
  group_by: [alertname, source_cluster]
  group_wait: 1s
  group_interval: 1s
  routes: [{receiver: slo, matchers: ['slo="true"'], continue: true}, {receiver: everything}]
inhibit_rules:
  - {source_matchers: ['severity="critical"'], target_matchers: ['severity=~"warning|info"'], equal: [component]}
receivers: [{name: default}, {name: slo}, {name: everything}]
"""
PROMETHEUS_CONFIG = """
global: {evaluation_interval: 5s}
rule_files: [rules/*.yaml]
"""
WATCHDOG = {"groups": [{"name": "watchdog", "interval": "1s", "rules": [{"alert": "Watchdog", "expr": "vector(1)"}]}]}
Alert = Mapping[str, Any]


def alerts() -> list[Alert]:
    """Alerts as the real rules make them: labels and annotations."""
    path = DATA / "expected_alerts.json"
    if not path.is_file():
        left_out("contracts on real alerts: ../shared/data/o11y is not there")
    told: list[Alert] = json.loads(path.read_text())
    return [{"labels": each["labels"], "annotations": each["annotations"]} for each in told]


def rule_files() -> dict[str, Any]:
    """The real rules, by the name of their file; they are kept as Kubernetes' PrometheusRule."""
    paths = sorted((DATA / "rhobs").rglob("*.y*ml"))
    kept = {path.stem: yaml.safe_load(path.read_text()) for path in paths}
    return {name: content["spec"] for name, content in kept.items() if content.get("kind") == "PrometheusRule"}


def rules_write(folder: Path, rules: Mapping[str, Any]) -> None:
    """Rule files as Prometheus takes them, and one alert that always fires."""
    (folder / "rules").mkdir()
    for name, content in {**rules, "watchdog": WATCHDOG}.items():
        (folder / "rules" / f"{name}.yaml").write_text(yaml.safe_dump(content))


def alerts_load(url: str, told: Iterable[Alert]) -> None:
    """Has an Alertmanager hold the alerts, one of them silenced, until it says which are silenced and inhibited."""
    now = datetime.now(UTC)
    times = {"startsAt": now.isoformat(), "endsAt": (now + timedelta(hours=2)).isoformat()}
    posted = [{**alert, **times} for alert in told]
    _post(f"{url}/api/v2/alerts", posted)
    critical = next(alert for alert in posted if alert["labels"]["severity"] == "critical")
    named = {"name": "alertname", "value": critical["labels"]["alertname"], "isRegex": False, "isEqual": True}
    _post(f"{url}/api/v2/silences", {"matchers": [named], **times, "createdBy": "remy", "comment": "being mended"})
    _wait_until_all_is_held(url, len({json.dumps(alert["labels"], sort_keys=True) for alert in posted}))


def _post(url: str, content: object) -> None:
    request = urllib.request.Request(url, json.dumps(content).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert answer.status == 200


def _wait_until_all_is_held(url: str, count: int) -> None:
    """Returns when all alerts are there and grouped, with silenced and inhibited ones among them."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        held, groups = _get(f"{url}/api/v2/alerts"), _get(f"{url}/api/v2/alerts/groups")
        causes = {cause for alert in held for cause in ("silencedBy", "inhibitedBy") if alert["status"][cause]}
        if len(held) == count and len(causes) == 2 and groups:
            return
        time.sleep(0.1)
    pytest.fail(f"the Alertmanager does not hold {count} alerts with silenced and inhibited ones among them")


def _get(url: str) -> list[dict[str, Any]]:
    with urllib.request.urlopen(url, timeout=10) as answer:
        told: list[dict[str, Any]] = json.loads(answer.read())
    return told
