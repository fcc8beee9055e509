"""Where requests, freezes and the audit log are."""

from django.urls import URLPattern

app_name = "actions"
urlpatterns: list[URLPattern] = []
