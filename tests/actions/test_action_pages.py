"""Pages of actions: what can be asked for where, what has to be given, and what came of it."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.test import Client
from pytest_django import Settings

from apps.accounts.models import Person, Role
from apps.actions.asking import address_of, value_of
from apps.actions.audit import audit_note
from apps.actions.case import Live
from apps.actions.choosing import choices_address
from apps.actions.digests import digest_of_row
from apps.actions.models import ActionRequest, AuditLine, Freeze
from apps.actions.options import Options
from apps.actions.states import Action, State
from apps.core.clock import database_now
from apps.gitops.models import Application
from tests.actions.bulks import applications
from tests.actions.cases import NAME, freeze_row, live, prunable, request_row, running
from tests.conftest import BACKEND, person_with
from tests.fleet_in_force import FleetFileOfTest
from tests.pages import HOSTILE, html_of, queries_of, text_of
from tests.rows import REVISION, ago, application_row, broken

pytestmark = pytest.mark.django_db

NEW, LIST, FREEZES = "/actions/new/", "/actions/", "/actions/freezes/"
PAGE = f"/apps/production/argocd/{NAME}/"
BUTTON = re.compile(r'<button[^>]* form="act"[^>]*name="do" value="([^"]+)"[^>]*>([^<]+)</button>')
FLEET = """
environments: [{name: staging, rings: [1]}, {name: production}]
clusters:
  - {name: stg-member, role: member, environment: staging, ring: 1}
  - {name: stone-prd-m01, role: member, environment: production}
"""


class ArgoCD:
    """What the live look sees, and which requests a worker was told of."""

    def __init__(self) -> None:
        self.seen = live()
        self.sent: list[UUID] = []

    def look(self, *_: Any, **__: Any) -> Live:
        return self.seen


@pytest.fixture(autouse=True)
def argocd(tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> ArgoCD:
    """Argo CD answers that all is well; a worker would be told, and is not there."""
    FleetFileOfTest(tmp_path, settings).put(FLEET)
    told = ArgoCD()
    monkeypatch.setattr("apps.actions.preflight.live_look", told.look)
    monkeypatch.setattr("apps.actions.views.send_soon", told.sent.append)
    return told


def value_shown(application: Application, action: Action = Action.SYNC, options: Options | None = None) -> str:
    """What a button says of what the page shows."""
    return value_of(action, application, digest_of_row(application, options or Options()))


def asked(client: Client, value: str, **fields: Any) -> Any:
    """A button of a page is pressed; `form` is the page's own name."""
    return client.post(NEW, {"form": str(uuid4()), "do": value, **fields})


def fields_of(page: str) -> dict[str, str]:
    """The hidden fields and the button of the preflight's form, as a browser sends them."""
    form = page.partition('id="preflight"')[2].partition("</form>")[0]
    pairs = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form)
    button = re.findall(r'<button class="button main" name="do" value="([^"]+)"', form)
    return {name: html.unescape(value) for name, value in [*pairs, *(("do", value) for value in button)]}


class TestOneClick:
    """Nothing speaks against it: one click in all."""

    def test_a_resync_is_asked_for_and_a_worker_told(
        self, responder: Client, argocd: ArgoCD, django_capture_on_commit_callbacks: Callable[..., Any]
    ) -> None:
        application = application_row()
        with django_capture_on_commit_callbacks(execute=True):
            answer = asked(responder, value_shown(application))
        request = ActionRequest.objects.get()
        assert (answer.status_code, answer["Location"]) == (303, f"/actions/{request.pk}/")
        assert (request.state, request.action, request.name) == (State.APPROVED, Action.SYNC, NAME)
        assert (request.username, request.role, request.address) == ("responder-person", "responder", "127.0.0.1")
        assert argocd.sent == [request.pk]

    def test_a_double_click_is_one_request(self, responder: Client) -> None:
        value, form = value_shown(application_row()), str(uuid4())
        places = [responder.post(NEW, {"form": form, "do": value})["Location"] for _ in range(2)]
        assert places[0] == places[1]
        assert ActionRequest.objects.count() == 1

    def test_two_buttons_of_one_page_are_two_requests(self, responder: Client) -> None:
        form = str(uuid4())
        for name in (NAME, "has-stone-prd-m01"):
            responder.post(NEW, {"form": form, "do": value_shown(application_row(name), Action.REFRESH)})
        assert ActionRequest.objects.count() == 2

    def test_the_page_shows_a_button_that_says_what_it_shows(self, responder: Client) -> None:
        application = application_row()
        found = {html.unescape(value): word for value, word in BUTTON.findall(html_of(responder, PAGE))}
        assert found == {
            value_shown(application, Action.SYNC): "Resync",
            value_shown(application, Action.DRY_RUN): "Dry run",
            value_shown(application, Action.REFRESH): "Refresh",
            value_shown(application, Action.HARD_REFRESH): "Hard refresh",
        }

    def test_a_name_with_a_separator_in_it_is_found_again(self, responder: Client) -> None:
        application = application_row("odd|name%2F&")
        assert asked(responder, value_shown(application, Action.REFRESH)).status_code == 303
        assert ActionRequest.objects.get().name == "odd|name%2F&"


