"""The pages that are measured, by name and path."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from urllib.parse import quote

from django.urls import Resolver404, resolve

from apps.alerts.models import Episode
from apps.fleet.models import Cluster
from apps.gitops.models import Application
from apps.runbooks.models import Runbook


def pages_of() -> dict[str, str]:
    """Every page, with things that are in the database now; one whose address leads nowhere is said and left out."""
    return dict(page for page in pages_wanted() if is_there(*page))


def is_there(name: str, path: str) -> bool:
    """Whether the address leads to a page."""
    try:
        resolve("/" + path.partition("?")[0])
    except Resolver404:
        sys.stderr.write(f"!!! NOT MEASURED: there is no page {name} at /{path}\n")
        return False
    return True


def pages_wanted() -> Iterator[tuple[str, str]]:
    """(name, path without the slash in front) of every page that the portal should have."""
    application = Application.objects.order_by("tone", "name").first()
    episode, runbook = with_a_runbook()
    cluster = Cluster.objects.filter(role="member", is_archived=False).order_by("name").first()
    assert application
    assert cluster
    parts = (application.instance, application.namespace, application.name)
    yield from {
        "now": "",
        "applications": "apps/",
        "applications, filtered": "apps/?tone=warning&sort=-since&page=1",
        "matrix": "apps/matrix/",
        "application": "apps/" + "/".join(quote(part, safe="") for part in parts) + "/",
        "alerts": "alerts/",
        "alert, with its runbook": f"alerts/{quote(episode.alertmanager, safe='')}/{episode.fingerprint}/",
        "clusters": "clusters/",
        "cluster": f"clusters/{cluster.name}/",
        "runbooks": "runbooks/",
        "runbook": f"runbooks/{runbook.source}/{quote(runbook.path)}/",
        "coverage": "runbooks/coverage/",
        "silences": "silences/",
        "timeline": "timeline/",
        "sources": "sources/",
        "source": f"sources/argocd/{quote(application.instance, safe='')}/",
        "wall": "wall/",
        "search": f"search/?q={quote(application.name[:6])}",
        "search, as typed": f"search/box/?q={quote(application.name[:6])}",
    }.items()


def with_a_runbook() -> tuple[Episode, Runbook]:
    """An alert that fires, and its runbook."""
    firing = Episode.objects.filter(ended_at=None).order_by("began_at")
    for runbook in Runbook.objects.order_by("path"):
        if episode := firing.filter(runbook_url__contains=runbook.path).first():
            return episode, runbook
    raise AssertionError("no alert that fires has a runbook")


def pages_made_anew() -> dict[str, list[str]]:
    """Paths of pages that are made for who asks alone, by name; each path a little different."""
    episode, _ = with_a_runbook()
    alert = quote(f"{episode.alertmanager}/{episode.fingerprint}", safe="")
    words = ("etcd", "pod", "node", "build", "restart", "memory", "release", "argo", "backup", "api")
    return {
        "runbooks, searched": [f"runbooks/?q={word}" for word in words],
        "preview of a silence, from an alert": [f"actions/silence/?alert={alert}&n={n}" for n in range(len(words))],
        "handover": [f"handover/?n={n}" for n in range(len(words))],
    }
