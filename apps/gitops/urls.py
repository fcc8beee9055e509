"""Pages under /apps/."""

from django.urls import path

from . import views

app_name = "gitops"
urlpatterns = [
    path("", views.application_list, name="application-list"),
    path("matrix/", views.application_matrix, name="application-matrix"),
]
