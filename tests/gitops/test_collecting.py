"""Applications from a list and a stream into rows."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.core.clock import database_now
from apps.core.models import Topic
from apps.core.tones import Tone
from apps.gitops.collecting import (
    NOT_LISTED,
    NOT_READ,
    RIGHTS_DOUBTED,
    Collected,
    Listed,
    applications_apply,
    applications_judge,
    applications_list,
    applications_reconcile,
)
from apps.gitops.models import Application, ApplicationDetail, Project
from apps.gitops.reading import applications_read, replay_read
from apps.gitops.tasks import read_applications
from apps.integrations.argocd import ApplicationEvent, ArgoCDClient
from apps.integrations.argocd.wire import WireApplication, whole_application
from apps.sources.catalog import sources_of
from apps.sources.fleetfile.schema import FleetFile
from apps.sources.models import Source
from apps.sources.reading import ReadOutcome
from apps.timeline.models import Transition
from tests.gitops.argocd_server import ArgoCDServer, Json, application, operation

pytestmark = pytest.mark.database

ENTITY_WRITES = ("INSERT", "UPDATE", "DELETE")


@pytest.fixture
def read(fleet: FleetFile) -> Callable[[], ReadOutcome]:
    """One complete read, as the periodic task makes it."""
    spec = next(spec for spec in sources_of(fleet) if spec.key == "argocd/production")
    return lambda: applications_read(spec, fleet)


@pytest.fixture
def listed(fleet: FleetFile, client_of_argocd: ArgoCDClient) -> Callable[[], Collected]:
    """One read of the list alone."""

    def once() -> Collected:
        answer = applications_list(client=client_of_argocd, instance="production")
        return applications_reconcile(fleet=fleet, instance="production", listed=answer)

    return once


def event(value: Json, kind: str = "MODIFIED") -> ApplicationEvent:
    return ApplicationEvent(kind, whole_application(msgspec.convert(value, WireApplication)))


def row(name: str = "build-m01") -> Application:
    return Application.objects.get(name=name)


def lines(field: str) -> list[tuple[str, str]]:
    return list(Transition.objects.filter(field=field).order_by("pk").values_list("before", "after"))


def succeeded() -> None:
    """The source was read before: what arrives from now on is news."""
    Source.objects.filter(key="argocd/production").update(succeeded_at=datetime(2026, 1, 1, tzinfo=UTC))


def many(count: int, **changes: object) -> list[Json]:
    return [application(f"build-{number:03}", **changes) for number in range(count)]


def test_a_read_makes_rows_with_everything_that_list_and_stream_tell(
    argocd: ArgoCDServer, read: Callable[[], ReadOutcome]
) -> None:
    argocd.put(application("build-m01", conditions=["SharedResourceWarning"], operation_state=operation("Succeeded")))
    outcome = read()
    told = row()
    assert outcome.items == 1
    assert outcome.note == ""
    assert (told.uid, told.set_name, told.project) == ("uid-build-m01", "build", "default")
    assert (told.cluster, told.environment) == ("m01", "production")
    assert (told.sync_status, told.health_status, told.sync_revision) == ("Synced", "Healthy", "a" * 40)
    assert told.condition_types == " SharedResourceWarning "
    assert told.operation["initiated_by"] == "alex"
    assert (told.tone, told.reason) == (Tone.WARNING, "SharedResourceWarning: SharedResourceWarning told")


def test_the_first_sight_of_an_instance_is_no_news_and_later_arrivals_are(
    argocd: ArgoCDServer, read: Callable[[], ReadOutcome]
) -> None:
    argocd.put(application("build-m01"))
    read()
    assert not Transition.objects.exists()
    succeeded()
    argocd.put(application("late-m01"))
    read()
    assert [(line.title, line.after) for line in Transition.objects.all()] == [("late-m01", "appeared")]


def test_what_is_unchanged_is_not_written(argocd: ArgoCDServer, read: Callable[[], ReadOutcome]) -> None:
    argocd.put(*many(40, operation_state=operation("Succeeded")), *[application("odd", sync="OutOfSync")])
    read()
    with CaptureQueriesContext(
        connection,
    ) as queries:
        read()
    assert [query["sql"] for query in queries if query["sql"].startswith(ENTITY_WRITES)] == []


def test_of_a_hundred_only_the_one_that_changed_is_written(
    argocd: ArgoCDServer, read: Callable[[], ReadOutcome]
) -> None:
    argocd.put(*many(100))
    read()
    before = dict(Application.objects.values_list("name", "seen_at"))
    argocd.put(application("build-042", health="Degraded"))
    with CaptureQueriesContext(connection) as queries:
        read()
    inserts = [query["sql"] for query in queries if query["sql"].startswith('INSERT INTO "gitops_application"')]
    after = dict(Application.objects.values_list("name", "seen_at"))
    assert {name for name in after if after[name] != before[name]} == {"build-042"}
    assert len(inserts) == 1
    assert lines("health") == [("Healthy", "Degraded")]


def test_a_change_raises_the_topics_of_its_environment_and_cluster(
    argocd: ArgoCDServer, read: Callable[[], ReadOutcome]
) -> None:
    argocd.put(application("build-m01"))
    read()
    before = dict(Topic.objects.values_list("name", "version"))
    argocd.put(application("build-m01", sync="OutOfSync"))
    read()
    after = dict(Topic.objects.values_list("name", "version"))
    assert {name for name in after if after[name] != before.get(name)} == {"apps", "apps:production", "cluster:m01"}


def test_a_list_alone_leaves_what_it_cannot_tell_as_it_was(
    argocd: ArgoCDServer, read: Callable[[], ReadOutcome], listed: Callable[[], Collected]
) -> None:
    argocd.put(
        application(
            "build-m01", conditions=["OrphanedResourceWarning"], operation_state=operation("Succeeded", message="ok")
        )
    )
    read()
    assert listed().changed == 0
    told = row()
    assert (told.uid, told.set_name, told.details_known) == ("uid-build-m01", "build", True)
    assert told.condition_types == " OrphanedResourceWarning "
    assert told.operation["message"] == "ok"


def test_what_only_the_list_saw_change_is_taken_and_wants_the_streams_replay(
    argocd: ArgoCDServer, read: Callable[[], ReadOutcome], listed: Callable[[], Collected]
) -> None:
    argocd.put(application("build-m01", operation_state=operation("Running", message="doing")))
    read()
    argocd.put(application("build-m01", revision="b" * 40, operation_state=operation("Succeeded", message="done")))
    collected = listed()
    told = row()
    assert collected.wants_replay
    assert (told.sync_revision, told.operation_phase) == ("b" * 40, "Succeeded")
    assert (told.operation["message"], told.operation["initiated_by"]) == ("", "alex")
    assert (told.tone, told.reason) == (Tone.UNKNOWN, "its conditions have not been read yet")
    read()
    assert (row().tone, row().operation["message"]) == (Tone.WELL, "done")


def test_a_new_application_known_from_the_list_alone_is_not_well(
    argocd: ArgoCDServer, listed: Callable[[], Collected]
) -> None:
    argocd.put(application("build-m01"))
    assert listed() == Collected(total=1, created=1, wants_replay=True)
    assert row().tone == Tone.UNKNOWN


def test_where_the_stream_is_refused_the_list_is_taken_and_the_note_says_so(
    argocd: ArgoCDServer, read: Callable[[], ReadOutcome]
) -> None:
    argocd.refuses_stream = True
    argocd.put(application("build-m01"))
    outcome = read()
    assert outcome.note.startswith("its stream cannot be read: ")
    assert row().tone == Tone.UNKNOWN


def test_an_operation_between_two_others_of_one_batch_is_not_lost(fleet: FleetFile, argocd: ArgoCDServer) -> None:
    states = [operation("Succeeded"), operation("Running", started="2026-11-24T10:00:00Z"),
              operation("Failed", started="2026-11-24T10:00:00Z", message="no such image")]  # fmt: skip
    events = [event(application("build-m01", sync="OutOfSync", operation_state=state)) for state in states]
    applications_apply(fleet=fleet, instance="production", events=events)
    assert lines("operation") == [("Succeeded", "Running"), ("Running", "Failed: no such image")]
    line = Transition.objects.filter(field="operation").last()
    assert line is not None
    assert (line.by, line.tone, line.at) == ("alex", Tone.CRITICAL, datetime(2026, 11, 24, 10, 0, tzinfo=UTC))


def test_flapping_between_two_reads_leaves_one_line_a_change(fleet: FleetFile) -> None:
    # F21
    for status in ("Healthy", "Degraded", "Degraded", "Healthy"):
        applications_apply(
            fleet=fleet, instance="production", events=[event(application("build-m01", health=status))] * 2
        )
    assert lines("health") == [("Healthy", "Degraded"), ("Degraded", "Healthy")]
    assert Application.objects.count() == 1


def test_while_nothing_can_be_compared_the_revision_that_runs_stays(fleet: FleetFile) -> None:
    """The failing repo-server's recording: 36 Applications tell `main`, their target, for a revision."""
    failing = event(application("build-m01", sync="Unknown", revision="main", conditions=["ComparisonError"]))
    applications_apply(fleet=fleet, instance="production", events=[event(application("build-m01"))])
    since = row().revision_since
    applications_apply(fleet=fleet, instance="production", events=[failing])
    assert (row().sync_status, row().sync_revision, row().revision_since) == ("Unknown", "a" * 40, since)
    assert lines("revision") == []
    moved = event(application("build-m01", sync="Synced", revision="b" * 40))
    applications_apply(fleet=fleet, instance="production", events=[moved])
    assert lines("revision") == [("a" * 40, "b" * 40)]


