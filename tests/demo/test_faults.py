"""Each fault does what it says, and ends when it is switched off."""

from __future__ import annotations

import time
from typing import Any

import pytest
import requests

from apps.demo.fleet import RunningFleet
from tests.demo.conftest import Caller

SERVER = "alertmanager/appsre/0"
PATH = "/api/v2/alerts"


@pytest.mark.parametrize("status", [401, 403, 429, 503])
def test_a_status_is_answered_and_ends_again(fleet: RunningFleet, ask: Caller, status: int) -> None:
    fleet.fault(SERVER, str(status), retry_after=120)
    answer = ask.get(SERVER, PATH)
    assert (answer.status_code, answer.headers["Retry-After"]) == (status, "120")
    fleet.fault(SERVER, "none")
    assert ask.get(SERVER, PATH).status_code == 200


@pytest.mark.parametrize(
    "server", ["argocd/production", "prometheus/appsre", "kubernetes/stone-prd-m01", "oauth2/rhobs"]
)
def test_every_upstream_words_a_refusal_in_its_own_way(fleet: RunningFleet, ask: Caller, server: str) -> None:
    for status in (401, 403, 429, 503):
        fleet.fault(server, str(status))
        answer = ask.get(server, "/api/v1/applications")
        assert answer.status_code == status
        assert isinstance(answer.json(), dict)


def test_a_refused_connection_comes_back_on_the_same_port(fleet: RunningFleet, ask: Caller) -> None:
    url = fleet.urls[SERVER]
    fleet.fault(SERVER, "refuse")
    with pytest.raises(requests.ConnectionError, match="refused"):
        ask.get(SERVER, PATH)
    fleet.fault(SERVER, "none")
    assert requests.get(url + PATH, timeout=5).status_code == 200


def test_a_hanging_server_takes_the_request_and_says_nothing(fleet: RunningFleet) -> None:
    fleet.fault(SERVER, "hang")
    with pytest.raises(requests.ReadTimeout):
        requests.get(fleet.urls[SERVER] + PATH, timeout=0.3)
    assert fleet.log(SERVER).count == 1


def test_a_slow_server_sends_byte_after_byte(fleet: RunningFleet) -> None:
    fleet.fault(SERVER, "slow", pause=0.05)
    began = time.monotonic()
    with requests.get(fleet.urls[SERVER] + PATH, stream=True, timeout=5) as answer:
        assert answer.raw.read(6)
    assert time.monotonic() - began > 0.2


def test_a_truncated_body_is_shorter_than_announced(fleet: RunningFleet) -> None:
    fleet.fault(SERVER, "truncated")
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        _ = requests.get(fleet.urls[SERVER] + PATH, timeout=5).content


def test_a_bomb_is_small_on_the_wire_and_huge_when_decoded(fleet: RunningFleet) -> None:
    fleet.fault(SERVER, "bomb", size=8 * 1024 * 1024)
    answer = requests.get(fleet.urls[SERVER] + PATH, timeout=10)
    assert len(answer.content) == 8 * 1024 * 1024
    assert int(answer.headers["Content-Length"]) * 900 < len(answer.content)


def test_a_huge_body_is_as_big_as_asked(fleet: RunningFleet) -> None:
    fleet.fault(SERVER, "huge", size=3_000_000)
    assert len(requests.get(fleet.urls[SERVER] + PATH, timeout=10).content) == 3_000_000


@pytest.mark.parametrize(
    ("kind", "status", "content_type"),
    [("html", 200, "text/html; charset=utf-8"), ("redirect", 302, None), ("blank", 200, "application/json")],
)
def test_other_answers(fleet: RunningFleet, kind: str, status: int, content_type: str | None) -> None:
    fleet.fault(SERVER, kind)
    answer = requests.get(fleet.urls[SERVER] + PATH, allow_redirects=False, timeout=5)
    assert (answer.status_code, answer.headers.get("Content-Type")) == (status, content_type)


@pytest.mark.parametrize(
    ("server", "path", "nothing"),
    [
        (SERVER, PATH, []),
        ("argocd/production", "/api/v1/clusters", {"metadata": {}, "items": None}),
        ("prometheus/appsre", "/api/v1/rules", {"status": "success", "data": {"groups": []}}),
    ],
)
def test_an_empty_answer_is_a_valid_one(fleet: RunningFleet, ask: Caller, server: str, path: str, nothing: Any) -> None:
    assert ask.get(server, path).json() != nothing
    fleet.fault(server, "empty")
    assert ask.get(server, path).json() == nothing


def test_a_stream_is_cut_in_the_middle_of_an_event(fleet: RunningFleet, ask: Caller) -> None:
    fleet.fault("argocd/production", "cut_stream", chunks=2)
    answer = ask.get("argocd/production", "/api/v1/stream/applications", stream=True)
    lines = []
    with pytest.raises(requests.RequestException):
        lines.extend(answer.iter_lines())
    assert ask.get("argocd/production", "/api/v1/applications").status_code == 200


def test_a_fault_can_be_for_one_path_and_for_some_times_only(fleet: RunningFleet, ask: Caller) -> None:
    fleet.fault(SERVER, "503", path=PATH, times=1)
    assert ask.get(SERVER, "/api/v2/silences").status_code == 200
    assert [ask.get(SERVER, PATH).status_code for _ in range(2)] == [503, 200]


def test_a_fault_for_a_path_is_for_what_is_below_it_too_but_not_for_what_only_begins_so(
    fleet: RunningFleet, ask: Caller
) -> None:
    fleet.fault(SERVER, "503", path="/api/v2/alerts")
    assert ask.get(SERVER, "/api/v2/alerts/groups").status_code == 503
    fleet.fault(SERVER, "503", path="/api/v2/alert")
    assert ask.get(SERVER, "/api/v2/alerts/groups").status_code == 200


def test_what_is_no_request_is_refused(fleet: RunningFleet) -> None:
    import socket

    with socket.create_connection(("127.0.0.1", fleet.servers[SERVER].port), timeout=5) as connection:
        connection.sendall(b"nonsense\r\n\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.1 400 ")
