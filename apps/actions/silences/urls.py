"""Where silences are."""

from django.urls import path

from . import views

app_name = "silences"
urlpatterns = [
    path("", views.silence_list, name="silence-list"),
]
