"""The forms of notes and acknowledgements, on the pages of an alert, an Application and a cluster, and on Now."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from html import unescape
from pathlib import Path
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.test import Client
from pytest_django import Settings

from apps.accounts.models import Role
from apps.core import live
from apps.core.clock import database_now
from apps.core.models import Lease
from apps.notes.models import Acknowledgement, Note, Subjects
from apps.notes.services import note_add
from apps.notes.things import thing_found
from tests.conftest import BACKEND
from tests.fleet_in_force import FleetFileOfTest
from tests.notes.people import ALERT, acknowledged, alert_thing, person
from tests.pages import HOSTILE, RTL
from tests.rows import ago, application_row, broken, cluster_row, source_row

pytestmark = [pytest.mark.django_db, pytest.mark.database]

ALERT_URL = f"/alerts/{ALERT}/"
APP_URL = "/apps/production/argocd/build/"
CLUSTER_URL = "/clusters/stone-prd-m01/"


@pytest.fixture(autouse=True)
def fleet(db: None) -> None:
    """An alert that fires, a broken Application, a cluster that is not right, all from sources that answer."""
    Lease.objects.create(name="beat", holder="tick", expires_at=database_now() + timedelta(seconds=30))
    for key in ("argocd/production", "alertmanager/appsre/0"):
        source_row(key)
    source_row("kubernetes/stone-prd-m01", cluster="stone-prd-m01", environment="production")
    cluster_row("stone-prd-m01", position=1, tone="warning", reason="node w1: not ready")
    broken("build", set_name="")
    alert_thing()


@pytest.fixture
def remy() -> User:
    """A responder."""
    return person()


@pytest.fixture
def browser(remy: User) -> Client:
    """In which remy is signed in."""
    return browser_of(remy)


def browser_of(user: User) -> Client:
    """A browser in which they are signed in."""
    client = Client()
    client.force_login(user, backend=BACKEND)
    return client


def panel_of(client: Client, url: str) -> str:
    """The panel's markup on the page, asked for anew."""
    html = client.get(url).content.decode()
    return html[html.index('<section class="panel" id="said"') :].partition("</section>")[0]


def button_in(html: str, verb: str) -> str:
    """What the button sends."""
    return unescape(re.findall(rf'name="do" value="({verb}\|[^"]*)"', html)[0])


def say(client: Client, url: str, verb: str, *, form: str = "", **fields: str) -> HttpResponse:
    """Clicks the button of the page's panel."""
    told = {"form": form or str(uuid4()), "do": button_in(panel_of(client, url), verb), **fields}
    return client.post("/notes/", told, headers={"Referer": f"http://testserver{url}"})


@pytest.mark.parametrize("url", [ALERT_URL, APP_URL, CLUSTER_URL])
def test_a_note_is_written_on_the_page_and_shown_there_as_markdown(browser: Client, url: str) -> None:
    answer = say(browser, url, "note", text="looked **twice**, ITN-2026-00031")

    assert (answer.status_code, answer["Location"]) == (303, f"{url}#said")
    assert "looked <strong>twice</strong>" in panel_of(browser, url)
    assert '<span class="badge">ITN-2026-00031</span>' in panel_of(browser, url)
    assert "<b><bdi>remy</bdi></b>" in panel_of(browser, url)


@pytest.mark.parametrize("url", [ALERT_URL, APP_URL, CLUSTER_URL])
def test_it_is_acknowledged_on_the_page_and_everybody_sees_by_whom_until_when(
    browser: Client, viewer: Client, url: str
) -> None:
    assert say(browser, url, "acknowledge", text="restarting", length="4h").status_code == 303

    said = Acknowledgement.objects.get()
    assert timedelta(hours=3, minutes=59) < said.until - said.at <= timedelta(hours=4)
    html = viewer.get(url).content.decode()
    assert f'acknowledged by <bdi>remy</bdi> until <time datetime="{said.until:%Y-%m-%dT%H:%M}' in html
    assert "<p>restarting</p>" in html
    assert "acknowledge|" not in panel_of(browser, url)


