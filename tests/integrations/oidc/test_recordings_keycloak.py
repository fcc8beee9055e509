"""What a real Keycloak 26 answered. The recorded tokens are whole, with their real signatures."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from apps.integrations.oidc import OidcProvider, ProviderAway, ProviderSettings, SessionEnded, SignInRefused
from apps.integrations.oidc.checks import Checks
from apps.integrations.oidc.keys import Keys
from apps.integrations.oidc.transport import Transport
from tests.integrations.conftest import Serve
from tests.integrations.oidc.provider import Flow, Provider
from tests.integrations.recordings import Recording

ISSUER = "http://127.0.0.1:18080/realms/stonesoup"
"""The recordings' own texts have another host by now; what is signed could not be changed."""
AT = 1_795_521_420.0
REMY, NOBODY = "3e449f19-aba5-465b-89c7-d187fbf2b3d2", "5b90af30-28bb-4dae-ab24-0347f21fafe7"


def recording(name: str) -> Recording:
    return Recording(f"keycloak/26.4/{name}")


def tokens(name: str) -> dict[str, Any]:
    told: dict[str, Any] = recording(name).content["response"]["json"]
    return told


@pytest.fixture
def checks(serve: Serve) -> Checks:
    """The checks with Keycloak's recorded keys, at the time of the recordings."""
    settings = ProviderSettings(issuer=ISSUER, client_id="stonesoup-portal")
    server = serve(recording("jwks").script())
    return Checks(settings, Keys(Transport(settings), lambda: server.url).key_for, lambda: AT)


@pytest.mark.parametrize(
    ("name", "nonce", "subject"), [("token_remy", "no-remy", REMY), ("token_nobody", "no-nobody", NOBODY)]
)
def test_an_id_token_of_keycloak_holds(checks: Checks, name: str, nonce: str, subject: str) -> None:
    told = tokens(name)
    token = checks.id_token(told["id_token"], access_token=told["access_token"], nonce=nonce, max_age=60)
    assert (token.subject, token.sid) == (subject, told["session_state"])
    assert (token.expires_at.timestamp(), token.auth_time is None) == (1_795_521_715, False)


def test_a_renewed_id_token_of_keycloak_has_no_nonce_and_holds(checks: Checks) -> None:
    told = tokens("token_refresh")
    token = checks.id_token(told["id_token"], access_token=told["access_token"])
    assert (token.subject, token.sid) == (REMY, told["session_state"])


def test_groups_come_from_keycloaks_claim_and_a_person_without_has_no_claim_at_all(serve: Serve) -> None:
    claims = {who: recording(f"claims_{who}").content["id_token"] for who in ("remy", "nobody")}
    assert claims["remy"]["groups"] == ["hybrid-sre", "unrelated"]
    assert "groups" not in claims["nobody"]
    for who, groups in (("remy", ("hybrid-sre", "unrelated")), ("nobody", ())):
        flow = Flow(Provider(serve))
        del flow.claims["groups"]
        flow.claims.update({name: value for name, value in claims[who].items() if name in {"sub", "sid", "groups"}})
        assert flow.finish().groups == groups


@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
def test_another_token_of_the_same_answer_is_no_id_token(checks: Checks, kind: str) -> None:
    told = tokens("token_remy")
    with pytest.raises(SignInRefused) as caught:
        checks.id_token(told[kind], access_token=told["access_token"], nonce="no-remy")
    assert caught.value.kind == {"access_token": "audience", "refresh_token": "algorithm"}[kind]


def test_tokens_of_two_people_do_not_mix(checks: Checks) -> None:
    with pytest.raises(SignInRefused) as caught:
        checks.id_token(
            tokens("token_remy")["id_token"], access_token=tokens("token_nobody")["access_token"], nonce="no-remy"
        )
    assert caught.value.kind == "access-token"


def test_keycloaks_logout_token_holds_and_is_no_id_token(checks: Checks) -> None:
    (request,) = recording("backchannel_logout_requests").content["requests"]
    token = dict(parse_qsl(request["body"]))["logout_token"]
    told = checks.logout_token(token)
    assert (told.subject, told.sid, told.jti) == (REMY, request["claims"]["sid"], request["claims"]["jti"])
    with pytest.raises(SignInRefused):
        checks.id_token(token, access_token="")
    with pytest.raises(SignInRefused):
        checks.logout_token(tokens("token_remy")["id_token"])


@pytest.mark.parametrize("name", ["token_refresh_user_disabled", "token_refresh_after_logout"])
def test_f49_keycloak_ends_a_session_by_refusing_the_refresh_token(provider: Provider, name: str) -> None:
    provider.scripts["/token/"] = recording(name).script()
    with pytest.raises(SessionEnded):
        provider.client().renew("the-refresh-token", subject=REMY, sid="")


@pytest.mark.parametrize("name", ["token_code_used_twice", "token_wrong_verifier"])
def test_keycloak_refuses_a_code(flow: Flow, name: str) -> None:
    flow.provider.scripts["/token/"] = recording(name).script()
    with pytest.raises(SignInRefused) as caught:
        flow.finish()
    assert caught.value.kind == "code-refused"


def test_keycloak_refusing_the_portal_itself_says_nothing_of_the_person(flow: Flow) -> None:
    flow.provider.scripts["/token/"] = recording("token_wrong_client_secret").script()
    with pytest.raises(ProviderAway, match="unauthorized_client"):
        flow.finish()


@pytest.mark.parametrize(
    ("name", "kind"),
    [("authorize_prompt_none_not_signed_in", "login-required"), ("authorize_without_pkce", "provider-error")],
)
def test_keycloaks_error_callbacks_carry_state_and_issuer(flow: Flow, name: str, kind: str) -> None:
    location = recording(name).content["response"]["headers"]["Location"]
    answer = dict(parse_qsl(urlsplit(location).query))
    assert answer["iss"] == ISSUER
    flow.answer = {**answer, "state": flow.answer["state"], "iss": flow.provider.issuer}
    with pytest.raises(SignInRefused) as caught:
        flow.finish()
    assert caught.value.kind == kind


def test_a_discovery_document_of_another_issuer_is_refused(provider: Provider) -> None:
    path = "/.well-known/openid-configuration"
    for name, words in (("discovery", "names another issuer"), ("discovery_unknown_realm", "no such object")):
        provider.scripts[path] = recording(name).script()
        with pytest.raises(ProviderAway, match=words):
            provider.client().begin("https://portal.example/")


def test_keycloaks_discovery_document_has_all_that_is_needed(provider: Provider) -> None:
    told = recording("discovery").content["response"]["json"]
    here = str(told["issuer"])
    provider.document = {
        name: value.replace(here, provider.issuer) if isinstance(value, str) else value for name, value in told.items()
    }
    document = OidcProvider(provider.client().settings).discovered()
    assert document.authorization_response_iss_parameter_supported
    assert "client_secret_basic" in document.token_endpoint_auth_methods_supported
    assert {urlsplit(endpoint).netloc for endpoint in document.endpoints} == {urlsplit(provider.issuer).netloc}
    assert len(document.endpoints) == 5
