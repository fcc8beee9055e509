"""What others make a browser ask of the portal: ways back that lead elsewhere (F50), and forms of other sites (F51)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import UUID

import pytest
from django.apps import apps
from django.core.serializers import serialize
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from pytest_django import Settings

from apps.accounts.models import Role
from apps.actions.states import Action, State
from tests.access_table import ROWS, Row
from tests.actions.cases import freeze_row, request_row
from tests.browser.small_fleet import EVERY_PAGE, REQUESTS, every_state_rows
from tests.conftest import BACKEND, person_with
from tests.fleet_in_force import FleetFileOfTest

pytestmark = pytest.mark.django_db
ELSEWHERE = (
    "//evil.example", "///evil.example", "/\\evil.example", "\\\\evil.example", "\\/evil.example", "https:evil.example",
    "https:/evil.example", "https:///evil.example", "http:///evil.example", "https://evil.example/", "HTTPS://evil.example",
    "https://testserver@evil.example/", "https://testserver.evil.example/", "https://evil.example\\@testserver/",
    "javascript:alert(1)", "java\tscript:alert(1)", "data:text/html,x", "vbscript:x", " //evil.example",
    "\t//evil.example", "/\t/evil.example", "/\n/evil.example", "\x00//evil.example",
    "/%0d%0aLocation:%20https://evil.example",
    "/x\r\nLocation: https://evil.example", "/%E2%80%A8/evil", "ftp://evil.example", "evil.example",
    "https://[::1", "/\u2028x",
)  # fmt: skip
OPEN_TO_OTHER_SITES = {
    "csp-report": "browsers send reports by themselves; it writes nothing but a line of the log",
    "accounts:backchannel-logout": "the provider sends a token that it signed",
}
WANTED_BY_PAGES = {
    "gitops.applicationdetail",
    "gitops.commit",
    "alerts.alertgraph",
    "sessions.session",
    "accounts.signin",
}
"""What a look may write: that a page lacks details of an Application, a commit or an alert's values, and who was there
last."""


@pytest.mark.parametrize("elsewhere", ELSEWHERE)
def test_a_way_back_that_leads_elsewhere_leads_home_f50(viewer: Client, elsewhere: str) -> None:
    answer = viewer.get("/accounts/sign-in/", {"next": elsewhere})
    assert answer.status_code == 302
    assert answer["Location"] == "/"


@pytest.mark.parametrize("elsewhere", ELSEWHERE)
def test_the_address_of_a_fragment_leads_no_further_than_to_a_page_of_ours_f50(
    client: Client, viewer: Client, elsewhere: str
) -> None:
    """The sign-in that a lapsed page is led to keeps a way back, which the sign-in page itself judges once more."""
    told = elsewhere.encode("unicode_escape").decode()
    place = client.get("/apps/", headers={"HX-Request": "true", "HX-Current-URL": told})["HX-Redirect"]
    assert place.startswith("/accounts/sign-in/?next=")
    end = viewer.get(place)["Location"]
    assert end.startswith("/")
    assert not end.startswith(("//", "/\\"))


def test_a_way_back_to_a_page_of_ours_is_kept_f50(viewer: Client) -> None:
    for place in ("/apps/?cluster=a%20b&q=x", "/actions/new/?app=a%2Fb%2Fc", "/alerts/"):
        assert viewer.get("/accounts/sign-in/", {"next": place})["Location"] == place


def views_of(patterns: Any, prefix: str = "", space: str = "") -> Iterator[tuple[str, Any]]:
    """Each route's name, and its view."""
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            inner = f"{space}{pattern.namespace}:" if pattern.namespace else space
            yield from views_of(pattern.url_patterns, prefix + str(pattern.pattern), inner)
        elif isinstance(pattern, URLPattern):
            yield f"{space}{pattern.name}", pattern.callback


def test_no_view_but_those_named_here_does_without_the_token_f51() -> None:
    exempt = {name for name, view in views_of(get_resolver().url_patterns) if getattr(view, "csrf_exempt", False)}
    assert exempt == set(OPEN_TO_OTHER_SITES)


@pytest.fixture
def victim(db: None) -> Client:
    """An admin's browser, which checks tokens as a real one makes the portal do."""
    every_state_rows()
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(person_with("victim", Role.ADMIN), backend=BACKEND)
    browser.get("/actions/freezes/")
    return browser


