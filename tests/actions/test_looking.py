"""The live look before an action, at the wire: what fails or is late is said, and never raised."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connections
from pytest_django import Settings

from apps.actions.looking import live_look
from apps.actions.states import Action
from apps.sources.fleetfile.schema import FleetFile
from tests.actions.cases import NAME
from tests.fleet_in_force import FleetFileOfTest
from tests.integrations.wire_server import Asked, Peer, Script, WireServer, reply
from tests.rows import application_row

pytestmark = pytest.mark.django_db

FLEET = """
environments: [{{name: production}}]
clusters: [{{name: control, role: control-plane, environment: production}}]
argocd: [{{name: production, url: "{url}", control_plane: control, deadline: 20s, connect_timeout: 1s}}]
"""
APPLICATION = {"metadata": {"name": NAME, "namespace": "argocd"}, "spec": {"project": "default"}}
CAN_I, WINDOWS, DETAIL = "/api/v1/account/can-i/", "/syncwindows", f"/api/v1/applications/{NAME}"
SHORT = 0.5


class Upstream:
    """An Argo CD that answers well, unless one of its three answers is another one."""

    def __init__(self) -> None:
        self.answers: dict[str, Script] = {
            CAN_I: reply({"value": "yes"}),
            WINDOWS: reply({"canSync": True}),
            DETAIL: reply(APPLICATION),
        }
        self.server = WireServer(self.answer)

    def answer(self, peer: Peer, asked: Asked) -> None:
        next(script for path, script in self.answers.items() if path in asked.path)(peer, asked)

    @property
    def asked(self) -> set[str]:
        return {asked.path for asked in self.server.asked}


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    """A local Argo CD."""
    made = Upstream()
    yield made
    made.server.stop()


@pytest.fixture
def fleet(tmp_path: Path, settings: Settings, upstream: Upstream) -> FleetFile:
    """The fleet file in force; its only Argo CD is the local one."""
    return FleetFileOfTest(tmp_path, settings).put(FLEET.format(url=upstream.server.url))


def hang(peer: Peer, asked: Asked) -> None:
    peer.hang()


def test_it_asks_for_the_application_the_right_and_the_windows(fleet: FleetFile, upstream: Upstream) -> None:
    live = live_look(fleet, application_row(), Action.SYNC)
    assert live.detail is not None
    assert live.detail.application.name == NAME
    assert live.windows is not None
    assert (live.may_act, live.windows.can_sync, live.problems, live.is_missing) == (True, True, (), False)
    assert upstream.asked == {DETAIL, DETAIL + WINDOWS, f"{CAN_I}applications/sync/default/{NAME}"}


def test_a_refresh_needs_the_right_to_get_and_no_window(fleet: FleetFile, upstream: Upstream) -> None:
    live = live_look(fleet, application_row(), Action.REFRESH)
    assert (live.may_act, live.windows, live.problems) == (True, None, ())
    assert upstream.asked == {DETAIL, f"{CAN_I}applications/get/default/{NAME}"}


def test_to_terminate_needs_the_right_to_sync(fleet: FleetFile, upstream: Upstream) -> None:
    live_look(fleet, application_row(), Action.TERMINATE)
    assert f"{CAN_I}applications/sync/default/{NAME}" in upstream.asked


def test_a_right_to_an_application_of_another_namespace_is_found_too(fleet: FleetFile, upstream: Upstream) -> None:
    def only_with_namespace(peer: Peer, asked: Asked) -> None:
        reply({"value": "yes" if "/default/teams/" in asked.path else "no"})(peer, asked)

    upstream.answers[CAN_I] = only_with_namespace
    assert live_look(fleet, application_row(namespace="teams"), Action.SYNC).may_act is True


def test_a_no_is_an_answer(fleet: FleetFile, upstream: Upstream) -> None:
    upstream.answers[CAN_I] = reply({"value": "no"})
    live = live_look(fleet, application_row(), Action.SYNC)
    assert (live.may_act, live.problems) == (False, ())


@pytest.mark.parametrize("late", [CAN_I, WINDOWS, DETAIL])
def test_one_answer_that_is_late_does_not_hold_up_the_others(fleet: FleetFile, upstream: Upstream, late: str) -> None:
    upstream.answers[late] = hang
    began = time.monotonic()
    live = live_look(fleet, application_row(), Action.SYNC, deadline=SHORT)
    assert time.monotonic() - began < SHORT + 2
    assert {CAN_I: live.may_act, WINDOWS: live.windows, DETAIL: live.detail}[late] is None
    assert sum(answer is None for answer in (live.may_act, live.windows, live.detail)) == 1
    [problem] = live.problems
    assert problem.endswith("could not be checked: Argo CD has not answered yet")


def test_an_argo_cd_that_hangs_costs_the_deadline_once(fleet: FleetFile, upstream: Upstream) -> None:
    for path in upstream.answers:
        upstream.answers[path] = hang
    began = time.monotonic()
    live = live_look(fleet, application_row(), Action.SYNC, deadline=SHORT)
    assert time.monotonic() - began < SHORT * 3
    assert len(live.problems) == 3
    assert (live.detail, live.may_act, live.windows, live.is_missing) == (None, None, None, False)


def test_a_refusal_is_a_problem_in_words(fleet: FleetFile, upstream: Upstream) -> None:
    upstream.answers[WINDOWS] = reply({"error": "permission denied", "code": 7}, status=403)
    live = live_look(fleet, application_row(), Action.SYNC)
    assert live.windows is None
    [problem] = live.problems
    assert problem.startswith("the sync windows could not be checked: ")
    assert "permission denied" in problem


def test_an_application_that_argo_cd_has_not_any_more_is_missing(fleet: FleetFile, upstream: Upstream) -> None:
    upstream.answers[DETAIL] = reply({"error": "not found", "code": 5}, status=404)
    live = live_look(fleet, application_row(), Action.SYNC)
    assert live.detail is None
    assert live.is_missing


def test_a_route_that_is_not_there_does_not_say_that_the_application_is_missing(
    fleet: FleetFile, upstream: Upstream
) -> None:
    upstream.answers[DETAIL] = reply("404 page not found", status=404, Content_Type="text/plain")
    live = live_look(fleet, application_row(), Action.SYNC)
    assert not live.is_missing
    assert len(live.problems) == 1


def test_an_answer_that_makes_no_sense_is_a_problem(fleet: FleetFile, upstream: Upstream) -> None:
    upstream.answers[DETAIL] = reply("<html>", Content_Type="text/html")
    live = live_look(fleet, application_row(), Action.SYNC)
    assert live.detail is None
    assert live.may_act is True
    assert len(live.problems) == 1


def test_an_instance_that_left_the_fleet_file_is_not_asked(fleet: FleetFile, upstream: Upstream) -> None:
    live = live_look(fleet, application_row(instance="gone"), Action.SYNC)
    assert live.problems == ("nothing could be checked: Argo CD gone is not in the fleet file",)
    assert upstream.asked == set()


@pytest.mark.django_db(transaction=True)
def test_no_connection_of_the_database_is_held_while_argo_cd_is_waited_for(
    fleet: FleetFile, upstream: Upstream
) -> None:
    row, ours, held = application_row(), connections["default"], list[bool]()
    assert ours.connection is not None

    def note(peer: Peer, asked: Asked) -> None:
        held.append(ours.connection is not None)
        reply({"value": "yes"})(peer, asked)

    upstream.answers[CAN_I] = note
    assert live_look(fleet, row, Action.SYNC).may_act
    assert held == [False]
