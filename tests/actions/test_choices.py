"""The page that offers every action of one Application, and the way to it; files of requests and of the audit log."""

from __future__ import annotations

import html
import json

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import Person
from apps.actions import listing
from apps.actions.asking import address_of
from apps.actions.choosing import choices_address, freeze_address
from apps.actions.states import Action
from tests.actions.cases import request_row
from tests.actions.log import lines_written
from tests.actions.test_action_pages import BUTTON, FREEZES, LIST, value_shown
from tests.actions.test_action_pages import argocd as argocd  # the fleet file, and an Argo CD of which none is asked
from tests.pages import html_of, text_of
from tests.rows import ago, application_row

pytestmark = pytest.mark.django_db


def words_of(page: str) -> list[str]:
    return [word for _, word in BUTTON.findall(page)]


def test_a_row_leads_to_every_action_of_its_application(responder: Client) -> None:
    application = application_row()
    address = choices_address(application)
    assert f'href="{html.escape(address)}"' in html_of(responder, "/apps/?environment=all")
    page = html_of(responder, address)
    assert words_of(page) == ["Resync", "Dry run", "Refresh", "Hard refresh"]
    assert value_shown(application, Action.REFRESH) in html.unescape(page)
    assert address_of(Action.SYNC, application) in html.unescape(page)


def test_while_an_operation_runs_it_can_be_terminated_and_taken_over(responder: Client) -> None:
    operation = {"phase": "Running", "started_at": "2026-11-24T09:00:00Z"}
    application = application_row(operation=operation, operation_phase="Running", operation_since=ago(minutes=2))
    page = html_of(responder, choices_address(application))
    assert words_of(page)[-1] == "Terminate"
    assert address_of(Action.TAKE_OVER, application) in html.unescape(page)


def test_it_leads_to_the_form_that_freezes_its_cluster_with_the_cluster_chosen(responder: Client) -> None:
    application = application_row()
    address = freeze_address("cluster", "stone-prd-m01")
    assert address in html.unescape(html_of(responder, choices_address(application)))
    page = html_of(responder, address)
    assert '<option value="cluster|stone-prd-m01" selected>' in page
    assert '<option value="cluster|stone-prd-m01">' in html_of(responder, FREEZES)


def test_who_may_do_nothing_there_is_told_why(viewer: Client, responder: Client) -> None:
    address = choices_address(application_row())
    Person.objects.filter(role="responder").update(scope={"environments": ["staging"]})
    for client, words in ((viewer, "Your role is viewer"), (responder, "this is")):
        answer = client.get(address)
        assert answer.status_code == 403
        assert words in text_of(answer.content.decode())
        assert words_of(answer.content.decode()) == []


def test_an_application_that_is_gone_is_said(responder: Client) -> None:
    answer = responder.get("/actions/new/?app=production/argocd/gone")
    assert answer.status_code == 409
    assert "There is no Application gone any more" in answer.content.decode()


def test_a_file_of_requests_does_not_read_what_no_column_shows(viewer: Client) -> None:
    request_row(operation={"phase": "Succeeded", "resources": []})
    with CaptureQueriesContext(connection) as seen:
        viewer.get(f"{LIST}?format=csv")
    [read] = [each["sql"] for each in seen if '"actions_actionrequest"."guards"' in each["sql"]]
    assert '"operation"' not in read


def test_a_file_of_the_audit_log_is_cut_before_it_gets_too_big_and_says_so(
    viewer: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines_written(5)
    whole = viewer.get("/actions/audit/")
    assert "Portal-Cut" not in whole
    lines = whole.content.decode().splitlines(keepends=True)
    monkeypatch.setattr(listing, "MOST_BYTES", len("".join(lines[:3])) + 1)
    cut = viewer.get("/actions/audit/")
    assert cut.content.decode() == "".join(lines[:3])
    assert (cut["Portal-Cut"], "audit-first-3-" in cut["Content-Disposition"]) == ("the first 3 lines", True)
    monkeypatch.setattr(listing, "MOST_BYTES", len("".join(lines)))
    assert "Portal-Cut" not in viewer.get("/actions/audit/")
    assert json.loads(lines[0])["event"] == "event 0"