class TestPreflight:
    """Something has to be known, given or changed first."""

    def test_a_warning_is_shown_and_one_confirmation_runs_it(self, responder: Client, argocd: ArgoCD) -> None:
        application = drifting(argocd)
        first = asked(responder, value_shown(application))
        page = first.content.decode()
        assert first.status_code == 200
        assert "Look at this first. Nothing was sent yet." in page
        assert "Auto-sync and self-heal" in page
        assert not ActionRequest.objects.exists()
        answer = responder.post(NEW, fields_of(page))
        assert answer.status_code == 303
        assert ActionRequest.objects.get().guards != []

    def test_the_confirmed_request_has_the_id_of_the_click(self, responder: Client, argocd: ArgoCD) -> None:
        page = asked(responder, value_shown(drifting(argocd))).content.decode()
        responder.post(NEW, fields_of(page))
        assert str(ActionRequest.objects.get().pk) == fields_of(page)["id"]

    def test_what_changed_since_the_page_was_shown_is_named_with_409(self, responder: Client, argocd: ArgoCD) -> None:
        application = application_row()
        argocd.seen = live(sync_revision="b" * 40)
        answer = asked(responder, value_shown(application))
        assert answer.status_code == 409
        assert "It has changed since you looked: revision." in text_of(answer.content.decode())
        assert not ActionRequest.objects.exists()
        assert responder.post(NEW, fields_of(answer.content.decode())).status_code == 303

    def test_prune_in_production_wants_the_name_and_a_reason_and_lists_what_goes(
        self, responder: Client, argocd: ArgoCD
    ) -> None:
        application = application_row()
        argocd.seen = live(prunable("old-settings"), prunable("hook", hook=True))
        first = asked(responder, value_shown(application), prune="on")
        page = first.content.decode()
        assert first.status_code == 409, "what prune would delete was not shown before"
        assert "Prune deletes 1 resource:" in text_of(page)
        assert "old-settings" in page.partition('id="doomed"')[2].partition("</ul>")[0]
        given = {**fields_of(page), "prune": "on"}
        second = responder.post(NEW, {**given, "typed_name": "wrong"})
        assert "Still needed: the Application's name, typed, a reason." in text_of(
            html.unescape(second.content.decode())
        )
        assert 'name="typed_name" value="wrong"' in second.content.decode()
        answer = responder.post(NEW, {**given, "typed_name": NAME, "reason": "left over", "ticket": "K-1"})
        assert answer.status_code == 303
        request = ActionRequest.objects.get()
        assert (request.reason, request.ticket, request.options) == ("left over", "K-1", {"prune": True})

    def test_other_options_than_were_shown_are_not_confirmed_by_the_button(
        self, responder: Client, argocd: ArgoCD
    ) -> None:
        application = staging_row()
        page = responder.get(address_of(Action.SYNC, application)).content.decode()
        answer = responder.post(NEW, {**fields_of(page), "force": "on"})
        assert answer.status_code == 200
        assert "Replace and force" in answer.content.decode() or "force" in answer.content.decode()
        assert not ActionRequest.objects.exists()
        assert responder.post(NEW, {**fields_of(answer.content.decode()), "force": "on"}).status_code == 303

    def test_a_refusal_says_why_has_no_button_to_send_it_and_is_written_down(
        self, responder: Client, argocd: ArgoCD
    ) -> None:
        freeze_row()
        answer = asked(responder, value_shown(application_row()))
        page, request = answer.content.decode(), ActionRequest.objects.get()
        assert (answer.status_code, request.state) == (200, State.REFUSED)
        assert "Not done: nothing was sent." in page
        assert "release night" in page
        assert 'id="preflight"' not in page
        assert request.get_absolute_url() in page
        assert argocd.sent == []

    def test_a_running_operation_offers_to_take_over(self, responder: Client, argocd: ArgoCD) -> None:
        application = application_row()
        argocd.seen = live(operation=running())
        page = asked(responder, value_shown(application)).content.decode()
        taken = [html.unescape(value) for value, word in BUTTON.findall(page) if word.startswith("Take over")]
        assert [value.split("|")[0] for value in taken] == ["take-over"]
        answer = asked(responder, taken[0])
        assert answer.status_code == 200
        answer = responder.post(NEW, {**fields_of(answer.content.decode()), "reason": "it retries for ever"})
        assert answer.status_code == 303
        request = ActionRequest.objects.get(action=Action.TAKE_OVER)
        assert request.steps.count() == 2

    def test_a_viewer_is_refused_with_403_and_sees_no_button(self, viewer: Client) -> None:
        application = application_row()
        answer = asked(viewer, value_shown(application))
        assert answer.status_code == 403
        assert 'id="preflight"' not in answer.content.decode()
        for path in (PAGE, "/apps/", "/", "/apps/matrix/", f"/search/?q={NAME}", FREEZES):
            assert 'name="do"' not in html_of(viewer, path)
            assert "/actions/new/?" not in html_of(viewer, path)

    def test_a_responder_of_another_scope_is_refused_with_403(self, responder: Client) -> None:
        Person.objects.update(scope={"environments": ["staging"]})
        assert asked(responder, value_shown(application_row())).status_code == 403

    def test_the_address_shows_the_same_and_sends_nothing(self, responder: Client) -> None:
        application = application_row()
        page = responder.get(address_of(Action.SYNC, application, Options(apply_out_of_sync_only=True)))
        told = page.content.decode()
        assert page.status_code == 200
        assert "Nothing speaks against it. Nothing was sent yet." in told
        assert 'name="out_of_sync" value="on" checked' in told
        assert not ActionRequest.objects.exists()
        assert responder.post(NEW, {**fields_of(told), "out_of_sync": "on"}).status_code == 303

    def test_chosen_resources_are_sent_alone(self, responder: Client, argocd: ArgoCD) -> None:
        application = application_row()
        argocd.seen = live(prunable("one"), prunable("two"))
        page = responder.get(address_of(Action.SYNC, application)).content.decode()
        values = [html.unescape(value) for value in re.findall(r'name="resource" value="([^"]+)"', page)]
        assert values == ["|ConfigMap|backup|one", "|ConfigMap|backup|two"]
        answer = responder.post(NEW, {**fields_of(page), "resource": values[1]})
        assert answer.status_code == 303
        assert [each["name"] for each in ActionRequest.objects.get().options["resources"]] == ["two"]

    @pytest.mark.parametrize(
        ("fields", "words"),
        [
            ({"do": "no-such|a/b/c|"}, "There is no such action"),
            ({"do": "sync|production/argocd/gone|"}, "There is no Application gone any more"),
            ({"do": "sync|nonsense|"}, "The form names no Application"),
            ({"do": ""}, "There is no such action"),
            ({"do": f"sync|production/argocd/{NAME}|", "form": "x"}, "The form is not whole"),
            ({"do": f"sync|production/argocd/{NAME}|", "resource": "x"}, "The form names no resource"),
            ({"do": f"freeze|production/argocd/{NAME}|"}, "is not asked for here"),
        ],
    )
    def test_what_cannot_be_read_is_said(self, responder: Client, fields: dict[str, str], words: str) -> None:
        application_row()
        answer = responder.post(NEW, {"form": str(uuid4()), **fields})
        assert answer.status_code == 409
        assert words in html.unescape(answer.content.decode())
        assert not ActionRequest.objects.exists()

    def test_a_form_without_its_token_is_refused(self) -> None:
        browser = Client(enforce_csrf_checks=True)
        browser.force_login(person_with("kim", Role.RESPONDER), backend=BACKEND)
        application = application_row()
        assert asked(browser, value_shown(application)).status_code == 403
        page = browser.get(PAGE).content.decode()
        token = page.split('name="csrfmiddlewaretoken" value="')[1].split('"')[0]
        assert asked(browser, value_shown(application), csrfmiddlewaretoken=token).status_code == 303

    def test_text_of_upstreams_is_text(self, responder: Client, argocd: ArgoCD) -> None:
        application = application_row(HOSTILE)
        argocd.seen = live(prunable(HOSTILE), name=HOSTILE, operation=running(message=HOSTILE))
        page = responder.get(address_of(Action.SYNC, application, Options(prune=True))).content.decode()
        assert "<img src=x" not in page
        assert html.escape(HOSTILE) in page


