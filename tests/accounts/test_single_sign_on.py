"""Signing in at the provider and back: who one is then, what one may, and what gives no session."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.http import HttpResponse
from django.test import Client

from apps.accounts.access import Verb, may, role_at, role_of
from apps.accounts.backends import LocalAccountBackend
from apps.accounts.models import Identity, Person, Role, SignIn
from apps.accounts.scopes import Place
from apps.accounts.sessions import signed_in_at
from apps.accounts.tokens import sealed, unsealed
from apps.core.clock import database_now
from apps.sources.fleetfile.current import fleet_file_look_again
from tests.accounts.organisation import ACCESS, Organisation, session_of, sign_in_of
from tests.conftest import person_with
from tests.integrations.oidc.provider import key, signed
from tests.integrations.wire_server import reply

SECOND = "/accounts/sign-in/?second=1&next="
pytestmark = [pytest.mark.database, pytest.mark.django_db]


def account(name: str) -> User:
    """As a page reads it."""
    found = LocalAccountBackend().get_user(User.objects.get(username=name).pk)
    assert found
    return found


def test_a_link_leads_through_the_provider_back_to_itself(organisation: Organisation, client: Client) -> None:
    organisation.person("mona", "viewers", "dashboards")
    link = "/apps/?environment=all&q=build"
    to_sign_in = client.get(link)["Location"]
    answer = organisation.sign_in(client, "mona", to_sign_in)
    assert answer["Location"] == link
    menu = client.get("/sources/").content.decode()
    assert "Mona" in menu
    assert "responder for production: default, monitoring" in menu
    assert role_at(account("mona"), Place("default", "production", "c1")) is Role.RESPONDER
    assert role_at(account("mona"), Place("default", "staging", "c1")) is None


def test_the_provider_is_asked_with_pkce_state_and_nonce(organisation: Organisation, client: Client) -> None:
    first, second = (organisation.sent(client.get("/accounts/sign-in/")) for _ in range(2))
    assert first["redirect_uri"] == "http://testserver/accounts/callback/"
    assert (first["response_type"], first["code_challenge_method"], first["scope"]) == (
        "code",
        "S256",
        "openid profile email",
    )
    assert all(first[name] != second[name] for name in ("state", "nonce", "code_challenge"))


def test_signing_in_gives_the_session_another_key(organisation: Organisation, client: Client) -> None:
    organisation.person("remy", "oncall")
    answer = organisation.answer(client, "remy")
    before = client.session.session_key
    client.get("/accounts/callback/", answer)
    assert client.session.session_key != before
    assert [row.session_key for row in Session.objects.all()] == [client.session.session_key]


def test_a_person_is_who_issuer_and_subject_say_whatever_their_name(organisation: Organisation) -> None:
    local = person_with("remy", Role.ADMIN)
    organisation.signed_in("remy", "viewers")
    assert Identity.objects.get().user.username == "remy-2"
    assert role_of(account("remy-2")) is Role.VIEWER
    organisation.people["remy"].claims = {"preferred_username": "somebody-else", "email": "ada@example.com"}
    organisation.sign_in(Client(), "remy")
    assert Identity.objects.get().user.username == "remy-2"
    other = organisation.person("other", "admins", subject="another-subject")
    other.claims = {"preferred_username": "REMY", "email": "ada@example.com"}
    organisation.sign_in(Client(), "other")
    assert {row.user.username for row in Identity.objects.all()} == {"remy-2", "REMY-3"}
    assert not local.identities.exists()


@pytest.mark.parametrize("name", ["portal", "ｐｏｒｔａｌ", "Portal "])
def test_nobody_becomes_the_portal_itself(organisation: Organisation, name: str) -> None:
    organisation.person("mallory", "admins").claims = {"preferred_username": name}
    organisation.sign_in(Client(), "mallory")
    assert Identity.objects.get().user.username == f"{name.strip()}-2"


@pytest.mark.parametrize("groups", [None, [], ["unrelated", "Viewers", "oncall "]])
def test_without_a_group_that_counts_a_page_says_which_would(
    organisation: Organisation, client: Client, groups: list[str] | None
) -> None:
    organisation.fleet_file_write(more="contact: 'ask #sre-access'")
    organisation.person("nils").groups = groups
    organisation.sign_in(client, "nils")
    for path in ("/", "/sources/", "/apps/?format=csv", "/accounts/sessions/"):
        answer = client.get(path)
        assert answer.status_code == 403
        words = answer.content.decode()
        assert all(group in words for group in ("viewers", "oncall", "dashboards", "leads", "admins"))
        assert "ask #sre-access" in words
        assert "Applications" not in words
        assert all(f"<b><bdi>{group}</bdi></b>" in words for group in groups or ())
        assert ("says of no group that you are in it" in words) is not bool(groups)
    assert not may(account("nils"), Verb.SEE)


def test_a_group_that_is_told_by_its_path_is_explained(organisation: Organisation, client: Client) -> None:
    """Keycloak's mapper tells paths ("/oncall") unless it is told otherwise."""
    organisation.person("nils", "/teams/oncall")
    organisation.sign_in(client, "nils")
    assert "differs by its path alone" in client.get("/").content.decode()


