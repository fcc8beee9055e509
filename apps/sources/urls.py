"""Pages under /sources/."""

from django.urls import path

from . import views

app_name = "sources"
urlpatterns = [
    path("", views.source_list, name="source-list"),
    path("<path:key>/", views.source_show, name="source-show"),
]
