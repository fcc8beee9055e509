"""The pages that are measured, by name and path."""

from __future__ import annotations

from urllib.parse import quote

from apps.alerts.models import Episode
from apps.fleet.models import Cluster
from apps.gitops.models import Application


def pages_of() -> dict[str, str]:
    """Every page, with things that are in the database now."""
    application = Application.objects.order_by("tone", "name").first()
    episode = Episode.objects.filter(ended_at=None).order_by("began_at").first()
    cluster = Cluster.objects.filter(role="member", is_archived=False).order_by("name").first()
    assert application
    assert episode
    assert cluster
    parts = (application.instance, application.namespace, application.name)
    return {
        "now": "",
        "applications": "apps/",
        "applications, filtered": "apps/?tone=warning&sort=-since&page=1",
        "application": "apps/" + "/".join(quote(part, safe="") for part in parts) + "/",
        "alerts": "alerts/",
        "alert": f"alerts/{quote(episode.alertmanager, safe='')}/{episode.fingerprint}/",
        "clusters": "clusters/",
        "cluster": f"clusters/{cluster.name}/",
        "sources": "sources/",
    }
