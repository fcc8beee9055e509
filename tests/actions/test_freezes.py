"""Freezes: who may begin and end them, for how long, and what tells of them."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection
from pytest_django import Settings

from apps.accounts.models import Role
from apps.actions.case import Who
from apps.actions.freezes import freeze_begin, freeze_end, freeze_values, freezes_on
from apps.actions.models import ActionRequest, AuditLine, Freeze
from apps.actions.states import State
from apps.core.clock import database_now
from apps.core.errors import RuleViolation
from apps.core.topics import versions_of
from apps.gitops.models import Project
from apps.timeline.changes import Around, changes_before
from apps.timeline.models import Transition
from tests.actions.log import at_one_moment
from tests.conftest import person_with
from tests.fleet_in_force import FleetFileOfTest
from tests.rows import application_row, cluster_row

pytestmark = [pytest.mark.database, pytest.mark.django_db]

HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def fleet(tmp_path: Path, settings: Settings, db: None) -> None:
    FleetFileOfTest(tmp_path, settings).put("{}")
    cluster_row("stone-prd-m01", environment="production")
    cluster_row("stone-stg-m01", environment="staging")
    cluster_row("stone-old", environment="lab", is_archived=True)
    Project.objects.create(instance="production", name="tenants")


def somebody(role: Role | None = Role.APPROVER, name: str = "ada", scope: dict[str, Any] | None = None) -> Who:
    user = person_with(name, role)
    if scope:
        user.person.scope = scope
        user.person.save()
    return Who(user=user, role=role, session="s3cr3t-session-key", address="192.0.2.7")


def begun(who: Who, scope: str = "environment", value: str = "production", **told: Any) -> ActionRequest:
    defaults = {"reason": "the release", "ends_at": database_now() + HOUR, "request_id": uuid4()}
    return freeze_begin(who=who, scope=scope, value=value, **{**defaults, **told})


def test_a_freeze_holds_from_now_until_its_end() -> None:
    begun(somebody())
    (freeze,) = freezes_on(database_now())
    assert (freeze.scope, freeze.value, freeze.reason, freeze.by) == ("environment", "production", "the release", "ada")
    assert freezes_on(freeze.began_at) == [freeze]
    assert freezes_on(freeze.ends_at - timedelta(milliseconds=1)) == [freeze]
    assert freezes_on(freeze.ends_at) == freezes_on(freeze.began_at - timedelta(milliseconds=1)) == []


def test_its_request_has_succeeded_and_its_audit_line_says_who_what_and_until_when() -> None:
    request = begun(somebody(), "cluster", "stone-prd-m01")
    kept = ActionRequest.objects.get(pk=request.pk)
    assert (kept.action, kept.state, kept.username, kept.role) == ("freeze", State.SUCCEEDED, "ada", "approver")
    assert (kept.subject, kept.cluster, kept.environment) == ("cluster stone-prd-m01", "stone-prd-m01", "production")
    assert (kept.session, kept.ended_at) == ("", kept.created_at)
    line, freeze = AuditLine.objects.get(), Freeze.objects.get()
    assert (line.event, line.request, line.who) == ("freeze", request.pk, "ada")
    assert line.words == f"frozen until {freeze.ends_at:%Y-%m-%d %H:%M} UTC: the release"
    assert (line.what["freeze"], line.what["reason"], line.what["address"]) == (freeze.pk, "the release", "192.0.2.7")
    assert len(line.what["session"]) == 16


def test_pages_are_told_and_what_changed_knows_of_its_beginning_and_its_end() -> None:
    who = somebody()
    begun(who)
    freeze_end(who=who, freeze=Freeze.objects.get(), request_id=uuid4())
    assert versions_of(["actions", "freezes"]) == {"actions": 2, "freezes": 2}
    at_one_moment()
    (change,) = changes_before(database_now(), Around(environment="production"))
    assert (change.title, change.by, change.kind) == ("environment production", "ada", "action")
    assert change.words.startswith("frozen until ")
    assert change.words.endswith(": the release, no longer frozen")
    assert change.url == f"/actions/{ActionRequest.objects.latest('created_at').pk}/"
    assert changes_before(database_now(), Around(environment="staging")) == []


def test_the_same_form_sent_twice_is_one_freeze() -> None:
    who, request_id = somebody(), uuid4()
    first = begun(who, request_id=request_id)
    again = begun(who, request_id=request_id, reason="another")
    assert again == first
    assert (Freeze.objects.count(), AuditLine.objects.count()) == (1, 1)
    ended = uuid4()
    assert freeze_end(who=who, freeze=Freeze.objects.get(), request_id=ended).pk == ended
    assert freeze_end(who=who, freeze=Freeze.objects.get(), request_id=ended).pk == ended
    assert AuditLine.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_the_same_form_sent_from_two_tabs_at_once_is_one_freeze() -> None:
    who, request_id, together = somebody(), uuid4(), threading.Barrier(2)
    made: list[UUID] = []

    def send() -> None:
        together.wait(10)
        made.append(begun(who, request_id=request_id).pk)
        connection.close()

    tabs = [threading.Thread(target=send) for _ in range(2)]
    for tab in tabs:
        tab.start()
    for tab in tabs:
        tab.join(20)
    assert made == [request_id, request_id]
    assert (Freeze.objects.count(), AuditLine.objects.count()) == (1, 1)


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"reason": " \n "}, "Say why"),
        ({"reason": "x" * 501}, "too long"),
        ({"value": "nowhere"}, "There is no environment nowhere"),
        ({"value": ""}, "There is no environment"),
        ({"scope": "cluster", "value": "stone-old"}, "There is no cluster stone-old"),
        ({"scope": "project", "value": "production"}, "There is no project production"),
        ({"scope": "everything", "value": "production"}, "Choose one"),
        ({"scope": "galaxy"}, "Say what is to be frozen"),
        ({"ends_at": timedelta(minutes=-1)}, "in the past"),
        ({"ends_at": timedelta(days=7, minutes=1)}, "7 days"),
    ],
)
def test_what_is_no_freeze_is_told_and_nothing_is_written(told: dict[str, Any], words: str) -> None:
    who = somebody()
    if "ends_at" in told:
        told = {**told, "ends_at": database_now() + told["ends_at"]}
    with pytest.raises(RuleViolation, match=words):
        begun(who, **told)
    assert [model.objects.count() for model in (Freeze, ActionRequest, AuditLine)] == [0, 0, 0]


def test_seven_days_are_not_too_long_and_any_zone_will_do() -> None:
    ends_at = (database_now() + timedelta(days=7, seconds=-1)).astimezone(tz=datetime.now().astimezone().tzinfo)
    begun(somebody(), ends_at=ends_at)
    assert Freeze.objects.get().ends_at == ends_at


RESPONDER, APPROVER, ADMIN, VIEWER = Role.RESPONDER, Role.APPROVER, Role.ADMIN, Role.VIEWER
STAGING = {"environments": ["staging"]}
TENANTS = {"projects": ["tenants"]}


@pytest.mark.parametrize(
    ("role", "scope", "what", "value", "is_allowed"),
    [
        (RESPONDER, None, "environment", "production", True),
        (RESPONDER, None, "everything", "", False),
        (APPROVER, None, "everything", "", True),
        (ADMIN, None, "everything", "", True),
        (VIEWER, None, "environment", "production", False),
        (None, None, "environment", "production", False),
        (RESPONDER, STAGING, "environment", "staging", True),
        (RESPONDER, STAGING, "environment", "production", False),
        (RESPONDER, STAGING, "cluster", "stone-stg-m01", True),
        (RESPONDER, STAGING, "cluster", "stone-prd-m01", False),
        (RESPONDER, STAGING, "project", "tenants", False),
        (RESPONDER, TENANTS, "project", "tenants", True),
        (RESPONDER, TENANTS, "environment", "staging", False),
        (APPROVER, STAGING, "everything", "", False),
    ],
)
def test_who_may_freeze_what(role: Role | None, scope: Any, what: str, value: str, is_allowed: bool) -> None:
    who = somebody(role, scope=scope)
    if is_allowed:
        assert begun(who, what, value).state == State.SUCCEEDED
        return
    with pytest.raises(RuleViolation):
        begun(who, what, value)
    assert not Freeze.objects.exists()
    line = AuditLine.objects.get()
    assert (line.event, line.who, line.what["action"], line.request) == ("refused", "ada", "freeze", None)
    assert line.words
    assert line.what["subject"] == f"{what} {value}".strip()


@pytest.mark.parametrize(
    ("name", "role", "scope", "is_allowed"),
    [
        ("remy", RESPONDER, None, True),
        ("rosa", RESPONDER, None, False),
        ("ada", APPROVER, None, True),
        ("ada", APPROVER, STAGING, False),
        ("root", ADMIN, None, True),
        ("vera", VIEWER, None, False),
    ],
)
def test_who_may_end_what_remy_froze(name: str, role: Role, scope: Any, is_allowed: bool) -> None:
    remy = somebody(RESPONDER, "remy")
    begun(remy)
    who = remy if name == "remy" else somebody(role, name, scope)
    freeze = Freeze.objects.get()
    if not is_allowed:
        with pytest.raises(RuleViolation):
            freeze_end(who=who, freeze=freeze, request_id=uuid4())
        assert freezes_on(database_now()) == [freeze]
        assert list(AuditLine.objects.order_by("pk").values_list("event", flat=True)) == ["freeze", "refused"]
        return
    request = freeze_end(who=who, freeze=freeze, request_id=uuid4())
    assert (request.action, request.state, request.username) == ("unfreeze", State.SUCCEEDED, name)
    assert freezes_on(database_now()) == []
    assert Freeze.objects.get().ended_by == name


def test_who_began_it_and_is_a_viewer_now_may_not_end_it() -> None:
    remy = somebody(RESPONDER, "remy")
    begun(remy)
    remy.user.person.role = VIEWER
    remy.user.person.save()
    with pytest.raises(RuleViolation, match="viewer"):
        freeze_end(who=remy, freeze=Freeze.objects.get(), request_id=uuid4())


def test_what_has_ended_is_not_ended_again() -> None:
    who = somebody()
    begun(who)
    freeze = Freeze.objects.get()
    freeze_end(who=who, freeze=freeze, request_id=uuid4())
    with pytest.raises(RuleViolation, match="ended already"):
        freeze_end(who=who, freeze=freeze, request_id=uuid4())
    assert AuditLine.objects.filter(event="unfreeze").count() == Transition.objects.count() - 1 == 1


def test_the_names_that_can_be_frozen_are_those_of_the_fleet() -> None:
    application_row(environment="edge")
    assert freeze_values("cluster") == ["stone-prd-m01", "stone-stg-m01"]
    assert freeze_values("environment") == ["edge", "production", "staging"]
    assert freeze_values("project") == ["tenants"]
    assert freeze_values("everything") == []