def test_who_lost_every_group_has_no_role_at_their_next_sign_in(organisation: Organisation) -> None:
    organisation.signed_in("remy", "oncall")
    organisation.people["remy"].groups = []
    client = Client()
    organisation.sign_in(client, "remy")
    assert client.get("/sources/").status_code == 403
    assert role_of(account("remy")) is None


def test_an_account_that_is_disabled_here_gets_no_session(organisation: Organisation) -> None:
    organisation.signed_in("remy", "oncall")
    User.objects.update(is_active=False)
    client = Client()
    answer = organisation.sign_in(client, "remy")
    assert answer.status_code == 400
    assert "is disabled" in answer.content.decode()
    assert client.get("/sources/").status_code == 302


def test_tokens_are_kept_encrypted(organisation: Organisation) -> None:
    row = sign_in_of(organisation.signed_in("remy", "oncall"))
    assert unsealed(row.id_token).count(".") == 2
    assert unsealed(row.refresh_token).startswith("refresh-")
    kept = f"{row.id_token} {row.refresh_token} {Session.objects.get().get_decoded()}"
    assert "refresh-" not in kept
    assert unsealed(row.id_token)[:30] not in kept


def test_the_key_of_tokens_can_be_changed(settings: Any) -> None:
    settings.SECRET_KEY = "the secret key of this test, long enough to be one, 0123456789abcdef"
    by_secret_key = sealed("a token")
    settings.PORTAL_TOKEN_KEYS = ["the old key"]
    assert unsealed(by_secret_key) == "a token"
    kept = sealed("a token")
    settings.PORTAL_TOKEN_KEYS = ["the new key", "the old key"]
    assert unsealed(kept) == "a token"
    again = sealed("a token")
    settings.PORTAL_TOKEN_KEYS = ["the new key"]
    assert (unsealed(again), unsealed(kept), unsealed("rubbish"), sealed(""), unsealed("")) == (
        "a token",
        "",
        "",
        "",
        "",
    )


def test_a_silent_sign_in_is_not_a_fresh_one(organisation: Organisation, client: Client) -> None:
    organisation.person("remy", "oncall")
    organisation.sign_in(client, "remy")
    assert signed_in_at(client.session) is None
    long_ago = database_now() - timedelta(hours=7)
    organisation.sign_in(client, "remy", "/accounts/sign-in/?again=1", auth_time=int(long_ago.timestamp()))
    assert signed_in_at(client.session) is None, "a fresh sign-in was asked for, and this is none"
    other = Client()
    organisation.sign_in(other, "remy", auth_time=int(long_ago.timestamp()))
    assert signed_in_at(other.session) == long_ago.replace(microsecond=0)


