"""The demo's OpenID provider: a real one, with personas and an administrator."""

from __future__ import annotations

import base64
import hashlib
import json
import queue
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
import requests

from apps.demo.people import ACCESS, PEOPLE
from apps.demo.provider import CLIENT_ID
from tests.accounts.provider import SECRET, Provider, chosen, form_sent
from tests.accounts.running_provider import listening, provider, running, told_of

__all__ = ["listening", "provider", "running", "told_of"]

VERIFIER = "a-verifier-that-is-long-enough-for-the-rules-of-pkce"
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")


def asked(provider: Provider, **more: str) -> str:
    told = {
        "client_id": CLIENT_ID,
        "response_type": "code",
        "scope": "openid profile email groups",
        "redirect_uri": f"{provider.sign_in.portals[0]}/accounts/callback/",
        "state": "a-state",
        "nonce": "a-nonce",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
    }
    return f"{provider.issuer}/auth?{urlencode({**told, **more})}"


def answer_of(page: requests.Response) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(page.url).query))


def token_request(provider: Provider, **form: str) -> requests.Response:
    return requests.post(f"{provider.issuer}/token", data=form, auth=(CLIENT_ID, SECRET), timeout=10)


def tokens_of(provider: Provider, code: str) -> dict[str, Any]:
    where = f"{provider.sign_in.portals[0]}/accounts/callback/"
    answer = token_request(
        provider, grant_type="authorization_code", code=code, redirect_uri=where, code_verifier=VERIFIER
    )
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def claims_of(token: str) -> dict[str, Any]:
    part = token.split(".")[1]
    told: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return told


def signed_in(provider: Provider, name: str) -> tuple[requests.Session, dict[str, Any]]:
    browser = requests.Session()
    page = chosen(browser, browser.get(asked(provider), timeout=10), name)
    return browser, tokens_of(provider, answer_of(page)["code"])


def test_one_click_signs_a_persona_in_with_their_groups(provider: Provider) -> None:
    for persona in PEOPLE:
        _, tokens = signed_in(provider, persona.name)
        claims = claims_of(tokens["id_token"])
        assert (claims["iss"], claims["aud"], claims["sub"]) == (provider.issuer, CLIENT_ID, persona.name)
        assert (claims["nonce"], claims["name"]) == ("a-nonce", persona.first_name)
        assert tuple(claims.get("groups", ())) == persona.groups
        assert ("groups" in claims) == bool(persona.groups)
        assert claims["sid"]


def test_the_groups_of_the_access_rules_are_those_of_people() -> None:
    assert {rule["group"] for rule in ACCESS} == {group for persona in PEOPLE for group in persona.groups}


def test_a_session_there_spares_the_page(provider: Provider) -> None:
    browser, _ = signed_in(provider, "vera")
    again = browser.get(asked(provider, state="another"), timeout=10)
    assert answer_of(again)["state"] == "another"
    assert answer_of(again)["iss"] == provider.issuer


def test_a_fresh_sign_in_shows_the_page_again_and_says_who_one_is(provider: Provider) -> None:
    browser, _ = signed_in(provider, "vera")
    page = browser.get(asked(provider, max_age="0"), timeout=10)
    assert "You are signed in as <b>Vera</b>" in page.text
    assert "code" in answer_of(chosen(browser, page, "vera"))


def test_without_pkce_there_is_no_sign_in(provider: Provider) -> None:
    page = requests.get(asked(provider, code_challenge="", code_challenge_method=""), timeout=10)
    assert answer_of(page)["error"] == "invalid_request"
    assert "PKCE" in answer_of(page)["error_description"]


def test_refresh_tokens_rotate_and_one_used_twice_ends_all(provider: Provider) -> None:
    _, tokens = signed_in(provider, "remy")
    first = token_request(provider, grant_type="refresh_token", refresh_token=tokens["refresh_token"])
    assert first.json()["refresh_token"] != tokens["refresh_token"]
    again = token_request(provider, grant_type="refresh_token", refresh_token=tokens["refresh_token"])
    assert again.json()["error"] == "invalid_grant"
    rest = token_request(provider, grant_type="refresh_token", refresh_token=first.json()["refresh_token"])
    assert rest.json()["error"] == "invalid_grant"