def test_one_that_was_never_compared_runs_no_known_revision(fleet: FleetFile) -> None:
    never = event(application("build-m01", sync="Unknown", revision="main"))
    applications_apply(fleet=fleet, instance="production", events=[never])
    assert row().sync_revision == ""


def test_since_is_the_upstreams_moment_where_it_tells_one(fleet: FleetFile) -> None:
    applications_apply(fleet=fleet, instance="production", events=[event(application("build-m01"))])
    changed = application("build-m01", health="Degraded", health_since="2026-11-24T09:30:00Z", sync="OutOfSync")
    applications_apply(fleet=fleet, instance="production", events=[event(changed)])
    told = row()
    assert told.health_since == datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
    assert told.sync_since == told.seen_at


def test_a_new_uid_is_a_new_life(fleet: FleetFile) -> None:
    first = application("build-m01", conditions=["SyncError"], operation_state=operation("Failed"))
    applications_apply(fleet=fleet, instance="production", events=[event(first)])
    ApplicationDetail.objects.create(application=row(), data={"resources": []})
    before = row()
    second = application("build-m01", uid="uid-2", created="2026-11-24T11:00:00Z")
    applications_apply(fleet=fleet, instance="production", events=[event(second)])
    told = row()
    assert lines("life") == [("uid-build-m01", "uid-2")]
    assert (told.pk, told.uid, told.conditions, told.operation) == (before.pk, "uid-2", [], None)
    assert before.sync_since is not None
    assert told.sync_since is not None
    assert told.sync_since > before.sync_since
    assert not ApplicationDetail.objects.exists()


