"""Every route for everybody: the answers are those of tests/access_table.py, which docs/access.md shows."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl
from uuid import UUID, uuid4

import pytest
from django.conf import settings as of_django
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.core.handlers.asgi import ASGIRequest
from django.db import transaction
from django.http import HttpResponse
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, resolve
from pytest_django import Settings

from apps.accounts.models import Role, SignIn, WallKey
from apps.accounts.walls import digest_of
from apps.actions.asking import value_of
from apps.actions.digests import digest_of_row
from apps.actions.models import ActionRequest, Freeze
from apps.actions.options import Options
from apps.actions.states import Action, State
from apps.core.clock import database_now
from apps.fleet.models import Cluster
from apps.gitops.models import Application
from apps.handover.models import Handover
from apps.notes.models import Acknowledgement, Note
from apps.runbooks.models import Runbook, RunbookFile, Tick
from apps.runbooks.rendering import rendered
from apps.sources.models import Source
from stonesoup_portal.streams import Refused, seat_for
from tests.access_table import APP, PROVIDER_AWAY, ROWS, Row, Said, Seat, table
from tests.actions.cases import freeze_row, live, request_row
from tests.browser.small_fleet import REQUESTS, fleet_rows
from tests.conftest import BACKEND, person_with
from tests.fleet_in_force import FleetFileOfTest
from tests.rows import application_row, episode_row

DOCS = Path(__file__).resolve().parents[2] / "docs" / "access.md"
ROLES = {
    Seat.VIEWER: Role.VIEWER,
    Seat.RESPONDER: Role.RESPONDER,
    Seat.ELSEWHERE: Role.RESPONDER,
    Seat.APPROVER: Role.APPROVER,
    Seat.ADMIN: Role.ADMIN,
}
SCOPES = {Seat.RESPONDER: {"environments": ["production"]}, Seat.ELSEWHERE: {"environments": ["staging"]}}
FLEET = """
environments: [{name: staging, rings: [1]}, {name: production}]
clusters:
  - {name: stg-member, role: member, environment: staging, ring: 1}
  - {name: stone-prd-m01, role: member, environment: production}
