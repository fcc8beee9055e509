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
