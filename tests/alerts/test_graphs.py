"""The values behind an alert: asked for by a page, read by a worker, kept for a while."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

import pytest

from apps.alerts.charting import MOST_POINTS, rule_of
from apps.alerts.graphs import AT_ONCE, KEPT, MOST_A_MINUTE, ask_for_graph, graphs_read, graphs_wanted, topic_of
from apps.alerts.models import AlertGraph, Episode, Rule
from apps.core.clock import database_now
from apps.core.topics import version_of
from apps.integrations.prometheus import PrometheusClient
from apps.sources.models import Source
from tests.alerts.wire import World
from tests.integrations.wire_server import Asked, Peer, reply
from tests.rows import ago, episode_row

pytestmark = pytest.mark.database

PATH = "/api/v1/query_range"
LABELS = {"alertname": "Slow", "severity": "critical", "pod": "a", "tenant_id": "t"}


@pytest.fixture(autouse=True)
def in_force(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apps.alerts.graphs.fleet_file_in_force", lambda: world.fleet)


def rule_row(query: str = "lag > 0.9", name: str = "Slow", **fields: Any) -> Rule:
    defaults = {"prometheus": "appsre-rules", "group": "g", "labels": {"severity": "critical"}, "query": query}
    return Rule.objects.create(name=name, **{**defaults, **fields})


def slow(**fields: Any) -> Episode:
    return episode_row("Slow", **{"fingerprint": "5", "labels": LABELS, **fields})


def tell(world: World, *series: tuple[dict[str, str], list[list[Any]]], **more: Any) -> None:
    result = [{"metric": labels, "values": values} for labels, values in series]
    world.prometheus.answers[PATH] = {"status": "success", "data": {"resultType": "matrix", "result": result}, **more}


def asked_of(world: World) -> list[dict[str, str]]:
    targets = [asked.target for asked in world.prometheus.server.asked if asked.path == PATH]
    return [{name: told[0] for name, told in parse_qs(each.partition("?")[2]).items()} for each in targets]


def points(*values: str) -> list[list[Any]]:
    return [[1_795_521_600 + 60 * number, value] for number, value in enumerate(values)]


def read(episode: Episode) -> AlertGraph:
    ask_for_graph(episode=episode)
    graphs_read()
    return AlertGraph.objects.get(episode=episode)


def test_what_is_asked_for_is_the_left_side_from_two_hours_before_until_now(world: World) -> None:
    rule_row()
    tell(world, ({"__name__": "lag", "pod": "a"}, points("0.5", "NaN", "0.95", "+Inf")))
    episode = slow(began_at=ago(minutes=30))
    before = version_of([topic_of(episode)])
    graph = read(episode)
    [asked] = asked_of(world)
    assert asked["query"] == "lag"
    assert float(asked["start"]) == pytest.approx((episode.began_at - timedelta(hours=2)).timestamp(), abs=0.01)
    assert float(asked["end"]) == pytest.approx(database_now().timestamp(), abs=5)
    assert (float(asked["end"]) - float(asked["start"])) / float(asked["step"]) < MOST_POINTS
    assert (graph.expression, graph.sign, graph.threshold, graph.prometheus) == ("lag", ">", 0.9, "appsre-rules")
    assert [[value for _, value in each["points"]] for each in graph.series] == [[0.5, 0.95]]
    assert graph.problem == ""
    assert version_of([topic_of(episode)]) == before + 1


def test_only_series_whose_labels_the_alert_has_are_its_own(world: World) -> None:
    rule_row(labels={"severity": "critical", "pod": "{{ $labels.x }}"} | {"check": "set-by-rule"})
    Episode.objects.all().delete()
    episode = slow(labels=LABELS | {"check": "set-by-rule"})
    tell(
        world,
        ({"pod": "b", "tenant_id": "t"}, points("1")),
        ({"tenant_id": "other"}, points("2")),
        ({"tenant_id": "t", "unheard": "of"}, points("3")),
        ({"__name__": "lag", "tenant_id": "t", "check": "of the series"}, points("4")),
    )
    graph = read(episode)
    told = [each["points"][0][1] for each in graph.series]
    assert (told, graph.told) == ([1, 4], 4)  # the rule sets `pod` and `check`: the series may have others


@pytest.mark.parametrize(
    ("series", "words"),
    [
        ([], "has no values of it"),
        ([({"pod": "b"}, points("1"))], "has other labels than this alert"),
        ([({"pod": "b"}, points("1")), ({"pod": "c"}, points("1"))], "told 2 series, none of them"),
    ],
)
def test_where_nothing_is_the_alerts_own_that_is_said(world: World, series: list[Any], words: str) -> None:
    rule_row()
    tell(world, *series)
    graph = read(slow())
    assert words in graph.problem
    assert graph.series == []


def test_warnings_are_said_beside_the_values(world: World) -> None:
    rule_row()
    tell(world, ({"pod": "a"}, points("1")), warnings=["a store is away"])
    graph = read(slow())
    assert graph.series
    assert "may be missing" in graph.problem
    assert "store" not in graph.problem


def test_the_rule_is_that_whose_labels_the_alert_has_of_the_prometheus_that_feeds_its_alertmanager(
    world: World,
) -> None:
    Source.objects.filter(key="prometheus/appsre-rules").update(feeds=["appsre"])
    elsewhere = rule_row("elsewhere", prometheus="rhobs")
    assert rule_of(slow()) == elsewhere
    Episode.objects.all().delete()
    rule_row("warns", ordinal=1, labels={"severity": "warning"})
    mine = rule_row("mine", ordinal=2)
    templated = rule_row("templated", ordinal=3, labels={"severity": "critical", "team": "{{ $labels.namespace }}"})
    assert rule_of(slow()) == templated
    templated.delete()
    assert rule_of(Episode.objects.get()) == mine


def test_an_alert_without_a_rule_is_told_so_without_a_call(world: World) -> None:
    assert "None of the rules" in read(slow()).problem
    assert asked_of(world) == []


def test_a_prometheus_that_fails_is_asked_once_a_round_and_the_last_values_stay(world: World) -> None:
    rule_row()
    tell(world, ({"pod": "a"}, points("1")))
    episode = slow()
    read(episode)
    world.prometheus.answers.clear()
    world.prometheus.statuses[PATH] = 503
    AlertGraph.objects.update(read_at=database_now() - KEPT)
    ask_for_graph(episode=slow(fingerprint="6"))
    graphs_read()
    graphs = AlertGraph.objects.order_by("pk")
    assert len(asked_of(world)) == 2
    assert all("gave no values" in graph.problem for graph in graphs)
    assert [len(graph.series) for graph in graphs] == [1, 0]


def test_what_the_upstream_says_of_its_failure_is_not_shown(world: World) -> None:
    rule_row()
    world.prometheus.answers.clear()

    def secretive(peer: Peer, asked: Asked) -> None:
        reply({"status": "error", "errorType": "bad_data", "error": "secret thing"}, status=400)(peer, asked)

    world.prometheus.server.script = secretive
    problem = read(slow()).problem
    assert "gave no values" in problem
    assert "secret" not in problem


def test_a_source_that_is_backed_off_is_not_asked(world: World) -> None:
    rule_row()
    Source.objects.filter(key="prometheus/appsre-rules").update(
        not_before=database_now() + timedelta(minutes=1), error="could not be reached: 10.0.0.1 refused"
    )
    assert read(slow()).problem == "Prometheus appsre-rules gave no values (could not be reached)."
    assert asked_of(world) == []


def test_the_gateways_prometheus_is_asked_below_its_tenant(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    rule_row(prometheus="rhobs")
    Source.objects.get(key="prometheus/rhobs")
    path = "/api/metrics/v1/rhtap/api/v1/query_range"
    data = {"resultType": "matrix", "result": [{"metric": {"tenant_id": "t"}, "values": points("1")}]}
    world.tenant.answers[path] = {"status": "success", "data": data}
    assert read(slow(alertmanager="rhobs")).series


def test_asking_again_and_again_reads_once_until_it_is_old(world: World) -> None:
    rule_row()
    tell(world, ({"pod": "a"}, points("1")))
    episode = slow()
    read(episode)
    read(episode)
    assert len(asked_of(world)) == 1
    AlertGraph.objects.update(read_at=database_now() - KEPT, asked_at=database_now() - KEPT)
    graphs_read()  # it fires, and somebody looked lately
    assert len(asked_of(world)) == 2
    AlertGraph.objects.update(read_at=database_now() - KEPT, asked_at=ago(hours=1))
    graphs_read()
    assert len(asked_of(world)) == 2


def test_of_an_alert_that_ended_it_is_read_until_its_end_and_then_kept(world: World) -> None:
    rule_row()
    tell(world, ({"pod": "a"}, points("1")))
    episode = slow(began_at=ago(hours=5), ended_at=ago(hours=4), state="ended")
    read(episode)
    assert float(asked_of(world)[0]["end"]) == pytest.approx(ago(hours=4).timestamp(), abs=5)
    AlertGraph.objects.update(read_at=ago(hours=1), asked_at=ago(hours=2))
    read(episode)
    assert len(asked_of(world)) == 1


def test_a_minutes_measure_is_kept() -> None:
    now = database_now()
    many = [slow(fingerprint=f"f{number}") for number in range(MOST_A_MINUTE + 5)]
    AlertGraph.objects.bulk_create([AlertGraph(episode=each, asked_at=now) for each in many])
    assert len(graphs_wanted(now=now)) == AT_ONCE
    done = [each.pk for each in many[: MOST_A_MINUTE - 2]]
    AlertGraph.objects.filter(episode__in=done).update(read_at=now)
    assert len(graphs_wanted(now=now)) == 2


def test_an_episode_that_is_gone_meanwhile_leaves_the_round_going(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    rule_row()
    tell(world, ({"pod": "a"}, points("1")))
    gone, there = slow(fingerprint="gone"), slow(fingerprint="there")
    ask_for_graph(episode=gone)
    ask_for_graph(episode=there)
    ask = PrometheusClient.query_range

    def and_deleted(client: PrometheusClient, *told: Any, **more: Any) -> Any:
        Episode.objects.filter(fingerprint="gone").delete()
        return ask(client, *told, **more)

    monkeypatch.setattr(PrometheusClient, "query_range", and_deleted)
    graphs_read()
    assert [graph.episode for graph in AlertGraph.objects.filter(read_at__isnull=False)] == [there]


def test_a_long_alert_keeps_to_the_measure_of_points(world: World) -> None:
    rule_row()
    tell(world, ({"pod": "a"}, [[1_795_521_600 + 60 * each, "1"] for each in range(500)]))
    episode = slow(began_at=datetime.fromisoformat("2026-01-01T00:00:00+00:00"))
    graph = read(episode)
    assert len(graph.series[0]["points"]) == MOST_POINTS
    assert (graph.end - graph.start).total_seconds() / graph.step < MOST_POINTS  # type: ignore[operator]