def test_the_list_tells_a_new_life_by_the_moment_of_creation(
    argocd: ArgoCDServer, read: Callable[[], ReadOutcome], listed: Callable[[], Collected]
) -> None:
    argocd.put(application("build-m01"))
    read()
    argocd.put(application("build-m01", uid="uid-2", created="2026-11-24T11:00:00Z"))
    listed()
    assert row().uid == ""
    read()
    assert row().uid == "uid-2"
    assert lines("life") == [("uid-build-m01", "")]


def test_one_that_is_gone_from_the_list_is_removed(argocd: ArgoCDServer, read: Callable[[], ReadOutcome]) -> None:
    argocd.put(*many(5))
    read()
    argocd.remove("build-003")
    assert read().note == ""
    assert Application.objects.count() == 4
    assert lines("seen") == [("", "removed")]
    assert argocd.count("/api/v1/account/can-i") == 0


def test_an_empty_list_of_an_account_without_rights_removes_nothing(
    argocd: ArgoCDServer, read: Callable[[], ReadOutcome]
) -> None:
    argocd.put(*many(5))
    read()
    argocd.lists_nothing, argocd.can_i = True, False
    outcome = read()
    assert "may have lost its rights: 5 of 5" in outcome.note
    assert outcome.warnings == (RIGHTS_DOUBTED,)
    assert set(Application.objects.values_list("tone", "reason")) == {(Tone.UNKNOWN, NOT_LISTED)}
    assert Application.objects.count() == 5
    argocd.lists_nothing, argocd.can_i = False, True
    assert (read().note, read().warnings) == ("", ())
    assert set(Application.objects.values_list("tone", flat=True)) == {Tone.WELL}


