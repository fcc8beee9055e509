"""Looks after what was sent, where Argo CD knows of no such Application."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from apps.actions.judging import UNANSWERED
from apps.actions.models import ActionRequest
from apps.actions.settling import requests_look_after
from apps.actions.states import Action, State
from apps.core.errors import UpstreamNotFound
from apps.gitops.models import Application
from tests.actions.cases import request_row
from tests.fleet_in_force import FleetFileOfTest
from tests.rows import ago, application_row

pytestmark = [pytest.mark.database, pytest.mark.django_db]

MAY_STILL_ARRIVE, IS_OVER = timedelta(seconds=65), timedelta(seconds=75)
"""Of a call with a deadline of 10 s, and a minute in which it may be on its way."""


class NoSuchApplication:
    """An Argo CD that answers 404."""

    def application(self, name: str, **_: Any) -> None:
        raise UpstreamNotFound("argocd/production", f"applications.argoproj.io {name} not found")


@pytest.fixture(autouse=True)
def argocd(tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    FleetFileOfTest(tmp_path, settings).put("{}")
    monkeypatch.setattr("apps.actions.settling.argocd_client", lambda *_: NoSuchApplication())


def sent(state: State, since: timedelta, action: Action = Action.SYNC) -> ActionRequest:
    """A request that was sent so long ago."""
    moment = ago(seconds=since.total_seconds())
    return request_row(action, state, sent_at=moment, state_at=moment, looked_at=None)


def looked_after(request: ActionRequest) -> ActionRequest:
    requests_look_after()
    request.refresh_from_db()
    return request


@pytest.mark.parametrize("action", [Action.SYNC, Action.DRY_RUN, Action.TERMINATE, Action.HARD_REFRESH])
def test_what_is_unknown_waits_for_a_late_call_though_its_application_is_gone(action: Action) -> None:
    request = looked_after(sent(State.UNKNOWN, MAY_STILL_ARRIVE, action))
    assert (request.state, request.outcome) == (State.UNKNOWN, "")
    assert request.looked_at is not None
    ActionRequest.objects.update(sent_at=ago(seconds=IS_OVER.total_seconds()), looked_at=None)
    request = looked_after(request)
    assert (request.state, request.outcome) == (State.NOT_KNOWN, "The application was deleted meanwhile")


def test_what_argo_cd_had_accepted_ends_with_its_application() -> None:
    request = looked_after(sent(State.ACCEPTED, timedelta(seconds=1)))
    assert (request.state, request.outcome) == (State.NOT_KNOWN, "The application was deleted meanwhile")


def test_nothing_is_concluded_while_the_portal_still_knows_the_application() -> None:
    application_row()
    request = looked_after(sent(State.UNKNOWN, IS_OVER))
    assert (request.state, list(request.operation or {})) == (State.UNKNOWN, [UNANSWERED])
    Application.objects.all().delete()
    ActionRequest.objects.update(looked_at=None)
    assert looked_after(request).state == State.NOT_KNOWN
