"""The Celery application with the whole schedule.

One tick a second claims the sources that are due and sends each one's task to the queue of its kind (decision 7); there
is no schedule entry per source. Every periodic message expires before the next but one, so that a worker that was away
finds no backlog.
"""

from __future__ import annotations

import logging
import os
import time
from typing import Any

from celery import Celery, Task
from celery.schedules import schedule
from celery.signals import setup_logging, task_postrun, task_prerun, worker_init, worker_ready
from django.conf import settings
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "stonesoup_portal.settings.embedded")

log = logging.getLogger(__name__)

TASK_OF_KIND = {
    "argocd": "gitops.read_applications",
    "argocd_inventory": "gitops.read_inventory",
    "alertmanager": "alerts.read_alertmanager",
    "prometheus": "alerts.read_rules",
    "kubernetes": "fleet.read_cluster",
    "runbooks": "runbooks.read_source",
}
HOUSEKEEPING = "housekeeping"
ACTIONS = "actions"
QUEUES = (ACTIONS, HOUSEKEEPING, "details", *TASK_OF_KIND)
BEAT_SECONDS = 30


class PatientTask(Task[Any, Any]):
    """A task that is skipped, in one line of the log, while the database is away, locked, full or read-only.

    Whatever it was to do is due again soon: nothing is queued up for when the database is back.
    """

    def __call__(self, *given: Any, **named: Any) -> Any:
        """What the task returns; None where it was skipped."""
        from apps.core.connections import DATABASE_FAILURES

        try:
            return super().__call__(*given, **named)
        except DATABASE_FAILURES as error:
            log.warning("%s is skipped, the database says: %s", self.name, error)
            return None


app = Celery("stonesoup_portal", task_cls=PatientTask)
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.conf.task_default_queue = HOUSEKEEPING


def every(seconds: float, task: str, queue: str = HOUSEKEEPING) -> dict[str, Any]:
    """A schedule entry whose message is worth nothing once the next but one is due."""
    return {"task": task, "schedule": schedule(seconds), "options": {"queue": queue, "expires": 2 * seconds}}


app.conf.beat_schedule = {
    "every-1s-tick": every(1, "portal.tick"),
    "every-1s-look-after-actions": every(1, "actions.look_after", ACTIONS),
    "every-5s-align-with-fleet-file": every(5, "portal.align"),
    "every-5s-read-application-details": every(5, "gitops.read_details", "details"),
    "every-5s-read-alert-graphs": every(5, "alerts.read_graphs", "details"),
    "every-10s-look-after-acknowledgements": every(10, "notes.look_after"),
    "every-30s-renew-sessions": every(30, "accounts.renew_sessions"),
    "every-1m-note-coverage": every(60, "runbooks.note_coverage"),
    "every-10m-prune": every(600, "portal.prune"),
}


@app.task(name="portal.tick")
def tick() -> None:
    """Says that the schedule beats, and sends the sources that are due to be read."""
    from apps.core.leases import BEAT, lease_take
    from apps.sources.services import sources_claim_due

    lease_take(name=BEAT, holder="tick", seconds=BEAT_SECONDS)
    for key, kind in sources_claim_due(limit=500):
        app.send_task(TASK_OF_KIND[kind], kwargs={"key": key}, queue=kind, expires=60)


@app.task(name="portal.align")
def align() -> None:
    """Brings the rows of sources and clusters in line with the fleet file, when it changed and is sound."""
    from apps.fleet.alignment import align_with_fleet_file

    align_with_fleet_file()


@app.task(name="portal.prune")
def prune() -> None:
    """Lets go of what is older than it is kept for, in small batches."""
    from .pruning import prune_what_is_old

    prune_what_is_old()


def queue_depths() -> dict[str, int]:
    """Messages waiting in each queue; empty where the broker cannot be asked, or is none that tells."""
    with app.connection_for_read(transport_options={"socket_connect_timeout": 1}) as connection:
        try:
            client = getattr(connection.default_channel, "client", None)
            return {queue: int(client.llen(queue)) for queue in QUEUES} if client else {}
        except (OperationalError, OSError, RedisError):
            return {}


STARTED: dict[str, float] = {}


@task_prerun.connect
def note_start(task_id: str, **_: Any) -> None:
    """Remembers when a task began."""
    STARTED[task_id] = time.perf_counter()


@task_postrun.connect
def note_end(task_id: str, task: Task[Any, Any], **_: Any) -> None:
    """Counts how long it took."""
    from apps.core.metrics import TASK_SECONDS

    began = STARTED.pop(task_id, None)
    if began is not None:
        TASK_SECONDS.labels(task.name).observe(time.perf_counter() - began)


@setup_logging.connect
def keep_djangos_logging(**_: Any) -> None:
    """The portal's own log lines, not Celery's."""
    from logging.config import dictConfig

    dictConfig(settings.LOGGING)


@worker_init.connect
def serve_worker_figures(**_: Any) -> None:
    """A worker without a web process beside it shows its figures on PORTAL_WORKER_METRICS_PORT."""
    port = os.environ.get("PORTAL_WORKER_METRICS_PORT")
    if port:
        from prometheus_client import start_http_server

        start_http_server(int(port))


@worker_ready.connect
def load_what_stays(sender: Any, **_: Any) -> None:
    """A worker that acts knows the addresses of pages before its first action, which would wait half a second."""
    from apps.core.memory import what_is_loaded_stays

    if ACTIONS in sender.app.amqp.queues.consume_from:
        from django.urls import reverse

        reverse("actions:request-list")
    what_is_loaded_stays()
