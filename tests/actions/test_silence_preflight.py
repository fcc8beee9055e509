"""What speaks against a silence, what it hides, and which policies have a say in it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from apps.accounts.models import Role
from apps.accounts.scopes import Place
from apps.actions.case import Who
from apps.actions.models import ActionRequest
from apps.actions.silences.preflight import silence_preflight
from apps.actions.silences.preview import preview_of
from apps.actions.states import Action, State
from apps.alerts.models import Silence
from apps.core.clock import database_now
from apps.core.matchers import matchers_read
from apps.sources.models import Source
from tests.actions.cases import who
from tests.actions.silences import FLEET, ONE, ask, fires, said, sources, wanted
from tests.fleet_in_force import FleetFileOfTest
from tests.rows import ago, down, silence_row

pytestmark = [pytest.mark.database, pytest.mark.django_db]


@pytest.fixture
def file(tmp_path: Path, settings: Settings, db: None) -> FleetFileOfTest:
    found = FleetFileOfTest(tmp_path, settings)
    found.put(FLEET)
    Source.objects.all().delete()
    sources()
    return found


@pytest.fixture
def remy(file: FleetFileOfTest) -> Who:
    return who()


def scoped(name: str, **scope: Any) -> Who:
    """A responder with that scope."""
    person = who(name=name)
    person.user.person.scope = scope
    person.user.person.save()
    return person


def test_it_shows_what_fires_and_what_fired_in_the_last_seven_days(remy: Who) -> None:
    fires(count=2)
    fires("Slow", "stone-prd-m02")
    fires("Other", severity="critical")
    fires(count=3, labels={"namespace": "old"}, ended_at=ago(days=2), state="ended")
    fires(labels={"namespace": "older"}, ended_at=ago(days=8), state="ended")
    found = silence_preflight(ask(remy))
    assert [each.cluster for each in found.preview.hidden] == ["stone-prd-m01"] * 2
    assert found.preview.past == (("Slow", 5),)
    assert said(found) == {}
    assert found.missing == []
    assert found.case.place == Place(cluster="stone-prd-m01", environment="production")


def test_alerts_of_another_alertmanager_are_not_hidden(remy: Who) -> None:
    fires(alertmanager="rhobs")
    assert silence_preflight(ask(remy)).preview.hidden == ()


@pytest.mark.parametrize(
    ("line", "count"),
    [
        ('alertname=~"Sl.w"', 3),
        ('alertname!="Other"', 3),
        ('alertname!~"O.*", source_cluster=~".*m01"', 2),
        ('alertname="Slow", missing=""', 3),
        ('alertname="Slow", missing=~".+"', 0),
        ('pod=~"Slow-[01]"', 3),
        ('pod=~"low-0"', 0),
    ],
)
def test_matchers_mean_what_they_mean_in_alertmanager(remy: Who, line: str, count: int) -> None:
    fires(count=2)
    fires("Slow", "stone-prd-m02")
    fires("Other", ended_at=ago(hours=1), state="ended")
    found = preview_of("appsre", matchers_read(line), database_now())
    assert (len(found.hidden), found.past_count) == (count, count)


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL chooses by its statistics")
def test_of_all_alerts_that_there_ever_were_only_those_of_the_time_asked_about_are_read(db: None) -> None:
    with CaptureQueriesContext(connection) as queries:
        preview_of("appsre", matchers_read('alertname=~"Sl.w"'), database_now())
    with connection.cursor() as cursor:
        plans = [
            cursor.execute(f"EXPLAIN QUERY PLAN {each['sql']}").fetchall()
            for each in queries
            if "episode" in each["sql"]
        ]
    assert [("episode_tone" in str(plan), "episode_identity" in str(plan)) for plan in plans] == [(True, False)] * 2


@pytest.mark.parametrize("line", ["", 'alertname=~".*"', 'alertname=""', 'nothing!="x"'])
def test_what_would_hide_everything_is_refused(remy: Who, line: str) -> None:
    assert said(silence_preflight(ask(remy, line)))["matchers"] == "refuse"


def test_a_critical_slo_alert_is_confirmed_by_its_typed_name(remy: Who) -> None:
    fires(severity="critical", is_slo=True)
    found = silence_preflight(ask(remy, typed_name="slow"))
    assert said(found) == {"slo": "confirm"}
    assert found.missing == ["the name Slow, typed"]
    assert silence_preflight(ask(remy)).missing == []


def test_where_the_name_is_not_one_the_first_that_pages_is_typed(remy: Who) -> None:
    fires("Pages", severity="critical", is_slo=True)
    assert silence_preflight(ask(remy, 'source_cluster="stone-prd-m01"')).name == "Pages"


def test_more_alerts_than_allowed_are_refused(remy: Who) -> None:
    fires(count=51)
    found = silence_preflight(ask(remy))
    assert [each.words for each in found.refusals] == ["it hides 51 alerts now: at most 50 are allowed"]


def test_several_clusters_are_a_warning_and_too_many_refused(remy: Who) -> None:
    for number in range(1, 12):
        fires("Slow", f"stone-prd-m{number:02}")
    assert said(silence_preflight(ask(remy, 'alertname="Slow", source_cluster=~".*(1|2)"'))) == {"reach": "warn"}
    assert said(silence_preflight(ask(remy, 'alertname="Slow"'))) == {"reach": "refuse"}


@pytest.mark.parametrize(("hours", "answer"), [(8, {}), (8.1, {"length": "refuse"}), (-1, {"length": "refuse"})])
def test_it_lasts_no_longer_than_allowed(remy: Who, hours: float, answer: dict[str, str]) -> None:
    assert said(silence_preflight(ask(remy, hours=hours))) == answer


def test_reason_ticket_and_a_look_are_needed(remy: Who) -> None:
    found = silence_preflight(ask(remy, reason=" ", ticket="", shown="x"))
    assert found.missing == ["a look at what it hides", "a reason", "a ticket"]


def test_what_was_shown_holds_while_more_of_the_same_fire_but_not_when_it_is_more_serious(remy: Who) -> None:
    fires()
    asked = ask(remy)
    fires(labels={"namespace": "other"})
    assert silence_preflight(asked).missing == []
    fires(severity="critical", is_slo=True)
    assert silence_preflight(asked).missing == ["a look at what it hides"]


def test_the_same_silence_again_is_a_warning(remy: Who) -> None:
    told = [
        {"name": "source_cluster", "value": "stone-prd-m01", "is_regex": False, "is_equal": True},
        {"name": "alertname", "value": "Slow", "is_regex": False, "is_equal": True},
    ]
    silence_row(matchers=told)
    assert said(silence_preflight(ask(remy))) == {"same": "warn"}
    assert said(silence_preflight(ask(remy, 'alertname="Slow", source_cluster="stone-prd-m02"'))) == {}


def test_an_alertmanager_that_does_not_answer_is_refused_and_one_that_is_doubtful_warns(remy: Who) -> None:
    source = Source.objects.get(key="alertmanager/rhobs/0")
    source.warnings = ["watchdog missing"]
    source.save()
    assert said(silence_preflight(ask(remy, alertmanager="rhobs"))) == {"alertmanager": "warn"}
    down(source)
    assert said(silence_preflight(ask(remy, alertmanager="rhobs")))["alertmanager"] == "refuse"


def test_behind_observatorium_the_tenants_label_is_not_ours(remy: Who) -> None:
    line = 'alertname="Slow", tenant_id="other"'
    assert said(silence_preflight(ask(remy, line, alertmanager="rhobs"))) == {"matchers": "refuse"}
    assert said(silence_preflight(ask(remy, line))) == {}


# --- where it lies, and who may ---------------------------------------------------------------------------------------


def test_a_responder_with_a_scope_silences_within_it(file: FleetFileOfTest) -> None:
    staging = scoped("sam", environments=["staging"])
    assert said(silence_preflight(ask(staging, 'alertname="Slow", source_cluster="stg"'))) == {}
    assert said(silence_preflight(ask(staging, ONE))) == {"role": "refuse"}
    everywhere = silence_preflight(ask(staging, 'alertname="Slow"'))
    assert said(everywhere) == {"role": "refuse"}
    assert "no matcher binds it to one place" in everywhere.refusals[0].words


def test_a_matcher_binds_to_a_place_only_where_all_that_it_hides_lies_there(file: FleetFileOfTest) -> None:
    staging = scoped("sam", clusters=["stone-stg-m01"])
    line = 'alertname="Slow", source_cluster="", tested_cluster="", dest_server="", cluster="stg"'
    assert said(silence_preflight(ask(staging, line))) == {}
    fires("Slow", "stone-prd-m01", labels={"source_cluster": "", "cluster": "stg"})
    found = silence_preflight(ask(staging, line))
    assert (found.case.place, said(found)) == (Place(), {"role": "refuse"})


@pytest.mark.parametrize("line", ['cluster="stg"', 'source_cluster="", cluster="stg"', 'dest_server="stg"'])
def test_a_label_binds_to_a_place_only_where_no_label_before_it_can_say_otherwise(
    file: FleetFileOfTest, line: str
) -> None:
    found = silence_preflight(ask(scoped("sam", environments=["staging"]), f'alertname="Slow", {line}'))
    assert (found.case.place, said(found)) == (Place(), {"role": "refuse"})


def test_of_labels_that_name_environments_too_the_first_decides(file: FleetFileOfTest) -> None:
    file.put(f"{FLEET}alerts: {{environment_labels: [source_environment, environment]}}\n")
    places = [
        silence_preflight(ask(who(), f'alertname="Slow", {line}')).case.place.environment
        for line in ('environment="staging"', 'source_environment="", environment="staging"')
    ]
    assert places == ["", "staging"]


@pytest.mark.parametrize("line", ['source_cluster=~"stone-stg-m01"', 'source_cluster!="stone-prd-m01"'])
def test_only_an_equal_sign_binds_to_a_place(file: FleetFileOfTest, line: str) -> None:
    assert silence_preflight(ask(who(), f'alertname="Slow", {line}')).case.place == Place()


def test_a_viewer_may_not(file: FleetFileOfTest) -> None:
    assert said(silence_preflight(ask(who(Role.VIEWER, "vera")))) == {"role": "refuse"}


# --- policies ---------------------------------------------------------------------------------------------------------

POLICIES = """
policies:
  - name: of-applications
    ticket: true
    reason: true
  - name: an-hour-in-production
    match: {actions: [silence, silence-edit], environments: [production]}
    longest_silence: 1h
    most_hidden: 2
    ticket: false
    second_person: true
  - name: the-rest
    match: {actions: [silence]}
    longest_silence: 24h
    most_clusters: 1
    least_role: approver
