"""Where requests, freezes and the audit log are."""

from django.urls import path

from . import views
from .silences import views as silences

app_name = "actions"
urlpatterns = [
    path("", views.request_list, name="request-list"),
    path("new/", views.request_new, name="request-new"),
    path("audit/", views.audit, name="audit"),
    path("bulk/", views.bulk_new, name="bulk-new"),
    path("freezes/", views.freeze_list, name="freeze-list"),
    path("policies/", views.policy_list, name="policy-list"),
    path("silence/", silences.silence_new, name="silence-new"),
    path("<uuid:pk>/", views.request_show, name="request-show"),
    path("<uuid:pk>/answer/", views.request_answer, name="request-answer"),
]
