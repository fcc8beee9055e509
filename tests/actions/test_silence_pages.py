"""Pages of silences: the form from an alert, from the list and from a silence; one click; the list; Now."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client
from pytest_django import Settings

from apps.accounts.models import Role
from apps.actions.models import ActionRequest, AuditLine
from apps.actions.silences import listing
from apps.actions.silences.wanted import wanted_of
from apps.actions.states import Action, State
from apps.alerts.models import Episode
from apps.core.clock import database_now
from apps.sources.models import Source
from tests.actions.cases import request_row
from tests.actions.silences import FLEET, fires, sources
from tests.fleet_in_force import FleetFileOfTest
from tests.pages import HOSTILE, html_of
from tests.pages import text_of as escaped_of
from tests.rows import ago, silence_row

pytestmark = [pytest.mark.database, pytest.mark.django_db]

NEW, LIST = "/actions/silence/", "/silences/"
SLOW = [
    {"name": "alertname", "value": "Slow", "is_regex": False, "is_equal": True},
    {"name": "source_cluster", "value": "stone-.*", "is_regex": True, "is_equal": True},
]
FIELD = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)"')


def text_of(page: str) -> str:
    """As it is read."""
    return html.unescape(escaped_of(page))


@pytest.fixture
def file(tmp_path: Path, settings: Settings, db: None, monkeypatch: pytest.MonkeyPatch) -> FleetFileOfTest:
    monkeypatch.setattr("apps.actions.views.send_soon", lambda *_: None)
    found = FleetFileOfTest(tmp_path, settings)
    found.put(FLEET)
    Source.objects.all().delete()
    sources()
    return found


@pytest.fixture
def alert(file: FleetFileOfTest) -> Episode:
    return fires(count=2)[0]


def form_of(page: str, form: str = "silence", **more: Any) -> dict[str, Any]:
    """What the form of the page sends."""
    text = page[page.index(f'id="{form}"') :].partition("</form>")[0]
    told: dict[str, Any] = {}
    for name, value in FIELD.findall(text):
        told.setdefault(name, []).append(html.unescape(value))
    return {**told, "reason": "upgrade", "ticket": "K-1", **more}


def address(alert: Episode) -> str:
    return f"{NEW}?alert={alert.alertmanager}/{alert.fingerprint}"


def rows_of(page: str) -> list[tuple[str, str, str]]:
    """The matchers' fields of the page: label, operator, value."""
    text = page[page.index('id="matchers"') :].partition("</form>")[0]
    found = []
    for part in text.split('role="group"')[1:]:
        label, value = (re.findall(rf'name="{name}" value="([^"]*)"', part)[0] for name in ("label", "value"))
        [chosen] = re.findall(r"<option(?: value=\"\")? selected>([^<]*)|<option value=\"\" selected>", part)
        found.append((html.unescape(label), html.unescape(chosen), html.unescape(value)))
    return found


def test_from_an_alert_its_name_and_where_it_is_are_proposed(responder: Client, alert: Episode) -> None:
    page = html_of(responder, address(alert))
    assert rows_of(page)[:4] == [
        ("alertname", "=", "Slow"),
        ("source_cluster", "=", "stone-prd-m01"),
        ("namespace", "=", "build"),
        ("pod", "any", "Slow-0"),
    ]
    assert "Hides 2 alerts that fire now. In the last 7 days it would have hidden 2." in text_of(page)
    assert all(f"Silence for {length}</button>" in page for length in ("1 h", "2 h", "4 h", "8 h"))


def test_of_an_alert_that_names_its_cluster_by_a_later_label_those_before_it_are_proposed_as_empty(
    responder: Client, alert: Episode
) -> None:
    Episode.objects.filter(pk=alert.pk).update(labels={"alertname": "Slow", "dest_server": "stg", "pod": "a"})
    assert rows_of(html_of(responder, address(alert)))[:5] == [
        ("alertname", "=", "Slow"),
        ("source_cluster", "=", ""),
        ("tested_cluster", "=", ""),
        ("dest_server", "=", "stg"),
        ("pod", "any", "a"),
    ]


def test_one_click_asks_for_it_in_the_persons_name(responder: Client, alert: Episode) -> None:
    answer = responder.post(NEW, form_of(html_of(responder, address(alert)), length="4h"))
    request = ActionRequest.objects.get()
    assert (answer.status_code, answer["Location"]) == (303, f"/actions/{request.pk}/")
    assert (request.state, request.action, request.username) == (State.APPROVED, "silence", "responder-person")
    told = wanted_of(request)
    assert told.line == 'alertname="Slow", source_cluster="stone-prd-m01", namespace="build"'
    assert told.ends_at
    assert timedelta(hours=3.9) < told.ends_at - database_now() <= timedelta(hours=4)
    assert (request.cluster, request.environment) == ("stone-prd-m01", "production")
    line = AuditLine.objects.get()
    assert (line.event, len(line.what["hides"])) == ("requested", 2)
    page = text_of(html_of(responder, request.get_absolute_url()))
    assert 'alertname="Slow"' in page
    assert "It is about to be sent to the Alertmanager." in page
    assert "Argo CD" not in page
    assert "K-1" in text_of(html_of(responder, "/actions/?action=silence"))


