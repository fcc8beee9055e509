"""Real workers: one that is ended in the middle of a read, and two at once by mistake (faults.md, F56 and F58)."""

from __future__ import annotations

import time
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest

from apps.alerts.models import Episode, Holding
from apps.core.models import Lease
from apps.sources.models import Source
from apps.timeline.models import Transition
from tests.faults.processes import until, worker
from tests.faults.stage import ALERTMANAGERS, Stage

pytestmark = [pytest.mark.database, pytest.mark.django_db(transaction=True)]

SERVER = ALERTMANAGERS[0]
TICK = 1.0
ROUNDS = 3
GRACE = 20.0


def only_one_alertmanager(stage: Stage) -> None:
    """The fleet file names one source, which is due when a test says so."""
    url = stage.demo.urls[SERVER]
    one = {"name": "appsre", "members": [url], "interval": "1h", "deadline": "3s", "connect_timeout": "1s"}
    stage.document = {"alertmanagers": [one]}
    stage.put()


def test_f56_a_worker_that_is_ended_during_a_poll_ends_soon_and_leaves_no_half_snapshot(
    stage: Stage, tmp_path: Path
) -> None:
    only_one_alertmanager(stage)
    stage.read()
    before = list(Episode.objects.order_by("pk").values()), list(Holding.objects.order_by("pk").values())
    lines = Transition.objects.count()
    for name in ("one", "two", "three"):
        stage.demo.call(partial(stage.demo.world.alert_fire, "ArgoCDSyncAlert", labels={"name": name}))
    stage.demo.log(SERVER).clear()
    stage.demo.fault(SERVER, "hang", path="/api/v2/silences")
    Source.objects.update(next_try_at=None)
    with worker(stage, tmp_path / "worker") as process:
        until(lambda: any(asked["path"] == "/api/v2/silences" for asked in list(stage.demo.log(SERVER).latest)))
        began = time.monotonic()
        process.terminate()
        process.wait(GRACE + 5)
        assert time.monotonic() - began < GRACE
    after = list(Episode.objects.order_by("pk").values()), list(Holding.objects.order_by("pk").values())
    assert after == before, "the alerts were told, the silences were not: half an answer is none"
    assert not Transition.objects.filter(kind="alert")[lines:].exists()
    stage.demo.fault(SERVER, "none")
    Lease.objects.filter(name=f"read:{SERVER}").delete()  # as it runs out by itself
    stage.read(SERVER)
    assert Episode.objects.firing().count() == len(before[0]) + 3, "the next reader takes over"


def test_f58_of_two_workers_with_two_schedules_one_polls(stage: Stage, tmp_path: Path) -> None:
    only_one_alertmanager(stage)
    with ExitStack() as both:
        folders = [tmp_path / "one", tmp_path / "two"]
        for folder in folders:
            both.enter_context(worker(stage, folder))
        until(lambda: all(any(folder.glob("beat-schedule*")) for folder in folders))
        time.sleep(2 * TICK)  # both are at it now
        stage.demo.log(SERVER).clear()
        for round_ in range(1, ROUNDS + 1):
            Source.objects.update(next_try_at=None)
            until(partial(has_polled, stage, times=round_))
            time.sleep(1.5 * TICK)
            assert len(polls(stage)) == round_, "both polled what was due once"
    assert stage.source(SERVER).failures == 0


def has_polled(stage: Stage, *, times: int) -> bool:
    return len(polls(stage)) >= times


def polls(stage: Stage) -> list[str]:
    """The requests for alerts."""
    return [asked["path"] for asked in list(stage.demo.log(SERVER).latest) if asked["path"] == "/api/v2/alerts"]
