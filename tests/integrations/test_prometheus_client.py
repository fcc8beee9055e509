"""What the recordings of Prometheus do not show."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs

import pytest

from apps.core.errors import UpstreamBadReply
from apps.integrations.http import Endpoint
from apps.integrations.prometheus import PrometheusClient
from tests.integrations.conftest import Serve
from tests.integrations.wire_server import Asked, reply


def client_told(serve: Serve, data: Any, **more: Any) -> tuple[PrometheusClient, list[Asked]]:
    server = serve(reply({"status": "success", "data": data, **more}))
    return PrometheusClient(Endpoint(source="prometheus/one", url=server.url)), server.asked


def vector(*values: Any) -> dict[str, Any]:
    return {"resultType": "vector", "result": [{"metric": {"n": str(i)}, "value": v} for i, v in enumerate(values)]}


def test_a_long_query_goes_as_a_form(serve: Serve) -> None:
    client, asked = client_told(serve, vector())
    expr = "up or " * 400 + "up"
    with client:
        client.query(expr, at=datetime(2026, 11, 24, tzinfo=UTC))
    assert (asked[0].method, asked[0].path) == ("POST", "/api/v1/query")
    assert parse_qs(asked[0].body.decode()) == {"query": [expr], "time": ["1795478400.000"]}


def test_warnings_are_told_since_data_may_be_missing(serve: Serve) -> None:
    client, _ = client_told(serve, vector([1, "1"]), warnings=["store a is down"])
    with client:
        assert client.query("up").warnings == ("store a is down",)
    client, _ = client_told(serve, {"groups": None}, warnings=["half the rules"])
    with client:
        assert client.rules().warnings == ("half the rules",)


def test_a_remark_on_names_is_no_lack_of_data(serve: Serve) -> None:
    """Thanos, and Prometheus 2.48 to 2.53, tell PromQL's remarks among the warnings."""
    remark = 'PromQL info: metric might not be a counter, name does not end in _total: "workqueue_depth" (1:6)'
    client, _ = client_told(serve, vector([1, "1"]), warnings=[remark, "store a is down"])
    with client:
        assert client.query("up").warnings == ("store a is down",)


def test_f18_a_sample_that_cannot_be_read_costs_itself(serve: Serve) -> None:
    client, _ = client_told(serve, vector([1, "+Inf"], [1, "much"], [1e300, "1"], ["x", "1"], [1.5, "NaN"]))
    with client:
        found = client.query("up")
    assert found.samples[0].value == math.inf
    assert math.isnan(found.samples[1].value)
    assert found.samples[1].at == datetime(1970, 1, 1, 0, 0, 1, 500000, UTC)
    assert [bad.index for bad in found.unreadable] == [1, 2, 3]


@pytest.mark.parametrize(
    "data", [{"resultType": "string", "result": [1, "a"]}, {"resultType": "matrix", "result": []}, {}, None]
)
def test_f17_an_answer_of_another_kind_is_a_bad_reply(data: Any, serve: Serve) -> None:
    client, _ = client_told(serve, data)
    with client, pytest.raises(UpstreamBadReply):
        client.query("up")


def test_an_error_with_200_is_a_bad_reply(serve: Serve) -> None:
    server = serve(reply({"status": "error", "errorType": "internal", "error": "no\nluck"}))
    client = PrometheusClient(Endpoint(source="prometheus/one", url=server.url))
    with client, pytest.raises(UpstreamBadReply, match="answered 200 with an error: no luck"):
        client.rules()


def test_f18_a_rule_or_a_group_that_cannot_be_read_costs_itself(serve: Serve) -> None:
    good = {"type": "alerting", "name": "A", "query": "up", "state": "firing", "health": "ok", "alerts": None}
    recording = {"type": "recording", "name": "r", "query": "up"}
    groups = [{"name": "g", "file": "f", "rules": [good, {**good, "name": 5}, recording]}, {"name": 7}]
    client, _ = client_told(serve, {"groups": groups})
    with client:
        found = client.rules()
    assert [(rule.group, rule.name, rule.state) for rule in found.items] == [("g", "A", "firing")]
    assert len(found.unreadable) == 2


def matrix(*series: Any) -> dict[str, Any]:
    return {"resultType": "matrix", "result": list(series)}


START, END = datetime(2026, 11, 24, 12, tzinfo=UTC), datetime(2026, 11, 24, 14, tzinfo=UTC)


def test_a_range_is_asked_for_as_the_api_wants_it(serve: Serve) -> None:
    client, asked = client_told(serve, matrix())
    long = "sum(" + "up + " * 400 + "up)"
    with client:
        client.query_range("up", START, END, 37.5)
        client.query_range(long, START, END, 36.0)
    span = {"start": ["1795521600.000"], "end": ["1795528800.000"]}
    assert asked[0].method == "GET"
    assert parse_qs(asked[0].target.partition("?")[2]) == {"query": ["up"], "step": ["37.5"], **span}
    assert (asked[1].method, asked[1].path) == ("POST", "/api/v1/query_range")
    assert parse_qs(asked[1].body.decode()) == {"query": [long], "step": ["36"], **span}


def test_of_many_series_only_those_wanted_are_read_and_no_more_than_fit(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("apps.integrations.prometheus.client.MOST_SERIES", 3)
    monkeypatch.setattr("apps.integrations.prometheus.client.MOST_POINTS", 2)
    points = [[1795521600, "1"], [1795521660, "2"], [1795521720, "3"]]
    many = [{"metric": {"pod": f"p{number % 5}"}, "values": points} for number in range(100)]
    client, _ = client_told(serve, matrix(*many))
    with client:
        found = client.query_range("up", START, END, 60, wanted=lambda labels: labels["pod"] == "p3")
    assert [each.labels for each in found.series] == [{"pod": "p3"}] * 3
    assert [len(each.points) for each in found.series] == [2, 2, 2]
    assert found.told == 100


def test_f18_a_series_that_cannot_be_read_costs_itself(serve: Serve) -> None:
    good = {"metric": {"pod": "a"}, "values": [[1795521600, "NaN"], [1795521660, "1"]]}
    client, _ = client_told(
        serve, matrix(good, {"metric": 5, "values": []}, {"metric": {}, "values": "no"}), warnings=["cut"]
    )
    with client:
        found = client.query_range("up", START, END, 60, wanted=bool)
    assert [each.labels for each in found.series] == [{"pod": "a"}]
    assert math.isnan(found.series[0].points[0][1])
    assert [bad.index for bad in found.unreadable] == [1]
    assert found.warnings == ("cut",)


@pytest.mark.parametrize("data", [vector([1, "1"]), {"resultType": "scalar", "result": [1, "1"]}, None])
def test_f17_a_range_that_is_no_matrix_is_a_bad_reply(data: Any, serve: Serve) -> None:
    client, _ = client_told(serve, data)
    with client, pytest.raises(UpstreamBadReply):
        client.query_range("up", START, END, 60)
