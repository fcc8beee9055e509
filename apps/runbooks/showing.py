"""One runbook's page: what it says, where it is from, and who uses it."""

from __future__ import annotations

from typing import Any

from django.http import Http404

from apps.alerts.models import Episode
from apps.alerts.support import web_address
from apps.fleet.overlay import Overlay
from apps.sources.fleetfile import fleet_file_or_empty

from .listing import runbook_evidence
from .models import Runbook, RunbookFile, RunbookTree
from .placing import place_of
from .rendering import rendered
from .usage import NOBODY, usages_now

MOST_FIRING = 50
MOST_PAST = 10


def runbook_asked(source: str, path: str) -> Runbook:
    """The runbook of that name. Raises Http404 where there is none, or its source left the fleet file."""
    runbook = Runbook.objects.filter(source=source, path=path).first()
    if runbook is None or source not in {each.name for each in fleet_file_or_empty().runbooks}:
        raise Http404(f"No runbook {path} of {source} is known.")
    return runbook


def runbook_shown(runbook: Runbook, overlay: Overlay) -> dict[str, Any]:
    """What the page's template shows."""
    usage = usages_now(overlay).get((runbook.source, runbook.path), NOBODY)
    episodes = Episode.objects.filter(runbook_url__in=usage.urls).defer("annotations")
    firing = episodes.firing().current(overlay).order_by("-began_at")
    return {
        "title": runbook.title or runbook.path,
        "runbook": runbook,
        "drawn": rendered(runbook, place=place_of(runbook)),
        "tree": RunbookTree.objects.filter(source=runbook.source).first(),
        "usage": usage,
        "firing": list(firing[:MOST_FIRING]),
        "past": list(episodes.exclude(ended_at=None).order_by("-ended_at")[:MOST_PAST]),
        "links": [link for url in sorted(usage.urls) if (link := web_address(url))][:1],
        "evidence": runbook_evidence(overlay, [runbook.source]),
    }


def file_asked(source: str, path: str) -> RunbookFile:
    """The image of that name. Raises Http404 where there is none, or its source left the fleet file."""
    found = RunbookFile.objects.filter(source=source, path=path).first()
    if found is None or source not in {each.name for each in fleet_file_or_empty().runbooks}:
        raise Http404(f"No image {path} of {source} is known.")
    return found