@pytest.mark.parametrize("url", [ALERT_URL, APP_URL, CLUSTER_URL])
def test_another_responder_gives_it_another_end_and_ends_it(browser: Client, url: str) -> None:
    say(browser, url, "acknowledge")
    sam = browser_of(person("sam"))
    say(sam, url, "extend", length="8h")
    said = Acknowledgement.objects.get()
    assert said.until - database_now() > timedelta(hours=7)

    say(sam, url, "end")
    assert Acknowledgement.objects.get().ended_by == "sam"
    assert "acknowledge|" in panel_of(browser, url)


def test_a_form_sent_twice_is_done_once(browser: Client) -> None:
    name = str(uuid4())
    for _ in range(2):
        assert say(browser, ALERT_URL, "note", form=name, text="once").status_code == 303
    told = {"form": name, "do": button_in(panel_of(browser, ALERT_URL), "acknowledge"), "text": "", "length": "1h"}
    for _ in range(2):
        assert browser.post("/notes/", told).status_code == 303
    assert Note.objects.count() == Acknowledgement.objects.count() == 1


def test_another_text_from_the_same_page_is_another_note(browser: Client) -> None:
    name = str(uuid4())
    for text in ("one", "two"):
        say(browser, ALERT_URL, "note", form=name, text=text)
    assert Note.objects.count() == 2


def test_what_was_refused_is_said_with_what_was_typed(browser: Client) -> None:
    answer = say(browser, ALERT_URL, "note", text="x" * 4001)
    assert answer.status_code == 409
    assert b"The note is too long: at most 4,000 characters" in answer.content
    assert b"x" * 4001 in answer.content
    assert f'<a href="{ALERT_URL}">Back'.encode() in answer.content


@pytest.mark.parametrize(
    "told",
    [
        {"do": "acknowledge|alert|appsre/none"},
        {"do": "acknowledge|source|argocd/production"},
        {"do": f"acknowledge|alert|{ALERT}", "length": "9y"},
        {"do": f"acknowledge|alert|{ALERT}", "form": "x"},
        {"do": f"acknowledge|alert|{ALERT}", "form": ""},
        {"do": f"note|alert|{ALERT}", "text": " "},
        {"do": "extend|x"},
        {"do": f"end|{uuid4()}"},
        {"do": f"take-back|{uuid4()}"},
        {"do": "sync|x"},
        {"do": ""},
    ],
)
def test_what_cannot_be_is_refused_in_words(browser: Client, told: dict[str, str]) -> None:
    answer = browser.post("/notes/", {"form": str(uuid4()), **told})
    assert answer.status_code == 409
    assert 'role="alert"' in answer.content.decode()
    assert not Note.objects.exists()
    assert not Acknowledgement.objects.exists()


def test_where_it_lies_is_not_taken_from_the_form(remy: User) -> None:
    remy.person.scope = {"environments": ["staging"]}
    remy.person.save()
    told = {"form": str(uuid4()), "do": f"note|alert|{ALERT}", "text": "x", "environment": "staging"}
    answer = browser_of(remy).post("/notes/", told)
    assert answer.status_code == 409
    assert "this is in production" in answer.content.decode()


def test_a_viewer_sees_it_all_and_is_told_who_may(browser: Client, viewer: Client) -> None:
    say(browser, ALERT_URL, "note", text="looked")
    panel = panel_of(viewer, ALERT_URL)
    assert "looked" in panel
    assert "A responder may acknowledge and write notes." in panel
    assert "<button" not in panel


@pytest.fixture
def kept(settings: Settings) -> Iterator[None]:
    """Pages are kept and shared."""
    settings.PAGES_KEPT_SECONDS = 60.0
    live.PAGES.forget()
    live.MOMENTS.forget()
    yield
    live.PAGES.forget()
    live.MOMENTS.forget()


@pytest.mark.django_db(transaction=True)
def test_a_shared_page_holds_no_proof_of_one_person(kept: None, browser: Client) -> None:
    html = browser.get(ALERT_URL).content.decode()
    shared = html[html.index('id="live"') :].partition("</main>")[0]
    assert "csrfmiddlewaretoken" not in shared
    assert html.count('<form id="say" method="post" action="/notes/"') == 1


