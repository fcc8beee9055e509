"""Rows of sources follow the fleet file; those that are due are claimed."""

from __future__ import annotations

import threading
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.core.clock import database_now
from apps.core.topics import version_of
from apps.sources.catalog import SourceKind
from apps.sources.models import FleetFileState, Source
from apps.sources.services import archived_groups, seconds_until_next, sources_align, sources_claim_due
from apps.timeline.models import Transition
from tests.fleet_in_force import FleetFileOfTest

pytestmark = pytest.mark.database

TICK = 0.4
"""How much later than it is due a source is claimed."""

TWO = """
argocd:
  - {name: one, url: 'https://argocd.example.com', interval: 60s}
alertmanagers:
  - {name: main, members: ['http://am-0.example.com:9093', 'http://am-1.example.com:9093']}
prometheuses:
  - {name: prom, url: 'http://prom.example.com:9090', feeds: [main]}
"""
ONE = "prometheuses:\n  - {name: prom, url: 'http://prom.example.com:9090'}\n"


def keys(**conditions: object) -> set[str]:
    return set(Source.objects.filter(**conditions).values_list("key", flat=True))


def test_each_source_of_the_file_has_a_row(fleet_file: FleetFileOfTest) -> None:
    fleet_file.put(TWO)
    assert keys() == {
        "argocd/one",
        "argocd-inventory/one",
        "alertmanager/main/0",
        "alertmanager/main/1",
        "prometheus/prom",
    }
    prometheus = Source.objects.get(key="prometheus/prom")
    assert (prometheus.kind, prometheus.address, prometheus.feeds) == (
        "prometheus",
        "http://prom.example.com:9090",
        ["main"],
    )


@pytest.mark.parametrize(
    ("has", "expected"),
    [
        ("", {"alertmanager/o/0", "prometheus/o"}),
        ("rules: false", {"alertmanager/o/0"}),
        ("alerts: false", {"prometheus/o"}),
    ],
)
def test_a_tenant_is_read_for_what_it_has(fleet_file: FleetFileOfTest, has: str, expected: set[str]) -> None:
    fleet_file.put(f"observatorium: [{{name: o, url: 'https://o.example.com', tenant: t, {has}}}]")
    assert keys() == expected


def test_f55_what_left_the_file_is_archived_not_deleted_and_comes_back(fleet_file: FleetFileOfTest) -> None:
    fleet_file.put(TWO)
    Source.objects.update(items=5, succeeded_at=database_now())
    fleet_file.put(ONE)
    assert keys(is_archived=False) == {"prometheus/prom"}
    assert Source.objects.get(key="argocd/one").items == 5
    assert archived_groups(SourceKind.ARGOCD) == {"one"}
    assert archived_groups(SourceKind.PROMETHEUS) == frozenset()
    line = Transition.objects.get(subject="argocd/one")
    assert (line.after, line.tone) == ("left the fleet file", "unknown")
    fleet_file.put(TWO)
    assert archived_groups(SourceKind.ARGOCD) == frozenset()


def test_a_member_less_does_not_archive_its_group(fleet_file: FleetFileOfTest) -> None:
    fleet_file.put(TWO)
    fleet_file.put(TWO.replace(", 'http://am-1.example.com:9093'", ""))
    assert keys(is_archived=True) == {"alertmanager/main/1"}
    assert archived_groups(SourceKind.ALERTMANAGER) == frozenset()


def test_nothing_is_written_while_nothing_changed(fleet_file: FleetFileOfTest) -> None:
    fleet = fleet_file.put(TWO)
    before = version_of(["sources"])
    with CaptureQueriesContext(connection) as queries:
        sources_align(fleet=fleet)
    assert not [query["sql"] for query in queries if not query["sql"].startswith("SELECT")]
    assert version_of(["sources"]) == before


def test_a_source_whose_address_changed_is_due_at_once(fleet_file: FleetFileOfTest) -> None:
    fleet_file.put(TWO)
    later = database_now() + timedelta(minutes=4)
    Source.objects.update(next_try_at=later, not_before=later)
    fleet_file.put(TWO.replace("argocd.example.com", "argocd2.example.com"))
    source = Source.objects.get(key="argocd/one")
    assert (source.address, source.next_try_at, source.not_before) == ("https://argocd2.example.com", None, None)