def token_of(browser: Client) -> str:
    """The token of a form of this browser."""
    text = browser.get("/actions/freezes/").content.decode()
    return text.partition('name="csrfmiddlewaretoken" value="')[2].partition('"')[0]


def posts() -> list[Row]:
    """Each route that takes a form, once."""
    found = {row.route: row for row in ROWS if row.form and row.route not in OPEN_TO_OTHER_SITES}
    return list(found.values())


def path_of(row: Row) -> str:
    return row.path.format(waiting=REQUESTS[State.WAITING], note=UUID(int=1), absent=REQUESTS[State.WAITING])


FORM = {"do": "freeze", "what": "everything|", "reason": "x", "length": "1h"}


@pytest.mark.parametrize("row", posts(), ids=lambda row: row.route)
def test_a_form_without_the_right_token_is_refused_f51(victim: Client, row: Row) -> None:
    mallory = Client(enforce_csrf_checks=True)
    mallory.force_login(person_with("mallory", Role.ADMIN), backend=BACKEND)
    before, path = everything(), path_of(row)
    right, anothers = token_of(victim), token_of(mallory)
    assert len(right) == len(anothers) == 64
    forged: list[tuple[dict[str, str], dict[str, str]]] = [
        ({}, {}),
        ({"csrfmiddlewaretoken": ""}, {}),
        ({"csrfmiddlewaretoken": anothers}, {}),
        ({}, {"X-CSRFToken": anothers}),
        ({}, {"HX-Request": "true"}),
        ({}, {"HX-Request": "true", "HX-Boosted": "true", "X-Requested-With": "XMLHttpRequest"}),
        ({"csrfmiddlewaretoken": right}, {"Origin": "https://evil.example"}),
        ({"csrfmiddlewaretoken": right}, {"Origin": "null"}),
        ({"csrfmiddlewaretoken": right}, {"Origin": "http://testserver.evil.example"}),
    ]
    for fields, headers in forged:
        answer = victim.post(path, {**FORM, **fields}, headers=headers)
        assert answer.status_code == 403, (fields, headers)
        assert "Nothing was changed" in answer.content.decode()
    assert everything() == before


def test_with_the_right_token_the_same_form_is_taken_f51(victim: Client, tmp_path: Path, settings: Settings) -> None:
    FleetFileOfTest(tmp_path, settings).put("environments: [{name: production}]\n")
    told = {**FORM, "form": "11111111-1111-4111-8111-111111111111", "csrfmiddlewaretoken": token_of(victim)}
    assert victim.post("/actions/freezes/", told, headers={"Origin": "http://testserver"}).status_code == 303


def everything() -> dict[str, str]:
    """All rows of all tables, but of those that a look may write."""
    models = [model for model in apps.get_models() if model._meta.label_lower not in WANTED_BY_PAGES]
    return {model._meta.label: serialize("json", model._default_manager.order_by("pk")) for model in models}


def test_looking_changes_nothing_whatever_the_address_says_f51(db: None, client: Client) -> None:
    every_state_rows()
    freeze = freeze_row("project", "another")
    waiting = request_row(Action.REFRESH, State.WAITING, environment="production", cluster="stone-prd-m01")
    client.force_login(person_with("victim", Role.ADMIN), backend=BACKEND)
    before = everything()
    orders = ("do=freeze&what=everything&reason=x&length=1h", f"do=unfreeze%7C{freeze.pk}&why-{freeze.pk}=x")
    orders += ("do=approve", "_method=POST&do=withdraw")
    forced = {"X-HTTP-Method-Override": "POST", "HX-Request": "true"}
    paths = {*EVERY_PAGE, *(path_of(row) for row in ROWS), f"/actions/{waiting.pk}/", f"/actions/{waiting.pk}/answer/"}
    for path in sorted(paths):
        client.get(path)
        for order in orders if path.startswith("/actions/") else orders[:1]:
            client.get(f"{path}{'&' if '?' in path else '?'}{order}", headers=forced)
        client.head(f"{path}{'&' if '?' in path else '?'}{orders[-1]}")
    assert everything() == before


def test_the_page_of_a_refused_form_says_so_in_plain_words_f51(victim: Client) -> None:
    answer = victim.post(f"/actions/freezes/?next={quote('//evil.example')}", FORM)
    text = answer.content.decode()
    assert "its form is not valid any more" in text
    assert "CSRF" not in text
    assert "evil" not in text
