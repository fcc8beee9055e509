"""Following an instance: within moments what the stream tells, within minutes what it lost."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import OperationalError

from apps.core.clock import database_now
from apps.core.leases import lease_take
from apps.core.models import Lease
from apps.core.tones import Tone
from apps.gitops.collecting import Collected, applications_apply, writing_lease
from apps.gitops.following import Follower, Pace
from apps.gitops.models import Application
from apps.gitops.shepherd import Shepherd
from apps.gitops.tasks import read_applications
from apps.integrations.argocd import ArgoCDClient
from apps.sources.fleetfile import fleet_file_look_again
from apps.sources.fleetfile.schema import FleetFile
from apps.sources.models import Source
from apps.timeline.models import Transition
from tests.gitops.argocd_server import ArgoCDServer, application, operation

pytestmark = [pytest.mark.database, pytest.mark.django_db(transaction=True)]

PATIENCE = 15.0
LIST = "/api/v1/applications"
STREAM = "/api/v1/stream/applications"
FAST = Pace(settle=0.2, second_list=0.6, relist=600, heartbeat=0.3, judge=600, renew=0.5, shortest_wait=0.2, interval=1)
Follow = Callable[..., threading.Event]


def until(condition: Callable[[], bool]) -> None:
    """Returns once the condition holds; fails when it does not within PATIENCE."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.02)


def health_of(name: str) -> str:
    return Application.objects.filter(name=name).values_list("health_status", flat=True).first() or ""


def lists(argocd: ArgoCDServer) -> int:
    return argocd.asked.count(LIST)


@pytest.fixture
def follow(fleet: FleetFile, client_of_argocd: ArgoCDClient, argocd: ArgoCDServer) -> Iterator[Follow]:
    """Starts a follower of the local Argo CD; ends it with the test."""
    begun: list[tuple[threading.Event, threading.Thread]] = []

    def start(pace: Pace = FAST) -> threading.Event:
        stop = threading.Event()
        follower = Follower(instance="production", fleet=fleet, client=client_of_argocd, stop=stop, pace=pace)
        thread = threading.Thread(target=follower.run)
        thread.start()
        begun.append((stop, thread))
        return stop

    yield start
    for stop, thread in begun:
        stop.set()
        thread.join(PATIENCE)
        assert not thread.is_alive()


def test_what_the_stream_tells_is_in_the_database_at_once(argocd: ArgoCDServer, follow: Follow) -> None:
    argocd.put(application("build-m01"))
    follow()
    until(lambda: health_of("build-m01") == "Healthy")
    until(lambda: Source.objects.get(key="argocd/production").succeeded_at is not None)
    began = time.monotonic()
    argocd.put(application("build-m01", health="Degraded"))
    until(lambda: health_of("build-m01") == "Degraded")
    assert time.monotonic() - began < 3
    argocd.put(application("late-m01"), kind="ADDED")
    argocd.remove("build-m01")
    until(lambda: list(Application.objects.values_list("name", flat=True)) == ["late-m01"])
    changes = Transition.objects.told().filter(kind="application").order_by("pk")
    assert list(changes.values_list("title", "field", "after")) == [
        ("build-m01", "health", "Degraded"),
        ("late-m01", "seen", "appeared"),
        ("build-m01", "seen", "removed"),
    ]


def test_the_sources_success_goes_on_while_the_stream_shows_life(argocd: ArgoCDServer, follow: Follow) -> None:
    argocd.put(application("build-m01"))
    follow()
    until(lambda: Source.objects.get(key="argocd/production").items == 1)
    first = Source.objects.get(key="argocd/production").succeeded_at
    until(lambda: lists(argocd) == 2)
    until(lambda: Source.objects.get(key="argocd/production").succeeded_at > first + timedelta(seconds=1))
    assert (lists(argocd), argocd.count(STREAM)) == (2, 1)


def test_what_changed_while_nobody_was_connected_comes_with_the_next_connection(
    argocd: ArgoCDServer, follow: Follow
) -> None:
    argocd.put(*(application(f"app-{number}") for number in range(5)))
    follow()
    until(lambda: Application.objects.filter(details_known=True).count() == 5)
    until(lambda: argocd.open_streams == 1)
    argocd.loses_events = True
    argocd.put(application("app-1", health="Degraded"))
    argocd.remove("app-2")
    argocd.cut_streams()
    argocd.loses_events = False
    until(lambda: health_of("app-1") == "Degraded")
    until(lambda: not Application.objects.filter(name="app-2").exists())


