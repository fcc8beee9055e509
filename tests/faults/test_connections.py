"""No connection of the database is held while an upstream is waited for (decision 7)."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psutil
import pytest
from django.db import connection, connections
from django.db.backends.postgresql.base import DatabaseWrapper as PostgreSQL

from apps.core.clock import database_now
from apps.core.leases import lease_is_held
from apps.gitops.details import details_read
from apps.gitops.following import Follower
from apps.gitops.models import Application, ApplicationDetail
from apps.sources.clients import argocd_client
from apps.sources.fleetfile import fleet_file_in_force
from tests.faults.stage import Stage, is_sqlite, read_source

pytestmark = [pytest.mark.database, pytest.mark.django_db(transaction=True)]

PATIENCE = 15.0
OTHERS: list[int] = []
LOOKS = 20
AT_WORK = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state <> 'idle'"
ARGOCD = "argocd/production"


def until(is_so: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.02)


@contextmanager
def at_work(body: Callable[[], object], *, end: Callable[[], object]) -> Iterator[None]:
    """`body` at work in a thread, ended by `end`. What threads of tests before hold still is not counted."""

    def run() -> None:
        try:
            body()
        finally:
            connection.close()

    OTHERS[:] = [all_held()]
    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        end()
        thread.join(PATIENCE)
        assert not thread.is_alive()


def connections_held() -> int:
    """How many connections of the database threads of this test hold, beside the one that asks."""
    return all_held() - sum(OTHERS)


def all_held() -> int:
    """How many connections of the database other threads of this process hold; what ended ones left is let go of."""
    connection.close()
    gc.collect()
    if is_sqlite():
        name = str(connection.settings_dict["NAME"])
        return sum(file.path == name for file in psutil.Process().open_files())
    own = connections["default"]
    assert isinstance(own, PostgreSQL)
    stats = own.pool.get_stats()
    return int(stats["pool_size"] - stats["pool_available"])


def others_at_work() -> int:
    """How many others PostgreSQL sees at work or within a transaction; SQLite cannot tell."""
    if is_sqlite():
        return 0
    with connection.cursor() as cursor:
        cursor.execute(AT_WORK)
        return int(cursor.fetchone()[0]) - 1


def is_asked(stage: Stage, server: str, path: str) -> bool:
    return any(asked["path"].startswith(path) for asked in list(stage.demo.log(server).latest))


WAITS = [
    (ARGOCD, ARGOCD, "argocd", "/api/v1/applications"),
    (ARGOCD, ARGOCD, "argocd", "/api/v1/stream"),
    (ARGOCD, "argocd-inventory/production", "argocd_inventory", "/api/v1/projects"),
    ("alertmanager/appsre/0", "alertmanager/appsre/0", "alertmanager", "/api/v2/alerts"),
    ("alertmanager/appsre/0", "alertmanager/appsre/0", "alertmanager", "/api/v2/silences"),
    ("prometheus/appsre", "prometheus/appsre", "prometheus", "/api/v1/rules"),
    ("oauth2/rhobs", "alertmanager/rhobs/0", "alertmanager", "/realms"),
    ("kubernetes/stone-prd-m01", "kubernetes/stone-prd-m01", "kubernetes", "/readyz"),
    ("kubernetes/stone-prd-m01", "kubernetes/stone-prd-m01", "kubernetes", "/api/v1/nodes"),
]


@pytest.mark.parametrize(("server", "key", "kind", "path"), WAITS)
def test_a_collector_holds_none_while_its_upstream_hangs(
    stage: Stage, server: str, key: str, kind: str, path: str
) -> None:
    stage.demo.fault(server, "hang", path=path)
    with at_work(lambda: read_source(key, kind), end=lambda: stage.demo.fault(server, "none")):
        until(lambda: is_asked(stage, server, path))
        assert connections_held() == 0
        assert others_at_work() == 0
        assert lease_is_held(name=f"read:{key}"), "it was not in flight"


def test_the_reader_of_details_holds_none(stage: Stage) -> None:
    stage.read(ARGOCD)
    asked = Application.objects.filter(instance="production")[0]
    ApplicationDetail.objects.create(application=asked, asked_at=database_now())
    path = f"/api/v1/applications/{asked.name}"
    stage.demo.fault(ARGOCD, "hang", path=path)
    with at_work(details_read, end=lambda: stage.demo.fault(ARGOCD, "none")):
        until(lambda: is_asked(stage, ARGOCD, path))
        assert connections_held() == 0
        assert others_at_work() == 0


def test_a_follower_holds_none_but_for_the_moments_in_which_it_renews_its_lease(stage: Stage) -> None:
    stop, fleet = threading.Event(), fleet_file_in_force()
    follower = Follower(instance="production", fleet=fleet, client=argocd_client(fleet, ARGOCD), stop=stop)
    stage.demo.fault(ARGOCD, "hang")

    def end() -> None:
        stop.set()
        stage.demo.fault(ARGOCD, "none")

    with at_work(follower.run, end=end):
        until(lambda: is_asked(stage, ARGOCD, "/api/v1/stream") and is_asked(stage, ARGOCD, "/api/v1/applications"))
        held = []
        for _ in range(LOOKS):
            held.append(connections_held())
            time.sleep(0.05)
        assert held.count(0) >= LOOKS * 3 / 4