def test_a_fresh_sign_in_is_asked_of_the_provider_and_keeps_what_waits(organisation: Organisation) -> None:
    client = organisation.signed_in("remy", "oncall")
    before = client.session.session_key
    path = "/accounts/sign-in/?again=1&next=/actions/"
    sent = organisation.sent(client.get(path))
    assert (sent["prompt"], sent["max_age"]) == ("login", "60")
    now = datetime.now(UTC)
    answer = organisation.sign_in(client, "remy", path, auth_time=int(now.timestamp()))
    assert answer["Location"] == "/actions/"
    moment = signed_in_at(client.session)
    assert moment
    assert abs(moment - now) < timedelta(seconds=5)
    assert client.session.session_key != before
    assert SignIn.objects.count() == Session.objects.count() == 1


def test_another_person_in_the_same_browser_gets_nothing_of_the_one_before(organisation: Organisation) -> None:
    client = organisation.signed_in("ada", "admins")
    organisation.person("vera", "viewers")
    organisation.sign_in(client, "vera", "/accounts/sign-in/?again=1", auth_time=int(database_now().timestamp()))
    assert sign_in_of(client).user.username == "vera"
    assert SignIn.objects.count() == Session.objects.count() == 1


@pytest.mark.parametrize("elsewhere", ["//evil.example", "/\\evil", "https:evil", "https://evil.example/", "/%0d%0a/x"])
def test_f50_the_way_back_never_leads_elsewhere(organisation: Organisation, client: Client, elsewhere: str) -> None:
    organisation.person("remy", "oncall")
    answer = organisation.sign_in(client, "remy", f"/accounts/sign-in/?next={elsewhere}")
    assert answer["Location"] == "/"


BAD_TOKENS: dict[str, Any] = {
    "another issuer": {"iss": "https://elsewhere.example"},
    "another audience": {"aud": "another-client"},
    "two audiences and no azp": {"aud": ["stonesoup-portal", "another-client"]},
    "expired": {"exp": 1_000_000_000},
    "of the future": {"iat": 4_000_000_000},
    "another nonce": {"nonce": "of-another-browser"},
    "no nonce": {"nonce": None},
    "no subject": {"sub": None},
    "groups that are no list": {"groups": "admins"},
    "groups that are no names": {"groups": [{"name": "admins"}]},
}


@pytest.mark.parametrize("claims", BAD_TOKENS.values(), ids=BAD_TOKENS)
def test_f48_a_bad_token_gives_no_session_and_a_sentence_that_helps(
    organisation: Organisation, client: Client, claims: dict[str, Any]
) -> None:
    organisation.person("mallory", "admins").claims = claims
    answer = organisation.sign_in(client, "mallory")
    words = answer.content.decode()
    assert answer.status_code == 400
    assert 'role="alert"' in words
    assert "Try again" in words
    assert not SignIn.objects.exists()
    assert not User.objects.exists()
    assert client.get("/sources/").status_code == 302


BAD_ANSWERS: dict[str, dict[str, str | None]] = {
    "the state of another browser": {"state": "another"},
    "no state": {"state": None},
    "no code": {"code": None},
    "an unknown code": {"code": "unknown"},
    "another provider": {"iss": "https://elsewhere.example"},
    "an error": {"error": "access_denied", "code": None},
    "an error that is script": {"error": "<script>alert(1)</script>", "code": None},
}


@pytest.mark.parametrize("bent", BAD_ANSWERS.values(), ids=BAD_ANSWERS)
def test_f48_a_bad_callback_gives_no_session(
    organisation: Organisation, client: Client, bent: dict[str, str | None]
) -> None:
    organisation.person("remy", "oncall")
    told = {**organisation.answer(client, "remy"), **bent}
    answer = client.get("/accounts/callback/", {name: value for name, value in told.items() if value is not None})
    assert answer.status_code == 400
    assert "<script>alert" not in answer.content.decode()
    assert not SignIn.objects.exists()


