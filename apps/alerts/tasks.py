"""Tasks of the alerts app: each reads one source; one reads what somebody looks at."""

from __future__ import annotations

from celery import shared_task

from apps.alerts.graphs import graphs_read
from apps.alerts.reading import alertmanager_read, rules_read
from apps.sources.reading import source_read


@shared_task(name="alerts.read_alertmanager")
def read_alertmanager(key: str) -> None:
    """Reads one member of an Alertmanager group ("alertmanager/<group>/<index>")."""
    source_read(key=key, read=alertmanager_read)


@shared_task(name="alerts.read_rules")
def read_rules(key: str) -> None:
    """Reads the rules of a Prometheus or an Observatorium tenant ("prometheus/<name>")."""
    source_read(key=key, read=rules_read)


@shared_task(name="alerts.read_graphs")
def read_graphs() -> None:
    """Reads the values behind a few alerts that somebody looks at."""
    graphs_read()
