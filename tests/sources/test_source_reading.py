"""The frame of reading a source: one in flight, outcome written down, back-off (faults.md, F1 to F15, F34, F58)."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext

from apps.core.clock import database_now
from apps.core.errors import (
    UpstreamBadReply,
    UpstreamDenied,
    UpstreamError,
    UpstreamThrottled,
    UpstreamUnavailable,
    UpstreamUntrusted,
    UpstreamUnverified,
)
from apps.core.topics import version_of
from apps.integrations.http import CallFacts
from apps.sources.catalog import SourceSpec
from apps.sources.fleetfile.schema import FleetFile
from apps.sources.models import Source, SourceState
from apps.sources.reading import ReadOutcome, backoff_seconds, source_failed, source_read, source_succeeded
from apps.timeline.models import Transition
from tests.fleet_in_force import FleetFileOfTest

pytestmark = pytest.mark.database

KEY = "alertmanager/main/0"
FLEET = "alertmanagers:\n  - {name: main, members: ['http://127.0.0.1:9'], interval: 15s}\n"
FACTS = CallFacts(latency=0.25, wire_bytes=900, body_bytes=4000, skew=-3.0, status=200)
SEEN = ReadOutcome(items=7, version="0.28.1", facts=FACTS)


@pytest.fixture(autouse=True)
def in_force(fleet_file: FleetFileOfTest) -> None:
    fleet_file.put(FLEET)


def the_source() -> Source:
    return Source.objects.get(key=KEY)


def fail(error: UpstreamError) -> Source:
    """One read that fails so, its back-off ended before."""
    Source.objects.filter(key=KEY).update(not_before=None)

    def read(spec: SourceSpec, fleet: FleetFile) -> ReadOutcome:
        raise error

    source_read(key=KEY, read=read)
    return the_source()


def succeed(outcome: ReadOutcome = SEEN) -> Source:
    Source.objects.filter(key=KEY).update(not_before=None)
    source_read(key=KEY, read=lambda spec, fleet: outcome)
    return the_source()


def refused(**more: float) -> UpstreamUnavailable:
    return UpstreamUnavailable(KEY, "connection refused", **more)


def state_now() -> SourceState:
    return the_source().state(database_now())


def test_a_success_is_written_down_with_what_the_call_cost() -> None:
    source = succeed()
    assert (source.items, source.version, source.latency, source.wire_bytes, source.skew) == (
        7,
        "0.28.1",
        0.25,
        900,
        -3,
    )
    assert state_now() is SourceState.FRESH
    assert source.failures == 0


def test_the_collector_is_given_its_source_and_the_fleet_file_in_force() -> None:
    given: list[tuple[str, str]] = []

    def read(spec: SourceSpec, fleet: FleetFile) -> ReadOutcome:
        given.append((spec.key, fleet.alertmanagers[0].name))
        return SEEN

    source_read(key=KEY, read=read)
    assert given == [(KEY, "main")]


def test_a_source_that_left_the_fleet_file_is_not_read() -> None:
    source_read(key="alertmanager/gone/0", read=lambda spec, fleet: pytest.fail("it was read"))


def test_a_read_that_tells_the_same_raises_no_topic_and_one_that_tells_other_does() -> None:
    succeed()
    before = version_of(["sources"])
    succeed()
    assert version_of(["sources"]) == before
    succeed(ReadOutcome(items=8, facts=FACTS))
    assert version_of(["sources"]) == before + 1


def test_an_age_alone_costs_one_update_of_the_row_and_no_line() -> None:
    succeed()
    with CaptureQueriesContext(
        connection,
    ) as queries:
        source_succeeded(key=KEY, outcome=SEEN)
    written = [query["sql"] for query in queries if query["sql"].startswith(("UPDATE", "INSERT", "DELETE"))]
    assert len(written) == 1
    assert "succeeded_at" in written[0]
    assert '"items"' not in written[0]
    assert Transition.objects.count() == 1, "that it was read for the first time"


def test_the_timeline_tells_the_first_read_and_the_first_one_after_a_time_without_any() -> None:
    """Pictures know by these lines from when on, and when not, anything was known."""
    succeed()
    Source.objects.filter(key=KEY).update(succeeded_at=database_now() - timedelta(minutes=10))
    succeed()
    succeed()
    first, again = Transition.objects.order_by("pk")
    assert (first.before, first.after) == ("never read", "ok")
    assert (again.before, again.after) == ("not read", "ok")
    assert again.seen_at - again.seen_after > timedelta(minutes=9)


def test_a_stale_source_that_answers_again_raises_the_topic() -> None:
    succeed()
    Source.objects.filter(key=KEY).update(succeeded_at=database_now() - timedelta(minutes=10))
    assert state_now() is SourceState.STALE
    before = version_of(["sources"])
    succeed()
    assert version_of(["sources"]) == before + 1


def test_the_timeline_tells_ok_to_failing_once_and_failing_to_ok() -> None:
    succeed()
    fail(refused())
    fail(refused())
    succeed()
    lines = Transition.objects.order_by("pk").values_list("subject", "field", "before", "after", "tone", "link")
    assert list(lines) == [
        (KEY, "state", "never read", "ok", "well", f"/sources/{KEY}/"),
        (KEY, "state", "ok", "failing: connection refused", "warning", f"/sources/{KEY}/"),
        (KEY, "state", "failing", "ok", "well", f"/sources/{KEY}/"),
    ]


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(refused(), id="F1 refuses"),
        pytest.param(UpstreamUnavailable(KEY, "took longer than 10 s"), id="F4 F5 hangs or drips"),
        pytest.param(UpstreamUnavailable(KEY, "503: limit of concurrent requests"), id="F9 busy"),
        pytest.param(UpstreamBadReply(KEY, "redirects to another host"), id="F10 redirect"),
        pytest.param(UpstreamBadReply(KEY, "answered with a web page"), id="F11 sign-in page"),
        pytest.param(UpstreamBadReply(KEY, "the answer was cut"), id="F12 truncated"),
        pytest.param(UpstreamBadReply(KEY, "more than 64 MiB"), id="F14 too big"),
        pytest.param(UpstreamBadReply(KEY, "not JSON"), id="F15 hostile JSON"),
        pytest.param(UpstreamUntrusted(KEY, "certificate has expired"), id="F32 TLS"),
    ],
)
def test_what_was_told_before_stays_when_a_read_fails(error: UpstreamError) -> None:
    """F1, F3, F4, F5, F9, F10, F11, F12, F14, F15, F32 as they reach the source's row."""
    good = succeed()
    failed = fail(error)
    assert (failed.items, failed.succeeded_at) == (good.items, good.succeeded_at)
    assert (failed.error_kind, failed.error) == (error.kind, error.message)
    assert failed.failures == 1
    assert state_now() is SourceState.FRESH
    fail(error)
    assert fail(error).state(database_now()) is SourceState.DOWN
    assert the_source().items == 7