def drifting(argocd: ArgoCD) -> Application:
    """An Application that self-heal has not healed for an hour: a warning."""
    argocd.seen = live(self_heal=True, sync_status="OutOfSync")
    return application_row(self_heal=True, sync_status="OutOfSync", sync_since=ago(hours=1))


def staging_row(name: str = NAME) -> Application:
    return application_row(name, environment="staging", cluster="stg-member")


class TestRequest:
    """The page of one request."""

    @pytest.mark.parametrize("state", list(State))
    @pytest.mark.parametrize("action", [Action.SYNC, Action.BULK_SYNC, Action.FREEZE])
    def test_each_state_is_said_in_words(self, responder: Client, action: Action, state: State) -> None:
        request = request_row(action, state, name=NAME if action is Action.SYNC else "")
        page = html_of(responder, request.get_absolute_url())
        assert state.label in text_of(page)
        assert f"pill {state.tone}" in page

    def test_the_operation_its_resources_and_the_audit_log_are_told(self, responder: Client) -> None:
        application_row()
        kept = {
            "phase": "Failed",
            "message": "one of two failed",
            "started_at": "2026-11-24T09:00:00+00:00",
            "finished_at": None,
            "retry_count": 2,
            "resources": [
                {
                    "group": "",
                    "version": "v1",
                    "kind": "ConfigMap",
                    "namespace": "a",
                    "name": "good",
                    "status": "Synced",
                },
                {
                    "group": "",
                    "version": "v1",
                    "kind": "Secret",
                    "namespace": "a",
                    "name": "bad",
                    "status": "SyncFailed",
                    "message": HOSTILE,
                },
            ],
        }
        request = request_row(
            state=State.FAILED,
            operation=kept,
            outcome="It failed",
            answer="rpc error",
            reason="drift",
            ticket="K-1",
            guards=[
                {"guard": "prune", "answer": "pass", "words": "prune is off", "link": ""},
                {"guard": "order", "answer": "warn", "words": "staging is behind", "link": "/apps/"},
            ],
        )
        with transaction.atomic():
            audit_note(event="failed", who="portal", request=request, words="it ended so")
        page = html_of(responder, request.get_absolute_url())
        told = text_of(page)
        for words in (
            "It failed",
            "rpc error",
            "one of two failed",
            "tried again 2 times",
            "drift",
            "K-1",
            "it ended so",
        ):
            assert words in told
        assert told.index("Secret") < told.index("ConfigMap"), "what failed first"
        assert told.index("staging is behind") < told.index("1 more checks pass")
        assert "<img src=x" not in page

    def test_a_link_of_a_guard_leads_nowhere_else(self, responder: Client) -> None:
        guards = [{"guard": "order", "answer": "warn", "words": "x", "link": "javascript:alert(1)"}]
        page = html_of(responder, request_row(guards=guards).get_absolute_url())
        assert "javascript:" not in page

    def test_what_has_ended_can_be_tried_again_with_the_same_options(self, responder: Client) -> None:
        application_row()
        request = request_row(state=State.FAILED, options={"prune": True})
        page = html.unescape(html_of(responder, request.get_absolute_url()))
        assert "prune=on" in re.findall(r'<a class="button" href="([^"]+)">Try again', page)[0]

    def test_it_is_there_when_its_application_is_gone(self, viewer: Client) -> None:
        request = request_row(state=State.SUCCEEDED)
        assert "not there any more" in text_of(html_of(viewer, request.get_absolute_url()))

    def test_a_request_that_is_not_there_is_not_found(self, viewer: Client) -> None:
        assert viewer.get(f"/actions/{uuid4()}/").status_code == 404

    def test_it_asks_again_when_it_changes(self, viewer: Client) -> None:
        request = request_row(state=State.RUNNING)
        assert f'data-topics="action:{request.pk} sources"' in html_of(viewer, request.get_absolute_url())

    def test_a_bulk_shows_its_waves_with_what_failed_open_and_first(self, responder: Client) -> None:
        request = request_row(Action.BULK_SYNC, State.RUNNING, name="", subject="3 applications")
        for position, (wave, state) in enumerate([(1, State.SUCCEEDED), (2, State.RUNNING), (2, State.FAILED)]):
            request_row(Action.SYNC, state, parent=request, wave=wave, position=position, name=f"app{position}")
        page = html_of(responder, request.get_absolute_url())
        told = text_of(page)
        assert "Wave 1: 1 succeeded" in told
        assert "Wave 2: 1 failed, 1 running" in told
        assert 'id="wave-1">' in page
        assert 'id="wave-2" open>' in page
        assert told.index("app2") < told.index("app1")

    def test_two_hundred_steps_cost_no_more_queries_than_two(self, responder: Client) -> None:
        request = request_row(Action.BULK_SYNC, State.RUNNING, name="")
        url = request.get_absolute_url()
        for number in range(2):
            request_row(state=State.PLANNED, parent=request, wave=1, position=number, name=f"app{number}")
        few = queries_of(responder, url)
        for number in range(2, 200):
            request_row(state=State.PLANNED, parent=request, wave=2, position=number, name=f"app{number}")
        assert queries_of(responder, url) == few


