"""Requests that were accepted, and of which Argo CD tells nothing any more: they hold nothing up for ever."""

from __future__ import annotations

from datetime import timedelta

import pytest

from apps.actions.judging import UNANSWERED
from apps.actions.models import ActionRequest
from apps.actions.settling import requests_look_after
from apps.actions.states import Action, State
from apps.core.models import Lease
from tests.faults.acting import SERVER, Person, Scene
from tests.faults.stage import Stage

pytestmark = [pytest.mark.database, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def scene(stage: Stage) -> Scene:
    scene = Scene(stage)
    scene.there(sync_seconds=600.0)
    return scene


@pytest.fixture
def rhea(stage: Stage) -> Person:
    return Person("rhea")


@pytest.mark.parametrize("fault", ["403", "html", "503"])
def test_an_answer_that_is_none_is_noted_and_forgotten_with_the_next_one(
    scene: Scene, rhea: Person, fault: str
) -> None:
    request = scene.sent(rhea)
    scene.stage.demo.fault(SERVER, fault)
    first = scene.looked(request).operation
    assert first
    assert UNANSWERED in first
    assert scene.looked(request).operation == first, "since when, not when last"
    scene.stage.demo.fault(SERVER, "none")
    scene.stage.demo.advance(1)
    told = scene.looked(request)
    assert told.state == State.RUNNING
    assert told.operation
    assert UNANSWERED not in told.operation


def test_an_instance_that_left_the_fleet_file_is_noted_too(scene: Scene, rhea: Person) -> None:
    request = scene.sent(rhea)
    scene.stage.put(argocd=[each for each in scene.stage.document["argocd"] if each["name"] != "staging"])
    told = scene.looked(request)
    assert (told.state, UNANSWERED in (told.operation or {})) == (State.ACCEPTED, True)
    assert told.looked_at


def test_one_application_that_cannot_be_read_holds_up_no_other(scene: Scene, rhea: Person) -> None:
    request = scene.sent(rhea)
    other = next(row for row in type(scene.row).objects.filter(instance="staging").exclude(name=scene.name))
    ActionRequest.objects.create(
        **{name: getattr(request, name) for name in ("username", "instance", "namespace", "sent_at", "created_at")},
        action=Action.SYNC,
        state=State.RUNNING,
        name=other.name,
        project=other.project,
        subject=other.name,
        state_at=request.state_at - timedelta(minutes=1),  # so that its turn is first
    )
    scene.stage.demo.fault(SERVER, "html", path=f"/api/v1/applications/{other.name}")
    ActionRequest.objects.update(looked_at=None)
    Lease.objects.filter(name__startswith="actions:").delete()
    scene.stage.demo.advance(1)
    requests_look_after()
    assert UNANSWERED in (ActionRequest.objects.get(name=other.name).operation or {})
    assert scene.now(request).state == State.RUNNING
