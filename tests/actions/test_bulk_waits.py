"""What the page of a bulk says while nothing new begins."""

from __future__ import annotations

import html
import re
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from apps.actions.bulk_waits import bulk_wait, topics_of
from apps.actions.case import Who
from apps.actions.models import ActionRequest
from apps.actions.recovering import WAITS
from apps.actions.states import State
from apps.actions.steps import steps_advance
from apps.gitops.models import Application
from tests.actions.bulks import CAREFUL, again, applications, bulk_of, settle
from tests.actions.cases import who
from tests.fleet_in_force import FleetFileOfTest
from tests.rows import ago

pytestmark = [pytest.mark.database, pytest.mark.django_db]


@pytest.fixture
def remy(tmp_path: Path, settings: Settings) -> Who:
    """A responder; two at once."""
    FleetFileOfTest(tmp_path, settings).put(CAREFUL)
    return who()


def first_wave_done(remy: Who, count: int = 2) -> tuple[ActionRequest, tuple[Application, ...]]:
    """A bulk of two waves, the first of which has ended six seconds ago."""
    rows = applications(count)
    request = bulk_of((*rows, *applications(1, "prd-host")), remy)
    for position in range(1, count + 1):
        steps_advance()
        settle(request, position)
    request.steps.filter(ended_at__isnull=False).update(ended_at=ago(seconds=6))
    return again(request), rows


def is_now(row: Application, health: str) -> None:
    row.health_status, row.health_since = health, ago(minutes=3)
    row.save()


def text_of(viewer: Client, request: ActionRequest) -> str:
    """The page's words."""
    page = viewer.get(request.get_absolute_url()).content.decode()
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", page)).split())


def test_it_says_which_are_not_well_since_when_and_when_it_gives_up(remy: Who, viewer: Client) -> None:
    request, (row, _) = first_wave_done(remy)
    is_now(row, "Progressing")
    wait = bulk_wait(request)
    assert wait is not None
    ended_at = request.steps.get(position=2).ended_at
    assert ended_at is not None
    assert (wait.gives_up_at, wait.more) == (ended_at + WAITS, 0)
    [member] = wait.members
    assert (member.step.name, member.since) == (row.name, row.health_since)
    told = text_of(viewer, request)
    assert "Wave 2 waits until what was synced is Healthy, or as it was before: 1 Application is not." in told
    assert f"{row.name} on stg-member is Progressing (it was Healthy) since 3 m" in told
    assert "is under way" not in told
    assert re.search(r"If that is not so in 9\D+\d* ?s?, at \d\d:\d\d \w* ?, it pauses and somebody decides\.", told), (
        told
    )
    is_now(row, "Healthy")
    assert bulk_wait(request) is None
    assert 'id="wait"' not in viewer.get(request.get_absolute_url()).content.decode()


def test_of_many_that_are_not_well_the_first_are_named_and_the_rest_counted(remy: Who) -> None:
    request, rows = first_wave_done(remy, 22)
    for row in rows:
        is_now(row, "Degraded")
    wait = bulk_wait(request)
    assert wait is not None
    assert (len(wait.members), wait.more) == (20, 2)


def test_it_says_when_it_only_watches_for_some_seconds(remy: Who, viewer: Client) -> None:
    request, _ = first_wave_done(remy)
    request.steps.filter(position=1).update(ended_at=ago(seconds=1))
    assert "Wave 2 begins in a moment: what was synced is watched for some seconds first." in text_of(viewer, request)


def test_it_says_what_is_unknown_and_what_stops_it(remy: Who, viewer: Client) -> None:
    request = bulk_of(applications(4), remy)
    steps_advance()
    settle(request, 1, State.UNKNOWN)
    first, second = request.steps.order_by("position")[:2]
    assert f"Nothing more begins until it is known whether {first.name} began." in text_of(viewer, again(request))
    settle(request, 1, State.ACCEPTED)
    assert bulk_wait(again(request)) is None
    settle(request, 2, State.FAILED)
    assert f"It stops: {second.name} did not go well." in text_of(viewer, again(request))


def test_its_page_follows_applications_while_nothing_of_it_is_under_way(remy: Who) -> None:
    request, _ = first_wave_done(remy)
    assert topics_of(request) == [request.topic, "apps"]
    steps_advance()
    assert topics_of(again(request)) == [request.topic]


@pytest.mark.parametrize("changes", [{"state": State.PAUSED}, {"action": "take-over"}])
def test_what_is_no_bulk_under_way_waits_for_nothing(remy: Who, changes: dict[str, Any]) -> None:
    request, (row, _) = first_wave_done(remy)
    is_now(row, "Degraded")
    ActionRequest.objects.filter(pk=request.pk).update(**changes)
    assert bulk_wait(again(request)) is None
    assert topics_of(again(request)) == [request.topic]


def test_it_says_which_wave_is_under_way(remy: Who, viewer: Client) -> None:
    request, _ = first_wave_done(remy)
    assert "Wave 2 of 2 is under way." in text_of(viewer, request)


def test_of_many_steps_those_under_way_and_those_that_need_somebody_are_in_sight(remy: Who, viewer: Client) -> None:
    request = bulk_of(applications(15), remy)
    for position in range(1, 4):
        steps_advance()
        settle(request, position, State.SUCCEEDED if position < 3 else State.FAILED)
    request.steps.filter(position=4).update(state=State.RUNNING)
    page = viewer.get(request.get_absolute_url()).content.decode()
    in_sight, _, folded = page.partition('id="wave-1-rest"')
    steps = {step.position: f'data-row="{step.pk}"' for step in request.steps.all()}
    assert in_sight.index(steps[3]) < in_sight.index(steps[4])
    assert all(steps[position] in folded for position in (1, 2, *range(5, 16)))
    assert "11 planned, 2 succeeded" in text_of(viewer, request)


def test_of_few_steps_all_are_in_sight(remy: Who, viewer: Client) -> None:
    request = bulk_of(applications(12), remy)
    steps_advance()
    assert "wave-1-rest" not in viewer.get(request.get_absolute_url()).content.decode()


def test_the_page_of_a_bulk_says_in_which_environments_it_is(remy: Who, viewer: Client) -> None:
    request, _ = first_wave_done(remy)
    assert "Environments production 1 staging 2" in text_of(viewer, request)
