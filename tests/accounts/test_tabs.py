"""Several tabs that sign in at once, and answers that do not count: each leads back to the page that was asked for."""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.test import Client

from apps.accounts import signing_in
from apps.accounts.models import SignIn
from apps.accounts.provider import provider_in_force
from apps.core.clock import database_now
from tests.accounts.organisation import Organisation

pytestmark = [pytest.mark.database, pytest.mark.django_db]
SECOND = "/accounts/sign-in/?second=1&next="


def test_two_tabs_may_sign_in_at_once(organisation: Organisation, client: Client) -> None:
    organisation.person("remy", "oncall")
    first = organisation.answer(client, "remy", "/accounts/sign-in/?next=/apps/")
    second = organisation.answer(client, "remy", "/accounts/sign-in/?next=/alerts/")
    assert client.get("/accounts/callback/", first)["Location"] == "/apps/"
    assert client.get("/accounts/callback/", second)["Location"] == "/alerts/"
    assert SignIn.objects.count() == Session.objects.count() == 1


def test_tabs_that_begin_without_a_session_each_land_on_their_own_page(organisation: Organisation) -> None:
    """A browser that opens its tabs again asks for all pages at once: the last answer's session is the one it keeps."""
    organisation.person("remy", "oncall")
    first, browser = Client(), Client()
    answers = [
        organisation.answer(first, "remy", "/accounts/sign-in/?next=/apps/"),
        organisation.answer(browser, "remy", "/accounts/sign-in/?next=/alerts/"),
    ]
    to = browser.get("/accounts/callback/", answers[0])["Location"]
    assert to == SECOND + "%2Fapps%2F"
    again = organisation.answer(browser, "remy", to)
    assert browser.get("/accounts/callback/", answers[1])["Location"] == "/alerts/"
    assert browser.get("/accounts/callback/", again)["Location"] == "/apps/"
    assert SignIn.objects.count() == 1


def test_a_browser_that_keeps_no_session_is_sent_round_once(organisation: Organisation) -> None:
    organisation.person("remy", "oncall")
    to = Client().get("/accounts/callback/", organisation.answer(Client(), "remy"))["Location"]
    answer = Client().get("/accounts/callback/", organisation.answer(Client(), "remy", to))
    assert answer.status_code == 400
    assert "was not begun in this browser" in answer.content.decode()


def test_who_is_signed_in_by_another_tab_is_led_on(organisation: Organisation) -> None:
    organisation.person("remy", "oncall")
    lost = organisation.answer(Client(), "remy", "/accounts/sign-in/?next=/apps/")
    client = organisation.signed_in("remy")
    to = client.get("/accounts/callback/", lost)["Location"]
    assert client.get(to)["Location"] == "/apps/"


def test_the_oldest_of_six_goes(organisation: Organisation, client: Client) -> None:
    organisation.person("remy", "oncall")
    answers = [organisation.answer(client, "remy", f"/accounts/sign-in/?next=/apps/%3Fpage={n}") for n in range(6)]
    oldest = client.get("/accounts/callback/", answers[0])["Location"]
    assert oldest == SECOND + "%2Fapps%2F%3Fpage%3D0"
    ways = [client.get("/accounts/callback/", answer)["Location"] for answer in answers[1:]]
    assert ways == [f"/apps/?page={n}" for n in range(1, 6)]


@pytest.mark.parametrize("error", ["access_denied", "login_required", "server_error"])
def test_a_refusal_of_the_provider_keeps_the_way_back(organisation: Organisation, client: Client, error: str) -> None:
    organisation.person("remy", "oncall")
    told = organisation.answer(client, "remy", "/accounts/sign-in/?next=/apps/%3Fq=a%26b=c")
    organisation.answer(client, "remy", "/accounts/sign-in/?next=/alerts/")
    answer = client.get("/accounts/callback/", {"state": told["state"], "iss": told["iss"], "error": error})
    assert answer.status_code == 400
    assert 'href="/accounts/sign-in/?next=%2Fapps%2F%3Fq%3Da%26b%3Dc"' in answer.content.decode()


def test_an_answer_of_more_than_ten_minutes_later_does_not_count_and_keeps_the_way_back(
    organisation: Organisation, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    organisation.person("remy", "oncall")
    late = database_now() - timedelta(minutes=10, seconds=1)
    with monkeypatch.context() as then:
        then.setattr(signing_in, "database_now", lambda: late)
        told = organisation.answer(client, "remy", "/accounts/sign-in/?next=/apps/")
        newer = organisation.answer(client, "remy", "/accounts/sign-in/?next=/alerts/")
    answer = client.get("/accounts/callback/", told)
    assert answer.status_code == 400
    assert "too long ago" in answer.content.decode()
    assert "/accounts/sign-in/?next=%2Fapps%2F" in answer.content.decode()
    Session.objects.all().delete()
    answer = client.get("/accounts/callback/", newer)
    assert answer.status_code == 400
    assert "/accounts/sign-in/?next=%2Falerts%2F" in answer.content.decode(), "though the session is gone"
    assert not SignIn.objects.exists()


def test_the_state_tells_the_provider_nothing_of_the_page(organisation: Organisation, client: Client) -> None:
    sent = organisation.sent(client.get("/accounts/sign-in/?next=/apps/%3Fq=secret-project"))
    told = sent["state"].partition(".")[2]
    assert b"secret-project" not in base64.urlsafe_b64decode(told)


@pytest.mark.parametrize("state", ["", ".", ".x", "x.", "x." + "y" * 9000, "é.é", "a.gAAAAAB"])
def test_a_state_that_is_none_begins_nothing(client: Client, organisation: Organisation, state: str) -> None:
    answer = client.get("/accounts/callback/", {"state": state, "code": "x"})
    assert answer.status_code == 400
    assert 'href="/accounts/sign-in/?next=%2F"' in answer.content.decode()


def test_a_tab_whose_session_another_tab_exchanged_meanwhile_is_asked_for_again(
    organisation: Organisation, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    organisation.answer(client, "remy")
    provider = provider_in_force()
    assert provider
    begin = provider.begin

    def exchanged_meanwhile(*args: Any, **more: Any) -> Any:
        Session.objects.all().delete()
        return begin(*args, **more)

    monkeypatch.setattr(provider, "begin", exchanged_meanwhile)
    path = "/accounts/sign-in/?next=/apps/"
    assert client.get(path)["Location"] == path
    monkeypatch.setattr(provider, "begin", begin)
    organisation.sent(client.get(path))
