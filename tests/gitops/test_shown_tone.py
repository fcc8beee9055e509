"""An Application's tone under the state of its source and its cluster."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime

import pytest

from apps.core.tones import Tone
from apps.fleet.overlay import Overlay
from apps.gitops.models import Application, shown_verdict

OVERLAY = Overlay(
    now=datetime(2026, 11, 24, tzinfo=UTC),
    doubtful_instances={"staging": "Argo CD staging is down"},
    doubtful_clusters={"m02": "m02 is lost"},
    archived_instances=frozenset({"gone"}),
)

pytestmark = [pytest.mark.database, pytest.mark.django_db]


@pytest.fixture
def applications() -> list[Application]:
    """One in each tone on a sure and a doubtful instance and cluster."""
    cases = itertools.product(("production", "staging"), ("m01", "m02", ""), Tone)
    return Application.objects.bulk_create(
        Application(instance=instance, namespace="argocd", name=f"{cluster}-{tone}", cluster=cluster, tone=tone)
        for instance, cluster, tone in cases
    )


def test_query_and_python_agree(applications: list[Application]) -> None:
    shown = Application.objects.with_shown_tone(OVERLAY).values_list("pk", "shown_tone")
    assert len(applications) == 36
    assert dict(shown) == {row.pk: shown_verdict(row, OVERLAY).tone for row in applications}


def test_on_a_doubtful_instance_or_cluster_nothing_is_well_held_or_busy(applications: list[Application]) -> None:
    shown = Application.objects.with_shown_tone(OVERLAY)
    doubtful = shown.filter(instance="staging") | shown.filter(cluster="m02")
    assert set(doubtful.values_list("shown_tone", flat=True)) == {Tone.CRITICAL, Tone.WARNING, Tone.UNKNOWN}
    sure = shown.filter(instance="production").exclude(cluster="m02")
    assert set(sure.values_list("shown_tone", flat=True)) == set(Tone)


def test_the_reason_tells_the_doubt_and_what_was_known_last() -> None:
    row = Application(instance="staging", tone=Tone.WELL, reason="Synced and Healthy")
    assert shown_verdict(row, OVERLAY) == (
        Tone.UNKNOWN,
        "Not known: Argo CD staging is down · last known: Synced and Healthy",
    )


def test_applications_of_an_instance_that_left_the_fleet_file_are_not_current() -> None:
    # F55
    Application.objects.create(instance="gone", namespace="argocd", name="a", tone=Tone.WELL)
    assert not Application.objects.current(OVERLAY).exists()