def test_an_empty_list_is_doubted_while_the_application_is_there_by_name(
    argocd: ArgoCDServer, read: Callable[[], ReadOutcome]
) -> None:
    argocd.put(*many(5))
    read()
    argocd.lists_nothing = True
    assert "may have lost its rights" in read().note
    assert Application.objects.count() == 5


def test_rights_lost_on_one_project_remove_nothing_of_it_while_the_rest_goes_on(
    argocd: ArgoCDServer, read: Callable[[], ReadOutcome]
) -> None:
    argocd.put(*many(20), application("secret-m01", project="secret"))
    read()
    argocd.remove("secret-m01", "build-007")
    argocd.can_i = False
    outcome = read()
    assert "1 of 21" in outcome.note
    assert Application.objects.filter(name="secret-m01").exists()
    assert not Application.objects.filter(name="build-007").exists()
    assert set(Application.objects.exclude(tone=Tone.WELL).values_list("name", flat=True)) == {"secret-m01"}


def test_one_of_another_namespace_is_gone_where_our_right_names_that_namespace(
    argocd: ArgoCDServer, read: Callable[[], ReadOutcome]
) -> None:
    argocd.put(*many(3, namespace="team-a", project="team"))
    argocd.may_get = "team/team-a/"
    read()
    argocd.remove(*list(argocd.applications))
    assert read().warnings == ()
    assert not Application.objects.exists()


def test_a_drop_to_zero_that_is_confirmed_is_taken_and_told_for_one_interval(
    argocd: ArgoCDServer, read: Callable[[], ReadOutcome]
) -> None:
    # F13
    argocd.put(*many(58))
    read()
    argocd.remove(*list(argocd.applications))
    assert read().note.startswith("dropped from 58 to 0 Applications at ")
    assert not Application.objects.exists()
    assert read().note == ""


def test_words_that_are_not_known_are_kept_and_never_well(
    argocd: ArgoCDServer, read: Callable[[], ReadOutcome]
) -> None:
    # F16
    argocd.put(application("build-m01", sync="Levitating", health="Radiant"))
    read()
    told = row()
    assert (told.sync_status, told.health_status, told.tone) == ("Levitating", "Radiant", Tone.UNKNOWN)
    assert "'Radiant' is not known to the portal" in told.reason


def test_an_unreadable_item_costs_itself_and_its_row_stays(
    argocd: ArgoCDServer, read: Callable[[], ReadOutcome]
) -> None:
    # F17, F18
    argocd.put(*many(10))
    read()
    argocd.remove("build-004")
    argocd.extra_items = [{"metadata": {"name": "build-004"}, "status": "a text where an object was"}]
    argocd.put(application("build-005", health="Degraded"))
    outcome = read()
    assert outcome.unreadable == 1
    assert outcome.unreadable_reason.startswith("build-004: ")
    assert Application.objects.count() == 10
    assert (row("build-004").tone, row("build-004").reason) == (Tone.UNKNOWN, NOT_READ)
    assert row("build-005").health_status == "Degraded"


