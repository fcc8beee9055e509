"""How sessions end otherwise: by the provider's back channel, by an admin, by oneself, and with time."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings as of_django
from django.contrib.sessions.models import Session
from django.test import Client

from apps.accounts.leaving import sessions_prune
from apps.accounts.models import SignIn, UsedLogoutToken
from apps.accounts.seats import Seat, seats_lost
from apps.core.clock import database_now
from tests.accounts.organisation import LOGOUT, Organisation, sign_in_of
from tests.pages import text_of

pytestmark = [pytest.mark.database, pytest.mark.django_db]
PATH = "/accounts/backchannel-logout/"


def told(token: str) -> Any:
    """The portal's answer to the provider, which sends no cookie and no token of a form."""
    return Client(enforce_csrf_checks=True).post(PATH, {"logout_token": token})


def test_f49_the_provider_ends_one_session_by_its_sid(organisation: Organisation) -> None:
    desk, phone = organisation.signed_in("remy", "oncall"), organisation.signed_in("remy", "oncall")
    row = sign_in_of(desk)
    seat = Seat(row.session_key, row.user_id, "responder", hash(row.user.password))
    assert seats_lost([seat]) == frozenset()
    answer = told(organisation.logout_token(sub=row.subject, sid=row.sid))
    assert answer.status_code == 200
    assert "no-store" in answer["Cache-Control"]
    assert desk.get("/sources/").status_code == 302
    assert phone.get("/sources/").status_code == 200
    assert seats_lost([seat]) == {seat}, "an open stream ends with it"


def test_f49_the_provider_ends_all_sessions_of_a_person(organisation: Organisation) -> None:
    desk, phone, other = (organisation.signed_in(name, "oncall") for name in ("remy", "remy", "mona"))
    assert told(organisation.logout_token(sub="subject-of-remy")).status_code == 200
    assert [each.get("/sources/").status_code for each in (desk, phone, other)] == [302, 302, 200]


def test_a_sid_of_somebody_else_ends_nothing(organisation: Organisation) -> None:
    client = organisation.signed_in("remy", "oncall")
    assert told(organisation.logout_token(sub="subject-of-mona", sid=sign_in_of(client).sid)).status_code == 200
    assert client.get("/sources/").status_code == 200


def test_a_logout_token_counts_once(organisation: Organisation) -> None:
    organisation.signed_in("remy", "oncall")
    token = organisation.logout_token(sub="subject-of-remy")
    assert told(token).status_code == 200
    again = organisation.signed_in("remy", "oncall")
    assert told(token).status_code == 400
    assert again.get("/sources/").status_code == 200


BAD: dict[str, dict[str, Any]] = {
    "another issuer": {"iss": "https://elsewhere.example"},
    "another audience": {"aud": "another"},
    "expired": {"exp": int(time.time()) - 3600},
    "no event": {"events": {}},
    "another event": {"events": {"http://schemas.openid.net/event/other": {}}},
    "a nonce": {"nonce": "n"},
    "neither sub nor sid": {"sub": None},
    "no jti": {"jti": None},
    "events that are a list": {"events": [LOGOUT]},
}


@pytest.mark.parametrize("bent", BAD.values(), ids=BAD)
def test_a_bad_logout_token_ends_nothing(organisation: Organisation, bent: dict[str, Any]) -> None:
    client = organisation.signed_in("remy", "oncall")
    answer = told(organisation.logout_token(**{"sub": "subject-of-remy", **bent}))
    assert answer.status_code == 400
    assert answer.json() == {"error": "invalid_request"}
    assert "no-store" in answer["Cache-Control"]
    assert client.get("/sources/").status_code == 200
    assert not UsedLogoutToken.objects.exists()


def test_what_is_no_logout_token_is_refused(organisation: Organisation) -> None:
    assert told("").status_code == told("x.y.z").status_code == 400
    assert Client().post(PATH).status_code == 400
    assert Client().get(PATH).status_code == 405


def test_an_admin_sees_who_is_signed_in_and_ends_what_they_choose(organisation: Organisation) -> None:
    ada = organisation.signed_in("ada", "admins")
    remy, phone, mona = (organisation.signed_in(name, "oncall") for name in ("remy", "remy", "mona"))
    page = ada.get("/accounts/sessions/").content.decode()
    assert [page.count(f'<th scope="row"><bdi>{name}') for name in ("ada", "remy", "mona")] == [1, 2, 1]
    assert "127.0.0.1" in page
    assert ada.post("/accounts/sessions/", {"session": sign_in_of(mona).pk}).status_code == 303
    assert [each.get("/sources/").status_code for each in (remy, mona)] == [200, 302]
    assert ada.post("/accounts/sessions/", {"person": sign_in_of(remy).user_id}).status_code == 303
    assert [each.get("/sources/").status_code for each in (remy, phone, ada)] == [302, 302, 200]


