"""What happens in a test of a fault: sources are read as the worker reads them, pages are opened as people do."""

from __future__ import annotations

import html
import re
from datetime import timedelta
from typing import Any

import yaml
from django.db import connection
from django.test import Client

from apps.alerts.tasks import read_alertmanager, read_rules
from apps.core.clock import database_now
from apps.core.leases import lease_take
from apps.demo.fleet import RunningFleet
from apps.fleet.tasks import read_cluster
from apps.gitops.tasks import read_applications, read_inventory
from apps.runbooks.tasks import read_source as read_runbooks
from apps.sources import clients
from apps.sources.fleetfile.schema import FleetFile
from apps.sources.models import Source
from tests.fleet_in_force import FleetFileOfTest

ALERTMANAGERS = ("alertmanager/appsre/0", "alertmanager/appsre/1")
PAGES = ("/", "/alerts/", "/apps/", "/clusters/", "/sources/")
TASKS = {
    "argocd": read_applications,
    "argocd_inventory": read_inventory,
    "alertmanager": read_alertmanager,
    "prometheus": read_rules,
    "kubernetes": read_cluster,
    "runbooks": read_runbooks,
}
LOOKING_AWAY = re.compile(r"<(script|style|head)\b.*?</\1>|<[^>]+>", re.DOTALL)


class Stage:
    """A simulated fleet, the fleet file that names it, and one viewer."""

    def __init__(self, demo: RunningFleet, file: FleetFileOfTest, viewer: Client) -> None:
        self.demo, self.file, self.viewer = demo, file, viewer
        self.document: dict[str, Any] = yaml.load(demo.fleet_file.read_text(), yaml.CSafeLoader)
        self.put()

    def put(self, **changes: object) -> FleetFile:
        """The fleet file with these of its parts changed is in force."""
        self.document.update(changes)
        return self.file.put(yaml.dump(self.document, Dumper=yaml.CSafeDumper))

    def read(self, *keys: str) -> None:
        """Reads sources by their tasks, whether they are due or not; all of the fleet file without names."""
        lease_take(name="beat", holder="tick", seconds=3600)
        rows = Source.objects.filter(is_archived=False).order_by("pk")
        Source.objects.update(not_before=None)
        for row in rows.filter(key__in=keys) if keys else rows:
            read_source(row.key, row.kind)

    def source(self, key: str) -> Source:
        """Its row."""
        return Source.objects.get(key=key)

    def age(self, seconds: float, *keys: str) -> None:
        """What these sources told (all without names) was told so long ago."""
        rows = Source.objects.filter(key__in=keys) if keys else Source.objects.all()
        rows.exclude(succeeded_at=None).update(succeeded_at=database_now() - timedelta(seconds=seconds))

    def html(self, path: str) -> str:
        """The page, which is there."""
        answer = self.viewer.get(path)
        assert answer.status_code == 200, f"{path}: {answer.status_code}"
        return answer.content.decode()

    def text(self, path: str) -> str:
        """The page's words."""
        return words_of(self.html(path))

    def close(self) -> None:
        """Gives the clients' connections back."""
        for _, client in clients._clients.values():
            client.close()
        clients._clients.clear()


def read_source(key: str, kind: str) -> None:
    """Runs the task of one source here and now."""
    TASKS[kind](key=key)


def words_of(page: str) -> str:
    """What can be read of HTML, with single spaces."""
    return " ".join(html.unescape(LOOKING_AWAY.sub(" ", page)).split())


def is_sqlite() -> bool:
    """Whether the tests run on SQLite."""
    return connection.vendor == "sqlite"
