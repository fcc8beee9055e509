"""Pages under /alerts/."""

from django.urls import path

from . import views

app_name = "alerts"
urlpatterns = [
    path("", views.alert_list, name="alert-list"),
]
