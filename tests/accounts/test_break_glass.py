"""Break-glass, and what manage.py says of access."""

from __future__ import annotations

import io
import json
import logging
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client

from apps.accounts.models import Person, Role, SignIn
from apps.core.clock import database_now
from apps.sources.fleetfile.current import fleet_file_look_again
from tests.accounts.organisation import Organisation, sign_in_of
from tests.conftest import person_with

pytestmark = [pytest.mark.database, pytest.mark.django_db]
PASSWORD = "correct horse battery"
FORM = {"username": "emergency", "password": PASSWORD}
PATH = "/accounts/break-glass/"


@pytest.fixture
def opened(organisation: Organisation, monkeypatch: pytest.MonkeyPatch) -> Organisation:
    """With an account for emergencies."""
    open_glass(monkeypatch)
    return organisation


@pytest.fixture
def noted(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What went beside the audit log's lines."""
    lines: list[dict[str, Any]] = []
    monkeypatch.setattr(logging.getLogger("portal.audit"), "warning", lambda _, text: lines.append(json.loads(text)))
    return lines


def open_glass(monkeypatch: pytest.MonkeyPatch, name: str = "emergency", *more: str) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{PASSWORD}\n"))
    call_command("portal_break_glass", name, *more)


def test_it_is_off_until_a_command_opens_it(organisation: Organisation, client: Client) -> None:
    assert client.get(PATH).status_code == 404
    assert client.post(PATH, FORM).status_code == 404


def test_it_signs_in_while_the_provider_is_away_and_stands_on_everybodys_page(
    opened: Organisation, client: Client, noted: list[dict[str, Any]]
) -> None:
    other = opened.signed_in("vera", "viewers")
    assert "break-glass" not in other.get("/sources/").content.decode()
    opened.provider.server.stop()
    opened.fleet_file_write(more="scopes: [openid]")
    assert PATH in client.get("/accounts/sign-in/").content.decode(), "who cannot sign in is shown the way"
    assert client.post(PATH, FORM)["Location"] == "/"
    page = other.get("/sources/").content.decode()
    assert "emergency is signed in by break-glass, past the identity provider," in page
    assert sign_in_of(client).kind == SignIn.Kind.BREAK_GLASS
    assert "approver" in client.get("/sources/").content.decode()
    assert [(line["log"], line["event"], line["who"]) for line in noted] == [
        ("portal.audit", "break-glass signed in", "emergency")
    ]
    client.post("/accounts/sign-out/")
    assert "break-glass" not in other.get("/sources/").content.decode()


def test_guessing_it_is_slowed_down_and_noted(
    opened: Organisation, client: Client, noted: list[dict[str, Any]]
) -> None:
    for _ in range(5):
        assert client.post(PATH, {**FORM, "password": "wrong"}).status_code == 200
    assert client.post(PATH, FORM).status_code == 429
    assert {line["event"] for line in noted} == {"break-glass refused"}
    assert not SignIn.objects.exists()


def test_it_ends_at_its_end(opened: Organisation, client: Client) -> None:
    client.post(PATH, FORM)
    assert client.get("/sources/").status_code == 200
    Person.objects.update(break_glass_until=database_now() - timedelta(seconds=1))
    assert client.get("/sources/").status_code == 302
    assert Client().post(PATH, FORM).status_code == 404


def test_closing_it_ends_its_sessions(opened: Organisation, client: Client) -> None:
    client.post(PATH, FORM)
    call_command("portal_break_glass", "emergency", "--remove")
    assert client.get("/sources/").status_code == 302
    assert not SignIn.objects.exists()
    assert Client().get(PATH).status_code == 404


def test_an_account_of_the_portal_is_none_for_emergencies(
    opened: Organisation, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    kim = person_with("kim", Role.ADMIN)
    kim.set_password(PASSWORD)
    kim.save()
    assert client.post(PATH, {"username": "kim", "password": PASSWORD}).status_code == 200
    assert not SignIn.objects.exists()
    for name, more, why in (
        ("kim", (), "somebody's account"),
        ("portal", (), "stands for"),
        ("x", ("--hours", "99"), "72"),
    ):
        with pytest.raises(CommandError, match=why):
            open_glass(monkeypatch, name, *more)
    assert set(User.objects.values_list("username", flat=True)) == {"kim", "emergency"}


def said_of(*groups: str) -> list[str]:
    out = io.StringIO()
    call_command("portal_access", "--groups", ",".join(groups), stdout=out)
    return out.getvalue().splitlines()


def test_the_command_explains_what_groups_give(organisation: Organisation) -> None:
    told = said_of("dashboards", "leads", "Viewers")
    assert told[2] == "fits  group dashboards: responder for production, projects default and monitoring"
    assert told[5] == "      group Viewers: no rule names it (upper and lower case count)"
    assert told[6] == "Together: approver for staging; responder for production, projects default and monitoring"
    assert "approve" in told[7]
    assert said_of("nobody")[-1] == "Together: no access"


def test_the_command_needs_single_sign_on(organisation: Organisation) -> None:
    organisation.fleet_file.write_text("{}")
    fleet_file_look_again()
    with pytest.raises(CommandError, match="has no 'sso'"):
        said_of("a")
