"""The fleet that is built: its size, its troubles, the same for the same seed; and how it lives."""

from __future__ import annotations

import random
import stat
import time
from collections import Counter
from datetime import UTC, datetime
from typing import Any

import msgspec
import psutil
import pytest
import yaml

from apps.demo.agenda import Agenda
from apps.demo.alertmanager import BadMatcherError, matcher_of
from apps.demo.argocd.rendering import application_document
from apps.demo.fleet import RunningFleet
from apps.demo.life import Life
from apps.demo.world.alerts import fingerprint
from apps.demo.world.building import Counts, build
from apps.demo.world.world import World
from tests.demo.conftest import Begin, Caller

MOMENT = datetime(2023, 6, 1, 12, tzinfo=UTC)


def world_of(seed: int = 1, counts: Counts | None = None) -> World:
    return build(seed=seed, began_at=MOMENT, clock=lambda: MOMENT, counts=counts or Counts())


def picture(world: World) -> bytes:
    """Everything about the Applications, alerts and clusters of a world."""
    documents: list[Any] = [
        application_document(instance, each)
        for instance in world.argocds.values()
        for each in instance.applications.values()
    ]
    alerts = [
        (each.labels, each.starts_at, each.is_pending) for book in world.books.values() for each in book.alerts.values()
    ]
    clusters = [(each.name, each.is_lost, each.upgrade_percent, str(each.nodes)) for each in world.clusters.values()]
    return msgspec.json.encode([documents, alerts, clusters])


def everything(world: World) -> list[Any]:
    return [each for instance in world.argocds.values() for each in instance.applications.values()]


def test_the_usual_fleet_has_the_shape_of_2023() -> None:
    world = world_of()
    roles = Counter((each.environment, each.role) for each in world.clusters.values())
    assert set(roles.values()) == {1, 2}
    assert list(world.clusters) == [
        *("appsres05ue1", "stone-stg-host", "stone-stg-m01", "stone-stg-rh01"),
        *("appsrep05ue1", "stone-prd-host1", "stone-prd-m01", "stone-prd-rh01"),
    ]
    assert {len(instance.applications) for instance in world.argocds.values()} == {59}
    assert 15 <= sum(len(book.firing) for book in world.books.values()) <= 25


def test_about_one_application_in_ten_is_not_well_and_each_trouble_is_there() -> None:
    found = everything(world_of())
    not_well = [each for each in found if not each.is_well]
    assert 0.08 <= len(not_well) / len(found) <= 0.12
    assert {each.health for each in found} == {"Healthy", "Progressing", "Degraded", "Suspended", "Missing"}
    assert {each.sync for each in found} == {"Synced", "OutOfSync", "Unknown"}
    assert {c.type for each in found for c in each.conditions} == {"ComparisonError", "SyncError"}
    assert [each.state.retry_count for each in found if each.operation] == [7]
    assert sum(each.deleting_at is not None for each in found) == 1
    assert {each.auto_sync for each in found if each.sync == "OutOfSync"} == {True, False}


def test_it_grows_to_exactly_what_is_asked_for(begin: Begin) -> None:
    began = time.monotonic()
    fleet = begin(counts=Counts(clusters=100, applications=5_000, alerts=2_000))
    assert time.monotonic() - began < 10
    ask = Caller(fleet)
    path = "/api/v1/applications?fields=items.metadata.name"
    lists = [ask.get(f"argocd/{name}", path).json()["items"] for name in ("staging", "production")]
    assert sum(len(each) for each in lists) == 5_000
    alerts = len(ask.get("alertmanager/appsre/0", "/api/v2/alerts").json())
    alerts += len(ask.get("observatorium/rhobs", "/api/metrics/v1/rhtap/am/api/v2/alerts").json())
    assert alerts == 2_000
    assert len(yaml.safe_load(fleet.fleet_file.read_text())["clusters"]) == 100
    assert "stone-prd-m02" in fleet.world.clusters


@pytest.mark.parametrize("counts", [Counts(6, 40, 3), Counts(12, 300, 60)])
def test_it_shrinks_and_grows_in_between(counts: Counts) -> None:
    world = world_of(counts=counts)
    assert len(world.clusters) == counts.clusters
    assert len(everything(world)) == counts.applications
    assert sum(len(book.firing) for book in world.books.values()) == counts.alerts


def test_too_few_clusters_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 6 clusters"):
        world_of(counts=Counts(clusters=3))


def test_the_same_seed_makes_the_same_fleet_and_the_same_life() -> None:
    first, second, other = world_of(7), world_of(7), world_of(8)
    assert picture(first) == picture(second) != picture(other)
    for world in (first, second):
        Life(world).begin()
        world.agenda.advance(1_800)
    assert picture(first) == picture(second)