def test_a_sign_in_page_that_was_open_too_long_is_begun_once_more_and_never_a_third_time(
    organisation: Organisation, client: Client
) -> None:
    """Keycloak answers so where another tab of the same browser signed in meanwhile, too."""
    organisation.person("remy", "oncall")
    too_old = {"error": "temporarily_unavailable", "error_description": "authentication_expired"}

    def came_back(path: str) -> HttpResponse:
        told = {**organisation.answer(client, "remy", path), **too_old}
        answer: HttpResponse = client.get("/accounts/callback/", {key: told[key] for key in told if key != "code"})
        return answer

    first = came_back("/accounts/sign-in/?next=/alerts/")
    assert first["Location"] == SECOND + "%2Falerts%2F"
    second = came_back(first["Location"])
    assert second.status_code == 400
    assert "another tab has signed in meanwhile" in second.content.decode()
    assert organisation.sign_in(client, "remy", first["Location"])["Location"] == "/alerts/"


def test_a_fresh_sign_in_that_is_begun_once_more_is_a_fresh_one(organisation: Organisation) -> None:
    client = organisation.signed_in("remy", "oncall")
    told = organisation.answer(client, "remy", "/accounts/sign-in/?again=1&next=/actions/")
    too_old = {"error": "temporarily_unavailable", "error_description": "authentication_expired"}
    answer = client.get("/accounts/callback/", {"state": told["state"], "iss": told["iss"], **too_old})
    assert organisation.sent(client.get(answer["Location"]))["prompt"] == "login"


def test_f48_an_answer_belongs_to_the_browser_that_began_and_counts_once(organisation: Organisation) -> None:
    organisation.person("remy", "oncall")
    victim, attacker = Client(), Client()
    told = organisation.answer(attacker, "remy")
    assert victim.get("/accounts/callback/", told)["Location"] == SECOND + "%2F"
    organisation.answer(victim, "remy")
    assert victim.get("/accounts/callback/", told)["Location"] == SECOND + "%2F"
    assert not SignIn.objects.exists()
    assert attacker.get("/accounts/callback/", told)["Location"] == "/"
    attacker.post("/accounts/sign-out/")
    assert attacker.get("/accounts/callback/", told)["Location"] == SECOND + "%2F"
    assert not SignIn.objects.exists()


def test_a_bad_callback_does_not_end_the_session_that_is_there(organisation: Organisation) -> None:
    client = organisation.signed_in("remy", "oncall")
    answer = client.get("/accounts/callback/", {"state": "forged", "code": "forged"})
    assert answer.status_code == 400
    assert "You are signed in still" in answer.content.decode()
    assert client.get("/sources/").status_code == 200


def test_f47_while_the_provider_is_away_sign_in_says_so(organisation: Organisation, client: Client) -> None:
    organisation.provider.server.stop()
    answer = client.get("/accounts/sign-in/?next=/apps/")
    assert answer.status_code == 503
    words = answer.content.decode()
    assert "The identity provider cannot be asked" in words
    assert "/accounts/sign-in/?next=%2Fapps%2F" in words


def test_a_token_that_somebody_else_signed_is_refused(organisation: Organisation, client: Client) -> None:
    organisation.person("remy", "oncall")
    told = organisation.answer(client, "remy")
    forged = signed({"alg": "RS256", "typ": "JWT", "kid": "one"}, {"iss": organisation.provider.issuer}, key("mine"))
    organisation.provider.scripts["/token/"] = reply({"access_token": "a", "id_token": forged})
    assert client.get("/accounts/callback/", told).status_code == 400


