"""What people did stands in the timeline once it has ended, and in every "what changed"."""

from __future__ import annotations

import pytest

from apps.actions.models import AuditLine
from apps.actions.moves import request_move
from apps.actions.states import State
from apps.core.clock import database_now
from apps.timeline.changes import Around, Change, changes_before
from apps.timeline.models import Transition
from tests.actions.log import at_one_moment, request_row

pytestmark = [pytest.mark.database, pytest.mark.django_db]

SUBJECT = "production/argocd/build-service-stone-prd-m01"


def changed(**around: str) -> list[Change]:
    return changes_before(database_now(), Around(**around))


def test_an_action_that_has_ended_is_told_by_whom_and_with_its_page() -> None:
    request = request_row(state=State.RUNNING)
    assert request_move(request, to=State.STILL_OUT_OF_SYNC)
    (change,) = changed(application=SUBJECT)
    assert (change.title, change.words) == ("build-service-stone-prd-m01", "Resync ended, still not synced")
    assert (change.by, change.tone, change.url) == ("remy", "warning", f"/actions/{request.pk}/")
    assert changed(cluster="stone-prd-m01") == changed(environment="production") == changed() == [change]
    assert changed(cluster="stone-stg-m01") == changed(environment="staging") == []


def test_an_action_under_way_is_not_told() -> None:
    request = request_row()
    for state in (State.SENDING, State.UNKNOWN, State.ACCEPTED, State.RUNNING):
        assert request_move(request, to=state)
    assert changed() == []


@pytest.mark.parametrize("state", [State.REFUSED, State.NOT_STARTED, State.WITHDRAWN, State.EXPIRED, State.LEFT])
def test_what_never_did_anything_is_in_the_audit_log_alone(state: State) -> None:
    assert request_move(request_row(), to=state)
    assert changed() == []
    assert AuditLine.objects.get().event == state


def test_two_actions_within_a_minute_are_both_told() -> None:
    for action in ("terminate", "sync"):
        assert request_move(request_row(action=action, state=State.RUNNING), to=State.SUCCEEDED)
    at_one_moment()
    (change,) = changed(application=SUBJECT)
    assert change.words == "Terminate succeeded, Resync succeeded"


def test_a_bulk_is_told_by_what_it_was_about() -> None:
    bulk = request_row(action="bulk-sync", instance="", namespace="", name="", subject="build-service everywhere")
    assert request_move(bulk, to=State.ENDED)
    (change,) = changed()
    assert (change.title, change.words) == ("build-service everywhere", "Bulk resync ended by hand")


def test_where_another_moved_it_first_nothing_is_told() -> None:
    request = request_row(state=State.RUNNING)
    assert not request_move(request, to=State.SUCCEEDED, when={State.SENDING})
    assert not Transition.objects.exists()
    assert not AuditLine.objects.exists()
