"""Which silences requests of this portal made: the row of a request says so, a comment alone does not."""

from __future__ import annotations

import re
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from apps.actions.silences.makers import makers_of
from apps.actions.states import Action, State
from apps.alerts.models import Silence
from tests.actions.cases import request_row
from tests.pages import html_of, text_of
from tests.rows import ago, silence_row, source_row

pytestmark = [pytest.mark.database, pytest.mark.django_db]

SLOW = [{"name": "alertname", "value": "Slow", "is_regex": False, "is_equal": True}]
TENANT = {"name": "tenant_id", "value": "t", "is_regex": False, "is_equal": True}
ASKED = {"alertmanager": "appsre", "matchers": [["alertname", "=", "Slow"]]}
MADE = {**ASKED, "made": "s1"}


def silence_of(
    action: Action = Action.SILENCE, state: State = State.SUCCEEDED, *, options: Any = MADE, **more: Any
) -> Silence:
    """A silence whose comment names a request with these options."""
    request = request_row(action, state, options=options)
    return silence_row("s1", **{"matchers": SLOW, "comment": f"upgrade [request {request.pk}]", **more})


@pytest.mark.parametrize(
    ("told", "more"),
    [
        ({}, {}),
        ({"state": State.UNKNOWN, "options": ASKED}, {}),
        ({"state": State.NOT_KNOWN, "options": ASKED}, {}),
        ({"state": State.SENDING, "options": ASKED}, {"matchers": [TENANT, *SLOW]}),
    ],
)
def test_one_that_a_request_made_or_may_have_made_is_the_portals(told: dict[str, Any], more: dict[str, Any]) -> None:
    silence = silence_of(**told, **more)
    assert str(makers_of([silence])[silence.pk].pk) in silence.comment


@pytest.mark.parametrize(
    ("told", "more"),
    [
        ({"options": {**MADE, "made": "s2"}}, {}),
        ({"options": {**MADE, "alertmanager": "rhobs"}}, {}),
        ({"action": Action.SILENCE_EXPIRE}, {}),
        ({"action": Action.SYNC, "options": {}}, {}),
        ({"state": State.REFUSED, "options": ASKED}, {}),
        ({"state": State.UNKNOWN, "options": ASKED}, {"matchers": [{**SLOW[0], "value": "Fast"}]}),
        ({}, {"comment": f"upgrade [request {uuid4()}]"}),
        ({}, {"comment": "upgrade"}),
    ],
)
def test_one_whose_comment_alone_says_so_is_not(told: dict[str, Any], more: dict[str, Any]) -> None:
    assert not makers_of([silence_of(**told, **more)])


def test_the_alerts_name_stands_first_and_the_tenant_last(viewer: Client) -> None:
    source_row("alertmanager/appsre/0")
    told = [
        {"name": name, "value": "x", "is_regex": False, "is_equal": True} for name in ("tenant_id", "pod", "alertname")
    ]
    silence_row(starts_at=ago(minutes=5), matchers=told)
    listed = html_of(viewer, "/silences/")
    assert re.findall(r'<span class="label"><bdi>(\w+)=', listed) == ["alertname", "pod", "tenant_id"]


def test_a_made_up_id_hides_nobody_from_the_list_and_the_handover(viewer: Client) -> None:
    source_row("alertmanager/appsre/0")
    comment = f"mine [request {uuid4()}]"
    silence_row(starts_at=ago(minutes=5), created_by="mallory", comment=comment, matchers=SLOW)
    listed = text_of(html_of(viewer, "/silences/"))
    assert "elsewhere" in listed
    assert comment in listed
    assert f"mallory {Action.SILENCE.label}: alertname=" in text_of(html_of(viewer, "/handover/"))