@pytest.mark.django_db(transaction=True)
def test_the_page_after_a_form_shows_what_the_form_did_though_an_older_one_is_kept(kept: None, browser: Client) -> None:
    for url in ("/", ALERT_URL):
        browser.get(url)
    say(browser, ALERT_URL, "acknowledge")
    for url in ("/", ALERT_URL):
        assert "acknowledged by <bdi>remy</bdi>" in browser.get(url).content.decode()


def test_a_thing_that_is_well_has_notes_and_nothing_to_acknowledge(browser: Client) -> None:
    application_row("fine", set_name="")
    panel = panel_of(browser, "/apps/production/argocd/fine/")
    assert "note|application|production/argocd/fine" in panel
    assert "acknowledge|" not in panel


def test_what_is_well_again_says_that_the_acknowledgement_will_end(browser: Client) -> None:
    say(browser, ALERT_URL, "acknowledge")
    Acknowledgement.objects.update(well_since=ago(minutes=3))
    assert "after 10 min of that the acknowledgement ends by itself" in panel_of(browser, ALERT_URL)


def test_the_note_has_a_page_where_who_wrote_it_takes_it_back(browser: Client) -> None:
    say(browser, APP_URL, "note", text="oops")
    url = f"/notes/{Note.objects.get().pk}/"
    assert "Only remy, who wrote it, may take it back" in browser_of(person("sam")).get(url).content.decode()

    told = {"do": button_in(browser.get(url).content.decode(), "take-back"), "form": str(uuid4())}
    answer = browser.post("/notes/", told, headers={"Referer": f"http://testserver{url}"})
    assert answer["Location"] == f"{APP_URL}#said"
    assert "oops" not in browser.get(APP_URL).content.decode()
    assert browser.get(url).status_code == 404


def test_hostile_notes_do_no_harm(browser: Client, remy: User) -> None:
    thing = thing_found(Subjects.ALERT, ALERT)
    acknowledged(thing, remy, note=HOSTILE + RTL)
    note_add(who=remy, thing=thing, text=f"{HOSTILE}\n\n[x](javascript:alert(1)) {RTL}", request_id=uuid4())
    for url in (ALERT_URL, "/", "/alerts/", "/timeline/", "/wall/"):
        html = browser.get(url).content.decode()
        assert "<img src=x" not in html
        assert 'href="javascript' not in html
        assert "\u202e" not in html, url


def test_incidents_are_links_where_the_fleet_file_says_where_they_are(
    browser: Client, tmp_path: Path, settings: Settings
) -> None:
    FleetFileOfTest(tmp_path, settings).put(
        "portal: {incident_url: 'https://incidents.example.com/<id>'}\nenvironments: [{name: production}]\n"
        "clusters: [{name: stone-prd-m01, role: member, environment: production}]"
    )
    say(browser, CLUSTER_URL, "note", text="see ITN-2026-00031")
    assert 'href="https://incidents.example.com/ITN-2026-00031"' in panel_of(browser, CLUSTER_URL)


def test_the_panel_costs_one_query_however_much_was_said(browser: Client, remy: User) -> None:
    from tests.pages import queries_of

    few = queries_of(browser, ALERT_URL)
    thing = thing_found(Subjects.ALERT, ALERT)
    for number in range(60):
        note_add(who=remy, thing=thing, text=f"note {number}", request_id=uuid4())
    assert queries_of(browser, ALERT_URL) == few
    assert "Older ones are in the timeline." in panel_of(browser, ALERT_URL)


def test_the_timeline_has_them_in_words_of_their_own(browser: Client, viewer: Client) -> None:
    say(browser, APP_URL, "acknowledge", text="restarting")
    say(browser, APP_URL, "note", text="restarted")
    for url in ("/timeline/?environment=all", "/timeline/?environment=all&field=acknowledged&field=note", APP_URL):
        html = viewer.get(url).content.decode()
        assert "UTC: restarting" in html
        assert "note: restarted" in html
        assert "remy" in html

    say(browser, APP_URL, "end")
    assert "acknowledgement ended" in viewer.get("/timeline/?environment=all").content.decode()


@pytest.mark.parametrize("role", [Role.APPROVER, Role.ADMIN])
def test_higher_roles_may_too(role: Role) -> None:
    client = browser_of(person("ada", role))
    assert say(client, ALERT_URL, "acknowledge").status_code == 303