class TestAnswers:
    """Approve, withdraw, set aside, pause, resume, end."""

    def test_an_approver_lets_go_what_somebody_else_asked_for(
        self, approver: Client, argocd: ArgoCD, django_capture_on_commit_callbacks: Callable[..., Any]
    ) -> None:
        application_row()
        request = request_row(state=State.WAITING, sent_at=None)
        assert 'value="approve"' in html_of(approver, request.get_absolute_url())
        with django_capture_on_commit_callbacks(execute=True):
            answer = approver.post(f"/actions/{request.pk}/answer/", {"do": "approve", "note": "fine"})
        request.refresh_from_db()
        assert (answer.status_code, request.state, request.approver) == (303, State.APPROVED, "approver-person")
        assert argocd.sent == [request.pk]

    def test_nobody_approves_their_own(self, approver: Client) -> None:
        request = request_row(state=State.WAITING, username="approver-person")
        answer = approver.post(f"/actions/{request.pk}/answer/", {"do": "approve"})
        request.refresh_from_db()
        assert (answer.status_code, request.state) == (409, State.WAITING)
        assert "you asked for it yourself" in answer.content.decode()

    def test_a_responder_is_shown_who_can_approve_and_no_button_for_it(self, responder: Client) -> None:
        page = html_of(responder, request_row(state=State.WAITING).get_absolute_url())
        assert 'value="approve"' not in page
        assert "an approver, has to approve it" in text_of(page)

    def test_what_waits_is_withdrawn_by_who_asked(self, responder: Client) -> None:
        request = request_row(state=State.WAITING, username="responder-person")
        responder.post(f"/actions/{request.pk}/answer/", {"do": "withdraw"})
        request.refresh_from_db()
        assert request.state == State.WITHDRAWN

    def test_what_is_unknown_is_set_aside_with_a_note_alone(self, responder: Client) -> None:
        request = request_row(state=State.UNKNOWN, sent_at=ago(minutes=2))
        assert 'value="set-aside"' in html_of(responder, request.get_absolute_url())
        without = responder.post(f"/actions/{request.pk}/answer/", {"do": "set-aside"})
        assert (without.status_code, "Say what you found" in without.content.decode()) == (409, True)
        responder.post(f"/actions/{request.pk}/answer/", {"do": "set-aside", "note": "nothing began"})
        request.refresh_from_db()
        assert request.state == State.NOT_KNOWN

    def test_what_is_under_way_is_set_aside_only_where_argocd_tells_nothing_of_it(self, responder: Client) -> None:
        told = request_row(state=State.RUNNING, name="told", looked_at=ago(seconds=3))
        silent = request_row(state=State.RUNNING, operation={"unanswered_since": ago(minutes=3).isoformat()})
        assert 'value="set-aside"' not in html_of(responder, told.get_absolute_url())
        page = html_of(responder, silent.get_absolute_url())
        assert 'value="set-aside"' in page
        assert "Argo CD has told nothing of it for 3 m" in text_of(page)
        responder.post(f"/actions/{silent.pk}/answer/", {"do": "set-aside", "note": "it is done"})
        silent.refresh_from_db()
        assert silent.state == State.NOT_KNOWN

    def test_a_take_over_that_hangs_is_ended(self, responder: Client) -> None:
        request = request_row(Action.TAKE_OVER, State.RUNNING)
        for position, (action, state) in enumerate([(Action.TERMINATE, State.RUNNING), (Action.SYNC, State.PLANNED)]):
            request_row(action, state, parent=request, position=position, holds=False)
        assert 'value="end"' in html_of(responder, request.get_absolute_url())
        responder.post(f"/actions/{request.pk}/answer/", {"do": "end"})
        request.refresh_from_db()
        assert request.state == State.ENDED

    def test_a_bulk_is_paused_resumed_and_ended(self, responder: Client) -> None:
        request = request_row(Action.BULK_SYNC, State.RUNNING, name="", username="responder-person")
        for word, state in (("pause", State.PAUSED), ("resume", State.RUNNING), ("end", State.ENDED)):
            assert f'value="{word}"' in html_of(responder, request.get_absolute_url())
            responder.post(f"/actions/{request.pk}/answer/", {"do": word})
            request.refresh_from_db()
            assert request.state == state

    def test_nonsense_changes_nothing(self, responder: Client) -> None:
        request = request_row(state=State.WAITING)
        assert responder.post(f"/actions/{request.pk}/answer/", {"do": "explode"}).status_code == 409
        assert responder.get(f"/actions/{request.pk}/answer/").status_code == 405


