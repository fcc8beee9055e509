"""The demo keeps each sync and terminate that came in and how it was answered, for those who count afterwards."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests

from apps.demo.fleet import RunningFleet
from tests.demo.conftest import Caller

PRODUCTION = "argocd/production"
ALERTMANAGERS = ("alertmanager/appsre/0", "alertmanager/appsre/1", "observatorium/rhobs")
NAME = "tekton-ci-stone-prd-m01"
FAILING = "integration-stone-prd-m01"
SYNC = f"/api/v1/applications/{NAME}/sync"
OPERATION = f"/api/v1/applications/{NAME}/operation?project=default"


def body(request_id: str, **more: Any) -> dict[str, Any]:
    return {"project": "default", "infos": [{"name": "portal.request-id", "value": request_id}], **more}


@pytest.fixture
def received(fleet: RunningFleet) -> Any:
    """What the production instance got so far, by way of the control endpoint."""

    def look(path: str = f"/{PRODUCTION}") -> list[dict[str, Any]]:
        answer = requests.get(f"{fleet.control_url}/received{path}", timeout=5)
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()[PRODUCTION]
        return found

    return look


def test_a_sync_is_kept_with_its_request_id_and_in_the_end_with_its_outcome(
    fleet: RunningFleet, ask: Caller, received: Any
) -> None:
    ask.post(PRODUCTION, SYNC, body("id-1"))
    (entry,) = received()
    came = datetime.fromisoformat(entry.pop("at"))
    assert abs(datetime.now(UTC) - came) < timedelta(minutes=1)
    assert entry == {
        "action": "sync",
        "application": NAME,
        "request_id": "id-1",
        "ends": "",
        "dry_run": False,
        "fault": "",
        "status": 200,
        "message": "",
        "outcome": "",
    }
    fleet.advance(20)
    assert [each["outcome"] for each in received()] == ["Succeeded"]


def test_each_answer_is_kept_and_each_outcome_goes_with_its_own_operation(
    fleet: RunningFleet, ask: Caller, received: Any
) -> None:
    ask.post(PRODUCTION, SYNC, body("id-1"))
    ask.post(PRODUCTION, SYNC, body("id-1"))
    fleet.advance(1)
    ask.delete(PRODUCTION, OPERATION)
    fleet.advance(10)
    ask.delete(PRODUCTION, OPERATION)
    ask.post(PRODUCTION, SYNC, body("id-2", dryRun=True), account="viewonly")
    ask.post(PRODUCTION, SYNC, body("id-3", dryRun=True))
    ask.post(PRODUCTION, f"/api/v1/applications/{FAILING}/sync", body("id-4", retryStrategy={"limit": 0}))
    fleet.advance(20)
    told = [(e["action"], e["request_id"], e["ends"], e["status"], e["message"][:17], e["outcome"]) for e in received()]
    assert told == [
        ("sync", "id-1", "", 200, "", "Failed"),
        ("sync", "id-1", "", 400, "another operation", ""),
        ("terminate", "", "id-1", 200, "", "Failed"),
        ("terminate", "", "", 400, "Unable to termina", ""),
        ("sync", "id-2", "", 403, "permission denied", ""),
        ("sync", "id-3", "", 200, "", "Succeeded"),
        ("sync", "id-4", "", 200, "", "Failed"),
    ]
    assert [entry["dry_run"] for entry in received()] == [False, False, False, False, True, True, False]


def test_what_a_fault_kept_from_being_done_came_in_all_the_same(
    fleet: RunningFleet, ask: Caller, received: Any
) -> None:
    fleet.fault(PRODUCTION, "503")
    ask.post(PRODUCTION, SYNC, body("id-1"))
    fleet.fault(PRODUCTION, "none")
    fleet.advance(10)
    (entry,) = received()
    assert (entry["request_id"], entry["fault"], entry["status"], entry["outcome"]) == ("id-1", "503", None, "")


def test_what_was_done_and_whose_answer_a_fault_spoiled_is_told_apart(
    fleet: RunningFleet, ask: Caller, received: Any
) -> None:
    fleet.fault(PRODUCTION, "truncated")
    with pytest.raises(requests.RequestException):
        _ = ask.post(PRODUCTION, SYNC, body("id-1")).content
    fleet.fault(PRODUCTION, "none")
    fleet.advance(10)
    (entry,) = received()
    assert (entry["request_id"], entry["fault"], entry["status"]) == ("id-1", "truncated", 200)
    assert entry["outcome"] == "Succeeded"


@pytest.mark.parametrize("document", [[1, 2], "text", {"infos": "none"}, {"infos": [1, {"name": 5}]}, None])
def test_a_body_that_is_no_sync_s_is_kept_without_an_id(document: Any, ask: Caller, received: Any) -> None:
    ask.post(PRODUCTION, SYNC, document)
    assert [entry["request_id"] for entry in received()] == [""]


def test_reading_is_not_kept_and_everything_can_be_forgotten(fleet: RunningFleet, ask: Caller, received: Any) -> None:
    ask.get(PRODUCTION, f"/api/v1/applications/{NAME}?refresh=hard")
    ask.get(PRODUCTION, SYNC)
    assert received() == []
    ask.post(PRODUCTION, SYNC, body("id-1"))
    every = requests.get(f"{fleet.control_url}/received", timeout=5).json()
    assert {name: len(entries) for name, entries in every.items() if entries} == {PRODUCTION: 1}
    assert every.keys() == {"argocd/staging", PRODUCTION, *ALERTMANAGERS}
    assert requests.delete(f"{fleet.control_url}/received", timeout=5).status_code == 200
    assert received() == []


def test_silences_are_kept_with_the_request_id_of_their_comment(fleet: RunningFleet, ask: Caller) -> None:
    request_id = "11111111-2222-3333-4444-555555555555"
    now = datetime.now(UTC)
    silence = {
        "matchers": [{"name": "alertname", "value": "A", "isRegex": False, "isEqual": True}],
        "startsAt": now.isoformat(),
        "endsAt": (now + timedelta(hours=1)).isoformat(),
        "createdBy": "remy",
        "comment": f"upgrade [request {request_id}]",
    }
    made = {}
    for server, prefix in (("alertmanager/appsre/0", ""), ("observatorium/rhobs", "/api/metrics/v1/rhtap/am")):
        made[server] = ask.post(server, f"{prefix}/api/v2/silences", silence).json()["silenceID"]
        ask.delete(server, f"{prefix}/api/v2/silence/{made[server]}")
    for server, silence_id in made.items():
        told = requests.get(f"{fleet.control_url}/received/{server}", timeout=5).json()[server]
        assert [(e["action"], e["silence"], e["request_id"], e["status"], e["made"]) for e in told] == [
            ("silence", "", request_id, 200, silence_id),
            ("expire", silence_id, "", 200, ""),
        ]


def test_a_silence_that_a_fault_answers_was_not_made(fleet: RunningFleet, ask: Caller) -> None:
    fleet.fault("alertmanager/appsre/0", "503")
    ask.post("alertmanager/appsre/0", "/api/v2/silences", {"comment": "[request 1]"})
    (entry,) = requests.get(f"{fleet.control_url}/received", timeout=5).json()["alertmanager/appsre/0"]
    assert (entry["fault"], entry["status"], entry["request_id"]) == ("503", None, "")
