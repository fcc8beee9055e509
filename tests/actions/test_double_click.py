"""One form sent twice at once is one request, whatever became of it and whichever of the two was faster."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.utils.module_loading import import_string
from pytest_django import Settings

from apps.actions.bulk import bulk_submit
from apps.actions.bulk_preflight import BulkAsk
from apps.actions.digests import digest_of_row
from apps.actions.models import ActionRequest
from apps.actions.options import Options
from apps.actions.preflight import Ask
from apps.actions.services import request_submit
from apps.actions.states import Action, State
from apps.gitops.models import Application
from tests.actions.bulks import FLEET, applications
from tests.actions.bulks import ask_for as bulk_of
from tests.actions.cases import freeze_row, live, running, who
from tests.fleet_in_force import FleetFileOfTest
from tests.rows import application_row

pytestmark = [pytest.mark.database, pytest.mark.django_db]

Between = Callable[[str, Callable[[], Any]], None]
LOOK, LOOK_AT_BULK, WRITE = (
    f"apps.actions.{name}" for name in ("services.preflight", "bulk.bulk_preflight", "services._written")
)


@pytest.fixture(autouse=True)
def fleet(tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fleet file in force; Argo CD answers that all is well."""
    FleetFileOfTest(tmp_path, settings).put(FLEET)
    monkeypatch.setattr("apps.actions.preflight.live_look", lambda *_, **__: live())


@pytest.fixture
def before(monkeypatch: pytest.MonkeyPatch) -> Between:
    """Has something happen once, just before what is there under that name is done."""

    def arranged(name: str, happens: Callable[[], Any]) -> None:
        waiting, real = [happens], import_string(name)

        def doing(*given: Any, **named: Any) -> Any:
            if waiting:
                waiting.pop()()
            return real(*given, **named)

        monkeypatch.setattr(name, doing)

    return arranged


def ask_for(row: Application, action: Action = Action.SYNC) -> Ask:
    digest = digest_of_row(row, Options())
    return Ask(request_id=uuid4(), action=action, application=row, options=Options(), who=who(), digest=digest)


@pytest.mark.parametrize("moment", [LOOK, WRITE])
def test_a_double_click_on_what_is_refused_leads_to_the_one_attempt(moment: str, before: Between) -> None:
    freeze_row()
    ask = ask_for(application_row())
    before(moment, lambda: request_submit(ask))
    second = request_submit(ask)
    request = ActionRequest.objects.get()
    assert (request.state, second.request, second.preflight) == (State.REFUSED, request, None)


@pytest.mark.parametrize("moment", [LOOK, WRITE])
def test_a_double_click_on_what_runs_leads_to_the_one_request(moment: str, before: Between) -> None:
    ask = ask_for(application_row())
    before(moment, lambda: request_submit(ask))
    second = request_submit(ask)
    request = ActionRequest.objects.get()
    assert (request.state, second.request, second.preflight) == (State.APPROVED, request, None)


def test_a_second_click_whose_look_sees_what_the_first_began_leads_to_the_first(
    before: Between, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It sees another operation than the page showed: that alone would say that nothing was sent yet."""
    ask = ask_for(application_row())

    def first_click() -> None:
        request_submit(ask)
        monkeypatch.setattr("apps.actions.preflight.live_look", lambda *_, **__: live(operation=running()))

    before(LOOK, first_click)
    second = request_submit(ask)
    assert (second.request, second.preflight) == (ActionRequest.objects.get(), None)


def test_two_people_in_the_same_blink_the_second_is_refused(before: Between) -> None:
    row = application_row()
    ask, other = ask_for(row), ask_for(row)
    before(WRITE, lambda: request_submit(other))
    done = request_submit(ask)
    assert done.preflight is not None
    assert (done.preflight.is_refused, done.request) == (True, ActionRequest.objects.get(pk=ask.request_id))
    assert ActionRequest.objects.get(pk=other.request_id).state == State.APPROVED


def test_a_double_click_on_a_bulk_leads_to_the_one_bulk(before: Between) -> None:
    ask = bulk_of(applications(2), who())
    before(LOOK_AT_BULK, lambda: changed_after(ask))
    second = bulk_submit(ask)
    assert (second.request, second.preflight) == (ActionRequest.objects.get(parent=None), None)


def changed_after(ask: BulkAsk) -> None:
    """The first click, after which the selection does not look any more as the page showed it."""
    bulk_submit(ask)
    freeze_row()
