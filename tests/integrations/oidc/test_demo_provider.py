"""Signing in, renewing and logging out with a provider that others wrote: the one of the demo."""

from __future__ import annotations

import queue
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests

from apps.demo.people import PEOPLE
from apps.demo.provider import CLIENT_ID, SCOPES
from apps.integrations.oidc import OidcProvider, ProviderAway, ProviderSettings, SessionEnded, SignedIn, SignInRefused
from apps.integrations.oidc.probing import probed
from tests.accounts.provider import SECRET, Provider, chosen, form_sent
from tests.accounts.running_provider import listening, portal, provider, running, told_of

__all__ = ["listening", "portal", "provider", "running", "told_of"]


def settings_of(provider: Provider) -> ProviderSettings:
    return ProviderSettings(issuer=provider.issuer, client_id=CLIENT_ID, client_secret=SECRET, scopes=tuple(SCOPES))


@pytest.fixture
def ours(provider: Provider) -> OidcProvider:
    return OidcProvider(settings_of(provider))


def sign_in(ours: OidcProvider, portal: str, name: str, browser: requests.Session, **how: Any) -> SignedIn:
    """As a browser does it: to the provider, a person is chosen unless somebody is signed in there, and back."""
    begun = ours.begin(f"{portal}/accounts/callback/", **how)
    page = browser.get(begun.url, timeout=10)
    if not page.url.startswith(portal):
        page = chosen(browser, page, name)
    return ours.finish(dict(parse_qsl(urlsplit(page.url).query)), begun)


def test_each_persona_is_who_they_are_with_their_groups(ours: OidcProvider, portal: str) -> None:
    for persona in PEOPLE:
        told = sign_in(ours, portal, persona.name, requests.Session())
        assert (told.subject, told.username, told.name) == (persona.name, persona.name, persona.first_name)
        assert told.groups == persona.groups
        assert told.sid
        assert told.refresh_token


def test_a_fresh_sign_in_holds_and_a_session_of_before_does_not(ours: OidcProvider, portal: str) -> None:
    browser = requests.Session()
    sign_in(ours, portal, "remy", browser)
    assert sign_in(ours, portal, "remy", browser, max_age=0).auth_time is not None


def test_renewing_rotates_and_is_refused_once_the_person_is_disabled(
    ours: OidcProvider, portal: str, provider: Provider
) -> None:
    told = sign_in(ours, portal, "remy", requests.Session())
    renewed = ours.renew(told.refresh_token, subject=told.subject, sid=told.sid)
    assert renewed.refresh_token != told.refresh_token
    assert renewed.groups == told.groups
    provider.disable("remy")
    with pytest.raises(SessionEnded):
        ours.renew(renewed.refresh_token, subject=told.subject, sid=told.sid)


def test_a_person_who_is_disabled_is_told_of_in_the_back_channel(
    ours: OidcProvider, portal: str, provider: Provider, told_of: queue.SimpleQueue[str]
) -> None:
    told = sign_in(ours, portal, "ana", requests.Session())
    provider.disable("ana")
    heard = ours.logout_told(told_of.get(timeout=5))
    assert (heard.issuer, heard.subject, heard.sid) == (told.issuer, told.subject, told.sid)


def test_signing_out_there_needs_one_form_and_leads_back(ours: OidcProvider, portal: str) -> None:
    browser = requests.Session()
    told = sign_in(ours, portal, "vera", browser)
    back = f"{portal}/accounts/signed-out/"
    page = browser.get(ours.logout_url(id_token=told.id_token, back_to=back), timeout=10)
    assert form_sent(browser, page).url == back
    with pytest.raises(SessionEnded):
        ours.renew(told.refresh_token, subject=told.subject, sid=told.sid)


def test_nobody_is_asked_with_prompt_none_and_the_portal_is_told(ours: OidcProvider, portal: str) -> None:
    with pytest.raises(SignInRefused) as refused:
        sign_in(ours, portal, "vera", requests.Session(), prompt="none")
    assert refused.value.kind == "login-required"


def test_a_provider_that_began_anew_signs_with_the_same_key(
    ours: OidcProvider, provider: Provider, portal: str
) -> None:
    sign_in(ours, portal, "vera", requests.Session())
    with provider.stopped():
        pass
    assert sign_in(ours, portal, "vera", requests.Session()).subject == "vera"


def test_a_provider_that_fails_or_is_gone_is_away(provider: Provider, portal: str) -> None:
    for trouble in (provider.failing, provider.stopped):
        ours = OidcProvider(settings_of(provider))
        with trouble(), pytest.raises(ProviderAway):
            ours.begin(f"{portal}/accounts/callback/")


def test_a_fleet_file_that_names_it_is_one_with_which_people_can_sign_in(provider: Provider) -> None:
    """What `portal_check` tries; a wrong secret is told by a provider that others wrote, too."""
    told = list(probed(settings_of(provider)))
    assert [each.name for each in told if not each.is_ok] == []
    assert told[-1].told == f"it takes {CLIENT_ID!r} and its secret"
    wrong = list(probed(replace(settings_of(provider), client_secret="another")))
    assert [(each.name, each.told) for each in wrong if not each.is_ok] == [
        ("client", "it refuses the portal itself (invalid_client)")
    ]