def test_a_new_fleet_file_ends_every_back_off(fleet_file: FleetFileOfTest) -> None:
    fleet_file.put(TWO)
    later = database_now() + timedelta(minutes=4)
    Source.objects.filter(key="argocd/one").update(next_try_at=later, not_before=later)
    fleet_file.put(TWO + "# its token was replaced\n")
    assert Source.objects.get(key="argocd/one").not_before is None


def test_a_wrong_file_is_told_and_the_one_before_stays_in_force(fleet_file: FleetFileOfTest) -> None:
    fleet_file.put(TWO)
    fleet_file.put("argocd:\n  - {name: one, url: 'ftp://argocd.example.com'}\n")
    state = FleetFileState.objects.get()
    assert state.problems[0]["path"] == "argocd[0].url"
    assert state.refused_at is not None
    assert "argocd/one" in keys(is_archived=False)
    fleet_file.put(TWO)
    assert FleetFileState.objects.get().problems == []
    assert FleetFileState.objects.get().refused_at is None


def test_due_sources_are_claimed_once_and_until_their_own_moment(fleet_file: FleetFileOfTest) -> None:
    fleet_file.put(TWO)
    claimed = sources_claim_due(limit=500)
    assert ("argocd/one", "argocd") in claimed
    assert len(claimed) == 5
    assert sources_claim_due(limit=500) == []
    due = Source.objects.get(key="argocd/one").next_try_at
    assert due is not None
    assert timedelta(seconds=28) < due - database_now() <= timedelta(seconds=60)


def test_members_of_one_alertmanager_are_read_together_and_groups_apart(fleet_file: FleetFileOfTest) -> None:
    groups = [
        f"{{name: g{number}, members: ['http://a{number}:9093', 'http://b{number}:9093']}}" for number in range(4)
    ]
    fleet_file.put(f"alertmanagers: [{', '.join(groups)}]\n")
    sources_claim_due(limit=500)
    due = dict(Source.objects.filter(is_archived=False).values_list("key", "next_try_at"))
    assert all(due[f"alertmanager/g{number}/0"] == due[f"alertmanager/g{number}/1"] for number in range(4))
    assert len(set(due.values())) == 4


@pytest.mark.parametrize("interval", [10.0, 30.0, 60.0])
def test_sources_that_begin_together_come_to_be_read_evenly_and_never_later_than_their_interval(
    interval: float,
) -> None:
    began, moments = datetime(2026, 11, 26, 3, 0, 1, tzinfo=UTC), []
    for pk in range(1, 101):
        now = began
        for _ in range(5):
            wait = seconds_until_next(pk, interval, now)
            assert interval / 2 <= wait <= interval
            now += timedelta(seconds=wait + TICK)
        assert wait == pytest.approx(interval - TICK, abs=1e-3), "it has come to its moment, and comes back to it"
        moments.append(now.timestamp() % interval)
    tenths = Counter(int(moment / interval * 10) for moment in moments)
    assert set(tenths) == set(range(10))
    assert max(tenths.values()) <= 12


def test_the_longest_due_come_first_and_archived_ones_never(fleet_file: FleetFileOfTest) -> None:
    fleet_file.put(TWO)
    now = database_now()
    Source.objects.update(next_try_at=now - timedelta(seconds=5))
    Source.objects.filter(key="prometheus/prom").update(next_try_at=now - timedelta(seconds=50))
    Source.objects.filter(key="argocd/one").update(is_archived=True, next_try_at=now - timedelta(seconds=90))
    assert sources_claim_due(limit=1) == [("prometheus/prom", "prometheus")]
    assert ("argocd/one", "argocd") not in sources_claim_due(limit=500)


@pytest.mark.django_db(transaction=True)
def test_f58_of_two_ticks_at_once_each_source_is_claimed_by_one(fleet_file: FleetFileOfTest) -> None:
    members = ", ".join(f"'http://am-{number}.example.com:9093'" for number in range(20))
    fleet_file.put(f"alertmanagers:\n  - {{name: main, members: [{members}]}}\n")
    together, claimed = threading.Barrier(2), []

    def tick() -> None:
        together.wait(10)
        claimed.append(sources_claim_due(limit=500))
        connection.close()

    threads = [threading.Thread(target=tick) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    both = claimed[0] + claimed[1]
    assert len(both) == len(set(both)) == 20
