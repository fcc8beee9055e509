"""Keys of the Wall: a screen where nobody is signed in shows the Wall and nothing else, until somebody revokes it."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from io import BytesIO
from typing import Any

import pytest
from django.conf import settings as of_django
from django.core.handlers.asgi import ASGIRequest
from django.test import Client
from pytest_django import Settings

from apps.accounts.leaving import sessions_prune
from apps.accounts.models import WallKey
from apps.accounts.walls import MOST_KEYS, WallSeat, digest_of, wall_key_make
from apps.actions.models import AuditLine
from apps.core.clock import database_now
from apps.core.errors import RuleViolation
from apps.core.models import Lease
from apps.timeline.models import Transition
from stonesoup_portal.streams import Refused, lost_of, seat_for, topics_of_wall_only
from tests.pages import html_of, text_of
from tests.rows import broken, source_row
from tests.stonesoup_portal.production import browser, put_in_force

pytestmark = [pytest.mark.database, pytest.mark.django_db]
MADE, SCREEN = "/accounts/wall-keys/", "/accounts/wall/"
KEY = re.compile(r"<code>((?:[0-9A-Z]{4}-){5}[0-9A-Z]{4})</code>")


def key_made(admin: Client, name: str = "by the door", days: str = "90") -> str:
    """As an admin's page shows it."""
    answer = admin.post(MADE, {"name": name, "days": days})
    assert answer.status_code == 201, answer.content.decode()
    found = KEY.search(answer.content.decode())
    assert found
    return found[1]


def screen_with(key: str, client: Client | None = None) -> Client:
    """A browser in which the key was typed."""
    client = client or Client()
    answer = client.post(SCREEN, {"key": key})
    assert (answer.status_code, answer["Location"]) == (303, "/wall/")
    return client


def stream_of(client: Client) -> Any:
    """The seat that the stream's doorkeeper gives."""
    cookie = "; ".join(f"{name}={morsel.value}" for name, morsel in client.cookies.items())
    headers = [(b"host", b"testserver"), (b"cookie", cookie.encode())]
    scope = {"type": "http", "method": "GET", "path": "/stream", "query_string": b"", "headers": headers}
    return seat_for(ASGIRequest(scope, BytesIO()))