def test_a_truncated_or_failed_answer_changes_nothing(
    argocd: ArgoCDServer, fleet: FleetFile, read: Callable[[], ReadOutcome]
) -> None:
    # F12
    argocd.put(*many(3))
    read()
    argocd.list_status = 503
    argocd.put(application("build-001", health="Degraded"))
    read_applications(key="argocd/production")
    source = Source.objects.get(key="argocd/production")
    assert (source.failures, source.error_kind) == (1, "unavailable")
    assert row("build-001").health_status == "Healthy"


def test_an_event_that_overtook_the_list_wins(
    argocd: ArgoCDServer, fleet: FleetFile, client_of_argocd: ArgoCDClient, read: Callable[[], ReadOutcome]
) -> None:
    argocd.put(application("build-m01"), application("gone-m01"), application("other-m01"))
    read()
    answer = applications_list(client=client_of_argocd, instance="production")
    newer = [event(application("build-m01", health="Degraded")), event(application("gone-m01"), "DELETED"),
             event(application("new-m01"), "ADDED")]  # fmt: skip
    applications_apply(fleet=fleet, instance="production", events=newer)
    collected = applications_reconcile(fleet=fleet, instance="production", listed=answer)
    assert (collected.created, collected.changed, collected.removed) == (0, 0, 0)
    assert row().health_status == "Degraded"
    assert set(Application.objects.values_list("name", flat=True)) == {"build-m01", "other-m01", "new-m01"}


def test_a_destination_is_joined_to_its_cluster_by_address_name_or_alias(
    argocd: ArgoCDServer, read: Callable[[], ReadOutcome]
) -> None:
    argocd.put(
        application("a", destination={"server": "https://API.m01.example.com:6443"}),
        application("b", destination={"name": "host-by-name"}),
        application("c", destination={"server": "https://kubernetes.default.svc"}),
        application("d", destination={"name": "in-cluster"}),
        application("e", destination={"server": "https://elsewhere.example.com"}),
        application("f", destination={"server": "https://kubernetes.default.svc:443/"}),
        application("g", destination={"name": "Host-By-Name"}),
        application("h", destination={"server": "https://api.m01.example.com:7443"}),
    )
    read()
    assert list(Application.objects.order_by("name").values_list("cluster", "environment")) == [
        ("m01", "production"),
        ("host1", "production"),
        ("control", "staging"),
        ("control", "staging"),
        ("", "staging"),
        ("control", "staging"),
        ("host1", "production"),
        ("", "staging"),
    ]
    assert row("e").destination == "https://elsewhere.example.com"


def test_time_alone_turns_an_unsynced_application_into_a_warning(fleet: FleetFile) -> None:
    applications_apply(fleet=fleet, instance="production", events=[event(application("build-m01", sync="OutOfSync"))])
    assert row().tone == Tone.BUSY
    Application.objects.update(sync_since=row().sync_since - timedelta(minutes=6))  # type: ignore[operator]
    assert applications_judge(fleet=fleet, instance="production").changed == 1
    assert (row().tone, row().reason) == (Tone.WARNING, "OutOfSync although auto-sync is on")


def test_a_sync_that_nobody_begins_is_not_busy_for_ever(fleet: FleetFile) -> None:
    asked_for = {**application("build-m01"), "operation": {"sync": {"revision": "b" * 40}}}
    applications_apply(fleet=fleet, instance="production", events=[event(asked_for)])
    assert (row().operation_phase, row().tone) == ("Pending", Tone.BUSY)
    Application.objects.update(operation_since=row().operation_since - timedelta(minutes=31))  # type: ignore[operator]
    applications_judge(fleet=fleet, instance="production")
    assert (row().tone, row().reason) == (Tone.WARNING, "sync has not begun for more than 30 minutes")


