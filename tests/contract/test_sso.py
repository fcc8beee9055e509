"""What the portal relies on of the identity provider, as far as it can be had without a person: nobody signs in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests
import yaml

from apps.integrations.oidc import Begun, OidcProvider, ProviderAway, ProviderSettings, SessionEnded, SignInRefused
from apps.sources.fleetfile import fleet_file_load
from apps.sources.sso import provider_settings
from tests.accounts.provider import provider_running
from tests.contract.conftest import loaded

PORTAL = "http://127.0.0.1:8000"
CALLBACK = f"{PORTAL}/accounts/callback/"
"""An address that the portal's client has to be allowed at the provider for these contracts."""


@pytest.fixture(scope="module")
def settings(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProviderSettings]:
    """The provider of --fleet, or else the demo's, started for these tests."""
    given = request.config.getoption("--fleet")
    if given:
        sso = loaded(given).sso
        if sso is None:
            pytest.skip(f"{given} names no identity provider (sso)")
        yield provider_settings(sso)
        return
    folder = tmp_path_factory.mktemp("sso")
    with provider_running(folder, PORTAL) as demo:
        parts = {"sso": yaml.safe_load(demo.fleet_file_parts())["sso"]}
        (folder / "fleet.yaml").write_text(yaml.safe_dump(parts))
        sso = fleet_file_load(path=folder / "fleet.yaml").sso
        assert sso is not None
        yield provider_settings(sso)


@pytest.fixture
def provider(settings: ProviderSettings) -> OidcProvider:
    """It, with nothing kept yet."""
    return OidcProvider(settings)


def came_back(provider: OidcProvider, url: str) -> dict[str, str]:
    """What a browser without a session at the provider brings back from there at once."""
    page = requests.get(url, allow_redirects=False, timeout=10, verify=provider.settings.ca_file or True)
    location = page.headers.get("Location", "")
    if not location.startswith(f"{CALLBACK}?"):
        pytest.skip(f"{provider.settings.issuer} does not lead back: allow its client {CALLBACK} for the contracts")
    return dict(parse_qsl(urlsplit(location).query))


def with_code(provider: OidcProvider, begun: Begun, code: str) -> dict[str, str]:
    """A callback as the provider would make it."""
    return {"state": begun.state, "iss": provider.settings.issuer, "code": code}


def test_its_discovery_document_names_its_issuer_letter_by_letter(provider: OidcProvider) -> None:
    document = provider.discovered()
    assert document.issuer == provider.settings.issuer
    assert document.end_session_endpoint, "signing out would leave the session at the provider alive"
    with pytest.raises(ProviderAway):
        OidcProvider(replace(provider.settings, issuer=f"{provider.settings.issuer}/")).discovered()


def test_it_publishes_a_key_for_an_algorithm_that_is_trusted(provider: OidcProvider) -> None:
    keys = provider._keys._kept.value()
    assert {key.get("alg") for key in keys} & {*provider.settings.algorithms, None}, "no key that could sign a token"
    with pytest.raises(SignInRefused) as caught:
        provider._keys.key_for("a-key-of-nobody", provider.settings.algorithms[0])
    assert caught.value.kind == "key"


def test_who_is_not_signed_in_there_comes_back_at_once_if_nothing_may_be_asked(provider: OidcProvider) -> None:
    begun = provider.begin(CALLBACK, prompt="none")
    answer = came_back(provider, begun.url)
    assert answer["error"] == "login_required"
    if provider.discovered().authorization_response_iss_parameter_supported:
        assert answer["iss"] == provider.settings.issuer
    with pytest.raises(SignInRefused) as caught:
        provider.finish(answer, begun)
    assert caught.value.kind == "login-required"


def test_a_sign_in_without_a_challenge_is_not_begun(provider: OidcProvider) -> None:
    url, _, query = provider.begin(CALLBACK, prompt="none").url.partition("?")
    left = "&".join(part for part in query.split("&") if not part.startswith("code_challenge"))
    assert came_back(provider, f"{url}?{left}")["error"] == "invalid_request", "the client does not demand PKCE"


def test_a_code_that_it_never_gave_is_refused(provider: OidcProvider) -> None:
    begun = provider.begin(CALLBACK)
    with pytest.raises(SignInRefused) as caught:
        provider.finish(with_code(provider, begun, "a-code-of-nobody"), begun)
    assert caught.value.kind == "code-refused"


def test_a_refresh_token_that_it_never_gave_is_a_session_that_ended(provider: OidcProvider) -> None:
    with pytest.raises(SessionEnded):
        provider.renew("a-token-of-nobody", subject="nobody", sid="")


def test_another_secret_is_the_portals_fault_and_ends_no_session(provider: OidcProvider) -> None:
    if not provider.settings.client_secret:
        pytest.skip(f"{provider.settings.issuer}: the portal's client has no secret there")
    stranger = OidcProvider(replace(provider.settings, client_secret="not-the-secret"))
    with pytest.raises(ProviderAway):
        stranger.renew("a-token-of-nobody", subject="nobody", sid="")


def test_signing_out_leads_to_it_and_back(provider: OidcProvider) -> None:
    url = provider.logout_url(id_token="", back_to=f"{PORTAL}/accounts/signed-out/")
    assert url.startswith(provider.discovered().end_session_endpoint)
