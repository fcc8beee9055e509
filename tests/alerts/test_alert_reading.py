"""Alerts from the wire into episodes, over the members of an HA cluster."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.alerts.models import AlertState, Episode, Holding, Silence
from apps.alerts.planning import Answer
from apps.alerts.services import alertmanager_merge, alerts_prune
from apps.alerts.tasks import read_alertmanager
from apps.core.clock import database_now
from apps.core.models import Lease
from apps.core.topics import version_of
from apps.sources.models import Source
from apps.timeline.models import Transition
from tests.alerts.wire import World, entity_writes, suppressed, told_alert, told_silence
from tests.rows import application_row

pytestmark = pytest.mark.database


def test_an_alert_of_both_members_is_one_episode_held_by_both(world: World) -> None:
    """F19."""
    world.tell(told_alert(source_cluster="M01", team="konflux"))
    world.read()
    [episode] = world.firing()
    assert (episode.name, episode.state, episode.cluster, episode.environment, episode.owner) == (
        "KonfluxDown", "active", "stone-prd-m01", "production", "konflux",
    )  # fmt: skip
    assert (episode.tone, episode.reason, episode.is_unconfirmed) == ("critical", "severity critical", False)
    assert (episode.group_labels, episode.receivers) == ({"alertname": "KonfluxDown"}, ["default"])
    assert {holding.source for holding in episode.holdings.all()} == {"alertmanager/appsre/0", "alertmanager/appsre/1"}
    assert world.lines() == ["firing: begins"]


def test_it_begins_when_the_alertmanager_says_so(world: World) -> None:
    alert = told_alert(age=timedelta(hours=2))
    world.tell(alert)
    world.read()
    [episode] = world.firing()
    assert episode.began_at.isoformat() == alert["startsAt"]
    assert Transition.objects.get(kind="alert", title="KonfluxDown").at == episode.began_at


def test_an_unchanged_round_writes_no_entity_row_though_ends_at_moves(world: World) -> None:
    alerts = [told_alert(f"Alert{number}", severity="warning") for number in range(20)]
    world.tell(*alerts)
    world.members[0].tell_silences(told_silence())
    world.members[1].tell_silences(told_silence())
    world.read()
    version = version_of(["alerts", "silences"])
    world.tell(*({**alert, "endsAt": "2027-01-01T00:00:00Z", "updatedAt": "2027-01-01T00:00:00Z"} for alert in alerts))
    with CaptureQueriesContext(connection) as queries:
        world.read()
    assert entity_writes(queries) == []
    assert version_of(["alerts", "silences"]) == version


def test_a_changed_alert_is_the_only_one_written(world: World) -> None:
    alerts = [told_alert(f"Alert{number}") for number in range(20)]
    world.tell(*alerts)
    world.read()
    alerts[3]["annotations"] = {"summary": "worse"}
    world.tell(*alerts)
    with CaptureQueriesContext(connection) as queries:
        world.read()
    assert [sql.split(" SET ")[0] for sql in entity_writes(queries) if "alerts_" in sql] == ['UPDATE "alerts_episode"']
    assert Episode.objects.get(name="Alert3").annotations == {"summary": "worse"}
    assert world.lines("Alert3") == ["firing: begins"]


def test_it_ends_when_every_fresh_member_lacks_it(world: World) -> None:
    world.tell(told_alert())
    world.read()
    world.members[0].tell(told_alert("Watchdog"))
    world.read(0)
    assert [episode.is_unconfirmed for episode in world.firing()] == [False]
    world.members[1].tell(told_alert("Watchdog"))
    world.read(1)
    assert world.firing() == []
    ended = Episode.objects.get(name="KonfluxDown")
    assert (ended.state, ended.tone, ended.ended_at is not None) == ("ended", "well", True)
    assert not Holding.objects.filter(episode=ended).exists()
    assert world.lines() == ["firing: begins", "firing: ends"]


def test_held_by_a_stale_member_only_it_is_unconfirmed(world: World) -> None:
    world.tell(told_alert("Quiet", severity="info"), told_alert())
    world.read()
    world.let_go_stale(1)
    world.members[0].tell(told_alert("Watchdog"))
    world.read(0)
    loud, quiet = world.firing()
    assert loud.is_unconfirmed
    assert loud.tone == "critical"
    assert loud.reason == (
        f"severity critical · unconfirmed: only {world.members[1].name} held it, and has not answered lately"
    )
    assert quiet.tone == "unknown"
    assert world.lines() == ["firing: begins"]
    world.members[1].tell(told_alert("Watchdog"))
    world.read(1)
    assert world.firing() == []


def test_the_word_of_a_member_that_is_down_for_long_holds_nothing(world: World) -> None:
    world.tell(told_alert())
    world.read()
    world.members[0].tell(told_alert("Watchdog"))
    silent = Source.objects.filter(key="alertmanager/appsre/1")
    silent.update(succeeded_at=database_now() - timedelta(minutes=16), failures=2)
    world.read(0)
    assert [episode.is_unconfirmed for episode in world.firing()] == [True], "it may answer in a moment"
    silent.update(failures=3)
    world.read(0)
    assert world.firing() == []


def test_a_member_that_is_down_for_long_still_holds_what_nobody_else_can_know(world: World) -> None:
    world.tell(told_alert())
    world.read()
    world.members[0].tell(told_alert("Watchdog"))
    world.members[0].tell_status(uptime=timedelta(minutes=2))
    Source.objects.filter(key="alertmanager/appsre/1").update(
        succeeded_at=database_now() - timedelta(minutes=16), failures=3
    )
    world.read(0)
    assert [episode.is_unconfirmed for episode in world.firing()] == [True]


def test_an_alert_joins_no_application_of_an_argo_cd_that_left_the_file(world: World) -> None:
    world.use(argocd=[{"name": "new", "url": "http://a"}])
    for instance in ("old", "new"):
        application_row("build-m01", instance=instance)
    alert = told_alert("DegradedArgocdApp")
    world.tell({**alert, "labels": {**alert["labels"], "name": "build-m01"}})
    world.read()
    joined = {episode.name: episode.application for episode in world.firing()}
    assert joined["DegradedArgocdApp"] == "new/argocd/build-m01"


def test_a_member_that_left_the_fleet_file_holds_nothing(world: World) -> None:
    world.tell(told_alert())
    world.read()
    world.members[0].tell(told_alert("Watchdog"))
    world.use(alertmanagers=[{"name": "appsre", "members": [world.members[0].url]}])
    world.read(0)
    assert world.firing() == []


@pytest.mark.parametrize(
    ("status", "doubt"),
    [({"uptime": timedelta(minutes=2)}, "has just restarted"), ({"cluster": "settling"}, "is settling")],
)
def test_nothing_ends_on_the_word_of_a_member_that_cannot_know_yet(
    world: World, status: dict[str, str], doubt: str
) -> None:
    """F13 for a restart: 2,000 alerts do not end because an Alertmanager has forgotten them."""
    world.tell(told_alert())
    world.read()
    for member in world.members:
        member.tell_status(**status)
        member.tell()
    world.read()
    [episode] = world.firing()
    assert episode.is_unconfirmed
    assert doubt in episode.reason
    assert "unconfirmed, not ended" in world.source().note
    for member in world.members:
        member.tell_status()
    world.read(0)
    assert world.firing(), "the other member's doubt, as of its last read, still counts"
    world.read(1)
    assert world.firing() == []


def test_a_drop_to_nothing_is_taken_and_told_for_one_interval(world: World) -> None:
    """F13."""
    world.tell(*(told_alert(f"Alert{number}") for number in range(200)))
    world.read()
    for member in world.members:
        member.tell()
    world.read()
    assert world.firing() == []
    assert "dropped from 201 to 0 at " in world.source().note
    world.read()
    assert "dropped" not in world.source().note


def test_active_wins_and_the_member_that_differs_is_named(world: World) -> None:
    """F19."""
    alert = told_alert()
    world.tell(alert)
    world.members[1].tell(suppressed(alert, silencedBy=["s1"]))
    world.members[1].tell_silences(told_silence())
    world.read()
    [episode] = world.firing()
    assert (episode.state, episode.tone, episode.silenced_by) == ("active", "critical", ["s1"])
    assert episode.reason == f"severity critical · silenced on {world.members[1].name}"


def test_members_that_tell_different_texts_do_not_take_turns(world: World) -> None:
    alert = told_alert()
    world.tell(alert)
    world.members[1].tell({**alert, "annotations": {"summary": "as another Prometheus sees it"}})
    world.read()
    with CaptureQueriesContext(connection) as queries:
        world.read()
    assert entity_writes(queries) == []
    assert world.firing()[0].annotations == {"summary": "KonfluxDown fires"}


def test_another_start_while_it_was_there_all_the_time_is_one_episode(world: World) -> None:
    """F19."""
    alert = told_alert(age=timedelta(hours=1))
    world.tell(alert)
    world.read()
    world.tell({**alert, "startsAt": database_now().isoformat()})
    world.read()
    assert [episode.began_at.isoformat() for episode in world.firing()] == [alert["startsAt"]]


def test_after_an_end_a_new_episode_begins_and_never_before_that_end(world: World) -> None:
    """F21: an alert that flaps has one line per change."""
    alert = told_alert(age=timedelta(hours=1))
    for told in ([alert], [], [alert], []):
        world.tell(*told)
        world.read()
        world.read()
    first, second = Episode.objects.filter(name="KonfluxDown").order_by("pk")
    assert first.ended_at
    assert first.ended_at <= second.began_at
    assert world.lines() == ["firing: begins", "firing: ends", "firing: begins", "firing: ends"]


def test_the_same_labels_in_two_groups_are_two_rows(world: World) -> None:
    """F20."""
    alert = told_alert()
    world.tell(alert)
    world.other.tell(alert)
    world.read()
    world.read_other()
    assert set(Episode.objects.filter(name="KonfluxDown").values_list("alertmanager", flat=True)) == {"appsre", "other"}


def test_silenced_inhibited_and_muted_are_told_with_their_cause(world: World) -> None:
    alert, cause = told_alert(severity="warning"), told_alert("ClusterDown")
    for member in world.members:
        member.tell_silences(told_silence())
    for told in (
        alert,
        suppressed(alert, silencedBy=["s1"]),
        suppressed(alert, inhibitedBy=[cause["fingerprint"]]),
        alert,
    ):
        world.tell(told, cause)
        world.read()
    assert world.lines() == [
        "firing: begins", "silenced: silenced", "inhibited: inhibited", "inhibited: active",
    ]  # fmt: skip
    reasons = [(line.tone, line.by) for line in Transition.objects.filter(title="KonfluxDown").order_by("pk")]
    assert reasons == [("warning", ""), ("held", "remy"), ("held", ""), ("warning", "")]


def test_reasons_name_who_silenced_it_and_what_inhibits_it(world: World) -> None:
    cause = told_alert("ClusterDown")
    for member in world.members:
        member.tell_silences(told_silence())
    world.tell(
        suppressed(told_alert(), silencedBy=["s1"]),
        suppressed(told_alert("PodDown"), inhibitedBy=[cause["fingerprint"]]),
        cause,
    )
    world.read()
    assert {episode.name: (episode.tone, episode.reason) for episode in world.firing()} == {
        "ClusterDown": ("critical", "severity critical"),
        "KonfluxDown": ("held", "silenced by remy"),
        "PodDown": ("held", "inhibited by ClusterDown"),
    }


def test_an_alert_is_muted_only_where_all_its_groups_are(world: World) -> None:
    alert = {**told_alert(), "receivers": [{"name": "pager"}, {"name": "chat"}]}
    world.tell(alert, pager=["weekends"])
    world.read()
    assert world.firing()[0].state == AlertState.ACTIVE
    world.tell(alert, pager=["weekends"], chat=["nights"])
    world.read()
    [episode] = world.firing()
    assert (episode.state, episode.tone, episode.reason) == ("muted", "held", "muted by time interval nights")


def test_a_state_that_is_not_known_is_shown_as_itself_and_is_never_quiet(world: World) -> None:
    """F16."""
    world.tell(told_alert("Quiet", state="snoozed", severity="info"), told_alert(state="snoozed"))
    world.read()
    loud, quiet = world.firing()
    assert (quiet.state, quiet.other_state, quiet.tone) == ("active", "snoozed", "unknown")
    assert quiet.reason == "informational · state 'snoozed' is not known to the portal"
    assert loud.tone == "critical"


def test_an_alert_that_cannot_be_read_costs_itself_only_and_does_not_end(world: World) -> None:
    """F17, F18."""
    world.tell(told_alert(), told_alert("Other"), told_alert("Gone"))
    world.read()
    broken = {**told_alert(), "labels": ["not", "a", "mapping"], "fingerprint": told_alert()["fingerprint"]}
    for member in world.members:
        member.tell(broken, told_alert("Other"))
    world.read()
    assert [episode.name for episode in world.firing()] == ["KonfluxDown", "Other"]
    assert world.source().unreadable == 1
    assert told_alert()["fingerprint"] in world.source().unreadable_reason


def test_when_a_nameless_item_cannot_be_read_nothing_is_taken_for_gone(world: World) -> None:
    """F17."""
    world.tell(told_alert())
    world.read()
    for member in world.members:
        member.answers["/api/v2/alerts"] = [17]
    world.read()
    assert [episode.name for episode in world.firing()] == ["KonfluxDown"]


def test_a_failed_read_changes_no_episode(world: World) -> None:
    """F1, F12: the last alerts stay."""
    world.tell(told_alert())
    world.read()
    world.members[0].answers["/api/v2/silences"] = {"not": "a list"}
    world.members[0].tell()
    read_alertmanager(key="alertmanager/appsre/0")
    assert world.source().error_kind == "bad_reply"
    assert len(world.firing()) == 1


@pytest.mark.parametrize(
    ("starts_at", "is_odd"),
    [
        ("2999-01-01T00:00:00Z", True),
        ("0001-01-01T00:00:00Z", True),
        ("nonsense", True),
        ("2024-05-01T12:00:00+05:30", False),
    ],
)
def test_an_odd_start_never_makes_a_negative_age(world: World, starts_at: str, is_odd: bool) -> None:
    """F23."""
    world.tell({**told_alert(), "startsAt": starts_at, "endsAt": "2020-01-01T00:00:00Z"})
    world.read()
    [episode] = world.firing()
    assert episode.is_odd_start is is_odd
    assert episode.began_at <= database_now()
    assert (episode.began_at == episode.first_seen_at) is is_odd


def test_ten_thousand_at_once_are_written_in_few_statements(world: World) -> None:
    """F22."""
    world.other.tell(*(told_alert(f"Alert{number}", pod=f"pod-{number}") for number in range(10_000)))
    with CaptureQueriesContext(connection) as queries:
        world.read_other()
    assert Episode.objects.firing().count() == 10_000
    assert len(queries) < 1_000
    world.other.tell()
    with CaptureQueriesContext(connection) as queries:
        world.read_other()
    assert Episode.objects.firing().count() == 0
    assert len(queries) < 500


def test_a_missing_watchdog_is_told_in_words_and_as_a_code(world: World) -> None:
    world.tell()
    world.read()
    assert (world.source().note, world.source().warnings) == ("", [])
    assert Episode.objects.get(name="Watchdog").tone == "well"
    world.members[0].tell()
    world.read(0)
    assert world.source().warnings == ["watchdog missing"]
    assert "no alerts does not mean that all is well" in world.source().note


def test_behind_observatorium_the_fleet_files_group_by_stands_in(world: World) -> None:
    world.tenant.tell(told_alert(source_cluster="m01", pod="a"), told_alert(source_cluster="m01", pod="b"))
    world.read_tenant()
    episodes = Episode.objects.filter(alertmanager="rhobs")
    assert {episode.group_key for episode in episodes} == {'alertname="KonfluxDown", source_cluster="m01"'}
    assert Source.objects.get(key="alertmanager/rhobs/0").items == 2


def tenant_firing() -> list[Episode]:
    return list(Episode.objects.firing().filter(alertmanager="rhobs").order_by("name"))


def test_a_tenants_alertmanager_that_loses_most_at_once_may_have_restarted(world: World) -> None:
    """The gateway tells no uptime: without it 0 alerts of an Alertmanager that has forgotten them look like peace."""
    world.tenant.tell(told_alert("A"), told_alert("B"), told_alert("C"))
    world.read_tenant()
    world.tenant.tell(told_alert("A"))
    world.read_tenant()
    assert [(each.name, each.is_unconfirmed) for each in tenant_firing()] == [
        ("A", False),
        ("B", True),
        ("C", True),
    ]
    assert "does not tell whether it has just restarted" in tenant_firing()[1].reason
    assert "unconfirmed, not ended" in Source.objects.get(key="alertmanager/rhobs/0").note
    world.tenant.tell(told_alert("A"), told_alert("B"))
    world.read_tenant()
    assert [(each.name, each.is_unconfirmed) for each in tenant_firing()] == [("A", False), ("B", False), ("C", True)]
    Lease.objects.update(expires_at=database_now() - timedelta(seconds=1))
    world.read_tenant()
    assert [each.name for each in tenant_firing()] == ["A", "B"]
    assert Source.objects.get(key="alertmanager/rhobs/0").note == ""


def test_the_doubt_ends_though_others_come_and_go_meanwhile(world: World) -> None:
    world.tenant.tell(told_alert("A"), told_alert("B"), told_alert("C"))
    world.read_tenant()
    ends: list[datetime] = []
    for told in ([told_alert("A")], [], [told_alert("A")], []):
        world.tenant.tell(*told)
        world.read_tenant()
        ends.append(Lease.objects.get(name="alerts-dropped:alertmanager/rhobs/0").expires_at)
    assert len(set(ends)) == 1


def test_silences_are_kept_over_a_restart_and_not_doubted_with_the_alerts(world: World) -> None:
    world.tenant.tell(told_alert("A"), told_alert("B"))
    world.tenant.tell_silences(told_silence())
    world.read_tenant()
    world.tenant.tell()
    world.tenant.tell_silences(told_silence(state="expired"))
    world.read_tenant()
    assert Silence.objects.get(alertmanager="rhobs").state == "expired"
    assert len(tenant_firing()) == 2


def test_a_tenants_alerts_end_one_by_one_at_once(world: World) -> None:
    world.tenant.tell(told_alert("A"), told_alert("B"))
    world.read_tenant()
    world.tenant.tell(told_alert("B"))
    world.read_tenant()
    assert [each.name for each in tenant_firing()] == ["B"]
    world.tenant.tell()
    world.read_tenant()
    assert tenant_firing() == []


def test_a_service_over_several_of_which_one_has_restarted_ends_nothing(world: World) -> None:
    alerts = [told_alert("A"), told_alert("B")]
    for told in (alerts, [], alerts, [], alerts):
        world.tenant.tell(*told)
        world.read_tenant()
    assert [(each.name, each.is_unconfirmed) for each in tenant_firing()] == [("A", False), ("B", False)]
    assert not Transition.objects.filter(kind="alert", after="ends").exists()


def test_one_that_gives_neither_groups_nor_status_is_read_all_the_same(world: World) -> None:
    world.other.tell(told_alert())
    for path in ("/api/v2/alerts/groups", "/api/v2/status"):
        del world.other.answers[path]
        world.other.statuses[path] = 403
    world.read_other()
    assert Episode.objects.firing().filter(alertmanager="other").count() == 1


@pytest.mark.parametrize(("before", "status"), [(False, 401), (True, 401), (True, 403)])
def test_a_right_to_groups_or_status_that_is_taken_away_is_no_proxy_that_never_gave_them(
    world: World, before: bool, status: int
) -> None:
    world.other.tell(told_alert())
    if before:
        world.read_other()
    world.other.tell()
    for path in ("/api/v2/alerts/groups", "/api/v2/status"):
        del world.other.answers[path]
        world.other.statuses[path] = status
    world.read_other()
    assert Source.objects.get(key="alertmanager/other/0").error_kind == "credentials"
    assert Episode.objects.firing().filter(alertmanager="other").count() == before


def test_an_answer_of_a_member_that_left_meanwhile_changes_nothing(world: World) -> None:
    world.tell(told_alert())
    world.read()
    assert not alertmanager_merge(group="appsre", answer=Answer("alertmanager/appsre/7", {}))
    assert len(world.firing()) == 1


def test_old_episodes_are_let_go_of_and_open_ones_kept(world: World) -> None:
    world.tell(told_alert(), told_alert("Gone"))
    world.read()
    world.tell(told_alert())
    world.read()
    Episode.objects.filter(name="Gone").update(ended_at=database_now() - timedelta(days=91))
    assert (alerts_prune(days=90), alerts_prune(days=90)) == (1, 0)
    assert set(Episode.objects.values_list("name", flat=True)) == {"KonfluxDown", "Watchdog"}


@pytest.mark.django_db(transaction=True)
def test_members_read_at_the_same_moment_do_not_undo_each_other(world: World) -> None:
    """F58 for a group: both merges see what the other wrote."""
    for _ in range(3):
        for alerts in ([told_alert(f"Alert{number}") for number in range(30)], []):
            world.tell(*alerts)
            together(lambda: world.read(0), lambda: world.read(1))
            assert len(world.firing()) == len(alerts)
    assert Holding.objects.exclude(episode__name="Watchdog").count() == 0
    assert Episode.objects.filter(name="Alert7").count() == 3
    assert world.lines("Alert7") == ["firing: begins", "firing: ends"] * 3


def together(*works: Callable[[], None]) -> None:
    """Does all at once, each in a thread of its own; raises what any of them raised."""

    def alone(work: Callable[[], None]) -> None:
        try:
            work()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(works)) as pool:
        for done in [pool.submit(alone, work) for work in works]:
            done.result()
