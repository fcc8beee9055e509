"""Sources of runbooks, read as the worker reads them."""

from __future__ import annotations

import json
from typing import Any

from apps.alerts.models import Episode, Rule
from apps.core.clock import database_now
from apps.runbooks.models import Runbook
from apps.runbooks.tasks import read_source
from apps.sources.fleetfile.schema import FleetFile
from apps.sources.models import Source
from tests.fleet_in_force import FleetFileOfTest

SHAPE = "https://git.example.com/sop/-/blob/main/<path>"
URL = "https://git.example.com/sop/-/blob/main/"


class SourceStage:
    """A fleet file with runbook sources in force."""

    def __init__(self, file: FleetFileOfTest) -> None:
        self._file = file
        self.fleet = FleetFile()

    def put(self, *sources: dict[str, Any]) -> None:
        """These sources are in force; each has a name and a shape of URL unless it says otherwise."""
        told = [{"name": "sop", "deadline": "20s"} | source for source in sources]
        told = [source if "http" in source else {"urls": [SHAPE]} | source for source in told]
        self.fleet = self._file.put(json.dumps({"runbooks": told}))

    def read(self, name: str = "sop") -> Source:
        """Reads a source by its task; its row afterwards."""
        Source.objects.update(not_before=None)
        read_source(f"runbooks/{name}")
        return Source.objects.get(key=f"runbooks/{name}")


def texts(source: str = "sop") -> dict[str, str]:
    """The runbooks' texts by path."""
    return dict(Runbook.objects.filter(source=source).values_list("path", "text"))


def problems(source: str = "sop") -> dict[str, str]:
    """The problems of those that have one."""
    return dict(Runbook.objects.filter(source=source).exclude(problem="").values_list("path", "problem"))


def rule_row(url: str | None, name: str = "Rule") -> Rule:
    """A rule that links this runbook."""
    annotations = {} if url is None else {"runbook_url": url}
    ordinal = Rule.objects.count()
    return Rule.objects.create(prometheus="p", group="g", name=name, ordinal=ordinal, annotations=annotations)


def firing_row(url: str) -> Episode:
    """An alert that fires and links this runbook."""
    now = database_now()
    return Episode.objects.create(
        alertmanager="a", fingerprint=str(Episode.objects.count()), began_at=now, first_seen_at=now, runbook_url=url
    )
