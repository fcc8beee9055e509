"""Messages are only hints: without them, and with too many of them, each request is sent once."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from apps.actions.models import ActionRequest
from apps.actions.settling import is_due
from apps.actions.states import Action, State
from apps.actions.tasks import QUEUE, look_after, message_send, send, send_soon
from apps.core.clock import database_now
from stonesoup_portal.celery import QUEUES, app
from stonesoup_portal.supervisor import worker_command
from tests.faults.processes import until
from tests.servers import free_port


def test_the_queue_of_actions_is_one_that_workers_read_and_looked_after_each_second(tmp_path: Any) -> None:
    entry = app.conf.beat_schedule["every-1s-look-after-actions"]
    assert (entry["task"], entry["options"]["queue"]) == (look_after.name, QUEUE)
    assert QUEUE in QUEUES
    assert QUEUE in worker_command(tmp_path, 1)[worker_command(tmp_path, 1).index("--queues") + 1].split(",")


def test_a_broker_that_is_away_holds_nobody_up(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    url = f"redis://127.0.0.1:{free_port()}/0"
    with app.connection_for_write(url) as connection:
        real = send.apply_async
        monkeypatch.setattr(send, "apply_async", lambda **given: real(**given, connection=connection))
        began = time.monotonic()
        send_soon(uuid4())
        assert time.monotonic() - began < 0.5
        until(lambda: "is sent later, the broker says" in caplog.text)
        assert not message_send(uuid4())


@pytest.mark.parametrize(
    ("sent", "looked", "due"),
    [(10, 1.1, True), (10, 0.5, False), (60, 3, False), (60, 4.1, True), (3600, 14, False), (3600, 15.1, True)],
)
@pytest.mark.django_db
def test_what_was_just_sent_is_looked_at_each_second_and_what_takes_long_less_often(
    sent: float, looked: float, due: bool
) -> None:
    now = database_now()
    request = ActionRequest(
        action=Action.SYNC,
        state=State.RUNNING,
        sent_at=now - timedelta(seconds=sent),
        looked_at=now - timedelta(seconds=looked),
    )
    assert is_due(request, now) is due
    request.operation = {"end_seen_at": now.isoformat()}
    assert is_due(request, now) is (looked >= 1), "its end is looked for"