@pytest.fixture(autouse=True)
def open_database(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stonesoup_portal.streams.close_old_connections", lambda: None)


def test_a_screen_shows_the_wall_and_leads_nowhere_else(admin: Client) -> None:
    Lease.objects.create(name="beat", holder="tick", expires_at=database_now() + timedelta(minutes=5))
    source_row("argocd/production")
    broken("build-service")
    screen = screen_with(key_made(admin))
    page = html_of(screen, "/wall/")
    assert "build-service" in text_of(page)
    inside = page.partition("<body")[2]
    assert re.findall(r'href="(/[^"]*)"', inside) == []
    assert re.findall(r"<form[^>]*>", inside) == []
    assert "csrf" not in page
    assert "Sign out" in html_of(admin, "/wall/"), "people see the Wall with their own frame"


def test_its_fragment_is_the_walls_too_and_nobody_elses_page_is_given(admin: Client) -> None:
    screen = screen_with(key_made(admin))
    asked = {"HX-Request": "true", "HX-Current-URL": "http://testserver/wall/"}
    fragment = screen.get("/wall/?v=0&s=x&u=0&f=1", headers=asked)
    assert fragment.status_code == 200
    assert 'id="nav-' not in fragment.content.decode()
    assert 'id="count-' not in fragment.content.decode()
    assert screen.get("/?v=0&s=x&u=0&f=1", headers=asked).status_code == 401
    assert screen.get("/")["Location"] == "/accounts/sign-in/?next=/"


def test_a_screen_cannot_do_anything(admin: Client) -> None:
    screen = screen_with(key_made(admin))
    for path in ("/wall/", "/actions/new/", "/accounts/sessions/", MADE):
        assert screen.post(path, {"name": "x", "days": "1"}).status_code in {302, 405}
    assert WallKey.objects.count() == 1


def test_the_key_is_in_no_address_and_in_no_row(admin: Client) -> None:
    key = key_made(admin)
    screen = Client()
    answer = screen.post(f"{SCREEN}?environment=production", {"key": key})
    assert answer["Location"] == "/wall/?environment=production"
    assert screen.get(f"{SCREEN}?key={key}").status_code == 200
    plain = key.replace("-", "")
    rows = [row for model in (WallKey, AuditLine, Transition) for row in model.objects.values()]
    kept = json.dumps(rows, default=str)
    assert key not in kept
    assert plain not in kept
    assert key not in admin.get("/accounts/sessions/").content.decode()


def test_the_cookie_is_out_of_reach_and_lasts_as_long_as_the_key(admin: Client) -> None:
    cookie = screen_with(key_made(admin, days="30")).cookies[of_django.WALL_COOKIE_NAME]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    assert cookie["path"] == "/"
    assert not cookie["domain"]
    assert abs(cookie["max-age"] - 30 * 86_400) < 60


def test_under_tls_the_cookie_is_bound_to_this_host(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    put_in_force(settings, monkeypatch)
    screen = browser()
    screen.post(SCREEN, {"key": wall_key_make(name="desk", days=1, by="ada")})
    cookie = screen.cookies["__Host-portal-wall"]
    assert cookie["secure"]
    assert cookie["path"] == "/"
    assert not cookie["domain"]
    assert screen.get("/wall/").status_code == 200


@pytest.mark.parametrize("typed", ["lower", "spaces", "letters"])
def test_a_key_is_typed_as_people_type(admin: Client, typed: str) -> None:
    WallKey.objects.create(
        name="x", digest=digest_of("0011ABCD" * 3), made_at=database_now(), ends_at=database_now() + timedelta(days=1)
    )
    forms = {"lower": "0011abcd" * 3, "spaces": " 0011 ABCD" * 3, "letters": "oOiLABCD" * 3}
    assert screen_with(forms[typed]).get("/wall/").status_code == 200


@pytest.mark.parametrize("key", ["", "wrong", "x" * 5000, "\x00", "ＡＢＣ"])
def test_what_is_no_key_opens_nothing(client: Client, key: str) -> None:
    answer = client.post(SCREEN, {"key": key})
    assert answer.status_code == 400
    assert "opens nothing" in answer.content.decode()
    client.cookies[of_django.WALL_COOKIE_NAME] = "wrong"
    assert client.get("/wall/")["Location"] == "/accounts/sign-in/?next=/wall/"


def test_revoked_by_one_click_the_screen_is_out_at_once_and_its_stream_ends(admin: Client) -> None:
    screen, other = (screen_with(key_made(admin, name)) for name in ("desk", "hall"))
    seat, others = stream_of(screen), stream_of(other)
    assert isinstance(seat, WallSeat)
    assert lost_of([seat, others]) == frozenset()
    answer = admin.post(MADE, {"revoke": WallKey.objects.get(name="desk").pk})
    assert (answer.status_code, answer["Location"]) == (303, "/accounts/sessions/")
    assert lost_of([seat, others]) == {seat}
    assert screen.get("/wall/").status_code == 302
    asked = {"HX-Request": "true", "HX-Current-URL": "http://testserver/wall/"}
    assert screen.get("/wall/?v=0&s=x&u=0&f=1", headers=asked).status_code == 401
    with pytest.raises(Refused) as refused:
        stream_of(screen)
    assert refused.value.status == 401
    assert other.get("/wall/").status_code == 200


def test_a_key_ends_by_itself_and_is_let_go_of(admin: Client) -> None:
    screen = screen_with(key_made(admin))
    seat = stream_of(screen)
    WallKey.objects.update(ends_at=database_now() - timedelta(seconds=1))
    assert screen.get("/wall/").status_code == 302
    assert lost_of([seat]) == {seat}
    assert "by the door" not in admin.get("/accounts/sessions/").content.decode()
    sessions_prune()
    assert not WallKey.objects.exists()


def test_days_of_silence_do_not_end_it(admin: Client) -> None:
    screen = screen_with(key_made(admin))
    long_ago = database_now() - timedelta(days=80)
    WallKey.objects.update(made_at=long_ago, seen_at=long_ago)
    assert screen.get("/wall/").status_code == 200


def test_the_list_says_who_made_it_and_where_it_was_last_seen(admin: Client) -> None:
    key = key_made(admin, "by the coffee")
    row = text_of(admin.get("/accounts/sessions/").content.decode()).partition("Screens that show the Wall")[2]
    assert "by the coffee" in row
    assert "by admin-person" in row
    assert "not yet" in row
    screen_with(key, Client(REMOTE_ADDR="192.0.2.9", HTTP_USER_AGENT="A screen")).get("/wall/")
    row = text_of(admin.get("/accounts/sessions/").content.decode()).partition("Screens that show the Wall")[2]
    assert "192.0.2.9" in row
    assert "A screen" in row
    assert "not yet" not in row


def test_it_is_noted_as_seen_once_a_minute(admin: Client) -> None:
    screen = screen_with(key_made(admin))
    screen.get("/wall/")
    seen = database_now() - timedelta(seconds=50)
    for moment, is_kept in ((seen, True), (seen - timedelta(seconds=20), False)):
        WallKey.objects.update(seen_at=moment)
        screen.get("/wall/")
        assert (WallKey.objects.get().seen_at == moment) is is_kept


def test_the_audit_log_and_the_timeline_say_that_it_was_made_and_revoked(admin: Client) -> None:
    key_made(admin, "hall", days="7")
    Transition.objects.update(seen_at=database_now() - timedelta(minutes=5))
    admin.post(MADE, {"revoke": WallKey.objects.get().pk})
    lines = list(AuditLine.objects.order_by("pk"))
    assert [(line.event, line.who, line.what["name"]) for line in lines] == [
        ("wall key made", "admin-person", "hall"),
        ("wall key revoked", "admin-person", "hall"),
    ]
    told = text_of(html_of(admin, "/timeline/?kind=portal"))
    assert "hall" in told
    assert "wall key made" in told
    assert "wall key revoked" in told


@pytest.mark.parametrize("days", ["0", "366", "-1", "", "x", "9" * 30])
def test_a_key_lasts_for_a_year_at_most(admin: Client, days: str) -> None:
    answer = admin.post(MADE, {"name": "hall", "days": days})
    assert answer.status_code == 409
    assert "1 to 365 days" in answer.content.decode()
    assert not WallKey.objects.exists()


def test_a_form_sent_twice_makes_one_key(admin: Client) -> None:
    key = key_made(admin, "hall")
    answer = admin.post(MADE, {"name": "hall", "days": "90"})
    assert answer.status_code == 409
    assert "a key of that name" in answer.content.decode()
    assert AuditLine.objects.count() == 1
    assert screen_with(key).get("/wall/").status_code == 200


def test_there_are_not_more_keys_than_somebody_can_look_through() -> None:
    now = database_now()
    told = {"made_at": now, "ends_at": now + timedelta(days=1)}
    WallKey.objects.bulk_create(WallKey(name=f"{n}", digest=f"{n}", **told) for n in range(MOST_KEYS))
    with pytest.raises(RuleViolation):
        wall_key_make(name="one more", days=1, by="ada")
    with pytest.raises(RuleViolation):
        wall_key_make(name="  ", days=1, by="ada")


@pytest.mark.parametrize("who", ["viewer", "responder", "approver"])
def test_others_than_admins_see_no_keys_and_make_none(who: str, admin: Client, request: pytest.FixtureRequest) -> None:
    client: Client = request.getfixturevalue(who)
    key_made(admin)
    assert "Screens that show the Wall" not in client.get("/accounts/sessions/").content.decode()
    pk = WallKey.objects.get().pk
    assert client.post(MADE, {"revoke": pk}).status_code == client.post(MADE, {"revoke": pk + 1}).status_code == 404
    assert client.post(MADE, {"name": "mine", "days": "1"}).status_code == 404
    assert WallKey.objects.count() == 1


def test_a_person_in_the_same_browser_is_themselves_and_the_key_remains(admin: Client, viewer: Client) -> None:
    screen_with(key_made(admin), viewer)
    assert "viewer" in viewer.get("/wall/").content.decode()
    viewer.post("/accounts/sign-out/")
    assert viewer.get("/wall/").status_code == 200
    assert viewer.get("/sources/").status_code == 302


def test_a_stream_tells_a_screen_nothing_but_what_the_wall_shows(admin: Client) -> None:
    seat = stream_of(screen_with(key_made(admin)))
    topics_of_wall_only(seat, frozenset({"apps", "alerts", "freezes"}))
    with pytest.raises(Refused):
        topics_of_wall_only(seat, frozenset({"apps", "cluster:stone-prd-m01"}))
