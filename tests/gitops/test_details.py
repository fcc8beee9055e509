"""Details: a few at a time, of those that somebody looks at or that are not well."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from apps.core.clock import database_now
from apps.core.models import Lease
from apps.core.tones import Tone
from apps.core.topics import version_of, versions_of
from apps.gitops.around import TreeAndEvents
from apps.gitops.details import AT_ONCE, MOST_A_MINUTE, ask_for_details, details_read, details_wanted, topic_of
from apps.gitops.models import Application, ApplicationDetail, Commit
from apps.integrations.argocd import ArgoCDClient, values
from apps.sources.fleetfile.schema import FleetFile
from apps.sources.models import Source
from stonesoup_portal.streams import is_name
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
    assert kept.error == ""


def test_a_comparison_that_found_nothing_new_tells_the_pages_nothing(argocd: ArgoCDServer) -> None:
    value = application("build-m01")
    value["status"]["reconciledAt"] = "2026-11-24T12:00:00Z"
    argocd.put(value)
    read = row("build-m01")
    ask_for_details(application=read)
    details_read()
    before = (ApplicationDetail.objects.get().data, version_of(["apps"]))
    value["status"]["reconciledAt"] = "2026-11-24T12:03:00Z"
    argocd.put(value)
    ApplicationDetail.objects.update(read_at=database_now() - timedelta(minutes=5), asked_at=database_now())
    details_read()
    assert len([path for path in asked(argocd) if path == "build-m01"]) == 2
    assert (ApplicationDetail.objects.get().data, version_of(["apps"])) == before


def test_what_was_read_is_told_to_the_page_of_that_application_and_to_no_list(argocd: ArgoCDServer) -> None:
    for name in ("build-m01", "build-m02"):
        argocd.put(application(name))
    read, other = row("build-m01"), row("build-m02")
    topics = ["apps", topic_of(read), topic_of(other)]
    ask_for_details(application=read)
    before = versions_of(topics)
    details_read()
    changed = {name for name, version in versions_of(topics).items() if version != before[name]}
    assert changed == {topic_of(read)}


def test_any_application_has_a_topic_that_a_stream_takes() -> None:
    strange = Application(instance="a, b", namespace="n", name="ü" * 253)
    topic = topic_of(strange)
    assert (is_name(topic), set(topic) & {" ", ","}) == (True, set())
    ordinary = Application(instance="production", namespace="argocd", name="build-m01")
    assert topic_of(ordinary) == "application:production/argocd/build-m01"


def test_one_that_was_deleted_while_it_was_read_leaves_the_round_going(
    argocd: ArgoCDServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("gone", "there"):
        argocd.put(application(name))
        ask_for_details(application=row(name))
    read = ArgoCDClient.application

    def and_deleted(client: ArgoCDClient, name: str, **where: str) -> values.ApplicationDetail:
        told = read(client, name, **where)
        Application.objects.filter(name="gone").delete()
        return told

    monkeypatch.setattr(ArgoCDClient, "application", and_deleted)
    details_read()
    assert [detail.application.name for detail in ApplicationDetail.objects.filter(read_at__isnull=False)] == ["there"]
    assert not Commit.objects.exclude(through__in=Application.objects.all()).exists()


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


UNWELL = {
    "nodes": [
        {"kind": "Deployment", "name": "web", "group": "apps", "uid": "1", "health": {"status": "Degraded"}},
        {"kind": "ConfigMap", "name": "settings"},
    ]
}
WARNED = {"items": [{"type": "Warning", "reason": "OperationCompleted", "message": "Sync failed", "count": 3}]}


def test_tree_and_events_are_read_of_what_is_not_well_and_asked_for(argocd: ArgoCDServer) -> None:
    argocd.around = {"resource-tree": UNWELL, "events": WARNED}
    for name, tone in (("well", Tone.WELL), ("worse", Tone.WARNING), ("unseen", Tone.WARNING)):
        argocd.put(application(name))
        row(name, tone)
    for name in ("well", "worse"):
        ask_for_details(application=Application.objects.get(name=name))
    details_read()
    assert sorted(asked(argocd)) == ["events", "metadata", "resource-tree", "unseen", "well", "worse"]
    kept = ApplicationDetail.objects.get(application__name="worse")
    told = msgspec.convert(kept.around, TreeAndEvents)
    assert [(each.name, each.health_status) for each in told.nodes] == [("web", "Degraded")]
    assert [(event.reason, event.count) for event in told.events] == [("OperationCompleted", 3)]
    assert kept.around_read_at is not None
    assert ApplicationDetail.objects.get(application__name="well").around is None


def test_a_tree_that_is_not_ours_to_read_costs_only_itself(argocd: ArgoCDServer) -> None:
    argocd.around = {"resource-tree": None, "events": WARNED}
    argocd.put(application("worse"))
    ask_for_details(application=row("worse", Tone.WARNING))
    details_read()
    kept = ApplicationDetail.objects.get()
    told = msgspec.convert(kept.around, TreeAndEvents)
    assert "403" in told.nodes_error
    assert told.event_count == 1
    assert kept.error == ""
    assert kept.data


def test_what_is_the_same_as_before_tells_no_page(argocd: ArgoCDServer) -> None:
    argocd.around = {"resource-tree": UNWELL, "events": WARNED}
    argocd.put(application("worse", revision="not-a-commit"))
    told = row("worse", Tone.WARNING)
    ask_for_details(application=told)
    details_read()
    before, of_page = version_of(["apps"]), version_of([topic_of(told)])
    ApplicationDetail.objects.update(read_at=database_now() - timedelta(minutes=1))
    ask_for_details(application=told)
    details_read()
    assert asked(argocd).count("worse") == 2
    assert version_of(["apps"]) == before
    assert version_of([topic_of(told)]) > of_page, "the page that asked says that it waits"
