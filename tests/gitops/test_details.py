"""Details: a few at a time, of those that somebody looks at or that are not well."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from apps.core.clock import database_now
from apps.core.models import Lease
from apps.core.tones import Tone
from apps.gitops.details import AT_ONCE, MOST_A_MINUTE, ask_for_details, details_read, details_wanted
from apps.gitops.models import Application, ApplicationDetail
from apps.integrations.argocd import values
from apps.sources.fleetfile.schema import FleetFile
from apps.sources.models import Source
from tests.gitops.argocd_server import ArgoCDServer, application

pytestmark = pytest.mark.database


@pytest.fixture(autouse=True)
def answering(fleet: FleetFile) -> None:
    """The instance answers."""
    Source.objects.filter(key="argocd/production").update(succeeded_at=database_now())


def row(name: str, tone: Tone = Tone.WELL) -> Application:
    return Application.objects.create(
        instance="production", namespace="argocd", name=name, project="default", tone=tone
    )


def asked(argocd: ArgoCDServer) -> list[str]:
    return [path.rpartition("/")[2] for path in argocd.asked if path.startswith("/api/v1/applications/")]


def test_only_those_asked_for_or_not_well_are_read(argocd: ArgoCDServer) -> None:
    for name, tone in (("well", Tone.WELL), ("held", Tone.HELD), ("worse", Tone.WARNING), ("looked-at", Tone.WELL)):
        argocd.put(application(name))
        row(name, tone)
    ask_for_details(application=Application.objects.get(name="looked-at"))
    details_read()
    assert {path for path in asked(argocd) if path != "metadata"} == {"looked-at", "worse"}
    details_read()
    assert len([path for path in asked(argocd) if path != "metadata"]) == 2


def test_what_was_read_is_kept_as_the_value_has_it(argocd: ArgoCDServer) -> None:
    value = application("build-m01")
    fine = {"kind": "Service", "name": "ok", "status": "Synced", "health": {"status": "Healthy"}}
    value["status"]["resources"] = [fine] * 600 + [{"kind": "Deployment", "name": "web", "status": "OutOfSync"}]
    value["status"]["history"] = [{"id": number, "revision": "a" * 40} for number in range(50)]
    value["status"]["summary"] = {"externalURLs": ["javascript:alert(1)"]}
    argocd.put(value)
    ask_for_details(application=row("build-m01"))
    details_read()
    kept = ApplicationDetail.objects.get()
    told = msgspec.convert(kept.data, values.ApplicationDetail)
    assert (told.resources[0].name, len(told.resources), kept.data["resource_count"]) == ("web", 500, 601)
    assert (len(told.history), told.history[-1].id) == (20, 49)
    assert kept.data["revision_metadata"]["author"] == "Alex"
    assert kept.error == ""


def test_the_commit_is_asked_for_once(argocd: ArgoCDServer) -> None:
    argocd.put(application("build-m01"))
    told = row("build-m01")
    for _ in range(2):
        ApplicationDetail.objects.update(read_at=database_now() - timedelta(minutes=1))
        ask_for_details(application=told)
        details_read()
    assert asked(argocd).count("build-m01") == 2
    assert asked(argocd).count("metadata") == 1


def test_asking_again_and_again_asks_once(argocd: ArgoCDServer) -> None:
    told = row("build-m01")
    ask_for_details(application=told)
    first = ApplicationDetail.objects.get().asked_at
    ask_for_details(application=told)
    assert ApplicationDetail.objects.get().asked_at == first
    ApplicationDetail.objects.update(read_at=database_now())
    ask_for_details(application=told)
    assert ApplicationDetail.objects.get().asked_at == first
    ApplicationDetail.objects.update(read_at=database_now() - timedelta(minutes=1), asked_at=None)
    ask_for_details(application=told)
    assert ApplicationDetail.objects.get().asked_at is not None


def test_an_operation_since_the_read_calls_for_another(argocd: ArgoCDServer) -> None:
    told, now = row("build-m01"), database_now()
    ApplicationDetail.objects.create(application=told, read_at=now - timedelta(minutes=1))
    assert details_wanted(instance="production", now=now) == []
    Application.objects.update(operation_since=now - timedelta(seconds=5))
    assert details_wanted(instance="production", now=now) == [told]
    Application.objects.update(operation_since=now + timedelta(days=1))
    assert details_wanted(instance="production", now=now) == []


def test_a_minutes_measure_is_kept(argocd: ArgoCDServer) -> None:
    now = database_now()
    for number in range(MOST_A_MINUTE - 2):
        ApplicationDetail.objects.create(application=row(f"read-{number}"), read_at=now)
    for number in range(10):
        row(f"worse-{number}", Tone.CRITICAL)
    assert len(details_wanted(instance="production", now=now)) == 2
    ApplicationDetail.objects.update(read_at=now - timedelta(minutes=2))
    assert len(details_wanted(instance="production", now=now)) == AT_ONCE


def test_those_asked_for_come_first(argocd: ArgoCDServer) -> None:
    for number in range(10):
        row(f"worse-{number}", Tone.CRITICAL)
    looked_at = row("looked-at")
    ask_for_details(application=looked_at)
    assert details_wanted(instance="production", now=database_now())[0] == looked_at


def test_a_read_that_failed_is_told_and_not_made_again_at_once(argocd: ArgoCDServer) -> None:
    ask_for_details(application=row("not-there"))
    details_read()
    details_read()
    kept = ApplicationDetail.objects.get()
    assert kept.error
    assert kept.data == {}
    assert asked(argocd) == ["not-there"]


def test_an_instance_that_does_not_answer_or_is_being_read_is_left_alone(argocd: ArgoCDServer) -> None:
    ask_for_details(application=row("build-m01"))
    Source.objects.update(failures=1)
    details_read()
    Source.objects.update(failures=0)
    Lease.objects.create(name="details:production", holder="another", expires_at=database_now() + timedelta(minutes=1))
    details_read()
    assert argocd.asked == []
