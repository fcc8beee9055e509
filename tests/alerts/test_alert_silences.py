"""Silences of a group, as its members tell them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.alerts.models import Silence
from apps.core.topics import version_of
from apps.timeline.changes import changes_told
from apps.timeline.models import Transition
from tests.alerts.wire import World, entity_writes, told_silence

pytestmark = pytest.mark.database


def silences() -> dict[str, str]:
    """The state of each, by its id."""
    return dict(Silence.objects.order_by("silence_id").values_list("silence_id", "state"))


def tell_all(world: World, *told: dict[str, object]) -> None:
    for member in world.members:
        member.tell_silences(*told)


def test_a_silence_is_kept_once_with_what_it_says(world: World) -> None:
    tell_all(world, told_silence())
    world.read()
    silence = Silence.objects.get()
    assert (silence.alertmanager, silence.created_by, silence.comment) == ("appsre", "remy", "being mended")
    assert silence.matchers == [{"name": "alertname", "value": "KonfluxDown", "is_regex": False, "is_equal": True}]
    assert silence.ends_at
    assert silence.ends_at.isoformat() == "2026-11-24T14:00:00+00:00"


def test_one_that_all_members_forgot_goes(world: World) -> None:
    tell_all(world, told_silence("s1"), told_silence("s2"))
    world.read()
    version = version_of(["silences"])
    tell_all(world, told_silence("s2"))
    world.read()
    assert silences() == {"s2": "active"}
    assert version_of(["silences"]) > version


def test_a_member_that_never_heard_of_a_silence_does_not_remove_it(world: World) -> None:
    world.members[0].tell_silences(told_silence())
    world.read()
    with CaptureQueriesContext(connection) as queries:
        world.read()
    assert silences() == {"s1": "active"}
    assert entity_writes(queries) == []


def test_an_incomplete_answer_removes_none(world: World) -> None:
    """F17."""
    tell_all(world, told_silence("s1"), told_silence("s2"))
    world.read()
    tell_all(world, told_silence("s2"), {"id": "s1", "matchers": "none"})
    world.read()
    assert silences() == {"s1": "active", "s2": "active"}
    assert world.source().unreadable == 1


def test_a_restarted_member_removes_none(world: World) -> None:
    tell_all(world, told_silence())
    world.read()
    for member in world.members:
        member.tell_silences()
        member.tell_status(uptime=timedelta(minutes=1))
    world.read()
    assert silences() == {"s1": "active"}


def test_of_two_versions_the_later_wins_whoever_tells_it(world: World) -> None:
    expired = told_silence(state="expired", updatedAt="2026-11-24T11:00:00.000Z")
    world.members[0].tell_silences(told_silence())
    world.members[1].tell_silences(expired)
    for _ in range(2):
        world.read()
        assert silences() == {"s1": "expired"}


def test_the_state_moves_with_time_alone(world: World) -> None:
    tell_all(world, told_silence(state="pending"))
    world.read()
    tell_all(world, told_silence(state="active"))
    world.read()
    assert silences() == {"s1": "active"}


def test_a_huge_silence_is_capped(world: World) -> None:
    """F27."""
    matcher = {"name": "n" * 5_000, "value": "v" * 50_000, "isRegex": False}
    tell_all(world, told_silence(comment="c" * 1_000_000, createdBy="b" * 5_000, matchers=[matcher] * 500))
    world.read()
    silence = Silence.objects.get()
    assert (len(silence.comment), len(silence.created_by), len(silence.matchers)) == (4_000, 300, 100)
    assert len(silence.matchers[0]["value"]) == 2_000


def test_the_end_of_a_silence_is_a_line_of_the_timeline_once(world: World) -> None:
    tell_all(world, told_silence(matchers=[{"name": "alertname", "value": "K.*", "isRegex": True, "isEqual": False}]))
    world.read()
    tell_all(world, told_silence(state="expired", matchers=[{"name": "a", "value": "b", "isRegex": False}]))
    world.read()
    world.read()
    (line,) = Transition.objects.filter(field="silence ended")
    assert (line.title, line.by, line.link) == ('alertname!~"K.*"', "remy", "/silences/")
    assert changes_told([line])[0].words == "silence ended"


def test_one_that_was_over_when_it_was_first_seen_leaves_none(world: World) -> None:
    tell_all(world, told_silence(state="expired"))
    world.read()
    assert not Transition.objects.filter(field="silence ended").exists()
