"""A database that is away, locked, read-only or full: reads go on, rounds are skipped, all heals (F33, F34, F35)."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import OperationalError, connection, transaction
from django.test import Client

from apps.accounts.models import Role
from apps.actions.audit import audit_verify
from apps.actions.freezes import freeze_begin
from apps.actions.models import ActionRequest, AuditLine, Freeze
from apps.actions.moves import request_move
from apps.actions.sending import request_send
from apps.actions.services import request_submit
from apps.actions.states import Action, State
from apps.alerts.models import Episode
from apps.alerts.tasks import read_alertmanager
from apps.core.clock import database_now
from apps.core.connections import DATABASE_FAILURES, short_patience
from apps.gitops.models import Application, ApplicationDetail
from stonesoup_portal.celery import align, prune, tick
from tests.actions.log import line_written
from tests.faults.acting import Person, Scene
from tests.faults.stage import ALERTMANAGERS, PAGES, Stage, is_sqlite

pytestmark = [pytest.mark.database, pytest.mark.django_db(transaction=True)]

NEW_ALERTS = 300
MOST_NOTED = 200
FREEZE = {"do": "freeze", "what": "environment|production", "reason": "drill", "length": "1h", "form": str(uuid4())}
LOCKED_FOR_LONG = 1.5


def rise(stage: Stage, count: int = NEW_ALERTS) -> None:
    """So many alerts begin to fire in both members."""

    def fire() -> None:
        for number in range(count):
            stage.demo.world.alert_fire("ArgoCDSyncAlert", labels={"name": f"app-{number}"})

    stage.demo.call(fire)


def episodes() -> set[tuple[str, str, str]]:
    return set(Episode.objects.values_list("alertmanager", "fingerprint", "state"))


class Elsewhere:
    """A connection of another process, as far as the database can tell: one in a thread of its own."""

    def __init__(self, statements: tuple[str, ...]) -> None:
        self._statements = statements
        self._begun, self._end = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._hold)

    def __enter__(self) -> None:
        self._thread.start()
        assert self._begun.wait(10)

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join(10)

    def _hold(self) -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            for statement in self._statements:
                cursor.execute(statement)
            self._begun.set()
            self._end.wait(30)
        connection.close()


def a_writer_at_work() -> Elsewhere:
    """Somebody else writes alerts and asks for details: the whole of SQLite, or these tables of PostgreSQL."""
    if is_sqlite():
        return Elsewhere(())  # transactions begin IMMEDIATE
    return Elsewhere(("LOCK TABLE alerts_episode, gitops_applicationdetail IN SHARE ROW EXCLUSIVE MODE",))


def less_patience(seconds: float) -> AbstractContextManager[None]:
    """Each new connection waits so long for a lock, so that tests need not wait for the portal's own patience."""
    if is_sqlite():
        return changed_connections("timeout", seconds)
    own = connection.settings_dict["OPTIONS"]["options"]
    return changed_connections("options", f"{own} -c lock_timeout={seconds * 1000:.0f}ms")


@contextmanager
def changed_connections(name: str, value: object) -> Iterator[None]:
    """Connections made within have this option."""
    options: dict[str, Any] = connection.settings_dict["OPTIONS"]
    before = options[name]
    options[name] = value
    connections_end()
    try:
        yield
    finally:
        options[name] = before
        connections_end()


def connections_end() -> None:
    connection.close()
    if hasattr(connection, "close_pool"):
        connection.close_pool()


