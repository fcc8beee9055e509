"""Pages that join everything: Now, an Application, the clusters."""

from django.urls import path

from . import views

app_name = "dashboard"
urlpatterns = [
    path("", views.now, name="now"),
]
