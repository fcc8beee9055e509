"""A freeze that is placed while another transaction permits sending: never does the log show it, and then a sending."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import nullcontext
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.utils.module_loading import import_string
from pytest_django import Settings

from apps.accounts.models import Role
from apps.actions.case import Who
from apps.actions.freezes import freeze_begin
from apps.actions.models import ActionRequest, AuditLine, Freeze
from apps.actions.sending import request_send
from apps.actions.states import State
from apps.core.clock import database_now
from tests.actions.bulks import FLEET
from tests.actions.cases import live, request_row, who
from tests.fleet_in_force import FleetFileOfTest
from tests.rows import application_row

pytestmark = [pytest.mark.database, pytest.mark.django_db(transaction=True)]

PATIENCE = 20
ROUNDS = 8
SOMEBODY_WAITS = "SELECT count(*) FROM pg_locks WHERE NOT granted"
Held = Callable[[str], threading.Event]


class Accepts:
    """An Argo CD that accepts every sync."""

    def __init__(self) -> None:
        self.received: list[str] = []

    def sync(self, name: str, **_: Any) -> None:
        self.received.append(name)


@pytest.fixture
def argocd(tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Accepts:
    FleetFileOfTest(tmp_path, settings).put(FLEET)
    accepts = Accepts()
    monkeypatch.setattr("apps.actions.preflight.live_look", lambda *_, **__: live())
    monkeypatch.setattr("apps.actions.sending.acting_client", lambda *_: nullcontext(accepts))
    return accepts


@pytest.fixture
def ada(db: None) -> Who:
    return who(Role.APPROVER, "ada")


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Held:
    """Has a transaction stay open after what is there under that name was done, until another waits for it.

    The event is set as soon as it is done.
    """

    def arranged(name: str) -> threading.Event:
        real, is_done = import_string(name), threading.Event()

        def doing(*given: Any, **named: Any) -> Any:
            told = real(*given, **named)
            is_done.set()
            somebody_waits()
            return told

        monkeypatch.setattr(name, doing)
        return is_done

    return arranged


def somebody_waits() -> None:
    """Returns once another transaction waits for a lock. SQLite tells of none: there one writer at a time is all."""
    until = time.monotonic() + PATIENCE
    while connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(SOMEBODY_WAITS)
            if cursor.fetchone()[0]:
                return
        assert time.monotonic() < until, "nobody waits for it"
        time.sleep(0.01)


def approved(name: str = "build-service-stone-prd-m01", **place: str) -> ActionRequest:
    """A resync of somebody else that is to be sent now."""
    application_row(name, **place)
    moment = database_now()
    fields = {"sent_at": None, "created_at": moment, "state_at": moment, "username": "remy", **place}
    return request_row(state=State.APPROVED, name=name, person=who(name=f"remy-{name}").user, **fields)


def freeze(person: Who, value: str = "production") -> None:
    ends_at = database_now() + timedelta(hours=1)
    told = {"scope": "environment", "value": value, "reason": "the release", "ends_at": ends_at}
    freeze_begin(who=person, request_id=uuid4(), **told)  # type: ignore[arg-type]


def begun(target: Callable[..., Any], *given: Any) -> threading.Thread:
    """Does it in a thread with a connection of its own."""

    def doing() -> None:
        try:
            target(*given)
        finally:
            connection.close()

    thread = threading.Thread(target=doing)
    thread.start()
    return thread


def events() -> list[str]:
    """The log's, in its order."""
    return list(AuditLine.objects.order_by("pk").values_list("event", flat=True))


def test_what_is_about_to_be_sent_while_a_freeze_is_placed_is_held(argocd: Accepts, ada: Who, held: Held) -> None:
    request = approved()
    is_placed = held("apps.actions.freezes.audit_note")
    freezing = begun(freeze, ada)
    assert is_placed.wait(PATIENCE)
    sending = begun(request_send, request.pk)
    for thread in (freezing, sending):
        thread.join(PATIENCE)
    request.refresh_from_db()
    assert (request.state, argocd.received) == (State.REFUSED, [])
    assert "frozen: environment production" in request.outcome
    assert events() == ["freeze", "refused"]


def test_a_freeze_that_is_placed_while_sending_is_permitted_stands_behind_it(
    argocd: Accepts, ada: Who, held: Held
) -> None:
    request = approved()
    is_permitted = held("apps.actions.sending.checked_at_last")
    sending = begun(request_send, request.pk)
    assert is_permitted.wait(PATIENCE)
    freezing = begun(freeze, ada)
    for thread in (freezing, sending):
        thread.join(PATIENCE)
    request.refresh_from_db()
    assert (request.state, argocd.received) == (State.ACCEPTED, [request.name])
    assert Freeze.objects.count() == 1
    assert sorted(events()) == ["accepted", "freeze", "sending"]
    assert events()[0] == "sending"


def test_whichever_is_faster_no_sending_stands_behind_a_freeze(argocd: Accepts, ada: Who) -> None:
    for number in range(ROUNDS):
        environment = f"lab-{number}"
        request = approved(f"app-{number}", environment=environment)
        together = threading.Barrier(2)

        def at_once(target: Callable[..., Any], *given: Any, together: threading.Barrier = together) -> None:
            together.wait(PATIENCE)
            target(*given)

        threads = [begun(at_once, request_send, request.pk), begun(at_once, freeze, ada, environment)]
        for thread in threads:
            thread.join(PATIENCE)
        request.refresh_from_db()
        assert request.state in {State.ACCEPTED, State.REFUSED}, request.outcome
        lines = AuditLine.objects.order_by("pk").values_list("event", "what__environment")
        told = [event for event, where in lines if where == environment]
        assert told.count("freeze") == 1
        assert "sending" not in told[told.index("freeze") :], told
        assert (request.name in argocd.received) is ("sending" in told)
