"""Reading the values behind an alert from its Prometheus: of alerts that somebody looks at, a few at a time.

A page asks for them and shows them when they come; no page asks a Prometheus itself.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F, Q

from apps.core.clock import database_now
from apps.core.connections import DATABASE_FAILURES, connection_let_go, short_patience
from apps.core.errors import PortalError, UpstreamError
from apps.core.leases import lease_held
from apps.core.text import clean
from apps.core.topics import raise_topics
from apps.sources.clients import prometheus_client
from apps.sources.fleetfile.current import fleet_file_in_force
from apps.sources.fleetfile.schema import FleetFile
from apps.sources.models import Source, short_error

from .charting import Chart, charted, rule_of
from .models import AlertGraph, Episode

log = logging.getLogger(__name__)

PATIENCE_OF_A_PAGE = 0.5
AT_ONCE = 5
MOST_A_MINUTE = 30
LEASE_SECONDS = 180.0
KEPT = timedelta(minutes=3)
LOOKED_LATELY = timedelta(minutes=15)
NO_RULE = "None of the rules that the portal reads is this alert's: its values are not known."


def topic_of(episode: Episode) -> str:
    """The topic that is raised when the episode's graph was read."""
    return f"graph:{episode.pk}"


def ask_for_graph(*, episode: Episode) -> None:
    """Asks for a read of the episode's graph, unless it is asked for already, or holds still.

    A page calls it: where the database takes no write now, nothing is asked, and the page is shown all the same.
    """
    now = database_now()
    graph = AlertGraph.objects.filter(episode=episode).first()
    if graph and (graph.is_awaited or holds(graph, episode, now)):
        return
    try:
        with short_patience(PATIENCE_OF_A_PAGE), transaction.atomic():
            AlertGraph.objects.update_or_create(episode=episode, defaults={"asked_at": now})
    except DATABASE_FAILURES as error:
        log.warning("the graph of %s is not asked for, the database says: %s", episode, error)


def holds(graph: AlertGraph, episode: Episode, now: datetime) -> bool:
    """Whether it need not be read again: it was read lately, or whole after the alert ended."""
    if graph.read_at is None:
        return False
    is_whole = bool(episode.ended_at and graph.end and graph.end >= episode.ended_at and graph.series)
    return is_whole or now - graph.read_at < KEPT


def graphs_read() -> None:
    """Reads the graphs that are wanted, as far as a minute's measure has room; of a Prometheus that fails no more."""
    with lease_held(name="graphs", seconds=LEASE_SECONDS) as holder:
        if not holder:
            return
        failing: set[str] = set()
        for graph in graphs_wanted(now=database_now()):
            graph_read(graph, fleet_file_in_force(), failing)


def graphs_wanted(*, now: datetime) -> list[AlertGraph]:
    """The next ones to read: those asked for, then those of firing alerts that somebody looked at lately."""
    lately = AlertGraph.objects.filter(read_at__gt=now - timedelta(minutes=1)).count()
    asked = Q(asked_at__isnull=False) & (Q(read_at=None) | Q(asked_at__gt=F("read_at")))
    outdated = Q(episode__ended_at=None, asked_at__gt=now - LOOKED_LATELY, read_at__lte=now - KEPT)
    wanted = AlertGraph.objects.filter(asked | outdated).select_related("episode")
    first = wanted.order_by(F("read_at").asc(nulls_first=True), "asked_at")
    return list(first[: max(0, min(AT_ONCE, MOST_A_MINUTE - lately))])


def graph_read(graph: AlertGraph, fleet: FleetFile, failing: set[str]) -> None:
    """Reads one graph; the name of a Prometheus that fails is put to the `failing`, which are not asked."""
    rule = rule_of(graph.episode)
    if rule is None:
        graph_write(graph=graph, problem=NO_RULE)
        return
    source = Source.objects.filter(key=f"prometheus/{rule.prometheus}", is_archived=False).first()
    if source is None or rule.prometheus in failing or is_backed_off(source):
        graph_write(graph=graph, problem=unanswered(rule.prometheus, source.error if source else ""))
        return
    now = database_now()
    connection_let_go()
    try:
        chart = charted(prometheus_client(fleet, source.key), rule, graph.episode, now)
    except PortalError as error:
        failing.add(rule.prometheus)
        told = error.message if isinstance(error, UpstreamError) else str(error)
        graph_write(graph=graph, problem=unanswered(rule.prometheus, told))
        return
    graph_write(graph=graph, chart=chart, prometheus=rule.prometheus)


def is_backed_off(source: Source) -> bool:
    """Whether it failed, so that it is not to be asked now."""
    return source.not_before is not None and source.not_before > database_now()


def unanswered(prometheus: str, error: str) -> str:
    """In words for people, without what the upstream itself said."""
    return f"Prometheus {prometheus} gave no values" + (f" ({short_error(error)})." if error else ".")


def graph_write(*, graph: AlertGraph, problem: str = "", chart: Chart | None = None, prometheus: str = "") -> None:
    """Keeps what was read, and tells the page. Without a `chart` the last one stays, beside the problem."""
    told: dict[str, Any] = {"problem": clean(problem, 500)}
    if chart is not None:
        told = {**chart.columns(), "prometheus": prometheus}
    with transaction.atomic():
        if AlertGraph.objects.filter(pk=graph.pk).update(read_at=database_now(), **told):
            raise_topics([topic_of(graph.episode)])