def test_events_that_the_stream_lost_are_found_by_the_list_and_the_stream_is_replayed(
    argocd: ArgoCDServer, follow: Follow
) -> None:
    argocd.put(*(application(f"app-{number}") for number in range(5)))
    follow(Pace(**{**FAST.__dict__, "second_list": 0.4, "relist": 1.0}))
    until(lambda: lists(argocd) >= 2)
    argocd.loses_events = True
    argocd.put(application("app-1", sync="Unknown", conditions=["ComparisonError"]))
    argocd.loses_events = False
    until(lambda: Application.objects.get(name="app-1").condition_types == " ComparisonError ")
    assert argocd.count(STREAM) >= 2
    assert Application.objects.get(name="app-1").tone == Tone.UNKNOWN


def test_what_only_the_stream_tells_and_lost_comes_with_the_next_full_replay(
    argocd: ArgoCDServer, follow: Follow
) -> None:
    argocd.put(application("app-1", conditions=["OrphanedResourceWarning"]))
    follow(Pace(**{**FAST.__dict__, "second_list": 0.2, "relist": 0.5, "full_replay": 1.5}))
    until(lambda: Application.objects.filter(condition_types=" OrphanedResourceWarning ").exists())
    argocd.loses_events = True
    argocd.put(application("app-1"))
    argocd.loses_events = False
    until(lambda: Application.objects.get(name="app-1").tone == Tone.WELL)


def test_where_the_stream_is_refused_the_list_goes_on_and_says_so(argocd: ArgoCDServer, follow: Follow) -> None:
    argocd.refuses_stream = True
    argocd.put(application("build-m01"))
    follow()
    until(lambda: "its stream cannot be read" in Source.objects.get(key="argocd/production").note)
    argocd.put(application("build-m01", health="Degraded"))
    until(lambda: health_of("build-m01") == "Degraded")
    argocd.refuses_stream = False
    until(lambda: Application.objects.get(name="build-m01").details_known)
    until(lambda: Source.objects.get(key="argocd/production").note == "")


def test_a_silent_stream_is_given_up_and_everything_listed_again(argocd: ArgoCDServer, follow: Follow) -> None:
    # F6: the local server shows life each 0.5 s only, which is a silence here
    argocd.put(application("build-m01"))
    follow(Pace(**{**FAST.__dict__, "silence": 0.3}))
    until(lambda: argocd.count(STREAM) >= 3 and lists(argocd) >= 3)
    assert Source.objects.get(key="argocd/production").failures == 0


def test_a_list_that_is_refused_is_a_failure_of_the_source_without_a_storm(
    argocd: ArgoCDServer, follow: Follow
) -> None:
    # F7
    argocd.list_status = 401
    argocd.put(application("build-m01"))
    follow()
    until(lambda: Source.objects.get(key="argocd/production").error_kind == "credentials")
    time.sleep(1.5)
    assert lists(argocd) == 1
    assert argocd.count(STREAM) == 1


def test_lost_rights_are_doubted_and_nothing_is_removed(argocd: ArgoCDServer, follow: Follow) -> None:
    argocd.put(*(application(f"app-{number}") for number in range(4)))
    follow()
    until(lambda: Application.objects.count() == 4)
    argocd.lists_nothing, argocd.can_i = True, False
    argocd.cut_streams()
    until(lambda: "may have lost its rights" in Source.objects.get(key="argocd/production").note)
    assert Application.objects.count() == 4
    argocd.lists_nothing, argocd.can_i = False, True
    until(lambda: Source.objects.get(key="argocd/production").note == "")


def test_an_operation_is_followed_to_its_end(argocd: ArgoCDServer, follow: Follow) -> None:
    argocd.put(application("build-m01"))
    follow()
    until(lambda: argocd.open_streams == 1 and health_of("build-m01") == "Healthy")
    for phase in ("Running", "Succeeded"):
        argocd.put(application("build-m01", operation_state=operation(phase)))
    until(lambda: Application.objects.get(name="build-m01").operation_phase == "Succeeded")
    phases = Transition.objects.filter(field="operation").order_by("pk").values_list("before", "after")
    assert list(phases) == [("", "Running"), ("Running", "Succeeded")]