def test_a_double_click_is_one_request(responder: Client, alert: Episode) -> None:
    told = form_of(html_of(responder, address(alert)), length="2h")
    assert responder.post(NEW, told)["Location"] == responder.post(NEW, told)["Location"]
    assert responder.post(NEW, {**told, "length": "1h"})["Location"] != responder.post(NEW, told)["Location"]
    assert ActionRequest.objects.count() == 2


def test_what_was_not_looked_at_is_shown_first(responder: Client, alert: Episode) -> None:
    told = form_of(html_of(responder, address(alert)), length="2h")
    page = responder.post(NEW, {**told, "value": ["Slow", "stone-prd-m02", "build"]}).content.decode()
    assert "Still needed: a look at what it hides." in page
    assert not ActionRequest.objects.exists()
    again = form_of(page, length="2h")
    assert responder.post(NEW, again).status_code == 303


def test_without_a_reason_and_a_ticket_nothing_is_asked_for(responder: Client, alert: Episode) -> None:
    told = form_of(html_of(responder, address(alert)), length="2h", reason="", ticket=" ")
    page = responder.post(NEW, told).content.decode()
    assert "Still needed: a reason, a ticket." in page
    assert not ActionRequest.objects.exists()


def test_a_critical_slo_alert_wants_its_name_typed(responder: Client, alert: Episode) -> None:
    fires(severity="critical", is_slo=True)
    page = html_of(responder, address(alert))
    assert "it hides 1 critical SLO alert, which page: Slow" in text_of(page)
    told = form_of(page, length="2h")
    assert "Still needed: the name Slow, typed." in responder.post(NEW, told).content.decode()
    assert responder.post(NEW, {**told, "typed_name": "Slow"}).status_code == 303


def test_matchers_are_changed_and_shown_by_the_address_alone(responder: Client, alert: Episode) -> None:
    fires("Other", "stone-prd-m02")
    lines = "label=alertname&operator=%3D~&value=Sl.w%7COther&label=pod&operator=&value=x"
    page = html_of(responder, f"{NEW}?alertmanager=appsre&{lines}&more=severity%3Dwarning")
    assert "Hides 3 alerts that fire now, on 2 clusters." in text_of(page)
    assert rows_of(page)[:2] == [("alertname", "=~", "Sl.w|Other"), ("pod", "any", "x")]


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("label=a&operator=%3D~&value=(", "a: not a regular expression of RE2"),
        ("more=severity", "More matchers, letter 1"),
        ("label=a&operator=~&value=b", "it needs a matcher"),
    ],
)
def test_what_cannot_be_read_is_said(responder: Client, file: FleetFileOfTest, query: str, words: str) -> None:
    assert words in text_of(html_of(responder, f"{NEW}?{query}"))


def test_what_cannot_be_read_is_never_asked_for(responder: Client, alert: Episode) -> None:
    page = html_of(responder, f"{NEW}?alertmanager=appsre&label=alertname&operator=%3D&value=Slow&more=severity")
    told = {**form_of(page, length="2h"), "more": "severity"}
    assert "matchers that can be read" in responder.post(NEW, told).content.decode()


def test_the_line_of_the_list_leads_to_the_form(responder: Client, alert: Episode, viewer: Client) -> None:
    path = '/alerts/?filter=alertname%3D"Slow"%2C source_cluster%3D~"stone.*"&alertmanager=appsre'
    page = html_of(responder, path)
    [link] = re.findall(r'href="(/actions/silence/\?filter=[^"]*)"', page)
    asked = parse_qs(urlsplit(html.unescape(link)).query)
    assert asked == {"filter": ['alertname="Slow", source_cluster=~"stone.*"'], "alertmanager": ["appsre"]}
    assert "Hides 2 alerts" in text_of(html_of(responder, html.unescape(link)))
    assert "/actions/silence/" not in html_of(viewer, path)
    assert f'data-silence="/actions/silence/?alert=appsre/{alert.fingerprint}"' in page


def test_without_an_alertmanager_named_it_is_the_one_where_it_hides_most(responder: Client, alert: Episode) -> None:
    fires("Far", alertmanager="rhobs")
    assert "on <bdi>rhobs</bdi>" in html_of(responder, f'{NEW}?filter=alertname%3D"Far"')


