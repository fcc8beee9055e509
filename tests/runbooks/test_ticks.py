"""Steps of a runbook are ticked off for one alert, by who may act there, and everybody sees it."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import Settings

from apps.accounts.models import Person, Role
from apps.alerts.models import Episode
from apps.core.clock import database_now
from apps.core.topics import version_of
from apps.runbooks.models import Runbook, RunbookTree, Tick, UndoneTick
from apps.runbooks.rendering import rendered
from tests.conftest import BACKEND
from tests.fleet_in_force import FleetFileOfTest
from tests.rows import ago, application_row, episode_row

pytestmark = pytest.mark.database

FLEET = """
runbooks: [{{name: sop, folder: {folder}, urls: ["https://runbooks.example/<path>"]}}]
runbook_values: {{what: pod}}
"""
TEXT = "# Errors\n\n1. Look: `oc -n <namespace> get pods $WHAT`\n2. Restart\n\n- [ ] Tell"
URL = "https://runbooks.example/api/errors.md"
HTMX = {"HTTP_HX_REQUEST": "true"}


@pytest.fixture(autouse=True)
def fleet(db: None, tmp_path: Path, settings: Settings) -> None:
    """One source of runbooks."""
    FleetFileOfTest(tmp_path, settings).put(FLEET.format(folder=tmp_path))


@pytest.fixture
def runbook() -> Runbook:
    """One with three steps."""
    now = database_now()
    RunbookTree.objects.create(source="sop", read_at=now)
    return Runbook.objects.create(source="sop", path="api/errors.md", title="Errors", text=TEXT, read_at=now)


@pytest.fixture
def episode(runbook: Runbook) -> Episode:
    """An alert that links it."""
    labels = {"namespace": "build-service", "pod": "api-1"}
    return episode_row(labels=labels, annotations={"runbook_url": URL}, runbook_url=URL)


def keys(runbook: Runbook) -> list[str]:
    return [step.key for step in rendered(runbook).steps]


def address(episode: Episode, path: str = "api/errors.md") -> str:
    return f"/runbooks/-/tick/{episode.pk}/sop/{path}"


def tick(client: Client, episode: Episode, step: str, turn: str = "done", **headers: Any) -> Any:
    return client.post(address(episode), {turn: step}, **headers)


def responder_for(scope: dict[str, list[str]]) -> Client:
    user = User.objects.create_user("scoped")
    Person.objects.create(user=user, role=Role.RESPONDER, scope=scope)
    client = Client()
    client.force_login(user, backend=BACKEND)
    return client


def test_a_tick_keeps_who_and_when_and_leads_back_to_the_step(
    responder: Client, runbook: Runbook, episode: Episode
) -> None:
    began, before = database_now(), version_of(["runbook-ticks"])
    answer = tick(responder, episode, keys(runbook)[1])
    [kept] = Tick.objects.all()
    assert (kept.episode, kept.source, kept.path, kept.step) == (episode, "sop", "api/errors.md", keys(runbook)[1])
    assert kept.person == "responder-person"
    assert kept.at >= began
    assert version_of(["runbook-ticks"]) == before + 1
    assert answer.status_code == 303
    moment = quote(episode.began_at.isoformat(), safe=":")
    assert answer["Location"] == f"/alerts/appsre/{episode.fingerprint}/?episode={moment}#rb-step-{keys(runbook)[1]}"


def test_the_first_tick_counts_and_can_be_taken_back_by_anybody_who_may(
    responder: Client, approver: Client, runbook: Runbook, episode: Episode
) -> None:
    step = keys(runbook)[0]
    tick(responder, episode, step)
    tick(approver, episode, step)
    assert [kept.person for kept in Tick.objects.all()] == ["responder-person"]
    tick(approver, episode, step, "undone")
    tick(responder, episode, step, "undone")
    assert not Tick.objects.exists()


def test_what_was_taken_back_is_kept_with_who_ticked_and_who_took_it_back(
    responder: Client, approver: Client, runbook: Runbook, episode: Episode
) -> None:
    step = keys(runbook)[0]
    for client, turn in ((responder, "done"), (approver, "undone"), (approver, "done")):
        tick(client, episode, step, turn)
    [kept], [standing] = UndoneTick.objects.all(), Tick.objects.all()
    assert (kept.episode, kept.source, kept.path, kept.step) == (episode, "sop", "api/errors.md", step)
    assert (kept.person, kept.username, kept.undone_by) == ("responder-person", "responder-person", "approver-person")
    assert kept.at <= kept.undone_at <= standing.at
    assert standing.username == "approver-person"


def test_a_step_says_who_took_its_tick_back_until_it_is_ticked_again(
    responder: Client, approver: Client, runbook: Runbook, episode: Episode
) -> None:
    step = keys(runbook)[0]
    tick(responder, episode, step)
    html = tick(approver, episode, step, "undone", **HTMX).content.decode()
    assert "taken back by <bdi>approver-person</bdi>, <time" in html
    assert "0 of 3 steps done" in html
    assert f'name="done" value="{step}"' in html
    html = tick(responder, episode, step, **HTMX).content.decode()
    assert "taken back" not in html
    assert "1 of 3 steps done" in html


def test_who_only_reads_sees_what_was_taken_back_too(
    responder: Client, viewer: Client, runbook: Runbook, episode: Episode
) -> None:
    step = keys(runbook)[0]
    tick(responder, episode, step)
    tick(responder, episode, step, "undone")
    html = tick(viewer, episode, step, **HTMX).content.decode()
    assert "taken back by <bdi>responder-person</bdi>, <time" in html
    assert "✓" not in html


def test_no_other_runbook_than_the_alerts_own_is_ticked(responder: Client, runbook: Runbook, episode: Episode) -> None:
    other = Runbook.objects.create(source="sop", path="api/other.md", text=TEXT, read_at=database_now())
    answer = responder.post(address(episode, other.path), {"done": keys(other)[0]})
    assert answer.status_code == 409
    assert "not the runbook of the alert" in answer.content.decode()
    assert not Tick.objects.exists()


def test_with_htmx_the_answer_is_the_panel_with_who_and_when(
    responder: Client, runbook: Runbook, episode: Episode
) -> None:
    html = tick(responder, episode, keys(runbook)[0], **HTMX).content.decode()
    assert html.lstrip().startswith('<section class="panel" id="runbook"')
    assert "1 of 3 steps done" in html
    assert "<bdi>responder-person</bdi>, <time" in html
    assert f'name="undone" value="{keys(runbook)[0]}"' in html
    assert f'name="done" value="{keys(runbook)[1]}"' in html
    assert 'title="&lt;namespace&gt;, from the label namespace">build-service</mark>' in html
    assert 'title="$WHAT, from the label pod">api-1</mark>' in html


def test_a_viewer_ticks_nothing_and_is_told_who_may(viewer: Client, runbook: Runbook, episode: Episode) -> None:
    answer = tick(viewer, episode, keys(runbook)[0])
    assert answer.status_code == 403
    assert "Your role is viewer: a responder may do this" in answer.content.decode()
    panel = tick(viewer, episode, keys(runbook)[0], **HTMX)
    assert panel.status_code == 200
    assert "Not ticked. <bdi>Your role is viewer: a responder may do this</bdi>." in panel.content.decode()
    assert 'role="checkbox"' not in panel.content.decode()
    assert not Tick.objects.exists()


@pytest.mark.parametrize(
    ("scope", "status"),
    [
        ({"environments": ["production"]}, 303),
        ({"environments": ["staging"]}, 403),
        ({"clusters": ["stone-prd-*"]}, 303),
        ({"projects": ["default"]}, 303),
        ({"projects": ["other"]}, 403),
    ],
)
def test_a_responder_ticks_within_their_scope(
    scope: dict[str, list[str]], status: int, runbook: Runbook, episode: Episode
) -> None:
    application_row()
    episode.application = "production/argocd/build-service-stone-prd-m01"
    episode.save()
    assert tick(responder_for(scope), episode, keys(runbook)[0]).status_code == status
    assert Tick.objects.count() == (status == 303)


@pytest.mark.parametrize("step", ["", "no-such-step", "x" * 500, "<script>", "\x00"])
def test_a_step_that_is_not_there_is_not_ticked(
    responder: Client, runbook: Runbook, episode: Episode, step: str
) -> None:
    answer = tick(responder, episode, step)
    assert answer.status_code == 409
    assert "not in the runbook any more" in answer.content.decode()
    assert not Tick.objects.exists()


def test_a_runbook_that_changed_meanwhile_ticks_nothing_else(
    responder: Client, runbook: Runbook, episode: Episode
) -> None:
    first, second, _ = keys(runbook)
    tick(responder, episode, second)
    runbook.text = TEXT.replace("2. Restart", "2. Delete everything\n3. Restart").replace("1. Look", "1. Look again")
    runbook.save()
    assert tick(responder, episode, first).status_code == 409
    html = tick(responder, episode, keys(runbook)[3], **HTMX).content.decode()
    assert html.count('aria-checked="true"') == 2, "Restart, and what was just ticked"


def test_ticks_are_of_one_episode_and_one_runbook(responder: Client, runbook: Runbook, episode: Episode) -> None:
    other = episode_row("Other", annotations={"runbook_url": URL}, runbook_url=URL)
    tick(responder, episode, keys(runbook)[0])
    html = tick(responder, other, keys(runbook)[1], **HTMX).content.decode()
    assert "1 of 3 steps done" in html
    assert responder.post(address(episode, "api/none.md"), {"done": keys(runbook)[0]}).status_code == 409


def test_an_alert_that_is_not_there_is_not_found(responder: Client, runbook: Runbook, episode: Episode) -> None:
    assert responder.post(f"/runbooks/-/tick/{episode.pk + 99}/sop/api/errors.md", {"done": "x"}).status_code == 404
    assert responder.get(address(episode)).status_code == 405


def test_a_tick_needs_the_forms_token(runbook: Runbook, episode: Episode) -> None:
    user = User.objects.create_user("somebody")
    Person.objects.create(user=user, role=Role.RESPONDER)
    client = Client(enforce_csrf_checks=True)
    client.force_login(user, backend=BACKEND)
    assert tick(client, episode, keys(runbook)[0]).status_code == 403
    assert not Tick.objects.exists()


def test_who_ticked_is_only_text(responder: Client, runbook: Runbook, episode: Episode) -> None:
    person = "<img src=x onerror=alert(1)>"
    told = {"source": "sop", "path": "api/errors.md", "step": keys(runbook)[0]}
    Tick.objects.create(episode=episode, person=person, at=ago(minutes=3), **told)
    html = tick(responder, episode, keys(runbook)[1], **HTMX).content.decode()
    assert "<bdi>&lt;img src=x onerror=alert(1)&gt;</bdi>, <time" in html
