"""An action is sent at most once, and what is said of it is so (faults.md, F15's half, F36 to F40)."""

from __future__ import annotations

import threading
import uuid
from typing import Any

import msgspec
import pytest

from apps.actions.models import ActionRequest, AuditLine
from apps.actions.sending import request_send
from apps.actions.services import request_submit
from apps.actions.settling import requests_look_after, requests_lost
from apps.actions.states import Action, State
from apps.core.errors import UpstreamUnavailable
from apps.demo.world.applications import Operation
from apps.demo.world.syncing import operation_begin
from apps.integrations.argocd import ApplicationDetail, ArgoCDClient
from tests.faults.acting import SERVER, Person, Scene, states_of
from tests.faults.stage import Stage

pytestmark = [pytest.mark.database, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def scene(stage: Stage) -> Scene:
    return Scene(stage)


@pytest.fixture
def rhea(stage: Stage) -> Person:
    return Person("rhea")


def test_a_sync_is_sent_with_who_and_why_and_followed_to_its_end(scene: Scene, rhea: Person) -> None:
    request = scene.sent(rhea)
    assert request.state == State.ACCEPTED, (request.outcome, request.guards)
    (body,) = scene.posts()
    infos = {each["name"]: each["value"] for each in body["infos"]}
    assert infos["portal.request-id"] == str(request.pk)
    assert (infos["requested-by"], infos["reason"], infos["ticket"]) == ("rhea", "drill", "K-1")
    assert body["retryStrategy"]["limit"] == 2
    assert "revision" not in body
    done = scene.ended(request)
    assert (done.state, done.outcome) == (State.SUCCEEDED, "Synced")
    assert done.operation
    assert done.operation["phase"] == "Succeeded"
    assert states_of(request)[:3] == ["requested", "sending", "accepted"]
    assert states_of(request)[-1] == "succeeded"


def test_f36_one_form_sent_twice_by_two_tabs_is_one_request_and_one_call(scene: Scene, rhea: Person) -> None:
    ask = scene.ask(rhea)
    together(lambda: request_submit(ask), times=2)
    together(lambda: request_send(ask.request_id), times=3)
    assert ActionRequest.objects.count() == 1
    assert len(scene.posts()) == 1
    assert states_of(ActionRequest.objects.get()).count("sending") == 1


def test_f37_two_people_at_once_the_second_is_told_who_was_first(scene: Scene, rhea: Person) -> None:
    first = scene.submitted(rhea)
    done = request_submit(scene.ask(Person("sam")))
    assert done.request
    assert done.request.state == State.REFUSED
    assert "rhea" in done.request.outcome
    request_send(first.pk)
    request_send(done.request.pk)
    assert len(scene.posts()) == 1


def test_f38_what_argocd_says_of_another_operation_is_shown_and_not_tried_again(scene: Scene, rhea: Person) -> None:
    scene.there(sync_seconds=600.0)
    by_hand = scene.sent(rhea)
    ActionRequest.objects.filter(pk=by_hand.pk).update(holds=False)  # as one that was begun elsewhere
    scene.stage.read(SERVER)
    again = scene.submitted(Person("sam"))
    assert again.state == State.REFUSED
    assert "operation" in again.outcome
    assert len(scene.posts()) == 1


def begun_just_before_the_call(scene: Scene, monkeypatch: pytest.MonkeyPatch, *infos: dict[str, str]) -> None:
    """Somebody begins an operation that takes long, after the last look and before the call."""
    from apps.actions import sending

    begins = sending._sending_begins

    def and_another(*given: object) -> bool:
        is_begun = begins(*given)  # type: ignore[arg-type]
        there, revision = scene._there(), scene.row.sync_revision
        operation = Operation(revision=revision, username="alex", infos=list(infos))
        scene.stage.demo.call(lambda: operation_begin(scene.stage.demo.world, there, operation))
        scene.stage.demo.advance(1)
        return is_begun

    monkeypatch.setattr(sending, "_sending_begins", and_another)


def test_f38_a_refusal_of_the_call_itself_says_whose_operation_runs_and_since_when(
    scene: Scene, rhea: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.there(sync_seconds=600.0)
    begun_just_before_the_call(scene, monkeypatch)
    request = scene.sent(rhea)
    assert request.state == State.REFUSED
    assert request.outcome.startswith("Another operation is running there already: that of alex, begun at ")
    assert request.answer.endswith(": another operation is already in progress")


def test_f38_a_call_that_something_made_twice_on_the_way_is_not_called_refused(
    scene: Scene, rhea: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask = scene.ask(rhea)
    scene.there(sync_seconds=600.0)
    begun_just_before_the_call(scene, monkeypatch, {"name": "portal.request-id", "value": str(ask.request_id)})
    request_submit(ask)
    request_send(ask.request_id)
    request = ActionRequest.objects.get()
    assert (request.state, request.outcome) == (State.ACCEPTED, "")


def test_f39_a_call_that_hung_is_unknown_then_not_started_once_it_cannot_arrive_any_more(
    scene: Scene, rhea: Person
) -> None:
    short_deadline(scene)
    scene.stage.demo.fault(SERVER, "hang", path=f"/api/v1/applications/{scene.name}/sync")
    request = scene.sent(rhea)
    scene.stage.demo.fault(SERVER, "none")
    assert request.state == State.UNKNOWN
    assert scene.looked(request).state == State.UNKNOWN
    scene.passes(request, 120)
    assert scene.looked(request).state == State.UNKNOWN, "the call may be served after the first look"
    scene.passes(request, 10)
    assert scene.looked(request).state == State.NOT_STARTED
    assert len(scene.posts()) == 1, "nobody sent it again"


def test_f15_f39_a_call_whose_answer_broke_off_is_found_by_its_id(scene: Scene, rhea: Person) -> None:
    """Argo CD took it, and its answer cannot be read."""
    scene.stage.demo.fault(SERVER, "truncated", path=f"/api/v1/applications/{scene.name}/sync")
    request = scene.sent(rhea)
    scene.stage.demo.fault(SERVER, "none")
    assert request.state == State.UNKNOWN
    assert scene.ended(request).state == State.SUCCEEDED
    assert len(scene.posts()) == 1


def test_f39_while_argocd_cannot_be_asked_nothing_is_guessed(scene: Scene, rhea: Person) -> None:
    scene.stage.demo.fault(SERVER, "truncated", path=f"/api/v1/applications/{scene.name}/sync")
    request = scene.sent(rhea)
    scene.stage.demo.fault(SERVER, "503")
    scene.passes(request, 600)
    assert scene.looked(request).state == State.UNKNOWN


def test_what_never_reached_argocd_was_not_started(scene: Scene, rhea: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    from apps.actions import sending

    begins = sending._sending_begins

    def and_then_away(*given: object) -> bool:
        scene.stage.demo.fault(SERVER, "refuse")
        return begins(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(sending, "_sending_begins", and_then_away)
    request = scene.sent(rhea)
    assert request.state == State.NOT_STARTED
    assert request.outcome.startswith("Nothing was sent: ")


def test_f40_a_worker_that_died_after_committing_leaves_unknown_and_no_second_call(
    scene: Scene, rhea: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    from apps.actions import sending

    monkeypatch.setattr(sending, "_call_and_write", lambda *given: None)  # what a worker does that was killed here
    request = scene.sent(rhea)
    monkeypatch.undo()
    assert request.state == State.SENDING
    request_send(request.pk)
    requests_look_after()
    assert scene.now(request).state == State.SENDING, "its call may be under way"
    scene.passes(request, 25)
    requests_look_after()
    assert scene.now(request).state == State.UNKNOWN
    scene.passes(request, 120)
    assert scene.looked(request).state == State.UNKNOWN, "the call may be served after the first look"
    scene.passes(request, 10)
    assert scene.looked(request).state == State.NOT_STARTED
    assert scene.posts() == []


def test_f40_a_worker_that_died_before_committing_loses_nothing(scene: Scene, rhea: Person) -> None:
    request = scene.submitted(rhea)
    assert requests_lost() == []
    scene.passes(request, 4)
    assert requests_lost() == [request.pk]
    assert requests_lost() == [], "not again each second"
    request_send(request.pk)
    assert scene.now(request).state == State.ACCEPTED


def test_a_worker_that_stood_still_before_its_call_sends_nothing(
    scene: Scene, rhea: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    from apps.actions import sending

    monkeypatch.setattr(sending, "SENDS_WITHIN", -1.0)
    request = scene.sent(rhea)
    assert request.state == State.NOT_STARTED
    assert scene.posts() == []


def test_a_terminate_ends_the_operation_that_it_names(scene: Scene, rhea: Person) -> None:
    scene.there(sync_seconds=600.0)
    sync = scene.sent(rhea)
    scene.stage.demo.advance(1)
    assert scene.looked(sync).state == State.RUNNING
    scene.stage.read(SERVER)
    terminate = scene.sent(rhea, Action.TERMINATE)
    assert terminate.state == State.ACCEPTED, terminate.outcome
    assert scene.ended(terminate).state == State.SUCCEEDED
    assert scene.ended(sync).state == State.TERMINATED


def test_a_refresh_ends_at_once(scene: Scene, rhea: Person) -> None:
    assert scene.sent(rhea, Action.HARD_REFRESH).state == State.SUCCEEDED


@pytest.mark.parametrize("action", [Action.REFRESH, Action.HARD_REFRESH])
def test_a_refresh_that_is_not_answered_is_followed_until_argo_cd_has_compared(
    scene: Scene, rhea: Person, action: Action, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The controller needs longer than the call may take."""

    def too_slow(self: ArgoCDClient, name: str, **_: Any) -> None:
        raise UpstreamUnavailable(self.http.source, "no complete answer within 10 s")

    monkeypatch.setattr(ArgoCDClient, "refresh", too_slow)
    request = scene.sent(rhea, action)
    assert request.state == State.UNKNOWN
    looks = iter(["hard", ""])
    application = ArgoCDClient.application

    def marked(self: ArgoCDClient, name: str, **place: str) -> ApplicationDetail:
        return msgspec.structs.replace(application(self, name, **place), refreshing=next(looks))

    monkeypatch.setattr(ArgoCDClient, "application", marked)
    assert scene.looked(request).state == State.RUNNING
    done = scene.looked(request)
    assert done.state == State.SUCCEEDED
    assert done.outcome.startswith("Refreshed: compared at ")


def test_a_request_that_is_not_there_is_not_sent() -> None:
    request_send(uuid.uuid4())
    assert not ActionRequest.objects.exists()
    assert not AuditLine.objects.exists()


def short_deadline(scene: Scene) -> None:
    """A call to Argo CD may take a second."""
    argocd = [{**each, "deadline": "1s", "connect_timeout": "1s"} for each in scene.stage.document["argocd"]]
    scene.stage.put(argocd=argocd)


def together(do: object, *, times: int) -> None:
    """Several threads do it at the same moment."""
    from django.db import connection

    barrier = threading.Barrier(times)

    def run() -> None:
        barrier.wait()
        try:
            do()  # type: ignore[operator]
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(times)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