def test_something_visible_happens_within_the_first_minute() -> None:
    world = world_of()
    before = {each.name: each.resource_version for each in everything(world)}
    alerts = sum(len(book.firing) for book in world.books.values())
    Life(world).begin()
    world.agenda.advance(60)
    changed = [each for each in everything(world) if before[each.name] != each.resource_version]
    assert len(changed) >= 2
    assert sum(len(book.firing) for book in world.books.values()) > alerts


@pytest.mark.parametrize("seed", range(4))
def test_an_hour_of_life_has_everything_and_stays_in_bounds(seed: int) -> None:
    world = world_of(seed)
    Life(world).begin()
    lost, degraded, alerts = set(), set(), []
    for _ in range(360):
        world.agenda.advance(10)
        lost |= {each.name for each in world.clusters.values() if each.is_lost}
        degraded |= {each.name for each in everything(world) if each.health == "Degraded"}
        alerts.append(sum(len(book.firing) for book in world.books.values()))
    assert lost
    assert len(degraded) > 2
    assert max(alerts) < 60
    assert sum(not each.is_well for each in everything(world)) < 50
    world.agenda.advance(7_200)
    assert max(Counter(each.health for each in everything(world)).items(), key=lambda item: item[1])[0] == "Healthy"


def test_a_fleet_lives_with_the_clock(begin: Begin) -> None:
    fleet = begin(is_still=False, speed=200.0)
    instances = fleet.world.argocds.values()
    versions = [each.resource_version for each in instances]
    deadline = time.monotonic() + 10
    while [each.resource_version for each in instances] == versions and time.monotonic() < deadline:
        time.sleep(0.05)
    assert [each.resource_version for each in instances] != versions


def test_a_still_fleet_does_nothing_by_itself() -> None:
    world = world_of()
    before = sum(len(book.firing) for book in world.books.values())
    world.agenda.advance(3_600)
    assert sum(len(book.firing) for book in world.books.values()) == before


def test_secrets_stand_in_files_that_only_their_owner_reads(fleet: RunningFleet) -> None:
    document = yaml.safe_load(fleet.fleet_file.read_text())
    references = [each["token"] for each in document["argocd"]]
    references += [each["kubernetes"]["token"] for each in document["clusters"]]
    references.append(document["observatorium"][0]["oauth2"]["client_secret"])
    from pathlib import Path

    for reference in references:
        path = Path(reference.removeprefix("file:"))
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert path.read_text().strip() in fleet.tokens.values()
    assert not any(token in fleet.fleet_file.read_text() for token in fleet.tokens.values())


def test_consecutive_ports_are_taken_from_a_base(begin: Begin) -> None:
    base = random.randrange(20_000, 30_000)
    try:
        fleet = begin(port_base=base)
    except OSError:
        pytest.skip("a port of the range is taken")
    assert [each.port for each in fleet.servers.values()] == list(range(base, base + len(fleet.servers)))


def test_everything_ends_when_the_fleet_is_stopped(begin: Begin) -> None:
    """Asked of this process's own sockets: a port given back may be another's in the next moment."""
    fleet = begin()
    ports = {server.port for server in fleet.servers.values()}
    assert ports <= ports_listened_at()
    fleet.stop()
    assert not ports & ports_listened_at()
    assert not fleet.is_running


def ports_listened_at() -> set[int]:
    """The ports at which this process listens."""
    sockets = psutil.Process().net_connections("tcp")
    return {each.laddr.port for each in sockets if each.status == psutil.CONN_LISTEN}


def test_the_agenda_keeps_order_and_time() -> None:
    agenda, done = Agenda(), []
    agenda.after(2, lambda: done.append("second"))
    agenda.after(1, lambda: done.append("first"))
    agenda.after(2, lambda: done.append("third"))
    agenda.every(1, lambda: 10.0, lambda: done.append("again"))
    agenda.advance(12)
    assert done == ["first", "again", "second", "third", "again"]
    assert agenda.seconds == 12


def test_fingerprints_are_alertmanager_s_own() -> None:
    assert fingerprint({}) == "cbf29ce484222325"
    assert fingerprint({"a": "b", "c": "d"}) == fingerprint({"c": "d", "a": "b"})


@pytest.mark.parametrize(
    ("text", "labels", "matches"),
    [
        ('severity="critical"', {"severity": "critical"}, True),
        ("severity!=critical", {"severity": "critical"}, False),
        ('{cluster=~"stone-.*"}', {"cluster": "stone-prd-m01"}, True),
        ('cluster!~"stone"', {"cluster": "stone-prd-m01"}, True),
        ('absent=""', {}, True),
    ],
)
def test_matchers_match(text: str, labels: dict[str, str], matches: bool) -> None:
    assert matcher_of(text).matches(labels) is matches


@pytest.mark.parametrize("text", ["severity", 'x=~"("', "=a"])
def test_what_is_no_matcher_is_refused(text: str) -> None:
    with pytest.raises(BadMatcherError):
        matcher_of(text)
