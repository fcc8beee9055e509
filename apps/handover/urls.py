"""Addresses under /handover/."""

from django.urls import path

from . import views

app_name = "handover"
urlpatterns = [
    path("", views.handover_new, name="handover-new"),
    path("past/", views.handover_list, name="handover-list"),
    path("<uuid:pk>/", views.handover_show, name="handover-show"),
    path("<uuid:pk>/edit/", views.handover_edit, name="handover-edit"),
    path("<uuid:pk>/markdown/", views.handover_markdown, name="handover-markdown"),
]
