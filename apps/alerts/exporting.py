"""The list of alerts as a file: every row that its filters keep, in the order of the page."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from django.http import HttpRequest, HttpResponse

from apps.core.addresses import page_address
from apps.core.exports import MOST_READ, exported
from apps.core.lists import Asked, Page
from apps.core.ranking import rows_in_order
from apps.fleet.overlay import Overlay

from .causes import Cause
from .grouping import rows_on
from .listing import EpisodeRow, episode_rows, wanted_by
from .models import AlertState, Episode

AT_ONCE = 500


def alerts_exported(request: HttpRequest, overlay: Overlay) -> HttpResponse:
    """The file that the address asks for."""
    columns = {**COLUMNS, "link": lambda row: request.build_absolute_uri(address_of(row.episode))}
    asked = Asked(request.GET)
    rows = rows_of(asked, overlay)
    return exported(request, name="alerts", columns=columns, rows=rows, now=overlay.now, asked=asked)


def rows_of(asked: Asked, overlay: Overlay) -> Iterator[EpisodeRow]:
    """The rows of all pages, a few hundred read at a time."""
    wanted = wanted_by(asked, overlay)
    all_of_it = Page(1, MOST_READ, MOST_READ)
    keys = list(rows_on(all_of_it, wanted.shown, wanted.filters.grouping, wanted.sort))
    for first in range(0, len(keys), AT_ONCE):
        episodes = rows_in_order(keys[first : first + AT_ONCE], Episode.objects.prefetch_related("holdings"))
        yield from episode_rows(episodes, overlay)


def told(cause: Cause) -> str:
    """What quiets an alert: a silence by its author and comment, an alert by its name, else as it was named."""
    if cause.silence:
        return f"{cause.silence.created_by or 'nobody named'}: {cause.silence.comment or 'no comment'} ({cause.name})"
    return cause.inhibitor.title if cause.inhibitor else cause.name


def causes_told(row: EpisodeRow, kind: AlertState) -> list[str]:
    """The causes of one kind."""
    return [told(cause) for cause in row.causes if cause.kind == kind]


def address_of(episode: Episode) -> str:
    """The alert's page."""
    return page_address("dashboard:alert-show", episode.alertmanager, episode.fingerprint)


COLUMNS: Mapping[str, Callable[[EpisodeRow], object]] = {
    "tone": lambda row: row.verdict.tone,
    "state": lambda row: "unconfirmed" if row.episode.is_unconfirmed else row.episode.state,
    "why": lambda row: row.verdict.reason,
    "name": lambda row: row.episode.name,
    "severity": lambda row: row.episode.severity,
    "slo": lambda row: row.episode.is_slo,
    "cluster": lambda row: row.episode.cluster or row.episode.cluster_told,
    "environment": lambda row: row.episode.environment,
    "owner": lambda row: row.episode.owner,
    "since": lambda row: row.episode.began_at,
    "acknowledged by": lambda row: row.acknowledgement and row.acknowledgement.by,
    "acknowledged until": lambda row: row.acknowledgement and row.acknowledgement.until,
    "silenced by": lambda row: causes_told(row, AlertState.SILENCED),
    "inhibited by": lambda row: causes_told(row, AlertState.INHIBITED),
    "muted by": lambda row: causes_told(row, AlertState.MUTED),
    "alertmanager": lambda row: row.episode.alertmanager,
    "held by": lambda row: list(row.holders),
    "support": lambda row: row.support.words,
    "runbook": lambda row: row.runbook,
    "summary": lambda row: row.summary,
    "labels": lambda row: row.episode.labels,
}
