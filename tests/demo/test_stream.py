"""The stream of Applications, and the narrow list, as Argo CD 3.6 was recorded to send them."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests

from apps.demo.argocd.fields import LISTABLE, listed_fields
from apps.demo.fleet import RunningFleet
from tests.demo.conftest import Caller
from tests.demo.shapes import Shape

PRODUCTION = "argocd/production"
NAME = "gitops-stone-prd-rh01"
RECORDINGS = Path(__file__).parent.parent / "recordings" / "argocd" / "3.6"
SELECTED = "result.type,result.application.metadata.name,result.application.status.sync.status"


@contextmanager
def watching(
    fleet: RunningFleet, query: str = "", *, accept: str = "application/json", account: str = "portal"
) -> Iterator[Iterator[str]]:
    headers = Caller(fleet).headers(PRODUCTION, account) | {"Accept": accept}
    url = f"{fleet.urls[PRODUCTION]}/api/v1/stream/applications{query}"
    with requests.get(url, headers=headers, stream=True, timeout=10) as answer:
        assert answer.status_code == 200
        yield (line.decode() for line in answer.iter_lines(chunk_size=1) if line)


def change(fleet: RunningFleet, **fields: Any) -> None:
    """Change the Application once it is being watched."""
    instance = fleet.world.argocds["production"]
    for _ in range(200):
        if fleet.call(lambda: len(instance.watchers)):
            break
        time.sleep(0.01)
    fleet.call(lambda: fleet.world.application_change(fleet.world.application("production", NAME), **fields))


def events(lines: Iterator[str], count: int) -> list[dict[str, Any]]:
    return [json.loads(next(lines).removeprefix("data: "))["result"] for _ in range(count)]


def test_everything_is_replayed_as_added_and_then_followed(fleet: RunningFleet) -> None:
    total = len(fleet.world.argocds["production"].applications)
    with watching(fleet) as lines:
        replay = events(lines, total)
        assert {each["type"] for each in replay} == {"ADDED"}
        change(fleet, sync="OutOfSync")
        event = events(lines, 1)[0]
    assert event["type"] == "MODIFIED"
    assert event["application"]["metadata"]["name"] == NAME
    assert event["application"]["status"]["sync"]["status"] == "OutOfSync"


def test_what_the_selected_fields_do_not_show_is_not_sent(fleet: RunningFleet) -> None:
    with watching(fleet, f"?name={NAME}&fields={SELECTED}") as lines:
        assert events(lines, 1)[0]["application"] == {
            "metadata": {"name": NAME},
            "status": {"sync": {"status": "Synced"}},
        }
        change(fleet, health="Degraded")
        change(fleet, sync="OutOfSync")
        assert events(lines, 1)[0]["application"]["status"] == {"sync": {"status": "OutOfSync"}}


def test_a_deleted_application_is_told(fleet: RunningFleet) -> None:
    with watching(fleet, f"?name={NAME}") as lines:
        events(lines, 1)
        change(fleet)
        fleet.call(lambda: fleet.world.argocds["production"].removed(fleet.world.application("production", NAME)))
        assert [each["type"] for each in events(lines, 2)] == ["MODIFIED", "DELETED"]


def test_with_a_resource_version_nothing_is_replayed(fleet: RunningFleet) -> None:
    with watching(fleet, "?resourceVersion=1") as lines:
        change(fleet, sync="OutOfSync")
        assert events(lines, 1)[0]["type"] == "MODIFIED"


def test_server_sent_events_begin_with_data(fleet: RunningFleet) -> None:
    with watching(fleet, f"?name={NAME}", accept="text/event-stream") as lines:
        assert next(lines).startswith('data: {"result":')


def test_an_account_without_rights_sees_an_empty_stream(fleet: RunningFleet) -> None:
    with watching(fleet, "?resourceVersion=1", account="nothing") as lines:
        change(fleet, sync="OutOfSync")
        fleet.call(fleet.servers[PRODUCTION].cut)
        try:
            left = list(lines)
        except requests.RequestException:
            left = []
    assert left == []


def test_the_stream_of_a_sync_has_the_recorded_shape(fleet: RunningFleet, ask: Caller) -> None:
    recorded = json.loads((RECORDINGS / "watch_one_sync.json").read_text())
    shape = Shape()
    for each in recorded["response"]["lines"]:
        if "line" in each:
            shape.learn(json.loads(each["line"]))
    fields = parse_qs(urlsplit(recorded["request"]["path"]).query)["fields"][0]
    with watching(fleet, f"?name={NAME}&fields={fields}") as lines:
        change(fleet, sync="OutOfSync")
        ask.post(PRODUCTION, f"/api/v1/applications/{NAME}/sync", {"project": "default"})
        fleet.advance(1)
        seen = events(lines, 4)
    assert not [stranger for each in seen for stranger in shape.strangers({"result": each})]
    assert [each["application"]["status"].get("operationState", {}).get("phase") for each in seen] == [
        "Succeeded",
        "Succeeded",
        None,
        "Running",
    ]


def test_a_narrow_list_has_what_was_asked_for_and_nulls_as_recorded(ask: Caller) -> None:
    query = "?fields=items.metadata.name,items.metadata.labels,items.status.conditions,items.operation.sync"
    items = ask.get(PRODUCTION, f"/api/v1/applications{query}").json()["items"]
    by_name = {each["metadata"]["name"]: each for each in items}
    assert by_name[NAME] == {"metadata": {"name": NAME, "labels": None}}
    assert "sync" in by_name["jvm-build-service-stone-prd-rh01"]["operation"]


def test_a_narrow_list_follows_changes(fleet: RunningFleet, ask: Caller) -> None:
    path = "/api/v1/applications?fields=items.metadata.name,items.status.sync.status"

    def sync_status() -> str:
        items = ask.get(PRODUCTION, path).json()["items"]
        return str(next(each["status"]["sync"]["status"] for each in items if each["metadata"]["name"] == NAME))

    assert sync_status() == "Synced"
    fleet.call(lambda: fleet.world.application_change(fleet.world.application("production", NAME), sync="OutOfSync"))
    assert sync_status() == "OutOfSync"


def test_unknown_fields_are_ignored_and_a_minus_excludes() -> None:
    assert listed_fields("items.metadata.name,items.metadata.uid") == ("metadata.name",)
    assert listed_fields("-items.spec") == tuple(name for name in LISTABLE if name != "spec")
    assert listed_fields("") is None
