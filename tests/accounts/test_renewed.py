"""What a renewal brings and what it must not overwrite: groups without an ID token, leases, a refused portal."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.test import Client

from apps.accounts.access import role_of
from apps.accounts.models import Role, SignIn
from apps.accounts.provider import provider_in_force
from apps.accounts.renewing import session_confirmed
from apps.accounts.tasks import renew_sessions
from apps.accounts.tokens import sealed, unsealed
from apps.core.clock import database_now
from tests.accounts.organisation import Organisation, pass_minutes, sign_in_of
from tests.integrations.wire_server import reply

pytestmark = [pytest.mark.database, pytest.mark.django_db]


def without_id_token(organisation: Organisation, *, user_info: dict[str, object] | None) -> None:
    """From now on renewing brings no ID token; None: there is no user info for the portal either."""
    told = organisation.provider
    told.scripts["/token/"] = reply({"access_token": "a", "refresh_token": "another"})
    told.scripts["/userinfo"] = reply(user_info or {}, status=403 if user_info is None else 200)


def test_f49_who_lost_a_group_is_out_of_it_though_renewing_brings_no_id_token(organisation: Organisation) -> None:
    client = organisation.signed_in("remy", "oncall", "viewers")
    without_id_token(organisation, user_info={"sub": "subject-of-remy", "groups": ["viewers"]})
    pass_minutes(5.1)
    assert client.get("/sources/").status_code == 200
    assert role_of(User.objects.select_related("person").get(username="remy")) is Role.VIEWER
    without_id_token(organisation, user_info={"sub": "subject-of-remy", "groups": []})
    pass_minutes(5.1)
    assert client.get("/sources/").status_code == 403


def test_f49_where_user_info_tells_no_groups_the_person_signs_in_anew(organisation: Organisation) -> None:
    client = organisation.signed_in("remy", "oncall")
    without_id_token(organisation, user_info={"sub": "subject-of-remy"})
    pass_minutes(5.1)
    assert client.get("/sources/")["Location"] == "/accounts/sign-in/?next=/sources/"
    organisation.gives_tokens()
    organisation.people["remy"].groups = None
    organisation.sign_in(client, "remy")
    assert client.get("/sources/").status_code == 403


def test_f49_groups_that_nobody_tells_any_more_count_for_an_hour(organisation: Organisation) -> None:
    client = organisation.signed_in("remy", "oncall")
    without_id_token(organisation, user_info=None)
    SignIn.objects.update(groups_at=database_now() - timedelta(minutes=59))
    pass_minutes(5.1)
    assert client.get("/sources/").status_code == 200
    SignIn.objects.update(groups_at=database_now() - timedelta(minutes=60))
    pass_minutes(5.1)
    assert client.get("/sources/").status_code == 302
    assert not Session.objects.exists()


def test_groups_of_an_id_token_count_from_when_they_were_told(organisation: Organisation) -> None:
    client = organisation.signed_in("remy", "oncall")
    SignIn.objects.update(groups_at=None, began_at=database_now() - timedelta(minutes=70))
    pass_minutes(5.1)
    assert client.get("/sources/").status_code == 200, "its ID token tells them"
    without_id_token(organisation, user_info=None)
    pass_minutes(5.1)
    assert client.get("/sources/").status_code == 200


def test_the_minutes_of_groups_are_those_of_the_fleet_file(organisation: Organisation) -> None:
    organisation.fleet_file_write(more="groups_minutes: 5")
    client = organisation.signed_in("remy", "oncall")
    without_id_token(organisation, user_info=None)
    SignIn.objects.update(began_at=database_now() - timedelta(minutes=6))
    pass_minutes(5.1)
    assert client.get("/sources/").status_code == 302


def overtaken_by(organisation: Organisation, monkeypatch: pytest.MonkeyPatch, **told: Any) -> None:
    """While this process waits for the provider its time runs out and another one asks, which writes `told`."""
    provider = provider_in_force()
    assert provider
    renew = provider.renew

    def slowly(*args: Any, **more: Any) -> Any:
        SignIn.objects.update(**told)
        return renew(*args, **more)

    monkeypatch.setattr(provider, "renew", slowly)


@pytest.mark.parametrize("is_over", [True, False])
def test_a_renewal_that_ends_after_its_time_overwrites_no_newer_tokens(
    organisation: Organisation, monkeypatch: pytest.MonkeyPatch, is_over: bool
) -> None:
    """Whether the other one has its answer already, or waits for it still."""
    client = organisation.signed_in("remy", "oncall")
    organisation.people["remy"].groups = ["viewers"]
    until = None if is_over else database_now() + timedelta(seconds=20)
    newer = {"refresh_token": sealed("newer"), "id_token": sealed("newer, too"), "refreshing_until": until}
    overtaken_by(organisation, monkeypatch, **newer)
    assert session_confirmed(client.session.session_key or "", at_most=timedelta(0), waits=False) is False
    row = sign_in_of(client)
    assert (unsealed(row.refresh_token), unsealed(row.id_token)) == ("newer", "newer, too")
    assert row.refreshing_until == until
    assert role_of(User.objects.select_related("person").get()) is Role.RESPONDER, "nor the groups"


@pytest.mark.parametrize("answer", [{"error": "invalid_grant"}, None], ids=["refused", "away"])
def test_a_refusal_after_its_time_ends_no_session_that_another_has_renewed(
    organisation: Organisation, monkeypatch: pytest.MonkeyPatch, answer: dict[str, str] | None
) -> None:
    """The token that it sent is used up by the other's, so that its refusal says nothing."""
    client = organisation.signed_in("remy", "oncall")
    organisation.provider.scripts["/token/"] = reply(answer or "", status=400 if answer else 503)
    until = database_now() + timedelta(seconds=20)
    overtaken_by(organisation, monkeypatch, refreshing_until=until)
    assert session_confirmed(client.session.session_key or "", at_most=timedelta(0), waits=False) is False
    assert sign_in_of(client).refreshing_until == until


@pytest.mark.parametrize("code", ["invalid_client", "unauthorized_client"])
def test_admins_are_told_that_the_provider_refuses_the_portal_itself(organisation: Organisation, code: str) -> None:
    ada, remy = organisation.signed_in("ada", "admins"), organisation.signed_in("remy", "oncall")
    words = f"refuses the portal itself ({code})"
    organisation.provider.scripts["/token/"] = reply({"error": code}, status=401)
    pass_minutes(4.6)
    renew_sessions()
    assert words in ada.get("/sources/").content.decode()
    assert words not in remy.get("/sources/").content.decode()
    newcomer = Client()
    answer = organisation.sign_in(newcomer, "ada")
    assert (answer.status_code, words in answer.content.decode()) == (503, True)
    organisation.gives_tokens()
    for client in (ada, remy):
        session_confirmed(client.session.session_key or "", at_most=timedelta(0))
    assert words not in ada.get("/timeline/").content.decode()
