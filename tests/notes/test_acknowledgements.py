"""Acknowledgements: one at a time, seen by everybody, with an end."""

from __future__ import annotations

import threading
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import IntegrityError, connection, transaction
from pytest_django import DjangoAssertNumQueries

from apps.accounts.models import Role
from apps.alerts.models import Episode
from apps.core.clock import database_now
from apps.core.errors import RuleViolation
from apps.core.topics import version_of
from apps.fleet.models import Cluster
from apps.notes.models import Acknowledgement, Subjects
from apps.notes.services import (
    FLAP,
    acknowledgement_begin,
    acknowledgement_end,
    acknowledgement_extend,
    acknowledgements_look_after,
    acknowledgements_on,
)
from apps.notes.tasks import look_after
from apps.notes.things import thing_found
from apps.timeline.changes import words_of
from apps.timeline.models import Transition
from tests.notes.people import ALERT, acknowledged, alert_thing, in_minutes, person
from tests.rows import ago, application_row, broken, cluster_row, episode_row, source_row

pytestmark = [pytest.mark.django_db, pytest.mark.database]


def words() -> list[str]:
    """The timeline, in its order."""
    return [words_of(line) for line in Transition.objects.order_by("pk")]


def the_alert_ends() -> None:
    """Nothing of it fires any more."""
    Episode.objects.update(ended_at=database_now())


def well_for(**parts: float) -> None:
    """The thing was well for so long as the portal looked."""
    Acknowledgement.objects.update(well_since=ago(**parts))


def test_it_is_seen_by_everybody_until_its_end_and_is_a_line_of_the_timeline() -> None:
    before = version_of(["notes"])
    said = acknowledged(alert_thing(), person(), note="on it,\nsee ITN-2026-00031")

    assert acknowledgements_on(database_now()) == {("alert", ALERT): said}
    assert not acknowledgements_on(in_minutes(61))
    line = Transition.objects.get()
    assert (
        words_of(line)
        == f"acknowledged until {said.until:%H:%M}"
        + ("" if said.until.date() == said.at.date() else f" on {said.until:%d %b}")
        + " UTC: on it, see ITN-2026-00031"
    )
    assert (line.by, line.tone, line.link) == ("remy", "held", f"/alerts/{ALERT}/#said")
    assert version_of(["notes"]) == before + 1


def test_a_second_person_is_told_who_has_it() -> None:
    thing = alert_thing()
    acknowledged(thing, person())
    with pytest.raises(RuleViolation, match="remy has acknowledged it already, until"):
        acknowledged(thing, person("sam"))
    assert Acknowledgement.objects.count() == Transition.objects.count() == 1


def test_sent_twice_it_is_one() -> None:
    thing, who, once = alert_thing(), person(), uuid4()
    for _ in range(2):
        acknowledgement_begin(who=who, thing=thing, note="", until=in_minutes(60), request_id=once)
    assert Acknowledgement.objects.count() == Transition.objects.count() == 1


def test_the_database_holds_no_two_open_ones_of_one_thing() -> None:
    said = acknowledged(alert_thing(), person())
    said.pk = uuid4()
    with pytest.raises(IntegrityError), transaction.atomic():
        said.save(force_insert=True)


