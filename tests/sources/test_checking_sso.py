"""portal_check of single sign-on: whether people could sign in, and what would mend it, one line for each thing."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command

from apps.sources.checking import SsoCheck, sso_check
from apps.sources.fleetfile import fleet_file_parse
from tests.integrations.oidc.provider import CLIENT, SECRET, Provider, key, published
from tests.integrations.wire_server import reply
from tests.sources.answering import Serve

ACCESS = "access: [{group: sre, role: viewer}]"
GOOD = ["client_secret", "discovery", "issuer", "keys", "algorithms", "client"]


@pytest.fixture
def provider(serve: Serve) -> Provider:
    """Takes the portal's client, and knows no such refresh token."""
    found = Provider(serve)
    found.document["id_token_signing_alg_values_supported"] = ["RS256", "PS256"]
    found.scripts["/token/"] = reply({"error": "invalid_grant"}, status=400)
    return found


def fleet_of(provider: Provider, folder: Path, *, more: str = "", issuer: str = "") -> str:
    (folder / "secret").write_text(SECRET)
    told = f"issuer: '{issuer or provider.issuer}', client_id: {CLIENT}, client_secret: 'file:{folder}/secret'"
    return f"sso: {{{told}{more}}}\n{ACCESS}"


def checks_of(text: str) -> dict[str, SsoCheck]:
    sso = fleet_file_parse(text=text).sso
    assert sso
    return {check.name: check for check in sso_check(sso=sso)}


def fault_in(checks: dict[str, SsoCheck], name: str) -> str:
    """The line of the one that fails, which is the last that could be tried."""
    assert [check.name for check in checks.values() if not check.is_ok] == [name]
    assert checks[name].line().startswith(f"FAIL  sso/{name}: ")
    return checks[name].line()


def test_a_provider_with_which_people_can_sign_in(provider: Provider, tmp_path: Path) -> None:
    checks = checks_of(fleet_of(provider, tmp_path))
    assert [check.line().partition(":")[0] for check in checks.values()] == [f"ok    sso/{name}" for name in GOOD]
    assert checks["keys"].told == "it publishes them for RS256"
    assert checks["algorithms"].told == "RS256"
    assert "takes 'stonesoup-portal' and its secret" in checks["client"].told
    assert SECRET not in "".join(check.line() + json.dumps(check.as_data()) for check in checks.values())
    [asked] = provider.asked_for("/token/")
    assert b"grant_type=refresh_token" in asked.body


def test_one_that_does_not_answer(provider: Provider, tmp_path: Path) -> None:
    provider.server.stop()
    line = fault_in(checks_of(fleet_of(provider, tmp_path)), "discovery")
    assert "refuses connections" in line
    assert "`sso.issuer`" in line


def test_an_address_at_which_there_is_no_provider(provider: Provider, tmp_path: Path) -> None:
    wrong = f"{provider.issuer}/no-such-realm"
    assert "`sso.issuer`" in fault_in(checks_of(fleet_of(provider, tmp_path, issuer=wrong)), "discovery")


def test_an_issuer_that_differs_by_a_letter(provider: Provider, tmp_path: Path) -> None:
    provider.document["issuer"] += "/\x1b[2J"
    line = fault_in(checks_of(fleet_of(provider, tmp_path)), "issuer")
    assert f"it names itself {provider.issuer}/" in line
    assert line.isprintable()


def test_an_endpoint_on_another_host(provider: Provider, tmp_path: Path) -> None:
    provider.document["token_endpoint"] = "https://tokens.example.com/token"
    line = fault_in(checks_of(fleet_of(provider, tmp_path)), "hosts")
    assert "https://tokens.example.com/token" in line
    assert "`sso.hosts`" in line


def test_keys_that_cannot_be_read_or_are_for_other_algorithms(provider: Provider, tmp_path: Path) -> None:
    provider.scripts["/keys"] = reply({"keys": []})
    assert "no key that could be used" in fault_in(checks_of(fleet_of(provider, tmp_path)), "keys")
    provider.scripts["/keys"] = reply({"keys": [published(key("one"), "one", alg="RS512")]})
    assert "none that signs with RS256" in fault_in(checks_of(fleet_of(provider, tmp_path)), "keys")


def test_algorithms_of_which_none_is_the_fleet_files(provider: Provider, tmp_path: Path) -> None:
    provider.document["id_token_signing_alg_values_supported"] = ["EdDSA", "HS256"]
    line = fault_in(checks_of(fleet_of(provider, tmp_path)), "algorithms")
    assert "it signs with EdDSA, HS256, and only RS256 may be used" in line
    del provider.document["id_token_signing_alg_values_supported"]
    assert "does not say" in checks_of(fleet_of(provider, tmp_path))["algorithms"].told


def test_a_secret_that_cannot_be_read_leaves_the_rest_to_be_tried(provider: Provider, tmp_path: Path) -> None:
    text = fleet_of(provider, tmp_path)
    (tmp_path / "secret").unlink()
    checks = checks_of(text)
    line = fault_in(checks, "client_secret")
    assert "does not exist" in line
    assert f"`sso.client_secret` (file:{tmp_path}/secret)" in line
    assert list(checks) == GOOD[:-1]
    assert not provider.asked_for("/token/")


@pytest.mark.parametrize("code", ["invalid_client", "unauthorized_client"])
def test_a_client_that_the_provider_refuses(provider: Provider, tmp_path: Path, code: str) -> None:
    provider.scripts["/token/"] = reply({"error": code}, status=401)
    line = fault_in(checks_of(fleet_of(provider, tmp_path)), "client")
    assert code in line
    assert "`sso.client_id` and `sso.client_secret`" in line


def test_a_provider_that_says_nothing_of_the_client_is_no_fault(provider: Provider, tmp_path: Path) -> None:
    provider.scripts["/token/"] = reply({"error": "invalid_request"}, status=400)
    check = checks_of(fleet_of(provider, tmp_path))["client"]
    assert check.is_ok
    assert "does not say" in check.told


def test_a_provider_that_gives_tokens_for_nothing_is_one(provider: Provider, tmp_path: Path) -> None:
    del provider.scripts["/token/"]
    provider.tokens = {"access_token": "a"}
    provider.scripts["/userinfo"] = reply({}, status=403)
    assert "nobody is safe" in fault_in(checks_of(fleet_of(provider, tmp_path)), "client")


def test_the_command_tells_it_and_ends_with_1(provider: Provider, tmp_path: Path) -> None:
    file, out = tmp_path / "fleet.yaml", StringIO()
    file.write_text(fleet_of(provider, tmp_path))
    call_command("portal_check", fleet=str(file), stdout=out)
    assert [line.split(":")[0] for line in out.getvalue().splitlines()] == [
        *(f"ok    sso/{name}" for name in GOOD),
        "no sources",
    ]
    provider.scripts["/token/"] = reply({"error": "invalid_client"}, status=401)
    out = StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command("portal_check", "--json", fleet=str(file), stdout=out)
    told = json.loads(out.getvalue())
    assert (ended.value.code, told["ok"], told["sources"]) == (1, False, [])
    assert [each["name"] for each in told["sso"] if not each["ok"]] == ["client"]
