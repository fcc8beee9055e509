"""Pages that join everything: Now, an Application, the clusters."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from apps.accounts.walls import for_walls
from apps.alerts.graphs import ask_for_graph, topic_of
from apps.core.environment import environment_kept
from apps.core.exports import export_asked, exported
from apps.core.htmx import wants_fragment
from apps.core.lists import Asked
from apps.core.live import live_page, overlay_lately
from apps.fleet.models import Cluster
from apps.fleet.overlay import Overlay, overlay_now
from apps.fleet.standing import LATENCIES
from apps.gitops.commits import TOPIC as COMMITS
from apps.gitops.details import ask_for_details
from apps.gitops.details import topic_of as topic_of_application
from apps.gitops.models import Application
from apps.runbooks.panel import TOPICS as RUNBOOK_TOPICS

from .alert import episode_asked, episode_shown
from .applications import application_shown
from .cluster import cluster_shown
from .clusters import clusters_exported, clusters_listed
from .names import NAMED_TOPICS, names_lately
from .now import now_shown
from .search import search as searched
from .search import search_shown
from .timeline import COLUMNS, exported_lines, timeline_asked, timeline_shown
from .wall import wall_shown


@require_safe
@environment_kept
def now(request: HttpRequest) -> HttpResponse:
    """What needs somebody now."""
    return live_page(
        request,
        page="dashboard/now.html",
        fragment="dashboard/_now.html",
        topics=["apps", "alerts", "clusters", LATENCIES, "notes", "runbooks", "silences", "sources"],
        overlay=overlay_now,
        context=partial(now_shown, request),
    )


@require_safe
def application_show(request: HttpRequest, instance: str, namespace: str, name: str) -> HttpResponse:
    """One Application: why it is as it is. Opening the page asks for its details, which then show by polling."""
    find = partial(get_object_or_404, Application, instance=instance, namespace=namespace, name=name)
    application = find()
    if not wants_fragment(request):
        ask_for_details(application=application)
    return live_page(
        request,
        page="dashboard/application_show.html",
        fragment="dashboard/_application_show.html",
        topics=["actions", "apps", topic_of_application(application), COMMITS, "alerts", "clusters", "notes"],
        overlay=overlay_now,
        context=lambda overlay: application_shown(find(), overlay),
    )


@require_safe
@environment_kept
def cluster_list(request: HttpRequest) -> HttpResponse:
    """Every cluster, by environment."""
    if export_asked(request):
        return clusters_exported(request, overlay_now())
    return live_page(
        request,
        page="dashboard/cluster_list.html",
        fragment="dashboard/_cluster_list.html",
        topics=["clusters", LATENCIES, "apps", "alerts", "notes"],
        overlay=overlay_now,
        context=lambda overlay: clusters_listed(Asked(request.GET), overlay),
    )


@require_safe
def cluster_show(request: HttpRequest, name: str) -> HttpResponse:
    """One cluster: whether it is reached, and what is in it."""
    find = partial(get_object_or_404, Cluster, name=name)
    find()
    return live_page(
        request,
        page="dashboard/cluster_show.html",
        fragment="dashboard/_cluster_show.html",
        topics=["clusters", f"cluster:{name}", "apps", "alerts", "notes"],
        overlay=overlay_now,
        context=lambda overlay: cluster_shown(find(), overlay),
    )


@require_safe
def search(request: HttpRequest) -> HttpResponse:
    """What is called so, on a page that stays current."""
    told = request.GET.get("q", "")
    return live_page(
        request,
        page="dashboard/search.html",
        fragment="dashboard/_search.html",
        topics=NAMED_TOPICS if told.strip() else [],
        overlay=overlay_now,
        context=lambda overlay: search_shown(told, overlay),
    )


@require_safe
def search_box(request: HttpRequest) -> HttpResponse:
    """What is called so, as the list below the field of the frame's search: of this moment, and for who types it."""
    answer = searched(request.GET.get("q", ""), names_lately(), overlay_lately(request, overlay_now))
    return render(request, "dashboard/_found.html", {"answer": answer, "is_box": True})


@for_walls
@require_safe
def wall(request: HttpRequest) -> HttpResponse:
    """What needs somebody, to be read from afar; the environment is the address', and nobody's last one."""
    return live_page(
        request,
        page="dashboard/wall.html",
        fragment="dashboard/_wall.html",
        topics=["apps", "alerts", "clusters", "notes", "sources"],
        overlay=overlay_now,
        context=partial(wall_shown, request),
    )


@require_safe
def alert_show(request: HttpRequest, alertmanager: str, fingerprint: str) -> HttpResponse:
    """One alert: what it says, why it is quiet, since when, what is around it. Opening the page asks for its values."""
    seen = episode_asked(Asked(request.GET), alertmanager, fingerprint)
    if not wants_fragment(request):
        ask_for_graph(episode=seen)

    def shown(overlay: Overlay) -> dict[str, Any]:
        asked = Asked(request.GET)
        episode = episode_asked(asked, alertmanager, fingerprint)
        return {**episode_shown(episode, overlay), "problems": asked.problems}

    return live_page(
        request,
        page="dashboard/alert_show.html",
        fragment="dashboard/_alert_show.html",
        topics=["alerts", "silences", "apps", "clusters", "notes", *RUNBOOK_TOPICS, topic_of(seen)],
        overlay=overlay_now,
        context=shown,
    )


@require_safe
@environment_kept
def timeline(request: HttpRequest) -> HttpResponse:
    """Everything that happened, as a list, as a drawing, or as a file of its lines."""
    if export_asked(request):
        asked, overlay = Asked(request.GET), overlay_now()
        rows = exported_lines(timeline_asked(asked, overlay))
        return exported(request, name="timeline", columns=COLUMNS, rows=rows, now=overlay.now, asked=asked)
    return live_page(
        request,
        page="dashboard/timeline.html",
        fragment="dashboard/_timeline.html",
        topics=["apps", "alerts", "clusters", "notes", "sources"],
        overlay=overlay_now,
        context=lambda overlay: timeline_shown(Asked(request.GET), overlay),
    )