def test_it_ends_soon_when_told_to_and_gives_its_lease_up(argocd: ArgoCDServer, follow: Follow) -> None:
    # F56
    argocd.put(application("build-m01"))
    stop = follow()
    until(lambda: argocd.open_streams == 1)
    assert Lease.objects.filter(name=writing_lease("production")).exists()
    began = time.monotonic()
    stop.set()
    until(lambda: not Lease.objects.filter(name=writing_lease("production")).exists())
    assert time.monotonic() - began < 5
    until(lambda: argocd.open_streams == 0)


def test_of_two_followers_one_follows(argocd: ArgoCDServer, follow: Follow) -> None:
    # F58
    argocd.put(application("build-m01"))
    first = follow()
    until(lambda: argocd.open_streams == 1)
    follow()
    time.sleep(1.0)
    assert argocd.open_streams == 1
    first.set()
    until(lambda: argocd.count(STREAM) == 2)


def test_who_lost_the_lease_stops_writing(argocd: ArgoCDServer, follow: Follow) -> None:
    argocd.put(application("build-m01"))
    follow()
    until(lambda: argocd.open_streams == 1)
    Lease.objects.update(holder="another", expires_at=database_now() + timedelta(minutes=5))
    until(lambda: argocd.open_streams == 0)
    argocd.put(application("build-m01", health="Degraded"))
    assert health_of("build-m01") == "Healthy"


def test_the_periodic_task_leaves_an_instance_alone_that_is_followed_and_takes_over_after(
    argocd: ArgoCDServer, fleet: FleetFile
) -> None:
    argocd.put(application("build-m01"))
    assert lease_take(name=writing_lease("production"), holder="a follower", seconds=60)
    read_applications(key="argocd/production")
    assert argocd.asked == []
    Lease.objects.update(expires_at=database_now() - timedelta(seconds=1))
    read_applications(key="argocd/production")
    assert Application.objects.get().details_known
    assert Source.objects.get(key="argocd/production").succeeded_at is not None
    assert not Lease.objects.filter(name=writing_lease("production")).exists()


def test_instances_follow_the_fleet_file_while_it_runs(
    argocd: ArgoCDServer, fleet: FleetFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("apps.gitops.shepherd.LOOK_SECONDS", 0.1)
    argocd.put(application("build-m01"))
    path = tmp_path / "fleet.yaml"
    with_instance = path.read_text()
    stop = threading.Event()
    thread = threading.Thread(target=Shepherd(stop=stop).run)
    thread.start()
    try:
        until(lambda: argocd.open_streams == 1)
        path.write_text(with_instance.partition("argocd:")[0])
        fleet_file_look_again()
        until(lambda: argocd.open_streams == 0)
        path.write_text(with_instance.replace("deadline: 5s", "deadline: 4s"))
        fleet_file_look_again()
        until(lambda: argocd.open_streams == 1)
    finally:
        stop.set()
        thread.join(PATIENCE)
    assert not thread.is_alive()


def test_a_follower_of_an_instance_that_is_not_this_processs_share_is_not_started(
    argocd: ArgoCDServer, fleet: FleetFile
) -> None:
    Shepherd(stop=threading.Event(), only=frozenset({"another"})).look()
    assert argocd.asked == []
    assert not Lease.objects.exists()


def test_when_the_database_fails_it_pauses_and_heals(
    argocd: ArgoCDServer, follow: Follow, monkeypatch: pytest.MonkeyPatch
) -> None:
    # F33
    failures = iter([OperationalError("disk I/O error")] * 2)

    def fails_twice(**given: Any) -> Collected:
        for failure in failures:
            raise failure
        return applications_apply(**given)

    monkeypatch.setattr("apps.gitops.following.applications_apply", fails_twice)
    argocd.put(application("build-m01"))
    follow()
    until(lambda: health_of("build-m01") == "Healthy")
    assert argocd.count(STREAM) == 3


def test_the_command_follows_until_sigterm(argocd: ArgoCDServer, fleet: FleetFile) -> None:
    argocd.put(application("build-m01"))

    def end_once_it_follows() -> None:
        with contextlib.suppress(AssertionError):
            until(lambda: argocd.open_streams == 1)
        os.kill(os.getpid(), signal.SIGTERM)

    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    ender = threading.Thread(target=end_once_it_follows)
    ender.start()
    try:
        call_command("portal_follow")
    finally:
        ender.join()
        for number, handler in before.items():
            signal.signal(number, handler)
    assert argocd.count(STREAM) == 1
    assert not Lease.objects.exists()