def test_a_closed_window_holds_auto_sync(fleet: FleetFile) -> None:
    freeze = {"kind": "deny", "schedule": "* * * * *", "duration": "24h", "applications": ["*"]}
    Project.objects.create(instance="production", name="default", sync_windows=[freeze])
    applications_apply(fleet=fleet, instance="production", events=[event(application("build-m01", sync="OutOfSync"))])
    assert (row().tone, row().reason) == (Tone.HELD, "OutOfSync: a deny window is active")


def test_odd_and_huge_texts_are_cleaned_and_capped(fleet: FleetFile) -> None:
    # F27, F28
    hostile = application("build-m01", operation_state=operation("Failed", message="\x00" + "x" * 1_000_000))
    hostile["metadata"]["labels"] = {f"label-{number}": "v\x00" for number in range(500)}
    hostile["metadata"]["name"] = "n" * 10_000
    applications_apply(fleet=fleet, instance="production", events=[event(hostile)] * 2)
    told = Application.objects.get()
    assert len(told.name) == 253
    assert len(told.labels) == 60
    assert len(told.operation["message"]) == 2000
    assert "\x00" not in str(told.labels) + str(told.operation) + told.reason
    assert Application.objects.count() == 1


def test_a_deletion_is_dated_when_it_is_first_seen(fleet: FleetFile) -> None:
    deleting = application("build-m01", metadata={"deletionTimestamp": "2026-11-24T10:00:00Z"})
    applications_apply(fleet=fleet, instance="production", events=[event(application("build-m01")), event(deleting)])
    assert (row().is_deleting, row().deleting_since, row().tone) == (True, row().seen_at, Tone.BUSY)


def test_a_replay_is_over_when_all_were_told(argocd: ArgoCDServer, client_of_argocd: ArgoCDClient) -> None:
    argocd.put(*many(3))
    told, error = replay_read(client=client_of_argocd, keys={("argocd", f"build-{number:03}") for number in range(3)})
    assert (len(told), error) == (3, "")


def test_a_listing_says_nothing_of_a_drop_once_it_was_told() -> None:
    from apps.gitops.rights import Absence

    listed = Listed(asked_at=datetime(2026, 11, 24, tzinfo=UTC), items={}, known=4, absence=Absence(is_big=True))
    assert listed.drop == "dropped from 4 to 0 Applications at 00:00:00 UTC"
    assert listed.without_drop().drop == ""


def test_a_revision_that_the_list_of_an_older_argo_cd_lacks_stays_as_the_stream_told_it(
    argocd: ArgoCDServer, read: Callable[[], ReadOutcome], listed: Callable[[], Collected]
) -> None:
    argocd.lists_revisions = False
    argocd.put(application("build-m01", revision="b" * 40))
    read()
    succeeded()
    assert listed().changed == 0
    assert (row().sync_revision, lines("revision")) == ("b" * 40, [])
    argocd.put(application("build-m01", revision="c" * 40))
    read()
    assert (row().sync_revision, lines("revision")) == ("c" * 40, [("b" * 40, "c" * 40)])


def test_what_is_seen_first_is_so_since_argo_cd_says(argocd: ArgoCDServer, read: Callable[[], ReadOutcome]) -> None:
    argocd.put(application("degraded-m01", health="Degraded", health_since="2026-11-24T08:30:00Z"))
    failed = operation("Failed", started="2026-11-24T09:00:00Z")
    argocd.put(application("failed-m01", sync="OutOfSync", operation_state=failed))
    argocd.put(application("drifted-m01", sync="OutOfSync", health_since="2026-11-24T08:30:00Z"))
    read()
    since = dict(Application.objects.values_list("name", "tone_since"))
    assert since["degraded-m01"] == datetime(2026, 11, 24, 8, 30, tzinfo=UTC)
    assert since["failed-m01"] == datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
    assert since["drifted-m01"] == row("drifted-m01").sync_since


