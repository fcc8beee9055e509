"""The way of a sign-in that holds, and of its renewal and its end."""

from __future__ import annotations

import base64
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest
from authlib.oauth2.rfc7636 import create_s256_code_challenge

from apps.integrations.oidc import ProviderAway, ProviderSettings, SessionEnded, SignInRefused
from tests.integrations.oidc.provider import BACK, CLIENT, NOW, SECRET, Flow, Provider, key, published, signed
from tests.integrations.wire_server import reply

REMY = {"subject": "subject-of-remy", "sid": "session-of-remy"}


def form_of(provider: Provider) -> dict[str, str]:
    return dict(parse_qsl(provider.asked_for("/token/")[-1].body.decode()))


def test_who_comes_back_is_told_with_all_that_the_provider_says(flow: Flow) -> None:
    told = flow.finish()
    assert (told.issuer, told.subject, told.sid) == (flow.provider.issuer, "subject-of-remy", "session-of-remy")
    assert told.groups == ("hybrid-sre", "unrelated")
    assert (told.name, told.username, told.email) == ("Remy Responder", "remy", "remy@example.com")
    assert told.refresh_token == "the-refresh-token"
    assert told.id_token_expires_at == datetime.fromtimestamp(NOW, UTC) + timedelta(minutes=5)
    assert told.auth_time is None


def test_the_browser_is_sent_with_pkce_state_and_nonce_which_are_never_the_same(provider: Provider) -> None:
    client = provider.client()
    begun, again = client.begin(BACK), client.begin(BACK, prompt="none", max_age=0)
    where = urlsplit(begun.url)
    assert f"{where.scheme}://{where.netloc}{where.path}" == f"{provider.issuer}/auth"
    assert dict(parse_qsl(where.query)) == {
        "response_type": "code",
        "client_id": CLIENT,
        "redirect_uri": BACK,
        "scope": "openid profile email",
        "state": begun.state,
        "nonce": begun.nonce,
        "code_challenge": create_s256_code_challenge(begun.verifier),
        "code_challenge_method": "S256",
    }
    asked = dict(parse_qsl(urlsplit(again.url).query))
    assert (asked["prompt"], asked["max_age"], again.max_age) == ("none", "0", 0)
    assert len({*(begun.state, begun.nonce, begun.verifier), *(again.state, again.nonce, again.verifier)}) == 6
    assert min(len(each) for each in (begun.state, begun.nonce, begun.verifier)) >= 43


def test_the_code_is_redeemed_with_the_verifier_and_the_secret_in_a_header(flow: Flow) -> None:
    flow.finish()
    (asked,) = flow.provider.asked_for("/token/")
    assert flow.begun is not None
    assert form_of(flow.provider) == {
        "grant_type": "authorization_code",
        "code": "the-code",
        "redirect_uri": BACK,
        "code_verifier": flow.begun.verifier,
    }
    basic = base64.b64decode(asked.headers["authorization"].removeprefix("Basic ")).decode()
    assert basic == f"{CLIENT}:{SECRET}"


def test_a_public_client_names_itself_in_the_form(provider: Provider) -> None:
    Flow(provider, options={"client_secret": ""}).finish()
    assert form_of(provider)["client_id"] == CLIENT
    assert "authorization" not in provider.asked_for("/token/")[0].headers


def test_a_provider_that_wants_the_secret_in_the_form_gets_it_there(provider: Provider) -> None:
    provider.document["token_endpoint_auth_methods_supported"] = ["client_secret_post"]
    Flow(provider).finish()
    assert (form_of(provider)["client_id"], form_of(provider)["client_secret"]) == (CLIENT, SECRET)
    assert "authorization" not in provider.asked_for("/token/")[0].headers


def test_no_repr_shows_a_token_or_the_secret(flow: Flow) -> None:
    told = flow.finish()
    assert flow.begun is not None
    shown = f"{told!r} {flow.begun!r} {flow.client.settings!r} {flow.client.renew('the-refresh-token', **REMY)!r}"
    hidden = (told.id_token, told.refresh_token, SECRET, flow.begun.state, flow.begun.nonce, flow.begun.verifier)
    assert [secret for secret in hidden if secret in shown] == []


@pytest.mark.parametrize(
    ("change", "groups"),
    [
        ({"groups": None}, ()),
        ({"groups": []}, ()),
        ({"groups": ["a", "b", "a"]}, ("a", "b")),
    ],
    ids=["null", "an empty list", "one twice"],
)
def test_groups_are_a_list_that_may_be_empty(flow: Flow, change: dict[str, Any], groups: tuple[str, ...]) -> None:
    flow.claims.update(change)
    assert flow.finish().groups == groups


def test_no_claim_of_groups_is_no_groups(flow: Flow) -> None:
    del flow.claims["groups"]
    assert flow.finish().groups == ()