def test_who_is_disabled_is_logged_out_of_the_portal_at_once(
    provider: Provider, told_of: queue.SimpleQueue[str]
) -> None:
    browser, tokens = signed_in(provider, "remy")
    _, others = signed_in(provider, "vera")
    provider.disable("remy")
    claims = claims_of(told_of.get(timeout=5))
    assert told_of.empty()
    assert claims["sid"] == claims_of(tokens["id_token"])["sid"]
    assert "http://schemas.openid.net/event/backchannel-logout" in claims["events"]
    refused = token_request(provider, grant_type="refresh_token", refresh_token=tokens["refresh_token"])
    assert refused.json()["error"] == "invalid_grant"
    assert token_request(provider, grant_type="refresh_token", refresh_token=others["refresh_token"]).status_code == 200
    page = chosen(browser, browser.get(asked(provider), timeout=10), "remy")
    assert "Remy is disabled here" in page.text


def test_signing_out_there_leads_back_and_ends_the_session(provider: Provider, told_of: queue.SimpleQueue[str]) -> None:
    browser, tokens = signed_in(provider, "ana")
    back = f"{provider.sign_in.portals[0]}/accounts/signed-out/"
    told = urlencode({"id_token_hint": tokens["id_token"], "post_logout_redirect_uri": back})
    page = browser.get(f"{provider.issuer}/session/end?{told}", timeout=10)
    assert "/sign-out.js" in page.text
    assert form_sent(browser, page).url == back
    assert claims_of(told_of.get(timeout=5))["sid"] == claims_of(tokens["id_token"])["sid"]
    assert "Sign in as Vera" in browser.get(asked(provider), timeout=10).text


def test_a_redirect_elsewhere_is_refused_on_the_provider_s_own_page(provider: Provider) -> None:
    page = requests.get(asked(provider, redirect_uri="http://127.0.0.1:9/accounts/callback/"), timeout=10)
    assert page.status_code == 400
    assert page.url.startswith(provider.issuer)
    assert "redirect_uri" in page.text


def test_the_administrator_s_buttons_are_not_for_other_sites(
    provider: Provider, told_of: queue.SimpleQueue[str]
) -> None:
    signed_in(provider, "vera")
    where = f"{provider.issuer}/people/vera/disable"
    assert requests.post(where, headers={"Sec-Fetch-Site": "same-site"}, timeout=10).status_code == 403
    assert requests.post(where, headers={"Host": "evil.example"}, timeout=10).status_code == 421
    assert told_of.empty()


@pytest.mark.parametrize("site", ["cross-site", "same-site", "none"])
def test_the_switch_that_has_it_fail_is_not_for_other_sites(provider: Provider, site: str) -> None:
    answer = requests.post(f"{provider.issuer}/failing", data={"on": "1"}, headers={"Sec-Fetch-Site": site}, timeout=10)
    assert answer.status_code == 403
    assert requests.get(f"{provider.issuer}/jwks", timeout=10).status_code == 200


def test_while_it_fails_it_answers_503_and_remembers(provider: Provider) -> None:
    browser, _ = signed_in(provider, "vera")
    with provider.failing():
        assert requests.get(f"{provider.issuer}/jwks", timeout=10).status_code == 503
    assert "code" in answer_of(browser.get(asked(provider), timeout=10))


def test_its_pages_send_forms_to_the_portal_and_nowhere_else(provider: Provider) -> None:
    policy = requests.get(asked(provider), timeout=10).headers["Content-Security-Policy"]
    assert f"form-action 'self' {provider.sign_in.portals[0]}" in policy


def test_the_settings_are_for_their_owner_s_eyes(provider: Provider) -> None:
    assert Path(provider.folder / "provider.json").stat().st_mode & 0o077 == 0