@pytest.mark.parametrize(("role", "status"), [(Role.VIEWER, 403), (Role.RESPONDER, 200)])
def test_viewers_get_no_form(
    signed_in: Callable[[Role | None], Client], alert: Episode, role: Role, status: int
) -> None:
    answer = signed_in(role).get(address(alert))
    assert answer.status_code == status
    assert ('id="silence"' in answer.content.decode()) is (status == 200)
    assert ('id="matchers"' in answer.content.decode()) is (status == 200)


def test_a_refused_attempt_is_written_down(viewer: Client, responder: Client, alert: Episode) -> None:
    told = form_of(html_of(responder, address(alert)), length="2h")
    answer = viewer.post(NEW, told)
    assert answer.status_code == 403
    request = ActionRequest.objects.get()
    assert (request.state, request.username) == (State.REFUSED, "viewer-person")
    assert AuditLine.objects.get().event == "refused"


@pytest.mark.parametrize(
    "told",
    [
        {"do": "sync"},
        {"do": "silence", "alertmanager": "nowhere", "length": "2h"},
        {"do": "silence", "silence": "appsre/gone", "length": "2h"},
        {"do": "silence", "alert": "appsre/gone", "length": "2h"},
        {"do": "silence", "alertmanager": "appsre"},
        {"do": "silence", "alertmanager": "appsre", "until": "soon"},
        {"do": "silence", "alertmanager": "appsre", "until": "0001-01-01T00:00+23:59"},
        {"do": "silence", "alertmanager": "appsre", "until": "9999-12-31T23:59-23:59"},
        {"do": "silence", "alertmanager": "appsre", "until": "2026-11-24T22:57", "length": "2h"},
        {"do": "silence", "alertmanager": "appsre", "length": "2h", "form": "x"},
    ],
)
def test_a_form_that_makes_no_sense_is_told_so(responder: Client, file: FleetFileOfTest, told: dict[str, str]) -> None:
    answer = responder.post(NEW, {"form": "11111111-2222-3333-4444-555555555555", **told})
    assert answer.status_code == 409
    assert not ActionRequest.objects.exists()


def test_an_end_may_be_a_moment(responder: Client, alert: Episode) -> None:
    until = (database_now() + timedelta(hours=3)).strftime("%Y-%m-%dT%H:%M")
    responder.post(NEW, form_of(html_of(responder, address(alert)), until=until))
    ends_at = wanted_of(ActionRequest.objects.get()).ends_at
    assert ends_at
    assert ends_at.strftime("%Y-%m-%dT%H:%M") == until


# --- one that is there ------------------------------------------------------------------------------------------------


def test_a_silence_is_extended_from_its_row(responder: Client, alert: Episode) -> None:
    silence_row("s1", matchers=SLOW, comment="upgrade [request 11111111-2222-3333-4444-555555555555]")
    page = html_of(responder, LIST)
    [link] = re.findall(r'class="copy" href="([^"]*do=silence-edit[^"]*)"', page)
    form = html_of(responder, html.unescape(link))
    assert rows_of(form)[:2] == [("alertname", "=", "Slow"), ("source_cluster", "=~", "stone-.*")]
    assert 'name="reason" value="upgrade"' in form
    assert "Keep its end</button>" in form
    responder.post(NEW, form_of(form, length="4h"))
    request = ActionRequest.objects.get(parent=None)
    assert (request.action, request.state, request.steps.count()) == (Action.SILENCE_EDIT, State.APPROVED, 1)
    assert wanted_of(request).silence_id == "s1"


def test_behind_observatorium_a_change_is_two_steps_without_the_tenants_matcher(
    responder: Client, alert: Episode
) -> None:
    tenant = {"name": "tenant_id", "value": "t", "is_regex": False, "is_equal": True}
    silence_row("s1", alertmanager="rhobs", matchers=[tenant, *SLOW])
    form = html_of(responder, f"{NEW}?silence=rhobs/s1&do=silence-edit")
    assert "tenant_id" not in form
    responder.post(NEW, form_of(form, length="1h"))
    request = ActionRequest.objects.get(parent=None)
    steps = request.steps.order_by("position")
    assert [(each.action, wanted_of(each).silence_id) for each in steps] == [("silence", ""), ("silence-expire", "s1")]


def test_a_silence_is_expired_by_one_click_that_says_what_comes_back(responder: Client, alert: Episode) -> None:
    silence_row("s1", matchers=SLOW)
    page = html_of(responder, f"{NEW}?silence=appsre/s1&do=silence-expire")
    assert "2 alerts that it fits fire now, and notify again" in text_of(page)
    told = form_of(page, reason="", ticket="")
    assert responder.post(NEW, told).status_code == 303
    request = ActionRequest.objects.get()
    assert (request.action, wanted_of(request).silence_id) == (Action.SILENCE_EXPIRE, "s1")