def test_f34_while_a_writer_holds_the_alerts_pages_are_served_and_the_round_is_skipped(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    stage.read()
    before, name = episodes(), Application.objects.filter(instance="production").values_list("name", flat=True)[0]
    rise(stage, 3)
    with less_patience(0.3):
        with a_writer_at_work():
            began = time.monotonic()
            for path in (*PAGES, f"/apps/production/argocd/{name}/"):
                stage.html(path)
            assert time.monotonic() - began < 5, "a page waited for the lock"
            assert "are not asked for, the database says" in caplog.text
            read_alertmanager(key=ALERTMANAGERS[0])
            assert "is skipped, the database says" in caplog.text
            assert episodes() == before
        stage.read(ALERTMANAGERS[0])
    assert len(episodes()) == len(before) + 3
    assert stage.source(ALERTMANAGERS[0]).failures == 0, "it tells nothing of the source"


def test_f34_no_lock_is_waited_for_without_end() -> None:
    with connection.cursor() as cursor:
        if is_sqlite():
            cursor.execute("PRAGMA busy_timeout")
            assert cursor.fetchone()[0] == 20_000
        else:
            cursor.execute("SHOW lock_timeout")
            assert cursor.fetchone()[0] == "5s"


def test_a_short_patience_is_over_when_it_is_over() -> None:
    with a_writer_at_work():
        began = time.monotonic()
        with pytest.raises(OperationalError), short_patience(0.2), transaction.atomic():
            ApplicationDetail.objects.create(application_id=1)
        assert 0.1 < time.monotonic() - began < LOCKED_FOR_LONG
    test_f34_no_lock_is_waited_for_without_end()


def read_only() -> AbstractContextManager[None]:
    if is_sqlite():
        return changed_connections("init_command", "PRAGMA query_only=1;")
    own = connection.settings_dict["OPTIONS"]["options"]
    return changed_connections("options", f"{own} -c default_transaction_read_only=on")


def full() -> AbstractContextManager[None]:
    """SQLite may not grow. PostgreSQL tells a full disk as an OperationalError too; filling one is beyond a test."""
    with connection.cursor() as cursor:
        cursor.execute("VACUUM")  # no room in pages that earlier tests left
    return changed_connections("init_command", "PRAGMA journal_mode=WAL; PRAGMA max_page_count=1;")


@pytest.mark.parametrize("database", [read_only, full] if is_sqlite() else [read_only])
def test_f35_a_database_that_takes_no_writes_is_read_on_and_the_collectors_say_so(
    stage: Stage, caplog: pytest.LogCaptureFixture, database: Callable[[], AbstractContextManager[None]]
) -> None:
    stage.read()
    before, items = episodes(), stage.source(ALERTMANAGERS[0]).items
    name = Application.objects.filter(instance="production").values_list("name", flat=True)[0]
    rise(stage)
    with database():
        for key in ALERTMANAGERS:
            read_alertmanager(key=key)
        for task in (tick, align, prune):
            task()
        for path in (*PAGES, f"/apps/production/argocd/{name}/"):
            stage.html(path)
        assert episodes() == before, "half of an answer was written"
    assert "is skipped, the database says" in caplog.text
    assert "Traceback" not in caplog.text
    assert stage.source(ALERTMANAGERS[0]).items == items
    stage.read(*ALERTMANAGERS)
    assert len(episodes()) == len(before) + NEW_ALERTS, "it heals in one round"


def until_nothing_can_be_noted() -> None:
    """A full database still has room in pages that are there: this is used up too."""
    for _ in range(MOST_NOTED):
        try:
            line_written()
        except DATABASE_FAILURES:
            return
    pytest.fail("the database takes all that is written")


@pytest.mark.parametrize("database", [read_only, full] if is_sqlite() else [read_only])
def test_f35_what_cannot_be_written_into_the_audit_log_is_not_done_and_reading_goes_on(
    stage: Stage, database: Callable[[], AbstractContextManager[None]]
) -> None:
    scene, rhea, ada = Scene(stage), Person("rhea"), Person("ada", Role.APPROVER)
    rhea.client.raise_request_exception = False
    approved, other = scene.submitted(rhea), scene.ask(Person("sam"), Action.REFRESH)
    with database():
        until_nothing_can_be_noted()
        before = (ActionRequest.objects.count(), AuditLine.objects.count())
        for act in (
            lambda: request_submit(other),
            lambda: request_send(approved.pk),
            lambda: request_move(scene.now(approved), to=State.SENDING),
            lambda: frozen(ada),
        ):
            with pytest.raises(DATABASE_FAILURES):
                act()
        assert (ActionRequest.objects.count(), AuditLine.objects.count()) == before
        assert scene.now(approved).state == State.APPROVED
        assert scene.posts() == [], "sent what nobody could have read of later"
        for path in (*PAGES, "/actions/", "/actions/freezes/", approved.get_absolute_url()):
            stage.html(path)
        answer = rhea.client.post("/actions/freezes/", FREEZE)
        assert (answer.status_code, answer["Retry-After"]) == (503, "5")
        assert audit_verify().is_good
    assert not Freeze.objects.exists()
    request_send(approved.pk)
    assert scene.now(approved).state == State.ACCEPTED, "it heals by itself"
    assert len(scene.posts()) == 1
    assert audit_verify().is_good


def frozen(who: Person) -> ActionRequest:
    """Somebody freezes everything for an hour."""
    until = database_now() + timedelta(hours=1)
    return freeze_begin(who=who.who, scope="everything", value="", reason="drill", ends_at=until, request_id=uuid4())


def test_f35_who_signs_in_while_nothing_can_be_written_is_told_when_to_come_back(stage: Stage) -> None:
    browser = Client(raise_request_exception=False)
    with read_only():
        answer = browser.post("/accounts/sign-in/", {"username": "vera", "password": "not so secret"})
    assert answer.status_code == 503
    assert answer["Retry-After"]