def test_f2_a_source_that_never_answered_is_never_not_empty() -> None:
    fail(refused())
    source = the_source()
    assert source.items is None
    assert state_now() is SourceState.NEVER
    assert Transition.objects.get().before == "never read"


def test_f7_refused_credentials_are_tried_again_no_sooner_than_in_five_minutes() -> None:
    source = fail(UpstreamDenied(KEY, "refuses our credentials (401)"))
    assert source.error_kind == "credentials"
    assert source.not_before is not None
    assert source.not_before - database_now() > timedelta(minutes=4, seconds=55)


def test_f8_no_request_before_retry_after_and_no_outage() -> None:
    """429 with Retry-After 120."""
    succeed()
    source = fail(UpstreamThrottled(KEY, "asks us to wait (429)", retry_after=120.0))
    assert (source.failures, source.failing_since, source.error_kind) == (0, None, "throttled")
    assert state_now() is SourceState.FRESH
    assert source.not_before is not None
    assert source.not_before - database_now() > timedelta(seconds=115)
    source_read(key=KEY, read=lambda spec, fleet: pytest.fail("it was asked before its time"))
    assert [line.after for line in Transition.objects.all()] == ["ok"]


def test_a_source_whose_answers_take_long_is_not_stale_between_two_reads() -> None:
    succeed()
    Source.objects.update(interval=15.0, succeeded_at=database_now() - timedelta(seconds=60))
    assert state_now() is SourceState.STALE
    Source.objects.update(latency=9.0)
    assert state_now() is SourceState.FRESH
    Source.objects.update(succeeded_at=database_now() - timedelta(seconds=90))
    assert state_now() is SourceState.STALE


def test_a_wish_to_wait_for_years_is_cut_to_an_hour() -> None:
    source = fail(UpstreamThrottled(KEY, "later", retry_after=1e9))
    assert source.not_before is not None
    assert source.not_before - database_now() <= timedelta(hours=1)