def test_the_list_says_who_why_until_when_and_what_each_hides(responder: Client, alert: Episode) -> None:
    Episode.objects.filter(pk=alert.pk).update(state="silenced", silenced_by=["s1"])
    made = request_row(Action.SILENCE, State.SUCCEEDED, options={"alertmanager": "appsre", "made": "s1"})
    silence_row("s1", matchers=SLOW, comment=f"upgrade (K-1) [request {made.pk}]")
    silence_row("s2", matchers=SLOW[:1], created_by="", comment="", ends_at=database_now() + timedelta(minutes=10))
    silence_row("s3", matchers=SLOW[:1], state="pending", starts_at=database_now() + timedelta(hours=1))
    silence_row("s4", matchers=SLOW[:1], state="expired", ends_at=ago(hours=2), comment=HOSTILE)
    silence_row("s5", matchers=SLOW[:1], state="expired", ends_at=ago(hours=30), comment="long ago")
    page = html_of(responder, LIST)
    text = text_of(page)
    first = page[page.index('data-row="appsre/s1"') :].partition("</tr>")[0]
    assert "1 alert</a>" in first
    assert f'href="/actions/{made.pk}/">request</a>' in first
    assert "upgrade (K-1)" in first
    assert "[request" not in text
    second = page[page.index('data-row="appsre/s2"') :].partition("</tr>")[0]
    assert "nobody named" in second
    assert "elsewhere" in second
    assert "ends soon" in second
    assert page.index("appsre/s2") < page.index("appsre/s1") < page.index("appsre/s3") < page.index("appsre/s4")
    assert "long ago" not in text
    assert "<img" not in page


def test_viewers_see_the_list_without_what_changes_it(viewer: Client, alert: Episode) -> None:
    silence_row("s1", matchers=SLOW)
    page = html_of(viewer, LIST)
    assert "Extend…" not in page
    assert "Expire…" not in page
    assert "Slow" in page


def test_a_list_that_is_cut_says_so(viewer: Client, file: FleetFileOfTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "MOST_ON", 2)
    monkeypatch.setattr(listing, "MOST_OVER", 1)
    for number in range(2):
        silence_row(f"on-{number}", ends_at=database_now() + timedelta(hours=number + 1))
    silence_row("over-0", state="expired", ends_at=ago(hours=1))
    whole = text_of(html_of(viewer, LIST))
    assert "There are more silences" not in whole
    assert "more ended" not in whole
    silence_row("on-2", ends_at=database_now() + timedelta(hours=9))
    silence_row("over-1", state="expired", ends_at=ago(hours=2))
    page = html_of(viewer, LIST)
    assert "the 2 that end first are shown" in text_of(page)
    assert "The last 1 are shown: more ended." in text_of(page)
    assert "on-2" not in page


def test_an_empty_list_says_so(viewer: Client, file: FleetFileOfTest) -> None:
    assert "Nothing is silenced." in text_of(html_of(viewer, LIST))


def test_a_silence_that_ends_soon_and_hides_something_is_announced_on_now(viewer: Client, alert: Episode) -> None:
    Episode.objects.filter(pk=alert.pk).update(state="silenced", silenced_by=["s1"])
    silence_row("s1", matchers=SLOW[:1], ends_at=database_now() + timedelta(minutes=10))
    silence_row("s2", matchers=SLOW[1:], ends_at=database_now() + timedelta(minutes=10))
    silence_row("s3", matchers=SLOW[1:], ends_at=database_now() + timedelta(hours=2))
    text = text_of(html_of(viewer, "/"))
    assert 'Silence of alertname="Slow" by remy ends in' in text
    assert "1 alert will notify again." in text
    assert text.count("Silence of") == 1


def test_policies_show_what_is_asked_of_silences(viewer: Client, file: FleetFileOfTest) -> None:
    file.put(FLEET + "policies: [{name: short, match: {actions: [silence]}, longest_silence: 1h, most_hidden: 5}]")
    text = text_of(html_of(viewer, "/actions/policies/"))
    assert "silences (built in)" in text
    assert "at most 8 h" in text
    assert "hides at most 5 alerts" in text


def test_where_an_alert_is_silenced_the_reason_stands_without_the_requests_id(viewer: Client, alert: Episode) -> None:
    Episode.objects.filter(pk=alert.pk).update(state="silenced", silenced_by=["s1"])
    silence_row("s1", matchers=SLOW, comment="upgrade (K-1) [request 11111111-2222-3333-4444-555555555555]")
    for path in ("/alerts/", f"/alerts/appsre/{alert.fingerprint}/"):
        text = text_of(html_of(viewer, path))
        assert "upgrade (K-1)" in text
        assert "[request" not in text