@pytest.mark.parametrize(
    ("claim", "claims", "groups"),
    [
        ("realm_access.roles", {"realm_access": {"roles": ["sre"]}}, ("sre",)),
        ("realm_access.roles", {"realm_access": {}}, ()),
        ("realm_access.roles", {}, ()),
        ("https://example.com/groups", {"https://example.com/groups": ["sre"]}, ("sre",)),
    ],
)
def test_groups_may_lie_within_other_claims(
    provider: Provider, claim: str, claims: dict[str, Any], groups: tuple[str, ...]
) -> None:
    flow = Flow(provider, options={"groups_claim": claim})
    flow.claims.update(claims)
    assert flow.finish().groups == groups


def test_groups_may_come_from_user_info_of_the_same_person(provider: Provider) -> None:
    provider.user_info = {"sub": "subject-of-remy", "groups": ["from-user-info"]}
    flow = Flow(provider, options={"groups_from_userinfo": True})
    assert flow.finish().groups == ("from-user-info",)
    assert provider.asked_for("/userinfo")[0].headers["authorization"] == "Bearer the-access-token"
    provider.codes.add("the-code")
    provider.user_info["sub"] = "somebody-else"
    with pytest.raises(SignInRefused) as caught:
        flow.finish()
    assert caught.value.kind == "other-person"


def test_clocks_may_differ_by_a_minute(flow: Flow) -> None:
    flow.claims.update(exp=int(NOW) - 59, iat=int(NOW) + 59, nbf=int(NOW) + 59)
    assert flow.finish().subject == "subject-of-remy"


def test_one_of_several_audiences_will_do_if_we_are_the_party_it_was_made_for(flow: Flow) -> None:
    flow.claims.update(aud=["argocd", CLIENT], azp=CLIENT)
    assert flow.finish().subject == "subject-of-remy"


def test_a_key_without_an_id_will_do_where_there_is_one_only(flow: Flow) -> None:
    flow.provider.keys.append(published(key("other"), "other", use="enc"))
    del flow.header["kid"]
    assert flow.finish().subject == "subject-of-remy"


def test_a_fresh_sign_in_holds_where_one_was_asked_for(provider: Provider) -> None:
    flow = Flow(provider, max_age=0)
    flow.claims["auth_time"] = int(NOW) - 5
    assert flow.finish().auth_time == datetime.fromtimestamp(NOW - 5, UTC)


def test_what_is_for_show_only_may_be_missing_or_odd(flow: Flow) -> None:
    del flow.claims["email"]
    flow.claims.update(name=None, preferred_username=["remy"])
    told = flow.finish()
    assert (told.name, told.username, told.email) == ("", "", "")


def test_a_renewal_brings_new_tokens_and_groups(flow: Flow) -> None:
    flow.finish()
    flow.provider.tokens.update(refresh_token="the-next-one")
    told = flow.client.renew("the-refresh-token", **REMY)
    assert form_of(flow.provider) == {"grant_type": "refresh_token", "refresh_token": "the-refresh-token"}
    assert (told.refresh_token, told.groups) == ("the-next-one", ("hybrid-sre", "unrelated"))
    assert told.id_token_expires_at == datetime.fromtimestamp(NOW, UTC) + timedelta(minutes=5)


def test_a_renewal_may_keep_the_refresh_token_and_bring_no_id_token(flow: Flow) -> None:
    flow.provider.tokens = {"access_token": "another"}
    del flow.provider.document["userinfo_endpoint"]
    flow.client = flow.provider.client()
    told = flow.client.renew("the-refresh-token", **REMY)
    assert (told.id_token, told.id_token_expires_at, told.groups) == ("", None, None)
    assert told.refresh_token == "the-refresh-token"


def test_a_renewal_without_an_id_token_still_tells_groups_from_user_info(provider: Provider) -> None:
    provider.tokens = {"access_token": "another"}
    provider.user_info = {"sub": "subject-of-remy", "groups": ["sre"]}
    told = provider.client(groups_from_userinfo=True).renew("the-refresh-token", **REMY)
    assert told.groups == ("sre",)


@pytest.mark.parametrize("groups", [["sre"], []])
def test_a_renewal_without_an_id_token_asks_user_info_for_the_groups_of_now(flow: Flow, groups: list[str]) -> None:
    flow.provider.tokens = {"access_token": "another"}
    flow.provider.user_info = {"sub": "subject-of-remy", "groups": groups}
    assert flow.client.renew("the-refresh-token", **REMY).groups == tuple(groups)
    [asked] = flow.provider.asked_for("/userinfo")
    assert asked.headers["authorization"] == "Bearer another"


