"""An alert's runbook, as the alert's page shows it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils.html import format_html

from apps.alerts.models import Episode
from apps.alerts.support import web_address
from apps.core.addresses import page_address
from apps.core.templatetags.portal import age, bdi
from apps.fleet.overlay import Overlay
from apps.sources.evidence import evidence_of
from apps.sources.fleetfile import fleet_file_or_empty

from .finding import Finding, Found, runbook_found
from .models import Runbook, Tick, UndoneTick
from .placing import place_of
from .rendering import Done, Rendered, TickForm, Values, rendered
from .rendering.places import anchor_of

PANEL = "runbook"
TOPICS = ("runbooks", "runbook-ticks")
"""What the page that shows the panel listens to."""
KIND = "runbooks"


def runbook_panel(episode: Episode, overlay: Overlay) -> dict[str, Any]:
    """What templates/runbooks/_panel.html shows: {"runbook_panel": {…}, "now": …}. Six queries with a runbook."""
    fleet = fleet_file_or_empty()
    found = runbook_found(fleet, url_of(episode))
    runbook = found.runbook
    shown: dict[str, Any] = {
        "episode": episode,
        "state": found.state.value,
        "words": words_of(found),
        "runbook": runbook,
        "link": web_address(episode.runbook_url),
        "told": episode.runbook_url,
    }
    if runbook:
        values = values_of(episode, fleet.runbook_values)
        shown["drawn"] = drawn_for(episode, runbook, values, overlay.now)
        shown["page"] = page_of(found)
        shown["at"] = f"#{anchor_of(found.address.fragment)}" if found.address and found.address.fragment else ""
    source = overlay.sources.get(f"{KIND}/{found.address.source}") if found.address else None
    shown["evidence"] = evidence_of("source of runbooks", [source] if source else [], overlay.now)
    return {"runbook_panel": shown, "now": overlay.now}


def url_of(episode: Episode) -> str | None:
    """The annotation; None where it has none."""
    return episode.runbook_url or ("" if "runbook_url" in episode.annotations else None)


def words_of(found: Found) -> str:
    """A sentence for a panel without a runbook."""
    if found.state is Finding.WITHOUT:
        return "This alert links no runbook."
    if found.state is Finding.EMPTY:
        return "This alert’s runbook_url is empty."
    return f"{found.words[:1].upper()}{found.words[1:]}."


def page_of(found: Found) -> str:
    """The runbook's own page."""
    address = found.address
    return page_address("runbooks:runbook-show", address.source, address.path) if address else ""


def values_of(episode: Episode, mapping: dict[str, str]) -> Values:
    """What placeholders can show: the alert's labels, and the names that the portal joined it to."""
    others = {
        "cluster": episode.cluster,
        "environment": episode.environment,
        "application": episode.application.rpartition("/")[2],
    }
    labels = {str(name): str(text) for name, text in episode.labels.items()}
    return Values(labels, others, mapping)


def drawn_for(episode: Episode, runbook: Runbook, values: Values, now: datetime) -> Rendered:
    """The runbook with the alert's values and ticks. Two queries."""
    ticks = ticks_of({"episode": episode, "source": runbook.source, "path": runbook.path}, now)
    address = page_address("runbooks:tick-set", str(episode.pk), runbook.source, runbook.path)
    return rendered(runbook, values=values, ticks=ticks, form=TickForm(address, PANEL), place=place_of(runbook))


def ticks_of(place: dict[str, Any], now: datetime) -> dict[str, Done]:
    """What stands of each step, or else how it was last taken back, by the steps' keys. Two queries."""
    back = UndoneTick.objects.filter(**place).order_by("undone_at", "pk")
    return {
        each.step: Done(
            format_html("taken back by {}, {} ago", bdi(each.undone_by), age(each.undone_at, now)), is_taken_back=True
        )
        for each in back
    } | {
        each.step: Done(format_html("{}, {} ago", bdi(each.person), age(each.at, now)))
        for each in Tick.objects.filter(**place)
    }
