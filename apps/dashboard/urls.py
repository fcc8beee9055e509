"""Pages that join everything: Now, an Application, an alert, the clusters."""

from django.urls import path

from . import views

app_name = "dashboard"
urlpatterns = [
    path("", views.now, name="now"),
    path("apps/<str:instance>/<str:namespace>/<str:name>/", views.application_show, name="application-show"),
    path("alerts/<str:alertmanager>/<str:fingerprint>/", views.alert_show, name="alert-show"),
    path("timeline/", views.timeline, name="timeline"),
    path("clusters/", views.cluster_list, name="cluster-list"),
    path("clusters/<str:name>/", views.cluster_show, name="cluster-show"),
    path("search/", views.search, name="search"),
    path("search/box/", views.search_box, name="search-box"),
    path("wall/", views.wall, name="wall"),
]