alertmanagers: [{name: appsre, members: ['http://127.0.0.1:9']}]
runbooks: [{name: sop, git: {url: 'https://127.0.0.1:9/sop.git'}, urls: ['https://runbooks.example/<path>']}]
"""
PROVIDER = "sso: {issuer: 'http://127.0.0.1:9', client_id: portal}\naccess: [{group: sre, role: viewer}]\n"
ABSENT, NOTE, WITH_RUNBOOK = UUID(int=424242), UUID(int=171717), 171717
WALL_KEY = "0123456789ABCDEFGHJKMNPQ"
ALSO_POSTED = {"accounts:sign-in"}
"""What is sent to it has tests of its own (tests/accounts)."""
OF_EACH_HEADER = {"Content-Length", "Location"}
OF_EACH = re.compile(r'value="[\w-]{64}"|next=[^"]*|name="next" value="[^"]*"|\d+\.\d+')


def routes_of(patterns: Any, namespace: str = "") -> Iterator[str]:
    """The names of all that the URLconf leads to."""
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            inner = f"{pattern.namespace}:" if pattern.namespace else ""
            yield from routes_of(pattern.url_patterns, namespace + inner)
        elif isinstance(pattern, URLPattern):
            yield f"{namespace}{pattern.name}"


def signed_in_at_provider(client: Client, seat: Seat) -> None:
    """By the provider of the fleet file in force, which stood by the session just now."""
    now, user = database_now(), User.objects.get(username=f"in-{seat.name.lower()}")
    told = {"kind": SignIn.Kind.SSO, "issuer": "http://127.0.0.1:9", "began_at": now, "refreshed_at": now}
    SignIn.objects.create(session_key=client.cookies[of_django.SESSION_COOKIE_NAME].value, user=user, **told)


def browser_of(seat: Seat) -> Client:
    """A browser in which they are signed in."""
    client = Client()
    if seat is Seat.WALL:
        client.cookies[of_django.WALL_COOKIE_NAME] = WALL_KEY
    elif seat is not Seat.ANONYMOUS:
        user = person_with(f"in-{seat.name.lower()}", ROLES.get(seat))
        if seat in SCOPES:
            user.person.scope = SCOPES[seat]
            user.person.save()
        client.force_login(user, backend=BACKEND)
    return client


def resync(name: str) -> dict[str, str]:
    """What the button of that Application says."""
    row = Application.objects.filter(name=name).first() or Application(instance="production", namespace="argocd")
    row.name = name
    return {"form": str(uuid4()), "do": value_of(Action.SYNC, row, digest_of_row(row, Options()))}


def bulk(client: Client, path: str) -> dict[str, str]:
    """The form of the page that shows the bulk, filled in."""
    text = client.get(path).content.decode()
    hidden = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', text))
    return {**hidden, "reason": "drift", "typed_name": ""}


def silence(client: Client, path: str) -> dict[str, Any]:
    """The form of the page that shows what it hides, filled in; where there is none, what somebody makes up."""
    text = client.get(path).content.decode().partition('id="silence"')[2].partition("</form>")[0]
    hidden = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', text))
    made_up = {"form": str(uuid4()), "do": "silence", **dict(parse_qsl(path.partition("?")[2]))}
    return {**(hidden or made_up), "reason": "upgrade", "ticket": "K-1", "length": "1h"}


def form_of(row: Row, client: Client) -> dict[str, Any]:
    """What is sent."""
    freeze = Freeze.objects.get().pk
    somebodys = SignIn.objects.get(session_key="somebodys").pk
    told = {"form": str(uuid4())}
    forms: dict[str, Callable[[], dict[str, Any]]] = {
        "report": dict,
        "sign-out": dict,
        "logout-token": lambda: {"logout_token": "x"},
        "password": lambda: {"username": "x", "password": "x"},
        "end-session": lambda: {"session": str(somebodys)},
        "end-session-absent": lambda: {"session": "999999"},
        "wall-key": lambda: {"name": "by the door", "days": "90"},
        "revoke-absent": lambda: {"revoke": "999999"},
        "wrong-key": lambda: {"key": "no such key"},
        "resync": lambda: resync(APP.rpartition("/")[2]),
        "resync-absent": lambda: resync("no-such"),
        "bulk": lambda: bulk(client, row.path),
        "freeze": lambda: {
            **told, "do": "freeze", "what": "environment|production", "reason": "release", "length": "1h",
        },
        "unfreeze": lambda: {**told, "do": f"unfreeze|{freeze}", f"why-{freeze}": "over"},
        "silence": lambda: silence(client, row.path),
        "tick": lambda: {"done": rendered(Runbook.objects.get()).steps[0].key},
        "tick-absent": lambda: {"done": "no-such-step"},
        "silence-absent": lambda: {**told, "do": "silence-expire", "silence": "appsre/no-such"},
        "unfreeze-absent": lambda: {**told, "do": "unfreeze|999999", "why-999999": "over"},
        "note": lambda: {**told, "do": f"note|application|{APP}", "text": "looked"},
        "note-absent": lambda: {**told, "do": "note|application|production/argocd/no-such", "text": "looked"},
        "acknowledge": lambda: {**told, "do": f"acknowledge|application|{APP}"},
        "take-back": lambda: {**told, "do": f"take-back|{NOTE}"},
        "handover": lambda: {**told, "do": "save", "text": "told", "revision": str(int("edit" in row.path))},
        "approve": lambda: {"do": "approve"},
        "withdraw": lambda: {"do": "withdraw"},
    }  # fmt: skip
    return forms[row.form]()


def path_of(row: Row) -> str:
    """The path, with the ids of this test's rows."""
    return row.path.format(waiting=REQUESTS[State.WAITING], note=NOTE, absent=ABSENT)


def asked(row: Row, client: Client) -> HttpResponse:
    """The answer to this client."""
    more = {"REMOTE_ADDR": "192.0.2.7"} if "from elsewhere" in row.words else {}
    if row.form == "report":
        return client.post(row.path, b'{"csp-report": {}}', content_type="application/csp-report")
    if row.form:
        return client.post(path_of(row), form_of(row, client), **more)
    return client.get(path_of(row), **more)


