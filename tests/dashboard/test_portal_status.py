"""`manage.py portal_status` tells the same numbers as the pages."""

from __future__ import annotations

import json
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from pytest_django import DjangoAssertNumQueries, Settings

from apps.alerts.models import Episode
from apps.core.clock import database_now
from apps.dashboard.status import status_of
from apps.fleet.models import Cluster
from apps.fleet.overlay import overlay_now
from apps.gitops.models import Application
from apps.sources.models import Source
from tests.fleet_in_force import FleetFileOfTest

pytestmark = pytest.mark.database

FLEET = """
environments: [{name: production}]
clusters:
  - {name: m01, role: member, environment: production, kubernetes: {server: 'https://127.0.0.1:9'}}
  - {name: m02, role: member, environment: production, kubernetes: {server: 'https://127.0.0.1:9'}}
argocd:
  - {name: one, url: 'http://127.0.0.1:9'}
  - {name: two, url: 'http://127.0.0.1:9'}
alertmanagers: [{name: main, members: ['http://127.0.0.1:9']}, {name: quiet, members: ['http://127.0.0.1:9']}]
"""


@pytest.fixture(autouse=True)
def held(tmp_path: Path, settings: Settings, db: None) -> None:
    """Two instances, of which `two` is stale; a lost cluster; alerts in one of two Alertmanagers."""
    FleetFileOfTest(tmp_path, settings).put(FLEET)
    now = database_now()
    Source.objects.update(succeeded_at=now, items=3)
    Source.objects.filter(key="argocd/two").update(succeeded_at=now - timedelta(hours=1), failures=3, error="refused")
    Cluster.objects.filter(name="m01").update(tone="well", reached_at=now, openshift_version="4.16.4")
    Cluster.objects.filter(name="m02").update(tone="critical", reason="lost: x", lost_since=now, unreached_since=now)
    for number, (instance, sync, health, tone) in enumerate(
        [
            ("one", "Synced", "Healthy", "well"),
            ("one", "OutOfSync", "Healthy", "held"),
            ("two", "Synced", "Healthy", "well"),
            ("two", "Synced", "Degraded", "warning"),
            ("gone", "Synced", "Healthy", "well"),
        ]
    ):
        Application.objects.create(
            instance=instance,
            namespace="argocd",
            name=f"app-{number}",
            sync_status=sync,
            health_status=health,
            tone=tone,
        )
    Source.objects.create(key="argocd/gone", kind="argocd", group="gone", is_archived=True)
    for number, (severity, state, tone) in enumerate(
        [("critical", "active", "critical"), ("critical", "silenced", "held"), ("", "active", "warning")]
    ):
        Episode.objects.create(
            alertmanager="main",
            fingerprint=f"f{number}",
            began_at=now,
            first_seen_at=now,
            severity=severity,
            state=state,
            tone=tone,
        )
    Episode.objects.create(
        alertmanager="main", fingerprint="old", began_at=now, first_seen_at=now, ended_at=now, severity="critical"
    )


def as_json() -> Any:
    out = StringIO()
    call_command("portal_status", "--json", stdout=out)
    return json.loads(out.getvalue())


def as_text() -> str:
    out = StringIO()
    call_command("portal_status", stdout=out)
    return out.getvalue()


def test_applications_are_counted_in_their_shown_tone_without_archived_instances() -> None:
    told = as_json()["applications"]
    assert (told["total"], told["sync"], told["health"]) == (
        4,
        {"Synced": 3, "OutOfSync": 1},
        {"Healthy": 3, "Degraded": 1},
    )
    assert told["tone"] == {"critical": 0, "warning": 1, "unknown": 1, "held": 1, "busy": 0, "well": 1}
    assert list(told["instances"]) == ["one", "two"]
    assert told["instances"]["two"]["tone"]["unknown"] == 1, "a stale instance carries no well"


def test_alerts_are_counted_while_they_fire_and_an_empty_alertmanager_is_told() -> None:
    told = as_json()["alerts"]
    assert (told["total"], told["severity"], told["state"]) == (
        3,
        {"critical": 2, "not told": 1},
        {"active": 2, "silenced": 1},
    )
    assert told["alertmanagers"]["main"]["total"] == 3
    assert told["alertmanagers"]["quiet"]["total"] == 0


def test_clusters_are_told_with_their_reachability() -> None:
    told = as_json()["clusters"]
    assert told["reachability"] == {"reached": 1, "lost": 1}
    assert told["tone"]["critical"] == told["tone"]["well"] == 1
    assert told["each"][0]["version"] == "4.16.4"


def test_sources_are_told_with_state_age_items_and_last_error() -> None:
    told = {source["key"]: source for source in as_json()["sources"]["each"]}
    assert "argocd/gone" not in told
    assert (told["argocd/two"]["state"], told["argocd/two"]["last_error"]) == ("down", "refused")
    assert 3595 < told["argocd/two"]["age_seconds"] < 3700
    assert (told["argocd/one"]["state"], told["argocd/one"]["items"]) == ("fresh", 3)


def test_people_are_told_the_same_in_lines() -> None:
    text = as_text()
    assert "Sources: 7 of 8 fresh" in text
    assert "down   argocd/two (read 1h" in text
    assert "Applications: 4 · sync: 3 Synced, 1 OutOfSync" in text
    assert "critical m02 (lost): lost: x" in text


def test_it_counts_in_a_fixed_number_of_queries(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    with django_assert_num_queries(7):
        status_of(overlay_now())


def test_nothing_known_is_told_as_such() -> None:
    Application.objects.all().delete()
    Source.objects.update(succeeded_at=None)
    assert "never  argocd/one (never read, 3 items): not read yet" in as_text()
    assert as_json()["applications"]["total"] == 0
