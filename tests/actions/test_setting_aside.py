"""What a person ends by hand, because nothing else would: what is not known, what nobody tells of, what hangs."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from apps.accounts.models import Role
from apps.actions.models import ActionRequest, AuditLine
from apps.actions.setting_aside import request_end, request_set_aside, unanswered_since
from apps.actions.states import Action, State
from apps.actions.steps import steps_advance
from apps.core.clock import database_now
from apps.core.errors import RuleViolation
from tests.actions.bulks import FLEET, again, states
from tests.actions.cases import request_row, who
from tests.fleet_in_force import FleetFileOfTest
from tests.rows import ago

pytestmark = [pytest.mark.database, pytest.mark.django_db]


@pytest.fixture(autouse=True)
def fleet(tmp_path: Path, settings: Settings, db: None) -> None:
    """A fleet file in force."""
    FleetFileOfTest(tmp_path, settings).put(FLEET)


def set_aside(request: ActionRequest, note: str = "nothing runs there") -> bool:
    return request_set_aside(request=request, who=who(), note=note)


def silent(since: datetime) -> dict[str, Any]:
    return {"phase": "Running", "unanswered_since": since.isoformat()}


def test_what_is_not_known_is_set_aside_with_a_note_of_who_looked() -> None:
    request = request_row(state=State.UNKNOWN, sent_at=ago(minutes=2))
    with pytest.raises(RuleViolation, match="what you found"):
        set_aside(request, " ")
    assert set_aside(request)
    assert again(request).outcome == "Set aside by remy: nothing runs there"
    assert (AuditLine.objects.latest("pk").who, again(request).state) == ("remy", State.NOT_KNOWN)
    assert not set_aside(again(request))


def test_what_may_still_arrive_is_not_set_aside() -> None:
    """10 s for the call, 60 s for it to be late."""
    request = request_row(state=State.UNKNOWN, sent_at=ago(seconds=40))
    with pytest.raises(RuleViolation, match=r"It may still arrive: wait (29|30) s"):
        set_aside(request)
    ActionRequest.objects.update(sent_at=ago(seconds=71))
    assert set_aside(again(request))


@pytest.mark.parametrize("state", [State.ACCEPTED, State.RUNNING])
def test_what_is_under_way_is_set_aside_once_nobody_tells_of_it(state: State) -> None:
    request = request_row(state=state, operation=silent(ago(seconds=110)), looked_at=ago(seconds=2))
    with pytest.raises(RuleViolation, match="2 min without"):
        set_aside(request)
    request.operation = silent(ago(seconds=121))
    assert set_aside(request)
    assert not ActionRequest.objects.holding("production", "argocd", request.name).exists()


def test_what_nobody_looked_at_for_long_is_set_aside_too() -> None:
    assert set_aside(request_row(state=State.RUNNING, looked_at=ago(minutes=3), operation={"phase": "Running"}))


@pytest.mark.parametrize(
    ("action", "state"),
    [(Action.BULK_SYNC, State.RUNNING), (Action.TAKE_OVER, State.RUNNING), (Action.SYNC, State.SENDING)],
)
def test_what_argocd_is_not_asked_about_is_not_set_aside(action: Action, state: State) -> None:
    request = request_row(action, state, looked_at=ago(hours=1))
    assert not set_aside(request)
    assert unanswered_since(request, database_now()) is None


def test_only_who_may_act_there_sets_aside_and_ends() -> None:
    request = request_row(state=State.UNKNOWN, sent_at=ago(minutes=2))
    vera = who(Role.VIEWER, "vera")
    with pytest.raises(RuleViolation, match="role"):
        request_set_aside(request=request, who=vera, note="gone")
    with pytest.raises(RuleViolation, match="role"):
        request_end(request=take_over(State.RUNNING), who=vera)


# --- take overs ------------------------------------------------------------------------------------------------------


def take_over(terminate: State, sync: State = State.PLANNED, **fields: Any) -> ActionRequest:
    """A take over of alex under way, of another Application than the other requests here."""
    request = request_row(Action.TAKE_OVER, State.RUNNING, name="taken-over")
    place = {"parent": request, "name": request.name, "holds": False}
    request_row(Action.TERMINATE, terminate, position=1, wave=1, **place, **fields)
    request_row(Action.SYNC, sync, position=2, wave=2, **place)
    return request


@pytest.mark.parametrize("terminate", [State.ACCEPTED, State.RUNNING])
def test_a_take_over_whose_terminate_hangs_is_ended_and_syncs_nothing(terminate: State) -> None:
    request = take_over(terminate)
    assert request_end(request=request, who=who())
    assert (again(request).state, again(request).outcome) == (State.ENDED, "Ended by remy: nothing was synced")
    assert states(request) == [terminate, State.LEFT]
    assert steps_advance() == []
    assert not ActionRequest.objects.holding("production", "argocd", request.name).exists()
    assert not request_end(request=again(request), who=who())


def test_a_terminate_that_was_not_sent_yet_is_not_sent_any_more() -> None:
    request = take_over(State.APPROVED, sent_at=None)
    assert request_end(request=request, who=who())
    assert states(request) == [State.WITHDRAWN, State.LEFT]


@pytest.mark.parametrize("state", [State.SENDING, State.UNKNOWN])
def test_a_terminate_that_may_still_arrive_holds_the_take_over(state: State) -> None:
    request = take_over(state, sent_at=ago(seconds=5))
    with pytest.raises(RuleViolation, match="It may still arrive"):
        request_end(request=request, who=who())
    assert (again(request).state, states(request)) == (State.RUNNING, [state, State.PLANNED])
    request.steps.filter(position=1).update(sent_at=ago(minutes=2))
    assert request_end(request=request, who=who())


@pytest.mark.parametrize("sync", [State.APPROVED, State.RUNNING, State.UNKNOWN])
def test_a_take_over_whose_sync_has_begun_ends_with_it(sync: State) -> None:
    request = take_over(State.SUCCEEDED, sync)
    assert not request_end(request=request, who=who())
    assert states(request) == [State.SUCCEEDED, sync]
