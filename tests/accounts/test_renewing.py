"""The provider's word on a session: asked again after some minutes, before each action, and lost when it ends it."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.db import close_old_connections, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import SignIn
from apps.accounts.provider import provider_in_force
from apps.accounts.renewing import AT_ACTIONS, SessionLost, SignInNeeded, id_token_for, session_confirmed
from apps.accounts.tasks import renew_sessions
from apps.accounts.tokens import unsealed
from apps.actions.models import ActionRequest, AuditLine
from apps.core.clock import database_now
from tests.accounts.organisation import Organisation, pass_minutes, session_of, sign_in_of
from tests.integrations.wire_server import reply
from tests.rows import cluster_row

pytestmark = [pytest.mark.database, pytest.mark.django_db]
POLL = {"HX-Request": "true", "HX-Current-URL": "http://testserver/sources/"}
FREEZE = {"do": "freeze", "what": "environment|staging", "reason": "careful", "length": "1h"}


def test_the_providers_word_holds_for_five_minutes(organisation: Organisation) -> None:
    client = organisation.signed_in("remy", "oncall")
    pass_minutes(4.5)
    assert client.get("/sources/").status_code == 200
    assert organisation.refreshes() == 0
    pass_minutes(1)
    before = unsealed(sign_in_of(client).refresh_token)
    assert client.get("/sources/").status_code == 200
    assert client.get("/sources/").status_code == 200
    assert organisation.refreshes() == 1
    assert unsealed(sign_in_of(client).refresh_token) != before


def test_f49_who_is_disabled_is_out_within_the_minutes_of_the_fleet_file(organisation: Organisation) -> None:
    client = organisation.signed_in("remy", "oncall")
    organisation.people["remy"].is_disabled = True
    assert client.get("/sources/").status_code == 200
    pass_minutes(5.1)
    answer = client.get("/sources/?environment=all")
    assert answer["Location"] == "/accounts/sign-in/?next=/sources/%3Fenvironment%3Dall"
    assert not Session.objects.exists()
    assert not SignIn.objects.exists()


def test_f49_who_is_disabled_is_out_at_once_for_actions(organisation: Organisation) -> None:
    client = organisation.signed_in("remy", "oncall")
    pass_minutes(0.2)
    organisation.people["remy"].is_disabled = True
    form = "http://testserver/actions/freezes/?what=environment%7Cstaging"
    answer = client.post("/actions/freezes/", FREEZE, headers={"Referer": form})
    assert answer["Location"] == "/accounts/sign-in/?next=/actions/freezes/%3Fwhat%3Denvironment%257Cstaging"
    assert not ActionRequest.objects.exists()
    assert not Session.objects.exists()


def test_a_page_that_asks_by_itself_is_told_that_it_is_over_and_stays(organisation: Organisation) -> None:
    client = organisation.signed_in("remy", "oncall")
    organisation.people["remy"].is_disabled = True
    pass_minutes(6)
    answer = client.get("/sources/?v=1&s=x&u=0&f=1", headers=POLL)
    assert (answer.status_code, "HX-Redirect" in answer) == (401, False)
    again = client.get("/sources/?v=1&s=x&u=0&f=1", headers=POLL)
    assert again.status_code == 401
    by_hand = client.get("/sources/?sort=title", headers=POLL)
    assert by_hand["HX-Redirect"] == "/accounts/sign-in/?next=/sources/"


def test_groups_of_now_count_after_a_refresh(organisation: Organisation) -> None:
    client = organisation.signed_in("remy", "oncall")
    organisation.people["remy"].groups = ["viewers"]
    pass_minutes(6)
    assert "viewer" in client.get("/sources/").content.decode()
    organisation.people["remy"].groups = None
    pass_minutes(6)
    assert client.get("/sources/").status_code == 403


def test_rules_of_now_count_after_a_refresh_though_the_provider_tells_no_groups(organisation: Organisation) -> None:
    client = organisation.signed_in("remy", "oncall")
    told = organisation.provider
    told.scripts["/token/"] = reply({"access_token": "a", "refresh_token": "another"})
    told.scripts["/userinfo"] = reply({}, status=403)
    organisation.fleet_file_write(access="access: [{group: oncall, role: admin}]")
    pass_minutes(6)
    assert "admin" in client.get("/sources/").content.decode()


@pytest.mark.parametrize("away", [{"status": 503}, {"status": 500}, {"status": 429}])
def test_f47_while_the_provider_is_away_a_session_lives_on(organisation: Organisation, away: dict[str, int]) -> None:
    client = organisation.signed_in("remy", "oncall")
    organisation.provider.scripts["/token/"] = reply("", **away)  # type: ignore[arg-type]
    pass_minutes(60)
    assert client.get("/sources/").status_code == 200
    asked = len(organisation.provider.asked_for("/token/"))
    assert client.get("/sources/").status_code == 200
    assert len(organisation.provider.asked_for("/token/")) == asked, "no page waits again so soon"


def test_f47_an_action_while_the_provider_is_away_counts_and_the_audit_log_says_so(organisation: Organisation) -> None:
    client = organisation.signed_in("remy", "oncall")
    cluster_row("stone-stg-m01", environment="staging")
    client.post("/actions/freezes/", FREEZE | {"form": "00000000-0000-0000-0000-000000000001"})
    assert "session_confirmed" not in AuditLine.objects.latest("pk").what
    organisation.provider.scripts["/token/"] = reply("", status=503)
    pass_minutes(1)
    client.post("/actions/freezes/", FREEZE | {"form": "00000000-0000-0000-0000-000000000002"})
    assert AuditLine.objects.count() == 2
    assert AuditLine.objects.latest("pk").what["session_confirmed"] == "no: the identity provider did not answer"


def test_a_refresh_about_somebody_else_ends_the_session(organisation: Organisation) -> None:
    client = organisation.signed_in("remy", "oncall")
    organisation.people["remy"].claims = {"sub": "somebody-else", "groups": ["admins"]}
    pass_minutes(6)
    assert client.get("/sources/").status_code == 302
    assert not Session.objects.exists()


def test_without_refresh_tokens_the_session_ends_when_the_word_runs_out(organisation: Organisation) -> None:
    organisation.gives_refresh_tokens = False
    client = organisation.signed_in("remy", "oncall")
    key = client.session.session_key
    pass_minutes(4)
    assert session_confirmed(key, at_most=AT_ACTIONS), "it cannot be asked sooner"
    pass_minutes(2)
    with pytest.raises(SessionLost):
        session_confirmed(key, at_most=AT_ACTIONS)
    assert not Session.objects.exists()


def test_what_nobody_signed_in_to_by_the_provider_needs_no_word(admin: Client, organisation: Organisation) -> None:
    assert session_confirmed(admin.session.session_key or "", at_most=timedelta(0))
    assert session_confirmed("no-such-session", at_most=timedelta(0))
    assert organisation.refreshes() == 0


def test_the_own_token_is_given_while_it_is_good_and_renewed_before_it_ends(organisation: Organisation) -> None:
    client = organisation.signed_in("remy", "oncall")
    key = client.session.session_key or ""
    first = id_token_for(key)
    assert (first, organisation.refreshes()) == (unsealed(sign_in_of(client).id_token), 0)
    SignIn.objects.update(id_token_expires_at=database_now() + timedelta(seconds=25))
    second = id_token_for(key)
    assert organisation.refreshes() == 1
    assert second == unsealed(sign_in_of(client).id_token)


def test_without_a_good_token_the_person_is_asked_to_sign_in(organisation: Organisation, admin: Client) -> None:
    client = organisation.signed_in("remy", "oncall")
    key = client.session.session_key or ""
    SignIn.objects.update(id_token_expires_at=database_now())
    organisation.provider.scripts["/token/"] = reply("", status=503)
    with pytest.raises(SignInNeeded):
        id_token_for(key)
    organisation.provider.scripts["/token/"] = reply({"error": "invalid_grant"}, status=400)
    with pytest.raises(SignInNeeded):
        id_token_for(key)
    assert not SignIn.objects.exists()
    with pytest.raises(SignInNeeded):
        id_token_for(admin.session.session_key or "")


@pytest.mark.django_db(transaction=True)
def test_one_refresh_at_a_time_for_a_session(organisation: Organisation) -> None:
    """With rotating refresh tokens a second one would end the session."""
    client = organisation.signed_in("remy", "oncall")
    key = client.session.session_key or ""
    pass_minutes(6)
    told: list[object] = []

    def confirm() -> None:
        try:
            told.append(session_confirmed(key, at_most=AT_ACTIONS))
        except SessionLost as lost:
            told.append(lost)
        finally:
            close_old_connections()
            connection.close()

    threads = [threading.Thread(target=confirm) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert told == [True] * 6
    assert organisation.refreshes() == 1


@pytest.mark.django_db(transaction=True)
def test_f47_while_the_provider_takes_long_one_page_waits_and_the_others_do_not(organisation: Organisation) -> None:
    clients = [organisation.signed_in(name, "oncall") for name in ("remy", "sasha")]
    asked, goes_on = threading.Event(), threading.Event()

    def slowly(peer: Any, question: Any) -> None:
        asked.set()
        goes_on.wait(10)
        reply("", status=503)(peer, question)

    organisation.provider.scripts["/token/"] = slowly
    pass_minutes(6)
    keys = [client.session.session_key or "" for client in clients]
    told: list[bool] = []

    def page() -> None:
        told.append(session_confirmed(keys[0], at_most=AT_ACTIONS, waits=False))
        connection.close()

    first = threading.Thread(target=page)
    first.start()
    assert asked.wait(10)
    assert session_confirmed(keys[1], at_most=AT_ACTIONS, waits=False) is False
    assert told == [], "the first waits still"
    goes_on.set()
    first.join(10)
    assert told == [False]


def test_a_session_that_is_ended_while_it_is_renewed_stays_ended(
    organisation: Organisation, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = organisation.signed_in("remy", "oncall")
    key = client.session.session_key or ""
    provider = provider_in_force()
    assert provider
    renew = provider.renew

    def ended_meanwhile(*args: Any, **kwargs: Any) -> Any:
        SignIn.objects.all().delete()
        Session.objects.all().delete()
        return renew(*args, **kwargs)

    monkeypatch.setattr(provider, "renew", ended_meanwhile)
    with pytest.raises(SessionLost):
        session_confirmed(key, at_most=timedelta(0))
    assert not SignIn.objects.exists()


# --- what renews the idle time ---------------------------------------------------------------------------------------


@pytest.fixture
def idle_for_ten_minutes(organisation: Organisation) -> Client:
    """A browser whose person did nothing for ten minutes."""
    client = organisation.signed_in("remy", "oncall")
    Session.objects.update(expire_date=session_of(client).expire_date - timedelta(minutes=10))
    return client


def minutes_left(client: Client) -> int:
    return round((session_of(client).expire_date - database_now()).total_seconds() / 60)


def test_what_a_person_does_renews_the_idle_time_once_a_minute(idle_for_ten_minutes: Client) -> None:
    client = idle_for_ten_minutes
    client.get("/sources/")
    assert minutes_left(client) == 30
    with CaptureQueriesContext(connection) as queries:
        client.get("/sources/")
    assert not [query for query in queries if query["sql"].startswith("UPDATE")]


def test_what_a_page_asks_by_itself_does_not(idle_for_ten_minutes: Client) -> None:
    client = idle_for_ten_minutes
    for _ in range(2):
        assert client.get("/sources/?v=0&s=x&u=0&f=1", headers=POLL).status_code == 200
    assert minutes_left(client) == 20
    assert client.get("/sources/?sort=title", headers=POLL).status_code == 200
    assert minutes_left(client) == 30


def test_a_session_ends_when_nobody_did_anything_for_long(idle_for_ten_minutes: Client) -> None:
    client = idle_for_ten_minutes
    Session.objects.update(expire_date=database_now() - timedelta(seconds=1))
    assert client.get("/sources/").status_code == 302


def test_a_session_never_lasts_longer_than_its_hours(organisation: Organisation) -> None:
    client = organisation.signed_in("remy", "oncall")
    SignIn.objects.update(ends_at=database_now() + timedelta(minutes=12))
    Session.objects.update(expire_date=database_now() + timedelta(minutes=5))
    client.get("/sources/")
    assert minutes_left(client) == 12


def test_the_limits_are_those_of_the_fleet_file(organisation: Organisation) -> None:
    organisation.fleet_file_write(more="idle_minutes: 15, session_hours: 2")
    client = organisation.signed_in("remy", "oncall")
    assert minutes_left(client) == 15
    ends_at = sign_in_of(client).ends_at
    assert ends_at
    assert round((ends_at - database_now()).total_seconds() / 60) == 120


def test_single_sign_on_costs_a_page_no_query(organisation: Organisation, admin: Client) -> None:
    client = organisation.signed_in("ada", "admins")
    session = admin.cookies[settings.SESSION_COOKIE_NAME].value
    user = User.objects.filter(person__role="admin").earliest("pk")
    SignIn.objects.create(session_key=session, user=user, kind=SignIn.Kind.BREAK_GLASS, began_at=database_now())
    counted = []
    for browser in (admin, client):
        browser.get("/sources/")
        with CaptureQueriesContext(connection) as queries:
            browser.get("/sources/")
        counted.append(len(queries))
    assert counted[0] == counted[1]


def test_f49_who_is_disabled_is_out_in_time_though_nobody_asks_for_a_page(organisation: Organisation) -> None:
    organisation.signed_in("remy", "oncall")
    sasha = organisation.signed_in("sasha", "oncall")
    pass_minutes(4.4)
    renew_sessions()
    assert organisation.refreshes() == 0
    pass_minutes(0.2)
    organisation.people["remy"].is_disabled = True
    renew_sessions()
    assert [row.session_key for row in SignIn.objects.all()] == [session_of(sasha).session_key]
    assert organisation.refreshes() == 2


def test_a_session_that_is_over_is_not_asked_about(organisation: Organisation) -> None:
    organisation.signed_in("remy", "oncall")
    pass_minutes(5)
    Session.objects.update(expire_date=database_now() - timedelta(seconds=1))
    renew_sessions()
    assert organisation.refreshes() == 0


def test_a_role_that_the_provider_took_away_does_not_count_at_the_next_deed(organisation: Organisation) -> None:
    client = organisation.signed_in("remy", "oncall")
    pass_minutes(1)
    organisation.people["remy"].groups = ["viewers"]
    form = "http://testserver/actions/freezes/?what=environment%7Cstaging"
    answer = client.post("/actions/freezes/", FREEZE, headers={"Referer": form})
    assert answer.status_code in {403, 409}
    assert not ActionRequest.objects.filter(state="succeeded").exists()


def test_a_session_of_another_provider_is_never_told_to_this_one(organisation: Organisation) -> None:
    client = organisation.signed_in("remy", "oncall")
    SignIn.objects.update(issuer="https://before.example.com")
    pass_minutes(6)
    renew_sessions()
    with pytest.raises(SessionLost):
        session_confirmed(client.session.session_key or "", at_most=AT_ACTIONS)
    assert organisation.refreshes() == 0


def test_a_token_that_no_key_opens_ends_nobodys_session(organisation: Organisation) -> None:
    client = organisation.signed_in("remy", "oncall")
    SignIn.objects.update(refresh_token="sealed by another key")
    pass_minutes(6)
    assert session_confirmed(client.session.session_key or "", at_most=AT_ACTIONS) is False
    assert SignIn.objects.exists()
