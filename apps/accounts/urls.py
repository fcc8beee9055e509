"""Signing in and out, and who is signed in."""

from django.urls import path

from . import views

app_name = "accounts"
urlpatterns = [
    path("sign-in/", views.sign_in, name="sign-in"),
    path("callback/", views.callback, name="callback"),
    path("break-glass/", views.break_glass, name="break-glass"),
    path("sign-out/", views.sign_out, name="sign-out"),
    path("signed-out/", views.signed_out, name="signed-out"),
    path("backchannel-logout/", views.backchannel_logout, name="backchannel-logout"),
    path("sessions/", views.sessions, name="sessions"),
]