"""


def test_the_first_policy_within_which_it_lies_is_the_last_that_counts(file: FleetFileOfTest, remy: Who) -> None:
    file.put(FLEET + POLICIES)
    found = silence_preflight(ask(remy, hours=0.9, ticket=""))
    assert (found.case.rules.rules.policy, found.missing) == ("an-hour-in-production", [])
    assert found.waits_for_approval
    assert said(silence_preflight(ask(remy, hours=2)))["length"] == "refuse"
    fires(count=3)
    assert said(silence_preflight(ask(remy, hours=0.9)))["reach"] == "refuse"


def test_one_that_reaches_everywhere_is_asked_for_the_strictest_of_all(file: FleetFileOfTest, remy: Who) -> None:
    file.put(FLEET + POLICIES)
    found = silence_preflight(ask(remy, 'alertname="Slow"'))
    assert found.case.rules.rules.policy == "an-hour-in-production, the-rest"
    assert found.case.rules.longest == timedelta(hours=1)
    assert "an approver" in found.refusals[0].words


def test_elsewhere_only_the_second_counts(file: FleetFileOfTest, remy: Who) -> None:
    file.put(FLEET + POLICIES)
    ana = who(Role.APPROVER, "ana")
    found = silence_preflight(ask(ana, 'alertname="Slow", source_cluster="stg"', hours=20))
    assert (found.case.rules.rules.policy, said(found), found.missing) == ("the-rest", {}, [])


# --- one that is there ------------------------------------------------------------------------------------------------

OLD = {
    "matchers": [{"name": "alertname", "value": "Slow", "is_regex": False, "is_equal": True}],
}


def test_one_that_has_ended_is_neither_changed_nor_expired(remy: Who) -> None:
    silence_row("over", ends_at=ago(minutes=1), **OLD)
    silence_row("on", **OLD)
    for action in (Action.SILENCE_EDIT, Action.SILENCE_EXPIRE):
        over = silence_preflight(ask(remy, action=action, wanted=wanted('alertname="Slow"', silence_id="over")))
        gone = silence_preflight(ask(remy, action=action, wanted=wanted('alertname="Slow"', silence_id="gone")))
        on = silence_preflight(ask(remy, action=action, wanted=wanted('alertname="Slow"', silence_id="on")))
        assert (said(over), said(gone), said(on)) == ({"silence": "refuse"}, {"silence": "refuse"}, {})


def test_two_people_do_not_change_one_silence_at_once(remy: Who) -> None:
    silence_row("on", **OLD)
    told = wanted('alertname="Slow"', silence_id="on")
    now = database_now()
    ActionRequest.objects.create(
        action=Action.SILENCE_EDIT, state=State.RUNNING, username="sam", options=told.as_builtins(),
        created_at=now, state_at=now,
    )  # fmt: skip
    found = silence_preflight(ask(remy, action=Action.SILENCE_EXPIRE, wanted=told))
    assert [each.words for each in found.refusals] == ["Change silence by sam is under way for it"]


def test_to_expire_one_needs_neither_a_reason_nor_a_name_typed_though_slo_alerts_come_back(remy: Who) -> None:
    fires(severity="critical", is_slo=True)
    silence_row("on", **OLD)
    told = wanted('alertname="Slow"', silence_id="on")
    found = silence_preflight(ask(remy, action=Action.SILENCE_EXPIRE, wanted=told, reason="", ticket="", typed_name=""))
    assert (found.missing, len(found.preview.hidden)) == ([], 1)


@pytest.mark.parametrize(
    "change",
    [
        {"matchers": [*OLD["matchers"], {"name": "pod", "value": "a", "is_regex": False, "is_equal": True}]},
        {"comment": "narrowed"},
        {"ends_at": datetime(2100, 1, 1, tzinfo=UTC)},
        {"updated_at": datetime(2026, 11, 24, tzinfo=UTC)},
    ],
)
def test_what_somebody_changed_since_it_was_seen_is_looked_at_again(remy: Who, change: dict[str, Any]) -> None:
    row = silence_row("on", updated_at=ago(hours=1), **OLD)
    asked = ask(remy, action=Action.SILENCE_EDIT, wanted=wanted('alertname="Slow"', silence_id="on"))
    assert silence_preflight(asked).missing == []
    Silence.objects.filter(pk=row.pk).update(**change)
    assert silence_preflight(asked).missing == ["a look at the silence, which somebody changed meanwhile"]
