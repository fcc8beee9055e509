"""Where runbooks are."""

from django.urls import path

from . import views
from .coverage_views import coverage_show

app_name = "runbooks"
urlpatterns = [
    path("", views.runbook_list, name="runbook-list"),
    path("coverage/", coverage_show, name="coverage-show"),
    path("-/file/<str:source>/<path:path>", views.file_show, name="file-show"),
    path("-/tick/<int:episode>/<str:source>/<path:path>", views.tick_set, name="tick-set"),
    path("<str:source>/<path:path>/", views.runbook_show, name="runbook-show"),
]