def test_user_info_that_leaves_groups_out_ends_the_session_so_that_a_new_sign_in_tells_them(flow: Flow) -> None:
    flow.provider.tokens = {"access_token": "another"}
    flow.provider.user_info = {"sub": "subject-of-remy"}
    with pytest.raises(SessionEnded) as caught:
        flow.client.renew("the-refresh-token", **REMY)
    assert caught.value.kind == "groups-not-told"


def test_user_info_about_somebody_else_is_refused_at_a_renewal_too(flow: Flow) -> None:
    flow.provider.tokens = {"access_token": "another"}
    flow.provider.user_info = {"sub": "somebody-else", "groups": ["admins"]}
    with pytest.raises(SignInRefused) as caught:
        flow.client.renew("the-refresh-token", **REMY)
    assert caught.value.kind == "other-person"


@pytest.mark.parametrize("status", [400, 401, 403, 404])
def test_user_info_that_is_not_for_the_portal_tells_no_groups(flow: Flow, status: int) -> None:
    flow.provider.tokens = {"access_token": "another"}
    flow.provider.scripts["/userinfo"] = reply({}, status=status)
    assert flow.client.renew("the-refresh-token", **REMY).groups is None


@pytest.mark.parametrize("status", [429, 500, 503])
def test_while_user_info_does_not_answer_the_new_refresh_token_is_kept_and_no_more_known(
    flow: Flow, status: int
) -> None:
    flow.provider.tokens = {"access_token": "another", "refresh_token": "the-next-one"}
    flow.provider.scripts["/userinfo"] = reply({}, status=status)
    kept: list[str] = []
    with pytest.raises(ProviderAway):
        flow.client.renew("the-refresh-token", **REMY, keep=kept.append)
    assert kept == ["the-next-one"]


@pytest.mark.parametrize("whose", [{"subject": "of-another"}, {"sid": "of-another"}])
def test_f48_a_renewal_that_is_about_somebody_else_is_refused(flow: Flow, whose: dict[str, str]) -> None:
    flow.finish()
    with pytest.raises(SignInRefused) as caught:
        flow.client.renew("the-refresh-token", **{**REMY, **whose})
    assert caught.value.kind == "other-person"


def test_f49_a_session_that_ended_at_the_provider_is_told_apart_from_a_provider_in_trouble(flow: Flow) -> None:
    flow.provider.scripts["/token/"] = reply({"error": "invalid_grant"}, status=400)
    with pytest.raises(SessionEnded):
        flow.client.renew("the-refresh-token", **REMY)
    for script in (
        reply({"error": "invalid_client"}, status=401),
        reply({"error": "unauthorized_client"}, status=400),
        reply({"error": "server_error"}, status=500),
        reply("<html>", Content_Type="text/html"),
        reply("", status=302, Location="https://elsewhere.example/"),
    ):
        flow.provider.scripts["/token/"] = script
        with pytest.raises(ProviderAway):
            flow.client.renew("the-refresh-token", **REMY)


def test_signing_out_leads_to_the_provider_and_back(flow: Flow) -> None:
    url = urlsplit(flow.client.logout_url(id_token="a.b.c", back_to="https://portal.example/accounts/signed-out/"))
    assert f"{url.scheme}://{url.netloc}{url.path}" == f"{flow.provider.issuer}/logout"
    assert parse_qs(url.query) == {
        "x": ["1"],
        "client_id": [CLIENT],
        "post_logout_redirect_uri": ["https://portal.example/accounts/signed-out/"],
        "id_token_hint": ["a.b.c"],
    }


def test_a_provider_without_a_logout_leads_nowhere(provider: Provider) -> None:
    del provider.document["end_session_endpoint"]
    assert provider.client().logout_url(id_token="a.b.c", back_to=BACK) == ""


def test_an_id_token_of_many_groups_is_not_sent_in_an_address(flow: Flow) -> None:
    """Proxies refuse heads of 4 to 8 kB; a token with a hundred groups has 6."""
    url = flow.client.logout_url(id_token=f"a.{'b' * 6200}.c", back_to=BACK)
    assert len(url) < 1000
    assert "id_token_hint" not in url
    assert "client_id" in url


@pytest.mark.parametrize("algorithms", [(), ("none",), ("RS256", "HS256")])
def test_an_algorithm_that_proves_nothing_cannot_be_set(algorithms: tuple[str, ...]) -> None:
    settings = ProviderSettings(issuer="https://sso.example", client_id=CLIENT)
    with pytest.raises(ValueError, match="signatures are checked with"):
        replace(settings, algorithms=algorithms)


def test_a_token_of_yesterdays_key_holds_no_more_once_its_key_is_gone(flow: Flow) -> None:
    flow.finish()
    later = flow.provider.client()
    flow.provider.keys = [published(key("two"), "two")]
    flow.provider.tokens["id_token"] = signed(flow.header, flow.claims, flow.key)
    with pytest.raises(SignInRefused) as caught:
        later.renew("the-refresh-token", **REMY)
    assert caught.value.kind == "key"
