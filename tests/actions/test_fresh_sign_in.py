"""A policy that wants a fresh sign-in: the way there and back, and what is under way meanwhile."""

from __future__ import annotations

import html
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.backends.base import SessionBase
from django.test import Client
from pytest_django import Settings

from apps.accounts.models import Person, Role
from apps.accounts.seats import is_session_alive
from apps.accounts.sessions import SIGNED_IN_AT
from apps.actions.asking import address_of
from apps.actions.models import ActionRequest
from apps.actions.states import Action, State
from apps.core.clock import database_now
from tests.actions.cases import live, request_row
from tests.actions.test_action_pages import NEW, fields_of
from tests.fleet_in_force import FleetFileOfTest
from tests.rows import application_row

pytestmark = pytest.mark.django_db

PASSWORD = "correct horse battery"
FLEET = """
environments: [{name: production}]
clusters: [{name: stone-prd-m01, role: member, environment: production}]
policies:
  - {name: careful, match: {environments: [production]}, fresh_sign_in: 10m, reason: false}
"""
LINK = re.compile(r'href="([^"]+)">sign in again</a>')


@pytest.fixture(autouse=True)
def fleet(tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """The policy is in force; Argo CD answers that all is well."""
    FleetFileOfTest(tmp_path, settings).put(FLEET)
    monkeypatch.setattr("apps.actions.preflight.live_look", lambda *_, **__: live())


@pytest.fixture
def remy(client: Client) -> Client:
    """A responder who signed in an hour ago."""
    Person.objects.create(user=User.objects.create_user("remy", password=PASSWORD), role=Role.RESPONDER)
    client.post("/accounts/sign-in/", {"username": "remy", "password": PASSWORD})
    signed_in(client, hours=1)
    return client


def signed_in(client: Client, **ago: float) -> None:
    """That long ago, into the session that the browser has."""
    session = client.session
    session[SIGNED_IN_AT] = (database_now() - timedelta(**ago)).isoformat()
    session.save()


def link_of(page: Any) -> str:
    """Where to sign in again, as the page says."""
    [link] = LINK.findall(page.content.decode())
    return html.unescape(link)


def test_the_way_to_a_fresh_sign_in_and_back_and_then_it_runs(remy: Client) -> None:
    asked_for = address_of(Action.SYNC, application_row())
    link = link_of(remy.get(asked_for))
    form = remy.get(link)
    assert (form.status_code, "Sign in again" in form.content.decode()) == (200, True)
    told = {"username": "remy", "password": PASSWORD, "next": asked_for}
    assert f'name="next" value="{html.escape(asked_for)}"' in form.content.decode()
    back = remy.post(link, told)
    assert (back.status_code, back["Location"]) == (302, asked_for)
    page = remy.get(asked_for)
    assert "sign in again" not in page.content.decode()
    assert remy.post(NEW, fields_of(page.content.decode())).status_code == 303
    assert ActionRequest.objects.get().state == State.APPROVED


def test_with_an_old_sign_in_it_does_not_run(remy: Client) -> None:
    page = remy.get(address_of(Action.SYNC, application_row()))
    answer = remy.post(NEW, fields_of(page.content.decode()))
    assert link_of(answer)
    assert not ActionRequest.objects.exists()


def test_a_bulk_leads_to_a_fresh_sign_in_and_back_too_and_then_it_runs(remy: Client) -> None:
    application_row()
    asked_for = "/actions/bulk/?environment=all&q=build-service"
    link = link_of(remy.get(asked_for))
    refused = remy.post(asked_for, fields_of(remy.get(asked_for).content.decode()))
    assert link_of(refused) == link
    assert "Still needed: a sign-in of the last 10" in refused.content.decode()
    assert not ActionRequest.objects.exists()
    told = {"username": "remy", "password": PASSWORD, "next": asked_for}
    assert remy.post(link, told)["Location"] == asked_for
    page = remy.get(asked_for).content.decode()
    assert "sign in again" not in page
    assert remy.post(asked_for, fields_of(page)).status_code == 303
    assert ActionRequest.objects.get(action=Action.BULK_SYNC).state == State.APPROVED


def test_a_sign_in_elsewhere_does_not_freshen_this_session(remy: Client) -> None:
    Client().post("/accounts/sign-in/", {"username": "remy", "password": PASSWORD})
    assert link_of(remy.get(address_of(Action.SYNC, application_row())))


def test_a_wrong_password_freshens_nothing(remy: Client) -> None:
    asked_for = address_of(Action.SYNC, application_row())
    link = link_of(remy.get(asked_for))
    assert remy.post(link, {"username": "remy", "password": "wrong", "next": asked_for}).status_code == 200
    assert link_of(remy.get(asked_for)) == link


def test_a_session_from_before_this_was_kept_is_not_fresh(remy: Client) -> None:
    session: SessionBase = remy.session
    del session[SIGNED_IN_AT]
    session.save()
    assert link_of(remy.get(address_of(Action.SYNC, application_row())))


def test_what_waits_for_approval_follows_its_person_into_the_new_session(remy: Client) -> None:
    before = remy.session.session_key or ""
    mine = request_row(state=State.WAITING, username="remy", session=before)
    another = request_row(state=State.WAITING, username="sam", session="another", name="other")
    remy.post("/accounts/sign-in/?again=1", {"username": "remy", "password": PASSWORD})
    mine.refresh_from_db()
    assert mine.session != before
    another.refresh_from_db()
    assert (mine.session, another.session) == (remy.session.session_key, "another")
    assert is_session_alive(mine.session)
    assert not is_session_alive(before)


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example/", "/\\evil.example"])
def test_a_fresh_sign_in_leads_nowhere_else(remy: Client, elsewhere: str) -> None:
    told = {"username": "remy", "password": PASSWORD, "next": elsewhere}
    assert remy.post("/accounts/sign-in/?again=1", told)["Location"] == "/"