class TestList:
    """All that was asked for."""

    def test_each_filter_keeps_what_fits(self, viewer: Client) -> None:
        request_row(state=State.FAILED, cluster="m1", username="remy", reason="drift", outcome="boom")
        request_row(Action.REFRESH, name="has-other", subject="has-other", username="ana", approver="ada")
        for query, kept in (
            ("q=boom drift", [NAME]),
            ("q=nothing-like-it", []),
            ("person=rem", [NAME]),
            ("person=ada", ["has-other"]),
            ("application=has-", ["has-other"]),
            ("cluster=m1", [NAME]),
            ("action=refresh", ["has-other"]),
            ("outcome=not-well", [NAME]),
            ("outcome=well", ["has-other"]),
            ("state=failed", [NAME]),
            (f"since={database_now():%Y-%m-%d}", [NAME, "has-other"]),
            ("until=2020-01-01", []),
        ):
            page = html_of(viewer, f"{LIST}?{query}")
            rows = re.findall(r'<span class="name"><bdi>([^<]+)</bdi></span></a></th>', page)
            assert (query, sorted(rows)) == (query, sorted(kept))

    def test_steps_are_listed_where_somebody_looks_for_them(self, viewer: Client) -> None:
        parent = request_row(Action.BULK_SYNC, name="", subject="2 applications")
        request_row(parent=parent, name="step-app", subject="step-app")
        assert "step-app" not in html_of(viewer, LIST)
        assert "step-app" in html_of(viewer, f"{LIST}?application=step")

    def test_what_cannot_be_asked_for_is_said(self, viewer: Client) -> None:
        told = text_of(html_of(viewer, f"{LIST}?since=yesterday&state=no-such&page=9"))
        assert "“yesterday” is not a day" in told
        assert "There is no state “no-such”" in told

    def test_an_empty_list_says_so(self, viewer: Client) -> None:
        assert "Nobody has asked for anything yet." in html_of(viewer, LIST)

    def test_it_is_a_file_too(self, viewer: Client) -> None:
        request = request_row(state=State.FAILED, reason="=1+1")
        rows = viewer.get(f"{LIST}?format=csv").content.decode().splitlines()
        assert rows[0].startswith("request,")
        assert str(request.pk) in rows[1]
        assert "'=1+1" in rows[1]
        told = json.loads(viewer.get(f"{LIST}?format=json").content)
        assert told["rows"][0]["application"] == f"production/argocd/{NAME}"
        assert viewer.get(f"{LIST}?format=csv&state=no-such").status_code == 400

    def test_the_audit_log_is_a_file_of_lines(self, viewer: Client) -> None:
        one, other = request_row(), request_row(name="has-other")
        with transaction.atomic():
            for request in (one, other):
                audit_note(event="requested", who="alex", request=request)
            audit_note(event="verified", who="ada")
        answer = viewer.get("/actions/audit/")
        lines = [json.loads(line) for line in answer.content.decode().splitlines()]
        assert [line["event"] for line in lines] == ["requested", "requested", "verified"]
        assert answer["Content-Type"].startswith("application/jsonl")
        narrowed = viewer.get("/actions/audit/?application=has-").content.decode().splitlines()
        assert [json.loads(line)["request"] for line in narrowed] == [str(other.pk)]
        assert viewer.get("/actions/audit/?since=never").status_code == 400

    def test_queries_are_constant_in_the_number_of_requests(self, viewer: Client) -> None:
        request_row()
        few = queries_of(viewer, LIST)
        for _ in range(30):
            request_row()
        assert queries_of(viewer, LIST) == few


