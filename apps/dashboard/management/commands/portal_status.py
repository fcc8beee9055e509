"""`manage.py portal_status`: what the portal holds now, the same numbers as on its pages."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand

from apps.core.durations import duration_text
from apps.dashboard.status import status_of
from apps.fleet.overlay import overlay_now


class Command(BaseCommand):
    """Reads the database alone: no upstream is asked."""

    help = "Show what the portal holds now, in the numbers of its pages. No upstream is asked."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take --json."""
        parser.add_argument("--json", action="store_true", dest="as_json", help="the same for machines")

    def handle(self, *args: Any, as_json: bool, **options: Any) -> None:
        """Write the status."""
        status = status_of(overlay_now())
        if as_json:
            self.stdout.write(json.dumps(status, indent=2))
            return
        for line in lines_of(status):
            self.stdout.write(line)


def lines_of(status: Mapping[str, Any]) -> Iterator[str]:
    """The status for people."""
    sources = status["sources"]
    yield f"Sources: {sources['fresh']} of {sources['total']} fresh"
    yield from map(source_line, sources["each"])
    yield from section_lines("Applications", status["applications"], "instances", ("sync", "health", "tone"))
    yield from section_lines("Alerts", status["alerts"], "alertmanagers", ("severity", "state", "tone"))
    yield from (f"  {name} cannot tell that all is well: {doubt}" for name, doubt in status["alerts"]["doubts"].items())
    clusters = status["clusters"]
    yield f"Clusters: {clusters['total']} · {numbers(clusters['tone'])} · {numbers(clusters['reachability'])}"
    for cluster in clusters["each"]:
        told = f"{cluster['version']}, {cluster['reachability']}" if cluster["version"] else cluster["reachability"]
        yield f"  {cluster['tone']:<9}{cluster['name']} ({told}): {cluster['reason']}"


def section_lines(title: str, numbers_: Mapping[str, Any], parts: str, columns: tuple[str, ...]) -> Iterator[str]:
    """The numbers of everything, then those of each part."""
    for indent, name, of_part in [("", title, numbers_), *(("  ", *part) for part in numbers_[parts].items())]:
        told = (f"{column}: {numbers(of_part[column])}" for column in columns)
        yield f"{indent}{name}: {of_part['total']}" + (f" · {' · '.join(told)}" if of_part["total"] else "")


def source_line(source: Mapping[str, Any]) -> str:
    """One source: its state, age, items, and what is wrong with it."""
    age = source["age_seconds"]
    read = "never read" if age is None else f"read {duration_text(timedelta(seconds=age))} ago"
    items = "" if source["items"] is None else f", {source['items']} items"
    unreadable = f", {source['unreadable']} unreadable" if source["unreadable"] else ""
    wrong = f": {source['reason']}" if source["tone"] != "well" else ""
    return f"  {source['state']:<7}{source['key']} ({read}{items}{unreadable}){wrong}"


def numbers(counts: Mapping[str, int]) -> str:
    """ "3 critical, 40 well"; what is 0 is left out."""
    return ", ".join(f"{count} {word}" for word, count in counts.items() if count) or "none"
