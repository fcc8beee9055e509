"""Real workers that end while an action is under way, and databases that take no writes (F35's half, F40, F56)."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from apps.actions.models import ActionRequest, AuditLine
from apps.actions.states import State
from apps.actions.tasks import look_after, send
from apps.core.connections import DATABASE_FAILURES
from apps.core.models import Lease
from tests.faults.acting import SERVER, Person, Scene
from tests.faults.processes import until, worker
from tests.faults.stage import Stage
from tests.faults.test_database import read_only

pytestmark = [pytest.mark.database, pytest.mark.django_db(transaction=True)]

GRACE = 20.0


@pytest.fixture
def scene(stage: Stage) -> Scene:
    """A worker has Argo CD alone to read."""
    clusters = [{name: value for name, value in each.items() if name != "kubernetes"}
                for each in stage.document["clusters"]]  # fmt: skip
    stage.put(clusters=clusters, alertmanagers=[], prometheuses=[], observatorium=[])
    return Scene(stage)


@pytest.fixture
def rhea(stage: Stage) -> Person:
    return Person("rhea")


def has_state(request: ActionRequest, *states: State) -> Callable[[], bool]:
    return lambda: ActionRequest.objects.filter(pk=request.pk, state__in=states).exists()


def hangs_at_the_call(scene: Scene) -> None:
    """Argo CD takes the call, and does not answer."""
    argocd = [{**each, "deadline": "5s", "connect_timeout": "1s"} for each in scene.stage.document["argocd"]]
    scene.stage.put(argocd=argocd)
    scene.stage.demo.fault(SERVER, "hang", path=f"/api/v1/applications/{scene.name}/sync")


def test_f56_a_worker_that_is_told_to_end_during_an_action_ends_soon_and_says_what_is_known(
    scene: Scene, rhea: Person, tmp_path: Path
) -> None:
    hangs_at_the_call(scene)
    request = scene.submitted(rhea)
    with worker(scene.stage, tmp_path / "worker") as process:
        until(has_state(request, State.SENDING))
        began = time.monotonic()
        process.terminate()
        process.wait(GRACE + 5)
        assert time.monotonic() - began < GRACE
    assert scene.now(request).state in {State.UNKNOWN, State.SENDING}
    scene.stage.demo.fault(SERVER, "none")
    scene.passes(request, 30)
    assert scene.looked(request).state == State.UNKNOWN
    scene.passes(request, 120)
    assert scene.looked(request).state == State.UNKNOWN, "one look alone does not say that nothing began"
    scene.passes(request, 10)
    assert scene.looked(request).state == State.NOT_STARTED
    assert len(scene.posts()) == 1


def test_f40_a_worker_killed_between_its_call_and_the_answer_is_followed_by_one_that_finds_the_operation(
    scene: Scene, rhea: Person, tmp_path: Path
) -> None:
    """Argo CD begins the operation, and answers so slowly that the worker dies before it has the answer."""
    path = f"/api/v1/applications/{scene.name}/sync"
    scene.stage.demo.fault(SERVER, "slow", path=path, pause=0.05)
    request = scene.submitted(rhea)
    with worker(scene.stage, tmp_path / "one") as process:
        until(lambda: len(scene.posts()) == 1)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)
    scene.stage.demo.fault(SERVER, "none")
    assert scene.now(request).state == State.SENDING
    Lease.objects.all().delete()  # as they run out by themselves
    scene.passes(request, 30)
    with worker(scene.stage, tmp_path / "two"):
        until(has_state(request, State.SUCCEEDED))
    assert len(scene.posts()) == 1


def test_f40_a_request_whose_message_was_lost_with_the_broker_is_sent_by_the_next_worker(
    scene: Scene, rhea: Person, tmp_path: Path
) -> None:
    request = scene.submitted(rhea)
    with worker(scene.stage, tmp_path / "worker"):
        until(has_state(request, State.SUCCEEDED))
    assert len(scene.posts()) == 1


def test_f35_what_cannot_be_written_down_is_neither_asked_for_nor_sent(
    scene: Scene, rhea: Person, caplog: pytest.LogCaptureFixture
) -> None:
    request, ask = scene.submitted(rhea), scene.ask(Person("sam"))
    lines = AuditLine.objects.count()
    scene.passes(request, 10)
    with read_only():
        from apps.actions.services import request_submit

        ActionRequest.objects.get(pk=request.pk)
        with pytest.raises(DATABASE_FAILURES):
            request_submit(ask)
        send(str(request.pk))
        look_after()
    assert caplog.text.count("is skipped, the database says") == 2
    assert scene.posts() == []
    assert AuditLine.objects.count() == lines
    send(str(request.pk))
    assert scene.now(request).state == State.ACCEPTED


@pytest.mark.parametrize(
    "body", [b"[" * 100_000, b'{"metadata": {"name": NaN}}', b'{"metadata": {"name": "\\ud800"}}', b"1" * 400, b"{}"]
)
def test_f15_an_answer_that_no_argocd_gives_leaves_unknown_and_the_operation_is_found(
    scene: Scene, rhea: Person, body: bytes
) -> None:
    from apps.demo.http import Reply

    upstream = scene.stage.demo.servers[SERVER].upstream
    answer = upstream.answer

    def spoiling(request: object) -> object:
        told = answer(request)  # type: ignore[arg-type]
        is_sync = request.path.endswith("/sync")  # type: ignore[attr-defined]
        return Reply(200, body, "application/json") if is_sync else told

    scene.stage.demo.call(partial(setattr, upstream, "answer", spoiling))
    request = scene.sent(rhea)
    assert request.state in {State.UNKNOWN, State.ACCEPTED}, request.outcome
    assert scene.ended(request).state == State.SUCCEEDED
    assert len(scene.posts()) == 1