class TestFreezes:
    """The page of freezes, and the banner of every page."""

    def test_a_freeze_begins_is_told_on_every_page_and_ends(self, responder: Client) -> None:
        application_row()
        form = {
            "form": str(uuid4()),
            "do": "freeze",
            "what": "environment|production",
            "length": "2h",
            "reason": "gala",
        }
        for _ in range(2):
            assert responder.post(FREEZES, form)["Location"] == FREEZES
        freeze = Freeze.objects.get()
        assert freeze.ends_at - freeze.began_at == pytest.approx(timedelta(hours=2), abs=timedelta(seconds=2))
        for path in ("/", "/alerts/", FREEZES, f"/actions/{ActionRequest.objects.get().pk}/"):
            assert "Freeze of environment production: gala" in text_of_all(html_of(responder, path))
        page = html_of(responder, FREEZES)
        assert "auto-sync goes on" in text_of(page)
        assert f'value="unfreeze|{freeze.pk}"' in page
        responder.post(FREEZES, {"form": str(uuid4()), "do": f"unfreeze|{freeze.pk}"})
        told = text_of_all(html_of(responder, FREEZES))
        assert "Freeze of environment" not in told
        assert "Nothing is frozen." in told
        assert "ago, by responder-person" in told

    def test_an_end_can_be_typed(self, responder: Client) -> None:
        application_row()
        until = database_now() + timedelta(hours=3)
        fields = {
            "what": "environment|production",
            "until": f"{until:%Y-%m-%dT%H:%M}",
            "reason": "gala",
            "length": "2h",
        }
        responder.post(FREEZES, {"form": str(uuid4()), "do": "freeze", **fields})
        assert f"{Freeze.objects.get().ends_at:%Y-%m-%dT%H:%M}" == fields["until"]

    @pytest.mark.parametrize(
        ("fields", "words"),
        [
            ({"do": "freeze", "what": "", "reason": "x", "length": "2h"}, "Say what is to be frozen"),
            ({"do": "freeze", "what": "everything", "reason": "", "length": "2h"}, "Say why"),
            ({"do": "freeze", "what": "environment|production", "reason": "x"}, "Say when it ends"),
            ({"do": "freeze", "what": "everything", "reason": "x", "until": "soon"}, "The end is not a moment"),
            ({"do": "freeze", "what": "everything", "reason": "x", "until": "2020-01-01T00:00"}, "lies in the past"),
            ({"do": "unfreeze|99"}, "There is no such freeze"),
            ({"do": "sync"}, "There is no such action"),
        ],
    )
    def test_what_cannot_be_is_said(self, approver: Client, fields: dict[str, str], words: str) -> None:
        application_row()
        answer = approver.post(FREEZES, {"form": str(uuid4()), **fields})
        assert (answer.status_code, words in html.unescape(answer.content.decode())) == (409, True)
        assert not Freeze.objects.exists()

    def test_an_approver_alone_is_offered_everything(self, responder: Client, approver: Client) -> None:
        assert '<option value="everything">' not in html_of(responder, FREEZES)
        assert '<option value="everything">' in html_of(approver, FREEZES)

    def test_a_viewer_sees_what_is_frozen(self, viewer: Client) -> None:
        freeze_row(reason=HOSTILE)
        page = html_of(viewer, FREEZES)
        assert "<img src=x" not in page
        assert 'id="begin"' not in page
        assert "End now" not in page


