"""Addresses under /notes/."""

from django.urls import path

from . import views

app_name = "notes"
urlpatterns = [
    path("", views.note_new, name="note-new"),
    path("<uuid:pk>/", views.note_show, name="note-show"),
]
