"""Signing in and out, who is signed in, and keys of the Wall."""

from django.urls import path

from . import views, wall_views

app_name = "accounts"
urlpatterns = [
    path("sign-in/", views.sign_in, name="sign-in"),
    path("callback/", views.callback, name="callback"),
    path("break-glass/", views.break_glass, name="break-glass"),
    path("sign-out/", views.sign_out, name="sign-out"),
    path("signed-out/", views.signed_out, name="signed-out"),
    path("backchannel-logout/", views.backchannel_logout, name="backchannel-logout"),
    path("sessions/", views.sessions, name="sessions"),
    path("wall-keys/", wall_views.wall_keys, name="wall-keys"),
    path("wall/", wall_views.wall, name="wall"),
]