def text_of_all(page: str) -> str:
    """The whole page's text."""
    return " ".join(re.sub(r"<[^>]*>", "", page).split())


class TestBulk:
    """What a filter shows, wave by wave."""

    URL = "/actions/bulk/?environment=all&cluster=stg-member"

    def test_it_is_shown_before_anything_is_written(self, responder: Client) -> None:
        applications(3)
        application_row()
        page = html_of(responder, self.URL)
        told = text_of(page)
        assert "3 Applications on 1 cluster, in 1 wave" in told
        assert "Wave 1: staging · ring 1 · members , 3 Applications" in told
        assert NAME not in told
        assert not ActionRequest.objects.exists()

    def test_what_a_check_says_of_many_is_one_line_whatever_its_words(self, responder: Client) -> None:
        applications(5, tone="warning", health_status="Degraded", reason="Degraded")
        applications(5, "prd-host")
        page = html_of(responder, "/actions/bulk/?environment=all&cluster=prd-host")
        told, _, waves = page.partition("Wave by wave")
        assert text_of(told).count("Environments and rings") == 1
        assert "for each another reason, told below; the first: where the change comes first" in text_of(told)
        names = "app000-prd-host, app001-prd-host, app002-prd-host and 2 more"
        assert f"5: {names}" in text_of(told)
        assert all(f"app00{number}-stg-member (staging): Degraded" in waves for number in range(5))

    def test_it_is_written_with_its_steps(self, responder: Client, argocd: ArgoCD) -> None:
        applications(3)
        page = html_of(responder, self.URL)
        answer = responder.post(self.URL, fields_of(page))
        request = ActionRequest.objects.get(action=Action.BULK_SYNC)
        assert (answer.status_code, answer["Location"]) == (303, request.get_absolute_url())
        assert request.steps.count() == 3
        assert argocd.sent == [], "its steps are begun one after the other"
        assert responder.post(self.URL, fields_of(page))["Location"] == request.get_absolute_url()

    def test_what_fits_by_then_is_shown_again_with_409(self, responder: Client) -> None:
        applications(3)
        fields = fields_of(html_of(responder, self.URL))
        staging_row("another")
        answer = responder.post(self.URL, fields)
        assert answer.status_code == 409
        assert "has changed since you looked" in text_of(answer.content.decode())
        assert not ActionRequest.objects.exists()

    def test_production_wants_a_reason(self, responder: Client) -> None:
        application_row()
        url = "/actions/bulk/?environment=all&cluster=stone-prd-m01"
        answer = responder.post(url, fields_of(html_of(responder, url)))
        assert "Still needed: a reason." in text_of(answer.content.decode())
        answer = responder.post(url, {**fields_of(answer.content.decode()), "reason": "drift"})
        assert answer.status_code == 303

    def test_all_refused_is_no_bulk(self, responder: Client) -> None:
        applications(2)
        freeze_row()
        page = html_of(responder, self.URL)
        assert "none of them may be synced now" in text_of(page)
        assert 'id="preflight"' not in page

    def test_a_filter_that_means_nothing_syncs_nothing(self, responder: Client) -> None:
        applications(2)
        told = html.unescape(html_of(responder, "/actions/bulk/?environment=all&sync=no-such", status=409))
        assert "More than was meant would be synced" in told
        none = html_of(responder, "/actions/bulk/?environment=all&q=no-such", status=409)
        assert "No application is chosen" in none

    def test_a_viewer_is_refused(self, viewer: Client) -> None:
        applications(1)
        assert viewer.get(self.URL).status_code == 403

    def test_the_list_and_the_matrix_lead_to_it(self, responder: Client) -> None:
        broken(NAME)
        page = html.unescape(html_of(responder, "/apps/?environment=all&tone=warning"))
        assert re.findall(r'href="(/actions/bulk/[^"]+)">Resync these 1…', page) == [
            "/actions/bulk/?environment=all&tone=warning"
        ]
        page = html.unescape(html_of(responder, "/apps/matrix/?environment=all"))
        [address] = re.findall(r'href="(/actions/bulk/[^"]+)"', page)
        assert "set=build-service" in address