def test_others_see_and_end_their_own_sessions_alone(organisation: Organisation) -> None:
    remy, phone = organisation.signed_in("remy", "oncall"), organisation.signed_in("remy", "oncall")
    mona = sign_in_of(organisation.signed_in("mona", "oncall"))
    page = remy.get("/accounts/sessions/").content.decode()
    assert page.count('<th scope="row"><bdi>remy') == 2
    assert "mona" not in page
    forms = ({"session": 999_999_999}, {"session": mona.pk}, {"person": mona.user_id}, {"session": "x"}, {})
    answers = [remy.post("/accounts/sessions/", form) for form in forms]
    assert {answer.status_code for answer in answers} == {404}
    assert len({text_of(answer.content.decode()) for answer in answers}) == 1
    assert remy.post("/accounts/sessions/", {"session": sign_in_of(phone).pk}).status_code == 303
    assert [row.user.username for row in SignIn.objects.order_by("pk")] == ["remy", "mona"]


def test_when_somebody_was_last_seen_is_told_to_the_minute(organisation: Organisation) -> None:
    ada = organisation.signed_in("ada", "admins")
    remy = organisation.signed_in("remy", "oncall")
    SignIn.objects.update(began_at=database_now() - timedelta(hours=2))
    key = remy.session.session_key
    expires_at = database_now() + timedelta(minutes=12, seconds=30)
    Session.objects.filter(session_key=key).update(expire_date=expires_at)
    page = ada.get("/accounts/sessions/").content.decode()
    row = page.partition('<th scope="row"><bdi>remy')[2].partition("</tr>")[0]
    assert ">17 m<" in row.partition("Last seen")[2].partition("</td>")[0]


def test_tokens_of_a_session_that_is_gone_are_let_go_of_however_it_went(organisation: Organisation) -> None:
    gone, new, alive = (organisation.signed_in(name, "oncall") for name in ("remy", "sasha", "mona"))
    for client in (gone, new):
        Session.objects.filter(session_key=client.session.session_key).delete()
    SignIn.objects.exclude(user__username="sasha").update(began_at=database_now() - timedelta(hours=2))
    sessions_prune()
    assert [row.user.username for row in SignIn.objects.order_by("pk")] == ["sasha", "mona"]
    assert alive.get("/sources/").status_code == 200


ASKED = {"HX-Request": "true", "HX-Current-URL": "http://testserver/sources/"}
LATE = {
    "a page": {},
    "a fragment": {"headers": ASKED},
    "what a page asks by itself": {"headers": ASKED, "query_params": {"v": "0", "s": "x", "u": "0", "f": "1"}},
}


@pytest.mark.parametrize("late", LATE.values(), ids=LATE)
def test_a_late_answer_to_an_old_tab_takes_no_newer_session_away(
    organisation: Organisation, late: dict[str, Any]
) -> None:
    """The browser may have signed in again by the time that the answer comes: it must not lose that session."""
    old, disabled = organisation.signed_in("remy", "oncall"), organisation.signed_in("mona", "oncall")
    Session.objects.filter(session_key=old.session.session_key).delete()
    organisation.people["mona"].is_disabled = True
    SignIn.objects.update(refreshed_at=database_now() - timedelta(minutes=6))
    for client in (old, disabled):
        answer = client.get("/sources/", **late)
        assert answer.status_code in {200, 302, 401}
        assert of_django.SESSION_COOKIE_NAME not in answer.cookies
    assert not SignIn.objects.filter(user__username="mona").exists()


def test_signing_out_takes_the_cookie_away(organisation: Organisation) -> None:
    client = organisation.signed_in("remy", "oncall")
    cookie = client.post("/accounts/sign-out/").cookies[of_django.SESSION_COOKIE_NAME]
    assert (cookie.value, cookie["max-age"]) == ("", 0)


def test_what_is_over_is_let_go_of(organisation: Organisation) -> None:
    over, alive = organisation.signed_in("remy", "oncall"), organisation.signed_in("mona", "oncall")
    told(organisation.logout_token(sub="nobody"))
    long_ago = database_now() - timedelta(hours=2)
    Session.objects.filter(session_key=over.session.session_key).update(expire_date=long_ago)
    sessions_prune()
    assert [row.session_key for row in SignIn.objects.all()] == [alive.session.session_key]
    assert Session.objects.count() == 1
    assert UsedLogoutToken.objects.count() == 1
    UsedLogoutToken.objects.update(expires_at=long_ago)
    sessions_prune()
    assert not UsedLogoutToken.objects.exists()