def test_with_single_sign_on_no_password_opens_the_portal(organisation: Organisation, client: Client) -> None:
    person_with("kim", Role.ADMIN)
    kim = User.objects.get(username="kim")
    kim.set_password("correct horse battery")
    kim.save()
    form = {"username": "kim", "password": "correct horse battery"}
    assert client.post("/accounts/sign-in/", form)["Location"].startswith(organisation.provider.issuer)
    assert client.post("/accounts/break-glass/", form).status_code == 404
    assert not client.login(**form)


def test_a_session_of_before_single_sign_on_ends_as_it_begins(
    organisation: Organisation, client: Client, settings: Any
) -> None:
    fleet_file, settings.PORTAL_FLEET = settings.PORTAL_FLEET, ""
    person_with("kim", Role.ADMIN)
    kim = User.objects.get(username="kim")
    kim.set_password("correct horse battery")
    kim.save()
    client.post("/accounts/sign-in/", {"username": "kim", "password": "correct horse battery"})
    assert client.get("/sources/").status_code == 200
    settings.PORTAL_FLEET = fleet_file
    assert client.get("/sources/").status_code == 302


def test_another_provider_in_the_fleet_file_ends_the_sessions_of_the_one_before(organisation: Organisation) -> None:
    client = organisation.signed_in("remy", "oncall")
    organisation.fleet_file.write_text(f"sso: {{issuer: 'https://another.example', client_id: portal}}\n{ACCESS}")
    fleet_file_look_again()
    assert client.get("/sources/").status_code == 302


def test_a_fleet_file_that_cannot_be_read_lets_nobody_in_by_password(
    client: Client, settings: Any, tmp_path: Any
) -> None:
    path = tmp_path / "broken.yaml"
    path.write_text("sso: {issuer: 7}")
    settings.PORTAL_FLEET = str(path)
    kim = User.objects.create_user("kim", password="correct horse battery")
    Person.objects.create(user=kim, role=Role.ADMIN)
    answer = client.post("/accounts/sign-in/", {"username": "kim", "password": "correct horse battery"})
    assert answer.status_code == 503
    assert not client.login(username="kim", password="correct horse battery")


def test_nothing_of_single_sign_on_is_there_without_it(client: Client) -> None:
    for path in ("/accounts/callback/", "/accounts/break-glass/"):
        assert client.get(path).status_code == 404
    assert client.post("/accounts/backchannel-logout/", {"logout_token": "x"}).status_code == 404


def test_signing_out_ends_the_session_here_and_leads_to_the_providers_end(organisation: Organisation) -> None:
    client = organisation.signed_in("remy", "oncall")
    token = unsealed(sign_in_of(client).id_token)
    to = urlsplit(client.post("/accounts/sign-out/")["Location"])
    told = dict(parse_qsl(to.query))
    assert f"{to.scheme}://{to.netloc}{to.path}" == f"{organisation.provider.issuer}/logout"
    assert (told["id_token_hint"], told["post_logout_redirect_uri"]) == (
        token,
        "http://testserver/accounts/signed-out/",
    )
    assert not Session.objects.exists()
    assert not SignIn.objects.exists()
    assert "You are signed out" in client.get("/accounts/signed-out/").content.decode()


def test_signing_out_works_while_the_provider_is_away(organisation: Organisation) -> None:
    client = organisation.signed_in("remy", "oncall")
    organisation.fleet_file_write(more="scopes: [openid]")
    organisation.provider.server.stop()
    assert client.post("/accounts/sign-out/")["Location"] == "/accounts/signed-out/"
    assert not Session.objects.exists()


def test_a_browser_keeps_the_cookie_for_as_long_as_the_session_can_last(organisation: Organisation) -> None:
    client = organisation.signed_in("remy", "oncall")
    age = int(client.cookies["sessionid"]["max-age"])
    assert 10 * 3600 - 60 < age <= 10 * 3600
    left = session_of(client).expire_date - database_now()  # SQLite's moment, cut to milliseconds
    assert timedelta(minutes=29) < left <= timedelta(minutes=30, milliseconds=1)
