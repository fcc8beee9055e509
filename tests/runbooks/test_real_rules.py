"""The real rules in a real Prometheus and their tests' alerts in a real Alertmanager, as the portal reads them."""

from __future__ import annotations

import json
import time
import urllib.request
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from apps.alerts.models import Episode, Rule
from apps.alerts.tasks import read_alertmanager, read_rules
from apps.runbooks.coverage import coverage_of
from apps.runbooks.coverage_days import held_rules
from apps.runbooks.models import Runbook, RunbookTree
from apps.sources.fleetfile import FleetFile
from apps.sources.models import Source
from tests.contract.o11y import Alert, alerts, rule_files
from tests.fleet_in_force import FleetFileOfTest
from tests.pages import html_of
from tests.runbooks.real_rules import SOP, counted_in_yaml, linked_files, rules_folder
from tests.servers import START_SECONDS, alertmanager, prometheus

CLUSTERS = {"kflux-prd-es01": (), "stone-prod-p01": ("c1", "cluster01"), "stone-stg-rh01": ("staging-01",)}
CLUSTER_LABELS = ("source_cluster", "tested_cluster", "dest_server", "cluster")
CONFIG = "route: {receiver: default, group_by: [alertname], group_wait: 1s}\nreceivers: [{name: default}]\n"
PROMETHEUS = "global: {evaluation_interval: 1h}\nrule_files: [rules/*.yaml]\n"

OURS: list[Alert] = [
    {"labels": {"alertname": "ControlPlane", "control_plane": "true", "source_cluster": "c1"}, "annotations": {}},
    {"labels": {"alertname": "EmptyLink", "slo": "true"}, "annotations": {"runbook_url": "", "team": "build"}},
    {"labels": {"alertname": "Script"}, "annotations": {"runbook_url": "javascript:alert(1)"}},
    {"labels": {"alertname": "Elsewhere", "team": "o11y"}, "annotations": {"runbook_url": "https://wiki.example/x"}},
]
"""What the rules' own tests have none of."""


@pytest.fixture
def there(db: None) -> frozenset[str]:
    """A source of runbooks that was read as a whole: it has every other file that the real rules link."""
    files = frozenset(linked_files(rules_folder())[::2])
    RunbookTree.objects.create(source="sop", read_at=timezone.now())
    Runbook.objects.bulk_create([Runbook(source="sop", path=path, text="#", read_at=timezone.now()) for path in files])
    return files


def put(folder: Path, settings: Settings, **more: Any) -> FleetFile:
    """A fleet file with that source, three clusters, and what is given."""
    clusters = [
        {"name": name, "aliases": list(aliases), "role": "member", "environment": "production"}
        for name, aliases in CLUSTERS.items()
    ]
    (folder / "sop").mkdir()
    source = {"name": "sop", "folder": str(folder / "sop"), "urls": [f"{SOP}<path>"]}
    text = {"environments": [{"name": "production"}], "clusters": clusters, "runbooks": [source], **more}
    return FleetFileOfTest(folder, settings).put(yaml.safe_dump(text))


def test_the_rules_of_a_real_prometheus_count_as_those_of_their_files(
    there: frozenset[str], tmp_path: Path, settings: Settings
) -> None:
    (tmp_path / "rules").mkdir()
    rules_folder()
    for name, content in rule_files().items():
        (tmp_path / "rules" / f"{name}.yaml").write_text(yaml.safe_dump(content))
    with prometheus(tmp_path, PROMETHEUS) as url:
        fleet = put(tmp_path, settings, prometheuses=[{"name": "real", "url": url}])
        read_rules(key="prometheus/real")
    assert Source.objects.get(key="prometheus/real").error == ""
    expected = counted_in_yaml(rules_folder(), there, has_source=True)
    assert coverage_of(fleet, held_rules(fleet)).counts == expected
    assert Rule.objects.count() == expected["rules"]


@pytest.fixture
def held(tmp_path: Path, settings: Settings, there: frozenset[str]) -> list[Alert]:
    """The alerts of the rules' tests in a real Alertmanager, which the portal has read."""
    told = list({json.dumps(alert["labels"], sort_keys=True): alert for alert in (*alerts(), *OURS)}.values())
    now = datetime.now(UTC)
    times = {"startsAt": now.isoformat(), "endsAt": (now + timedelta(hours=2)).isoformat()}
    with alertmanager(tmp_path, CONFIG) as url:
        put(tmp_path, settings, alertmanagers=[{"name": "real", "members": [url]}])
        body = json.dumps([{**alert, **times} for alert in told]).encode()
        request = urllib.request.Request(f"{url}/api/v2/alerts", body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=10) as answer:
            assert answer.status == 200
        deadline = time.monotonic() + START_SECONDS
        while Episode.objects.count() < len(told):
            assert time.monotonic() < deadline, f"{Episode.objects.count()} of {len(told)} came out"
            read_alertmanager(key="alertmanager/real/0")
            time.sleep(0.2)
    return told


def cluster_expected(labels: Mapping[str, str]) -> tuple[str, str]:
    """The fleet file's cluster that the labels name, or else the word that they say."""
    told = next((labels[name] for name in CLUSTER_LABELS if labels.get(name)), "")
    known = {word: name for name, aliases in CLUSTERS.items() for word in (name, *aliases)}
    return known.get(told, ""), "" if told in known else told


def verdict_expected(alert: Alert, there: frozenset[str]) -> str:
    """By the agreement: the control plane's always, the data plane's with a runbook that is there."""
    url = alert["annotations"].get("runbook_url", "")
    if alert["labels"].get("control_plane") == "true":
        return "supported by AppSRE: control plane"
    if not url:
        has_key = "runbook_url" in alert["annotations"]
        return "not supported: its runbook link is empty" if has_key else "not supported: no runbook"
    if not url.startswith("https://"):
        return "not supported: its runbook is not a web address"
    if not url.startswith(SOP):
        return "not known whether supported: no source here covers its runbook"
    is_there = url.removeprefix(SOP).partition("?")[0].partition("#")[0] in there
    return "supported as data plane: alert and runbook" if is_there else "not supported: its runbook is not there"


def test_each_alert_of_the_rules_tests_comes_out_with_all_that_is_to_be_known_of_it(
    held: list[Alert], there: frozenset[str], viewer: Client
) -> None:
    rows = json.loads(viewer.get("/alerts/?environment=all&format=json").content)["rows"]
    shown = {json.dumps(row["labels"], sort_keys=True): row for row in rows}
    kept = {json.dumps(row.labels, sort_keys=True): row for row in Episode.objects.all()}
    verdicts: Counter[str] = Counter()
    for alert in held:
        labels, annotations = alert["labels"], alert["annotations"]
        key = json.dumps(labels, sort_keys=True)
        episode, row = kept[key], shown[key]
        owner = next(
            (told for name in ("team", "component") if (told := labels.get(name) or annotations.get(name))), ""
        )
        assert (episode.cluster, episode.cluster_told) == cluster_expected(labels), key
        assert (episode.owner, row["owner"]) == (owner, owner), key
        assert row["slo"] is (labels.get("slo") == "true"), key
        assert episode.runbook_url == annotations.get("runbook_url", ""), key
        assert row["support"] == verdict_expected(alert, there), key
        verdicts[row["support"]] += 1
    assert len(rows) == len(held) > 100
    assert len(verdicts) == 7, verdicts
    assert 'href="/runbooks/sop/' in html_of(viewer, "/alerts/")
