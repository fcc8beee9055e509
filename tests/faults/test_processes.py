"""Real workers: one that is ended in the middle of a read, and two at once by mistake (faults.md, F56 and F58)."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path

import pytest

from apps.alerts.models import Episode, Holding
from apps.core.models import Lease
from apps.sources.models import Source
from apps.timeline.models import Transition
from stonesoup_portal.supervisor import broker, worker_command
from tests.faults.processes import ROOT, environment, until
from tests.faults.stage import ALERTMANAGERS, Stage

pytestmark = [pytest.mark.database, pytest.mark.django_db(transaction=True)]

SERVER = ALERTMANAGERS[0]
TICK = 1.0
ROUNDS = 3
THREADS = 6
GRACE = 20.0


def only_one_alertmanager(stage: Stage) -> None:
    """The fleet file names one source, which is due when a test says so."""
    url = stage.demo.urls[SERVER]
    one = {"name": "appsre", "members": [url], "interval": "1h", "deadline": "3s", "connect_timeout": "1s"}
    stage.document = {"alertmanagers": [one]}
    stage.put()


@contextmanager
def worker(stage: Stage, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A worker with the schedule inside and a broker of its own, as `make run` starts them."""
    folder.mkdir()
    with broker(folder) as url, (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            worker_command(folder, THREADS), env=environment(folder, stage.file.path, PORTAL_BROKER_URL=url),
            stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=ROOT, start_new_session=True,
        )  # fmt: skip
        try:
            yield process
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # the schedule is a child of the worker
            process.wait(10)


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
