"""Where each page is."""

from django.urls import include, path

from apps.core import views as core
from apps.core.reports import csp_report

from .figures import metrics
from .streams import no_stream

urlpatterns = [
    path("healthz", core.healthz, name="healthz"),
    path("readyz", core.readyz, name="readyz"),
    path("metrics", metrics, name="metrics"),
    path("csp-report/", csp_report, name="csp-report"),
    path("stream", no_stream, name="stream"),
    path("accounts/", include("apps.accounts.urls")),
    path("apps/", include("apps.gitops.urls")),
    path("actions/", include("apps.actions.urls")),
    path("alerts/", include("apps.alerts.urls")),
    path("handover/", include("apps.handover.urls")),
    path("notes/", include("apps.notes.urls")),
    path("runbooks/", include("apps.runbooks.urls")),
    path("silences/", include("apps.actions.silences.urls")),
    path("sources/", include("apps.sources.urls")),
    path("", include("apps.dashboard.urls")),
]

handler500 = "apps.core.views.server_error"