@pytest.mark.django_db(transaction=True)
def test_of_two_at_the_same_moment_one_has_it() -> None:
    thing, people = alert_thing(), [person("remy"), person("sam")]
    told: list[str] = []

    def begin(name: int) -> None:
        try:
            told.append(acknowledged(thing, people[name]).by)
        except RuleViolation as refused:
            told.append(str(refused).partition(" has ")[2][:12])
        finally:
            connection.close()

    threads = [threading.Thread(target=begin, args=(number,)) for number in range(2)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert Acknowledgement.objects.get().by in told
    assert "acknowledged" in told


@pytest.mark.parametrize(
    ("minutes", "why"), [(-1, "lies in the past"), (7 * 24 * 60 + 1, "after 7 days at the latest")]
)
def test_an_end_that_cannot_be_is_refused_in_words(minutes: float, why: str) -> None:
    thing, who = alert_thing(), person()
    with pytest.raises(RuleViolation, match=why):
        acknowledged(thing, who, minutes=minutes)
    said = acknowledged(thing, who)
    with pytest.raises(RuleViolation, match=why):
        acknowledgement_extend(who=who, said=said, until=in_minutes(minutes))


def test_a_note_that_is_too_long_is_refused_in_words() -> None:
    thing, who = alert_thing(), person()
    with pytest.raises(RuleViolation, match="at most 500 characters"):
        acknowledged(thing, who, note="x" * 501)


def test_a_viewer_and_a_responder_of_elsewhere_may_neither_begin_nor_end_it() -> None:
    thing = alert_thing()
    said = acknowledged(thing, person())
    for who, why in (
        (person("vera", Role.VIEWER), "Your role is viewer"),
        (person("eli", environments=["staging"]), "in production"),
    ):
        with pytest.raises(RuleViolation, match=why):
            acknowledged(thing, who)
        with pytest.raises(RuleViolation, match=why):
            acknowledgement_end(who=who, said=said)
        with pytest.raises(RuleViolation, match=why):
            acknowledgement_extend(who=who, said=said, until=in_minutes(10))
    assert Acknowledgement.objects.open().exists()


def test_anybody_with_the_right_gives_it_another_end() -> None:
    said = acknowledged(alert_thing(), person(), minutes=30)
    until = in_minutes(240)
    acknowledgement_extend(who=person("sam"), said=said, until=until)
    said.refresh_from_db()
    assert said.until == until
    assert words()[-1].endswith("UTC instead")
    assert Transition.objects.last().by == "sam"  # type: ignore[union-attr]


def test_another_end_sent_twice_is_one_change() -> None:
    who = person()
    said = acknowledged(alert_thing(), who, minutes=30)
    for _ in range(2):
        acknowledgement_extend(who=who, said=said, until=in_minutes(240))
    assert len(words()) == 2


def test_anybody_with_the_right_ends_it_and_a_second_click_changes_nothing() -> None:
    said = acknowledged(alert_thing(), person())
    for name in ("sam", "kim"):
        acknowledgement_end(who=person(name), said=said)
    said.refresh_from_db()
    assert said.ended_by == "sam"
    assert words()[1:] == ["acknowledgement ended"]
    with pytest.raises(RuleViolation, match="has ended already"):
        acknowledgement_extend(who=person("ann"), said=said, until=in_minutes(10))


def test_after_its_end_the_next_one_begins() -> None:
    thing, who = alert_thing(), person()
    acknowledgement_end(who=who, said=acknowledged(thing, who))
    assert acknowledged(thing, who).pk
    assert Acknowledgement.objects.count() == 2


def test_one_whose_time_is_over_keeps_nobody_from_the_next_though_no_worker_has_ended_it() -> None:
    thing, who = alert_thing(), person()
    acknowledged(thing, who)
    Acknowledgement.objects.update(until=ago(minutes=5))
    acknowledged(thing, person("sam"))
    assert Acknowledgement.objects.open().get().by == "sam"
    assert "acknowledgement ended: its time is over" in words()


def test_it_ends_by_itself_when_its_time_is_over() -> None:
    acknowledged(alert_thing(), person())
    look_after()
    assert Acknowledgement.objects.open().exists()

    Acknowledgement.objects.update(until=ago(seconds=1))
    before = version_of(["notes"])
    look_after()
    said = Acknowledgement.objects.get()
    assert (said.ended_at is not None, said.ended_by) == (True, "")
    assert words()[-1] == "acknowledgement ended: its time is over"
    assert Transition.objects.last().by == ""  # type: ignore[union-attr]
    assert version_of(["notes"]) == before + 1


def test_it_ends_by_itself_once_the_alert_has_been_gone_for_longer_than_a_flap() -> None:
    acknowledged(alert_thing(), person(), minutes=240)
    the_alert_ends()
    acknowledgements_look_after()
    assert Acknowledgement.objects.open().get().well_since

    well_for(minutes=9)
    assert acknowledgements_look_after() == 0
    well_for(seconds=FLAP.total_seconds() + 1)
    assert acknowledgements_look_after() == 1
    assert words()[-1] == "acknowledgement ended: well for 10 m"


def test_it_survives_a_flap() -> None:
    acknowledged(alert_thing(), person(), minutes=240)
    the_alert_ends()
    acknowledgements_look_after()
    well_for(minutes=9)
    episode_row(alertmanager="appsre", fingerprint=ALERT.partition("/")[2], began_at=database_now())
    acknowledgements_look_after()

    said = Acknowledgement.objects.open().get()
    assert said.well_since is None
    the_alert_ends()
    acknowledgements_look_after()
    assert Acknowledgement.objects.open().get().well_since > ago(minutes=1)


def test_a_silenced_alert_fires_still() -> None:
    acknowledged(alert_thing(state="silenced", tone="held"), person())
    acknowledgements_look_after()
    assert Acknowledgement.objects.get().well_since is None


def test_an_application_and_a_cluster_end_theirs_once_they_are_well_and_known_to_be() -> None:
    source_row("argocd/production")
    source_row("kubernetes/stone-prd-m01", cluster="stone-prd-m01")
    who, application, cluster = person(), broken("build"), cluster_row(tone="warning")
    for kind, subject in ((Subjects.APPLICATION, str(application)), (Subjects.CLUSTER, cluster.name)):
        acknowledged(thing_found(kind, subject), who)
    acknowledgements_look_after()
    assert not Acknowledgement.objects.exclude(well_since=None).exists()

    for row in (application, cluster):
        row.tone = "well"
        row.save()
    acknowledgements_look_after()
    assert Acknowledgement.objects.exclude(well_since=None).count() == 2


def test_what_is_only_not_known_is_not_well() -> None:
    source_row("argocd/production", succeeded_at=ago(hours=1))
    acknowledged(thing_found(Subjects.APPLICATION, str(application_row())), person())
    acknowledgements_look_after()
    assert Acknowledgement.objects.get().well_since is None


def test_an_application_that_was_deleted_needs_nobody() -> None:
    application = broken("build")
    acknowledged(thing_found(Subjects.APPLICATION, str(application)), person())
    application.delete()
    acknowledgements_look_after()
    assert Acknowledgement.objects.get().well_since


def test_looking_after_none_costs_one_query(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    acknowledgement_end(who=person(), said=acknowledged(alert_thing(), person("sam")))
    with django_assert_num_queries(1):
        assert acknowledgements_look_after() == 0


def test_looking_after_writes_nothing_while_nothing_changes(
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    acknowledged(alert_thing(), person())
    acknowledgements_look_after()
    before = version_of(["notes"])
    with django_assert_max_num_queries(6):
        acknowledgements_look_after()
    assert version_of(["notes"]) == before


def test_it_is_looked_after_every_ten_seconds() -> None:
    from stonesoup_portal.celery import app

    entry = app.conf.beat_schedule["every-10s-look-after-acknowledgements"]
    assert entry["schedule"].run_every == timedelta(seconds=10)
    assert entry["task"] in app.tasks


def test_of_what_is_gone_it_is_not_said_that_it_is_well() -> None:
    application, cluster = application_row("x", tone="critical"), cluster_row("stone-prd-m09", tone="critical")
    remy = person()
    for kind, subject in ((Subjects.APPLICATION, str(application)), (Subjects.CLUSTER, cluster.name)):
        acknowledged(thing_found(kind, subject), remy)
    application.delete()
    Cluster.objects.filter(pk=cluster.pk).update(is_archived=True)
    acknowledgements_look_after()
    Acknowledgement.objects.update(well_since=ago(minutes=11))
    assert acknowledgements_look_after() == 2
    ended = Transition.objects.filter(after__startswith="acknowledgement ended").order_by("kind")
    assert list(ended.values_list("after", "tone")) == [
        ("acknowledgement ended: the application is gone", "unknown"),
        ("acknowledgement ended: the cluster is gone", "unknown"),
    ]