def said(answer: HttpResponse, row: Row) -> Said | str:
    """Which of the answers it is; else its status and where it leads."""
    status, place = answer.status_code, answer.headers.get("Location", "")
    if status == 200 and row.form:
        return Said.WHY_NOT
    if status == 201:
        return Said.DONE
    if status in {302, 303}:
        if place.startswith("/accounts/sign-in/?next="):
            return Said.SIGN_IN
        return Said.HOME if place == "/" else Said.DONE
    text = answer.content.decode()
    if status == 403 and "<title>No access" in text:
        return Said.NO_ACCESS
    if status == 403 and answer.headers["Content-Type"].startswith("text/plain"):
        return Said.STOPPED
    if status in {400, 503}:
        return Said.FAILED
    told = {200: Said.PAGE, 204: Said.PAGE, 404: Said.NOT_THERE, 403: Said.MAY_NOT, 409: Said.WHY_NOT}
    return told.get(status, f"{status} {place}")


def said_of_stream(client: Client) -> Said | str:
    """The stream's doorkeeper is asked: the server of tests has no streams."""
    cookie = "; ".join(f"{name}={morsel.value}" for name, morsel in client.cookies.items())
    headers = [(b"host", b"testserver"), (b"cookie", cookie.encode())]
    scope = {"type": "http", "method": "GET", "path": "/stream", "query_string": b"topics=apps", "headers": headers}
    try:
        seat_for(ASGIRequest(scope, None))
    except Refused as refused:
        return {401: Said.SIGN_IN, 403: Said.NO_ACCESS}.get(refused.status, f"{refused.status}")
    return Said.PAGE


@pytest.fixture
def fleet_file(db: None, tmp_path: Path, settings: Settings) -> FleetFileOfTest:
    """In force, without an identity provider."""
    file = FleetFileOfTest(tmp_path, settings)
    file.put(FLEET)
    return file