def test_f9_back_off_is_random_within_a_window_that_grows_to_five_minutes() -> None:
    for failures, low, high in [(1, 15, 30), (2, 15, 60), (3, 30, 240), (4, 30, 300), (500, 30, 300)]:
        waits = [backoff_seconds(failures, 15.0) for _ in range(300)]
        assert low <= min(waits)
        assert max(waits) <= high
        assert max(waits) - min(waits) > (high - low) / 2, "there is no jitter"


def test_a_slow_interval_does_not_make_the_second_try_slow() -> None:
    assert max(backoff_seconds(1, 3600.0) for _ in range(100)) <= 60


def test_success_after_a_back_off_is_followed_by_the_usual_interval() -> None:
    for _ in range(6):
        fail(refused(retry_after=600.0))
    source = succeed()
    assert source.not_before is None
    assert source.next_try_at is not None
    assert source.next_try_at - database_now() <= timedelta(seconds=15)


def test_a_bug_shows_on_the_row_and_is_raised() -> None:
    def read(spec: SourceSpec, fleet: FleetFile) -> ReadOutcome:
        raise KeyError("token-abc")

    with pytest.raises(KeyError):
        source_read(key=KEY, read=read)
    source = the_source()
    assert (source.error_kind, source.failures) == ("bug", 1)
    assert "token-abc" not in source.error


def test_f34_a_round_in_which_the_database_is_locked_is_skipped_and_says_nothing_of_the_source(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def read(spec: SourceSpec, fleet: FleetFile) -> ReadOutcome:
        raise OperationalError("database is locked")

    source_read(key=KEY, read=read)
    assert the_source().failures == 0
    assert the_source().error == ""
    assert "is skipped, the database says: database is locked" in caplog.text


def test_the_error_of_an_upstream_is_capped_and_cleaned() -> None:
    source = fail(UpstreamBadReply(KEY, "x\x00" * 1000))
    assert len(source.error) == 500
    assert "\x00" not in source.error


def waits() -> float:
    source = the_source()
    assert source.not_before
    return (source.not_before - database_now()).total_seconds()


def test_credentials_that_could_not_be_verified_are_tried_again_soon_once(fleet_file: FleetFileOfTest) -> None:
    """A gateway says so too while it does not reach its provider, or has just started."""
    source_failed(key=KEY, error=refused())
    source_failed(key=KEY, error=refused())
    source_failed(key=KEY, error=UpstreamUnverified(KEY, "could not verify our credentials (500)"))
    assert the_source().error_kind == "credentials"
    assert waits() < 295
    source_failed(key=KEY, error=UpstreamUnverified(KEY, "could not verify our credentials (500)"))
    assert waits() > 295
    source_succeeded(key=KEY, outcome=ReadOutcome(items=3))
    source_failed(key=KEY, error=UpstreamUnverified(KEY, "could not verify our credentials (500)", retry_after=600))
    assert waits() > 295, "its own wish counts in any case"
    source_failed(key=KEY, error=UpstreamDenied(KEY, "refused our credentials (401)"))
    assert waits() > 295


def test_outcomes_of_a_follower_count_as_those_of_a_read() -> None:
    source_succeeded(key=KEY, outcome=ReadOutcome(items=3))
    assert state_now() is SourceState.FRESH
    source_failed(key=KEY, error=refused())
    assert the_source().failures == 1


@pytest.mark.django_db(transaction=True)
def test_f58_of_two_collectors_at_once_one_polls(fleet_file: FleetFileOfTest) -> None:
    """F58, and the half of F4 that says: one in flight per source."""
    fleet_file.put(FLEET)
    is_reading, may_end, reads = threading.Event(), threading.Event(), []

    def slow(spec: SourceSpec, fleet: FleetFile) -> ReadOutcome:
        reads.append("first")
        is_reading.set()
        assert may_end.wait(10)
        return SEEN

    def collector() -> None:
        source_read(key=KEY, read=slow)
        connection.close()

    first = threading.Thread(target=collector)
    first.start()
    try:
        assert is_reading.wait(10)
        source_read(key=KEY, read=lambda spec, fleet: pytest.fail("two polled at once"))
    finally:
        may_end.set()
        first.join(10)
    assert reads == ["first"]
    assert the_source().items == 7
    succeed(ReadOutcome(items=9))
    assert the_source().items == 9, "the lease was not given up"
