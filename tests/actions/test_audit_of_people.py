"""What the audit log says of people: who did what from where, what was refused to them, and what prune would delete."""

from __future__ import annotations

from contextlib import nullcontext
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.sessions.models import Session
from pytest_django import Settings

from apps.accounts.models import Person, Role
from apps.actions.answering import request_answer
from apps.actions.audit import session_fingerprint, who_told
from apps.actions.bulk import bulk_submit
from apps.actions.case import Who
from apps.actions.models import ActionRequest, AuditLine
from apps.actions.moves import request_move
from apps.actions.options import Options
from apps.actions.preflight import Ask
from apps.actions.sending import request_send
from apps.actions.services import request_submit
from apps.actions.states import Action, State
from apps.core.clock import database_now
from apps.core.errors import RuleViolation
from tests.actions.bulks import FLEET, applications
from tests.actions.bulks import ask_for as bulk_ask
from tests.actions.cases import freeze_row, live, prunable, request_row, who
from tests.fleet_in_force import FleetFileOfTest
from tests.rows import ago, application_row

pytestmark = [pytest.mark.database, pytest.mark.django_db]


@pytest.fixture(autouse=True)
def fleet(tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fleet file in force; Argo CD answers that all is well."""
    FleetFileOfTest(tmp_path, settings).put(FLEET)
    monkeypatch.setattr("apps.actions.preflight.live_look", lambda *_, **__: live())


def somebody(name: str, role: Role) -> Who:
    """With a session and an address of their own."""
    found = who(role, name)
    return Who(user=found.user, role=role, session=f"session of {name}", address="192.0.2.9")


def last_of(request: ActionRequest) -> AuditLine:
    return AuditLine.objects.filter(request=request.pk).latest("pk")


REFUSED = [
    ("approve", State.WAITING, Action.SYNC, ("alex", Role.APPROVER), "you asked for it yourself"),
    ("approve", State.WAITING, Action.SYNC, ("sam", Role.RESPONDER), "Your role is responder"),
    ("withdraw", State.WAITING, Action.SYNC, ("sam", Role.RESPONDER), "Your role is responder"),
    ("set-aside", State.UNKNOWN, Action.SYNC, ("vera", Role.VIEWER), "Your role is viewer"),
    ("pause", State.RUNNING, Action.BULK_SYNC, ("vera", Role.VIEWER), "Your role is viewer"),
    ("resume", State.PAUSED, Action.BULK_SYNC, ("vera", Role.VIEWER), "Your role is viewer"),
    ("end", State.RUNNING, Action.BULK_SYNC, ("vera", Role.VIEWER), "Your role is viewer"),
]


@pytest.mark.parametrize(("word", "state", "action", "person", "words"), REFUSED)
def test_an_answer_that_is_refused_is_written_down(
    word: str, state: State, action: Action, person: tuple[str, Role], words: str
) -> None:
    request, by = request_row(action, state), somebody(*person)
    with pytest.raises(RuleViolation, match=words):
        request_answer(word, request=request, who=by, note="n")
    line = last_of(request)
    assert (line.event, line.who, line.what["asked"], line.what["by"]) == ("refused", person[0], word, who_told(by))
    assert line.words.startswith(f"{word}: ")
    assert words in line.words
    request.refresh_from_db()
    assert request.state == state


def test_somebody_of_another_scope_who_sets_it_aside_is_refused_and_written_down() -> None:
    request, by = request_row(state=State.UNKNOWN, environment="production"), somebody("sasha", Role.RESPONDER)
    Person.objects.update(scope={"environments": ["staging"]})
    by.user.refresh_from_db()
    with pytest.raises(RuleViolation, match="this is"):
        request_answer("set-aside", request=request, who=by, note="it is well")
    assert (last_of(request).event, last_of(request).who) == ("refused", "sasha")


DONE = [
    ("approve", State.WAITING, Action.SYNC, "approved"),
    ("withdraw", State.WAITING, Action.SYNC, "withdrawn"),
    ("set-aside", State.UNKNOWN, Action.SYNC, "not-known"),
    ("pause", State.RUNNING, Action.BULK_SYNC, "paused"),
    ("resume", State.PAUSED, Action.BULK_SYNC, "resumed"),
    ("end", State.RUNNING, Action.BULK_SYNC, "ended"),
]


@pytest.mark.parametrize(("word", "state", "action", "event"), DONE)
def test_a_line_of_an_answer_says_from_where_it_was_given_beside_who_had_asked(
    word: str, state: State, action: Action, event: str
) -> None:
    application_row()
    asked = {"session": "alex's", "role": "responder", "sent_at": ago(minutes=10)}
    request, by = request_row(action, state, **asked), somebody("ana", Role.APPROVER)
    assert request_answer(word, request=request, who=by, note="looked")
    line = last_of(request)
    assert (line.event, line.who) == (event, "ana")
    assert line.what["by"] == {
        "role": "approver",
        "session": session_fingerprint("session of ana"),
        "address": "192.0.2.9",
    }
    assert (line.what["role"], line.what["session"]) == ("responder", session_fingerprint("alex's"))


def test_the_end_of_a_bulk_says_who_left_its_steps_undone() -> None:
    request, by = request_row(Action.BULK_SYNC, State.RUNNING), somebody("ana", Role.APPROVER)
    request_row(state=State.PLANNED, parent=request, holds=True)
    request_answer("end", request=request, who=by)
    left = AuditLine.objects.get(event="left")
    assert (left.who, left.what["by"]) == ("ana", who_told(by))


def test_the_last_line_knows_the_session_that_the_request_forgets() -> None:
    request = request_row(state=State.RUNNING, session="alex's")
    request_move(request, to=State.FAILED)
    assert (request.session, last_of(request).what["session"]) == ("", session_fingerprint("alex's"))


def ask_for(**options: Any) -> Ask:
    return Ask(
        request_id=uuid4(), action=Action.SYNC, application=application_row(), options=Options(**options),
        who=who(), reason="drift", typed_name="build-service-stone-prd-m01", is_confirmed=True,
    )  # fmt: skip


def test_a_refused_attempt_knows_its_session_and_what_refused_it_in_full() -> None:
    freeze_row()
    done = request_submit(ask_for())
    assert done.request is not None
    told = last_of(done.request).what
    assert told["session"] == session_fingerprint("s1")
    assert [each["guard"] for each in told["guards"]] == ["freeze"]
    assert "role" in told["passed"]


def test_a_refused_bulk_knows_its_session() -> None:
    ask = bulk_ask(applications(1), who())
    freeze_row()
    done = bulk_submit(ask)
    assert done.request is not None
    assert last_of(done.request).what["session"] == session_fingerprint("s1")


def test_all_that_prune_deletes_is_named_when_it_is_asked_for_and_when_it_is_sent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    many = [prunable(f"settings-{number:03}-{'x' * 40}") for number in range(503)]
    monkeypatch.setattr("apps.actions.preflight.live_look", lambda *_, **__: live(*many))
    Session.objects.create(session_key="s1", expire_date=database_now() + timedelta(hours=1))
    monkeypatch.setattr("apps.actions.sending.acting_client", lambda *_: nullcontext())
    monkeypatch.setattr("apps.actions.sending._call", lambda *_: None)
    request = request_submit(ask_for(prune=True)).request
    assert request is not None
    request_send(request.pk)
    for event in ("requested", "sending"):
        told = AuditLine.objects.get(event=event).what
        assert (len(told["prunes"]), told["prunes_more"]) == (500, 3)
        assert told["prunes"][499] == f"ConfigMap backup/settings-499-{'x' * 40}"


def test_lines_in_between_do_not_repeat_what_the_guards_said() -> None:
    guards = [{"guard": "order", "answer": "warn", "words": "staging first", "link": ""}]
    request = request_row(state=State.RUNNING, guards=guards)
    request_move(request, to=State.SUCCEEDED)
    assert "guards" not in last_of(request).what
