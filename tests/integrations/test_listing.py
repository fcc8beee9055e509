"""Lists with bad items, and moments that are none (F16, F17, F18, F23)."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from apps.core.errors import UpstreamBadReply
from apps.integrations.alertmanager import AlertmanagerClient
from apps.integrations.argocd import ArgoCDClient
from apps.integrations.http import Endpoint
from apps.integrations.listing import read_time
from tests.integrations.conftest import Serve
from tests.integrations.wire_server import reply


def application(name: str, **status: Any) -> dict[str, Any]:
    return {"metadata": {"name": name, "namespace": "argocd"}, "spec": {"project": "default"}, "status": status}


def client_told(serve: Serve, items: Any) -> ArgoCDClient:
    return ArgoCDClient(Endpoint(source="argocd/one", url=serve(reply({"items": items})).url))


def test_f16_a_word_that_we_do_not_know_is_kept_as_itself(serve: Serve) -> None:
    odd = application(
        "a", sync={"status": "Drifting"}, health={"status": "Dreaming"}, operationState={"phase": "Dozing"}
    )
    with client_told(serve, [odd]) as client:
        (found,) = client.applications().items
    assert (found.sync_status, found.health_status) == ("Drifting", "Dreaming")
    assert found.operation is not None
    assert found.operation.phase == "Dozing"


@pytest.mark.parametrize(
    "broken",
    [
        {"spec": {}},
        {"metadata": {"name": None}},
        {"metadata": "a"},
        application("x", sync="Synced"),
        application("x", health=[]),
        application("x", conditions={"type": "SyncError"}),
        application("x", operationState={"phase": "Running", "retryCount": 10**400}),
        application("x", operationState={"phase": 3}),
        "a string",
        None,
        [],
    ],
)
def test_f17_an_item_of_another_shape_is_unreadable_and_the_rest_is_shown(broken: Any, serve: Serve) -> None:
    with client_told(serve, [application("a"), broken, application("b")]) as client:
        found = client.applications()
    assert [a.name for a in found.items] == ["a", "b"]
    (bad,) = found.unreadable
    assert bad.index == 1
    assert bad.reason
    assert bad.name == (
        "x" if isinstance(broken, dict) and broken.get("metadata", {}) == application("x")["metadata"] else ""
    )


@pytest.mark.parametrize(
    "missing", ["sync", "health", "conditions", "operationState", "resources", "history", "summary"]
)
def test_f17_null_is_as_good_as_missing(missing: str, serve: Serve) -> None:
    with client_told(serve, [application("a", **{missing: None})]) as client:
        found = client.applications()
    assert not found.unreadable
    assert found.items[0].sync_status == ""


def test_f18_one_of_five_thousand_is_lost_and_4999_are_shown(serve: Serve) -> None:
    items = [application(f"app-{number}", sync={"status": "Synced"}) for number in range(5000)]
    items[1234]["status"]["sync"]["status"] = 7
    with client_told(serve, items) as client:
        found = client.applications()
    assert len(found.items) == 4999
    assert [(bad.index, bad.name) for bad in found.unreadable] == [(1234, "app-1234")]


@pytest.mark.parametrize("envelope", [[], "no", 3, {"items": {}}, {"items": "none"}])
def test_f17_a_list_that_is_none_is_a_bad_reply(envelope: Any, serve: Serve) -> None:
    endpoint = Endpoint(source="argocd/one", url=serve(reply(envelope)).url)
    with ArgoCDClient(endpoint) as client, pytest.raises(UpstreamBadReply):
        client.applications()


def test_f18_an_alert_of_another_shape_is_named_by_its_fingerprint(serve: Serve) -> None:
    good = {"fingerprint": "f1", "labels": {"alertname": "A"}, "status": {"state": "active"}, "annotations": None}
    bad = {**good, "fingerprint": "f2", "labels": {"alertname": 5}}
    endpoint = Endpoint(source="alertmanager/one", url=serve(reply([good, bad])).url)
    with AlertmanagerClient(endpoint) as client:
        found = client.alerts()
    assert [alert.fingerprint for alert in found.items] == ["f1"]
    assert [unread.name for unread in found.unreadable] == ["f2"]


@pytest.mark.parametrize("text", [json.dumps(None), "null"])
def test_no_alerts_may_be_null(text: str, serve: Serve) -> None:
    with AlertmanagerClient(Endpoint(source="alertmanager/one", url=serve(reply(text)).url)) as client:
        assert client.alerts().items == ()


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-24T12:11:11.022180002Z", datetime(2026, 11, 24, 12, 11, 11, 22180, UTC)),
        ("2026-11-24T14:11:11+02:00", datetime(2026, 11, 24, 12, 11, 11, tzinfo=UTC)),
        ("2026-11-24T12:11:11", datetime(2026, 11, 24, 12, 11, 11, tzinfo=UTC)),
        ("9000-01-01T00:00:00Z", datetime(9000, 1, 1, tzinfo=UTC)),
        ("0001-01-01T00:00:00Z", None),
        ("0001-01-01T00:00:00+10:00", None),
        ("9999-12-31T23:59:59-10:00", None),
        ("yesterday", None),
        ("", None),
        (None, None),
    ],
)
def test_f23_moments_are_read_leniently(text: str | None, moment: datetime | None) -> None:
    assert read_time(text) == moment