def test_what_changes_under_our_eyes_is_so_since_then(argocd: ArgoCDServer, read: Callable[[], ReadOutcome]) -> None:
    argocd.put(application("build-m01"))
    read()
    argocd.put(application("build-m01", health="Degraded", health_since="2026-11-24T08:30:00Z"))
    read()
    assert row().tone == "warning"
    assert database_now() - row().tone_since < timedelta(minutes=5)


def test_trouble_that_was_not_known_for_a_while_is_no_new_trouble(fleet: FleetFile) -> None:
    """Its cluster was lost, and Argo CD could compare nothing meanwhile."""
    failed = operation("Failed", message="one or more objects failed to apply, reason: denied")
    broken = application("build-m01", sync="OutOfSync", operation_state=failed)
    unknown = application("build-m01", sync="Unknown", operation_state=failed, conditions=["ComparisonError"])
    applications_apply(fleet=fleet, instance="production", events=[event(broken)])
    since, tone = row().tone_since, row().tone
    assert (tone, row().reason.startswith("sync failed: denied")) == ("critical", True)
    for told in (unknown, broken):
        applications_apply(fleet=fleet, instance="production", events=[event(told)])
    assert (row().tone, row().tone_since) == ("critical", since)
    applications_apply(fleet=fleet, instance="production", events=[event(application("build-m01"))])
    assert row().tone == "well"
    assert row().tone_since != since


def test_what_the_list_saw_change_before_the_stream_is_so_since_then(
    argocd: ArgoCDServer, read: Callable[[], ReadOutcome], listed: Callable[[], Collected]
) -> None:
    argocd.put(application("build-m01", sync="OutOfSync", health_since="2026-11-24T08:30:00Z"))
    read()
    argocd.put(application("build-m01", health_since="2026-11-24T08:30:00Z"))
    listed()
    assert (row().details_known, row().tone) == (False, "unknown")
    read()
    assert (row().details_known, row().tone) == (True, "well")
    assert database_now() - row().tone_since < timedelta(minutes=5)


def tones_told() -> list[tuple[str, str, str, str]]:
    """What the picture of broken Applications is made of."""
    told = Transition.objects.filter(field="tone").order_by("pk")
    return list(told.values_list("title", "cluster", "before", "after"))


def test_an_application_that_begins_or_ceases_to_be_broken_leaves_a_quiet_line(
    argocd: ArgoCDServer, read: Callable[[], ReadOutcome]
) -> None:
    argocd.put(application("build-m01"), application("old-m01", health="Degraded"))
    read()
    succeeded()
    assert tones_told() == [], "the first sight of an instance is no change"
    argocd.put(application("build-m01", health="Progressing"))
    read()
    assert tones_told() == [], "busy is not broken"
    argocd.put(application("build-m01", health="Degraded"), application("new-m01", health="Degraded"))
    read()
    assert sorted(tones_told()) == [("build-m01", "m01", "busy", "warning"), ("new-m01", "m01", "", "warning")]
    argocd.put(application("build-m01"))
    argocd.remove("old-m01")
    read()
    assert sorted(tones_told()[2:]) == [("build-m01", "m01", "warning", "well"), ("old-m01", "m01", "warning", "")]
    before = Transition.objects.count()
    read()
    assert Transition.objects.count() == before


def test_a_broken_application_that_moves_goes_there_and_comes_here(fleet: FleetFile) -> None:
    succeeded()
    applications_apply(fleet=fleet, instance="production", events=[event(application("a", health="Degraded"), "ADDED")])
    moved = application("a", health="Degraded")
    moved["spec"]["destination"] = {"server": "https://elsewhere.example.com:6443", "namespace": "a"}
    applications_apply(fleet=fleet, instance="production", events=[event(moved)])
    assert [(cluster, before, after) for _, cluster, before, after in tones_told()] == [
        ("m01", "", "warning"),
        ("m01", "warning", ""),
        ("", "", "warning"),
    ]