class TestElsewhere:
    """Buttons on the pages that there were."""

    def test_rows_have_a_button_and_an_address_for_the_key(self, responder: Client) -> None:
        application = broken(NAME)
        for path in ("/", "/apps/"):
            page = html.unescape(html_of(responder, path))
            assert value_shown(application) in page
            assert f'data-resync="{address_of(Action.SYNC, application)}"' in page

    def test_search_leads_to_the_page_that_asks_first(self, responder: Client) -> None:
        application = application_row()
        for path in ("/search/", "/search/box/"):
            page = responder.get(f"{path}?q={NAME}").content.decode()
            assert address_of(Action.SYNC, application) in html.unescape(page)
            assert f'href="{choices_address(application)}"' in html.unescape(page)

    def test_search_offers_a_viewer_no_action(self, viewer: Client) -> None:
        application = application_row()
        for path in ("/search/", "/search/box/"):
            page = html.unescape(viewer.get(f"{path}?q={NAME}").content.decode())
            assert application.name in page
            assert choices_address(application) not in page

    def test_what_is_folded_into_one_row_of_now_leads_to_the_actions_of_each(
        self, responder: Client, viewer: Client
    ) -> None:
        together = [broken(f"{name}-stone-prd-m01", instance="production") for name in ("one", "two", "three")]
        page, counted = html.unescape(html_of(responder, "/")), queries_of(responder, "/")
        assert "3 Applications" in text_of(page)
        assert all(f'href="{choices_address(each)}"' in page for each in together)
        assert choices_address(together[0]) not in html.unescape(html_of(viewer, "/"))
        for number in range(4):
            broken(f"more-{number}-stone-prd-m01")
        assert queries_of(responder, "/") == counted

    def test_the_page_says_what_is_under_way(self, viewer: Client) -> None:
        application_row()
        request = request_row(state=State.RUNNING)
        request_row(state=State.FAILED, username="nobody-else")
        page = html_of(viewer, PAGE)
        assert f'<a href="{request.get_absolute_url()}">Resync by <bdi>alex</bdi>: running</a>' in page
        assert "nobody-else" not in page

    def test_a_running_operation_can_be_terminated_and_taken_over(self, responder: Client) -> None:
        operation = {"phase": "Running", "started_at": "2026-11-24T09:00:00Z"}
        application = application_row(operation=operation, operation_phase="Running", operation_since=ago(minutes=2))
        page = html.unescape(html_of(responder, PAGE))
        assert value_shown(application, Action.TERMINATE) in page
        assert address_of(Action.TAKE_OVER, application) in page

    def test_a_list_of_many_costs_no_more_queries_for_its_buttons(self, responder: Client) -> None:
        broken("one", operation={"phase": "Failed", "started_at": "2026-11-24T09:00:00Z"})
        few = [queries_of(responder, f"{path}?environment=all") for path in ("/", "/apps/")]
        for number in range(30):
            broken(f"app{number}", operation={"phase": "Failed", "started_at": "2026-11-24T09:00:00Z"})
        assert [queries_of(responder, f"{path}?environment=all") for path in ("/", "/apps/")] == few


def test_policies_are_shown_with_how_strict_each_check_is(viewer: Client) -> None:
    told = text_of(html_of(viewer, "/actions/policies/"))
    assert "prune in production (built in)" in told
    assert "Operation under way" in told


def test_without_a_fleet_file_nothing_is_sent_and_that_is_said(responder: Client, settings: Settings) -> None:
    application = application_row()
    settings.PORTAL_FLEET = ""
    for answer in (asked(responder, value_shown(application)), responder.get("/actions/policies/")):
        assert answer.status_code == 503
        assert "No fleet file is in force" in answer.content.decode()
    assert not ActionRequest.objects.exists()


def test_every_page_needs_somebody_with_a_role(client: Client, nobody: Client) -> None:
    request = request_row()
    for path in (
        LIST,
        NEW,
        FREEZES,
        "/actions/policies/",
        "/actions/bulk/",
        "/actions/audit/",
        f"/actions/{request.pk}/",
    ):
        assert client.get(path).status_code == 302
        assert nobody.get(path).status_code == 403


def test_asking_writes_into_the_audit_log(responder: Client) -> None:
    asked(responder, value_shown(application_row()))
    assert AuditLine.objects.get().who == User.objects.get(username="responder-person").username
    assert REVISION in json.dumps(AuditLine.objects.get().what)