@pytest.fixture
def fleet(fleet_file: FleetFileOfTest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows of production, of which Argo CD says that all is well; no worker is told anything."""
    monkeypatch.setattr("apps.actions.preflight.live_look", lambda *_, **__: live())
    monkeypatch.setattr("apps.actions.views.send_soon", lambda *_: None)
    monkeypatch.setattr("stonesoup_portal.streams.close_old_connections", lambda: None)
    Cluster.objects.all().delete()
    Source.objects.all().delete()
    fleet_rows()
    freeze_row("project", "another")
    Application.objects.filter(name=APP.rpartition("/")[2]).delete()
    application_row()
    now = database_now()
    told = {"kind": SignIn.Kind.LOCAL, "began_at": now, "ends_at": now + timedelta(hours=1)}
    Session.objects.create(session_key="somebodys", session_data="", expire_date=now + timedelta(hours=1))
    SignIn.objects.create(session_key="somebodys", user=person_with("somebody", Role.VIEWER), **told)
    WallKey.objects.create(name="desk", digest=digest_of(WALL_KEY), made_at=now, ends_at=now + timedelta(days=1))
    place = {"cluster": "stone-prd-m01", "environment": "production", "project": "default"}
    request_row(Action.REFRESH, State.WAITING, id=REQUESTS[State.WAITING], **place)
    said = {"kind": "application", "subject": APP, "title": "build", "by": "somebody", "at": now}
    Note.objects.create(pk=NOTE, text="looked", **said, **place)
    shift = {"from_at": now - timedelta(hours=1), "until_at": now, "by": "somebody", "at": now}
    Handover.objects.create(pk=NOTE, text="all quiet", **shift)
    link = "https://runbooks.example/api/errors.md"
    episode_row("WithRunbook", pk=WITH_RUNBOOK, fingerprint="00000000000000bb", runbook_url=link)
    Runbook.objects.create(source="sop", path="api/errors.md", title="Errors", text="1. Look", read_at=now)
    RunbookFile.objects.create(source="sop", path="api/errors.png", content_type="image/png", data=b"x")


def name_of(row: Row) -> str:
    return f"{row.method} {row.path} {row.words}"


def test_every_route_has_a_row() -> None:
    routes = set(routes_of(get_resolver().url_patterns))
    assert routes == {row.route for row in ROWS}
    for row in ROWS:
        assert len(row.answers) == len(Seat)
        path = row.path.format(waiting=ABSENT, note=ABSENT, absent=ABSENT)
        assert resolve(path.partition("?")[0]).view_name == row.route


def test_the_page_of_the_documentation_shows_this_table() -> None:
    assert DOCS.read_text() == table(), "run: make access"


@pytest.mark.parametrize("row", ROWS, ids=name_of)
def test_each_gets_the_answer_of_the_table(fleet: None, fleet_file: FleetFileOfTest, row: Row) -> None:
    if row.words == PROVIDER_AWAY:
        fleet_file.put(FLEET + PROVIDER)
    found, before = {}, happened()
    for seat in Seat:
        with transaction.atomic():
            client = browser_of(seat)
            if row.words == PROVIDER_AWAY and seat not in {Seat.ANONYMOUS, Seat.WALL}:
                signed_in_at_provider(client, seat)
            found[seat] = said_of_stream(client) if row.route == "stream" else said(asked(row, client), row)
            is_done = found[seat] is Said.DONE and row.form != "sign-out"
            assert (happened() != before) is is_done, seat
            transaction.set_rollback(True)
    assert found == dict(zip(Seat, row.answers, strict=True))


def happened() -> list[Any]:
    """What was asked for, said and let go, which keys of the Wall there are, and which freezes are on."""
    requests = ActionRequest.objects.exclude(state=State.REFUSED.value).order_by("pk").values_list("pk", "state")
    sessions = SignIn.objects.filter(session_key="somebodys").values_list("pk", "session_key")
    walls = WallKey.objects.order_by("pk").values_list("pk", "name")
    said = [*Note.objects.values_list("pk", "deleted_at"), *Acknowledgement.objects.values_list("pk", "ended_at")]
    said += Handover.objects.values_list("pk", "revision")
    ticks = Tick.objects.values_list("step", "person")
    freezes = Freeze.objects.order_by("pk").values_list("pk", "ends_at", "ended_by")
    return [*requests, *sessions, *walls, *said, *ticks, *freezes]


@pytest.mark.parametrize("seat", [Seat.ANONYMOUS, Seat.WALL, Seat.NO_GROUP])
def test_who_may_not_see_a_thing_is_told_the_same_as_of_one_that_is_not_there(fleet: None, seat: Seat) -> None:
    client, there = browser_of(seat), {}
    for row in ROWS:
        told = "" if row.route == "stream" else seen(asked(row, client), path_of(row))
        if "not there" not in row.words and row.method == "GET":
            there[row.route] = told
        elif row.words == "not there" and row.method == "GET":
            assert told == there[row.route], row.path
    answers = ROWS[-1]
    forms = [path_of(row) for row in ROWS if row.route == answers.route]
    assert len({seen(client.post(path, {"do": "approve"}), path) for path in forms}) == 1


def seen(answer: HttpResponse, path: str) -> str:
    """All that is told, without what is of each answer: its own token, and the way back to what was asked for."""
    head = sorted(f"{name}: {value}" for name, value in answer.headers.items() if name not in OF_EACH_HEADER)
    text = answer.content.decode().replace(path, "")
    return "\n".join([str(answer.status_code), *head, OF_EACH.sub("", text)])


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "TRACE"])
def test_a_method_without_a_row_is_not_allowed(fleet: None, method: str) -> None:
    client = browser_of(Seat.ADMIN)
    for route in {row.route for row in ROWS} - {"stream"}:
        rows = [row for row in ROWS if row.route == route]
        if method not in {row.method for row in rows} | {"POST" for row in rows if row.route in ALSO_POSTED}:
            assert client.generic(method, path_of(rows[0])).status_code == 405, route
