"""Who makes the portal ask Argo CD: only who may act, and never all threads of the pages at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.conf import settings as of_django
from django.test import Client
from pytest_django import Settings

from apps.accounts.models import Person
from apps.actions import looking, tasks
from apps.actions.asking import address_of
from apps.actions.case import Live
from apps.actions.models import ActionRequest
from apps.actions.sending import request_send
from apps.actions.settling import requests_lost
from apps.actions.states import Action, State
from apps.actions.steps import steps_of_take_over
from apps.core.clock import database_now
from tests.actions.cases import live, request_row, running
from tests.actions.test_action_pages import NEW, asked, fields_of, value_shown
from tests.fleet_in_force import FleetFileOfTest
from tests.rows import ago, application_row

pytestmark = pytest.mark.django_db

FLEET = """
environments: [{name: staging}, {name: production}]
clusters: [{name: stone-prd-m01, role: member, environment: production}]
policies:
  - {name: kept, match: {actions: [hard-refresh]}, least_role: approver}
"""


class Looks:
    """How often Argo CD was asked."""

    def __init__(self) -> None:
        self.count = 0
        self.meanwhile: Callable[[], Any] = lambda: None

    def look(self, *_: Any, **__: Any) -> Live:
        self.count += 1
        self.meanwhile()
        return live()


@pytest.fixture(autouse=True)
def looks(tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Looks:
    FleetFileOfTest(tmp_path, settings).put(FLEET)
    found = Looks()
    monkeypatch.setattr("apps.actions.preflight.live_look", found.look)
    monkeypatch.setattr("apps.actions.looking.TURN_COMES", 0.01)
    return found


@pytest.fixture
def all_taken() -> Iterator[None]:
    """Other pages wait for Argo CD, as many as may."""
    with ExitStack() as stack:
        for _ in range(of_django.PORTAL_PAGE_THREADS - 1):
            stack.enter_context(looking.look_of_page())
        yield


def test_argo_cd_is_not_asked_for_a_viewer(viewer: Client, looks: Looks) -> None:
    application = application_row()
    assert viewer.get(address_of(Action.SYNC, application)).status_code == 403
    assert asked(viewer, value_shown(application)).status_code == 403
    assert looks.count == 0


def test_argo_cd_is_not_asked_for_somebody_of_another_scope(responder: Client, looks: Looks) -> None:
    Person.objects.update(scope={"environments": ["staging"]})
    assert responder.get(address_of(Action.SYNC, application_row())).status_code == 403
    assert looks.count == 0


def test_argo_cd_is_not_asked_for_what_the_policy_keeps_for_others(
    responder: Client, approver: Client, looks: Looks
) -> None:
    address = address_of(Action.HARD_REFRESH, application_row())
    assert "keeps this for an approver" in responder.get(address).content.decode()
    assert looks.count == 0
    approver.get(address)
    assert looks.count == 1


@pytest.mark.usefixtures("all_taken")
def test_while_others_wait_for_argo_cd_one_is_told_to_try_again_in_a_moment(responder: Client, looks: Looks) -> None:
    application = application_row()
    for answer in (responder.get(address_of(Action.SYNC, application)), asked(responder, value_shown(application))):
        assert answer.status_code == 503
        assert "Argo CD is slow to answer: try again in a moment" in answer.content.decode()
    assert looks.count == 0
    assert not ActionRequest.objects.exists()


@pytest.mark.usefixtures("all_taken")
def test_what_is_refused_without_argo_cd_needs_no_turn(viewer: Client) -> None:
    assert asked(viewer, value_shown(application_row())).status_code == 403


def test_a_turn_is_given_back_however_the_look_ends(responder: Client, looks: Looks) -> None:
    address = address_of(Action.SYNC, application_row())

    def broken() -> None:
        raise ZeroDivisionError

    looks.meanwhile = broken
    for _ in range(of_django.PORTAL_PAGE_THREADS):
        with pytest.raises(ZeroDivisionError):
            responder.get(address)
    looks.meanwhile = lambda: None
    assert responder.get(address).status_code == 200


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[UUID]:
    """Of which requests workers are told."""
    found: list[UUID] = []

    def message(pk: UUID) -> bool:
        found.append(pk)
        return True

    monkeypatch.setattr("apps.actions.tasks.message_send", message)
    return found


def test_a_take_over_begins_with_its_message_not_with_the_next_second(told: list[UUID]) -> None:
    operation = {"phase": "Running", "started_at": "2026-11-24T09:00:00Z"}
    application_row(operation=operation, operation_phase="Running")
    request = request_row(Action.TAKE_OVER, State.APPROVED, sent_at=None, state_at=database_now())
    steps_of_take_over(request)
    tasks.send(str(request.pk))
    request.refresh_from_db()
    assert request.state == State.RUNNING
    assert told == [request.steps.get(position=1).pk]


def test_the_click_for_a_take_over_tells_a_worker(
    responder: Client,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: Callable[..., Any],
) -> None:
    sent: list[UUID] = []
    monkeypatch.setattr("apps.actions.views.send_soon", sent.append)
    seen = live(operation=running())
    monkeypatch.setattr("apps.actions.preflight.live_look", lambda *_, **__: seen)
    page = responder.get(address_of(Action.TAKE_OVER, application_row())).content.decode()
    with django_capture_on_commit_callbacks(execute=True):
        assert responder.post(NEW, {**fields_of(page), "reason": "it retries for ever"}).status_code == 303
    assert sent == [ActionRequest.objects.get(action=Action.TAKE_OVER).pk]


class Stopped(Exception):
    """The worker ends here."""


def test_what_a_worker_looks_at_just_now_is_not_taken_for_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    lost = request_row(state=State.APPROVED, sent_at=None, state_at=ago(seconds=4))
    taken = request_row(state=State.APPROVED, sent_at=None, state_at=ago(seconds=4), name="other")

    def stopped(*_: object) -> None:
        raise Stopped

    monkeypatch.setattr("apps.actions.sending.acting_client", stopped)
    with pytest.raises(Stopped):
        request_send(taken.pk)
    assert requests_lost() == [lost.pk]
