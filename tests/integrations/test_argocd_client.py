"""What the recordings of Argo CD do not show: the stream's faults, names that are hostile, operations that are new."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs

import pytest

from apps.core.errors import UpstreamBadReply, UpstreamDenied, UpstreamNotInstalled, UpstreamUnavailable
from apps.integrations.argocd import REQUEST_ID, ApplicationDetail, ArgoCDClient, RevisionMetadata, SyncOrder
from apps.integrations.http import Endpoint
from tests.integrations.conftest import Serve
from tests.integrations.wire_server import Asked, Peer, Script, head, reply

SELECTABLE_IN_2_8 = {
    "metadata.name",
    "metadata.namespace",
    "metadata.annotations",
    "metadata.labels",
    "metadata.creationTimestamp",
    "metadata.deletionTimestamp",
    "spec",
    "status.sync.status",
    "status.health",
    "status.summary",
    "status.operationState.startedAt",
    "status.operationState.finishedAt",
    "status.resources",
    "operation.sync",
    "status.operationState.phase",
    "status.operationState.operation.sync",
}
"""Fields of a list: `appFields` of Argo CD 2.8.0's pkg/apiclient/application/forwarder_overwrite.go."""


def client_of(serve: Serve, script: Script) -> tuple[ArgoCDClient, list[Asked]]:
    server = serve(script)
    return ArgoCDClient(Endpoint(source="argocd/one", url=server.url)), server.asked


def event(name: str, kind: str = "ADDED", **more: Any) -> str:
    application = {"metadata": {"name": name, "namespace": "argocd"}, **more}
    return json.dumps({"result": {"type": kind, "application": application}})


def streamed(*lines: str) -> Script:
    return lambda peer, asked: peer.send(head(), *[f"{line}\n" for line in lines])


def test_the_stream_reads_events_of_a_server_and_bare_lines_alike(serve: Serve) -> None:
    client, asked = client_of(
        serve, streamed(":", "", f"data: {event('a')}", "", "event: x", "retry: 5", event("b", "DELETED"), ":", "")
    )
    with client, client.stream(idle_timeout=2) as stream:
        found = [(e.type, e.application.name) for e in stream]
    assert found == [("ADDED", "a"), ("DELETED", "b")]
    assert asked[0].headers["accept"] == "text/event-stream"
    assert "result.application.metadata.uid" in asked[0].target
    assert "resourceVersion" not in asked[0].target


def test_the_stream_raises_an_error_that_comes_in_band(serve: Serve) -> None:
    error = {"error": {"grpc_code": 16, "http_code": 401, "message": "token expired", "http_status": "Unauthorized"}}
    client, _ = client_of(serve, streamed(f"data: {event('a')}", "", f"data: {json.dumps(error)}", ""))
    with client, client.stream(idle_timeout=2) as stream:
        events = iter(stream)
        assert next(events).application.name == "a"
        with pytest.raises(UpstreamDenied, match=r"the stream ended: refused our credentials \(401\): token expired"):
            next(events)


def test_f17_an_event_of_another_shape_is_skipped_and_counted(serve: Serve) -> None:
    broken = event("b", status={"sync": 3})
    client, _ = client_of(serve, streamed(event("a"), broken, "{not json", "{" + '"a":[' * 100_000, "{}", event("c")))
    with client, client.stream(idle_timeout=2) as stream:
        assert [e.application.name for e in stream] == ["a", "c"]
        assert stream.unreadable_count == 3
        assert stream.unreadable[0].index == 1


def test_f6_a_stream_without_its_sign_of_life_is_an_outage(serve: Serve) -> None:
    def script(peer: Peer, asked: Asked) -> None:
        peer.send(head(), f"data: {event('a')}\n\n")
        peer.hang()

    client, _ = client_of(serve, script)
    with client, client.stream(idle_timeout=0.2) as stream, pytest.raises(UpstreamUnavailable, match="is silent"):
        list(stream)


def test_an_operation_that_was_just_asked_for_hides_the_last_ones_end(serve: Serve) -> None:
    asked = {"sync": {"revision": "abc"}, "initiatedBy": {"username": "remy"}}
    ended = {"operationState": {"phase": "Succeeded", "operation": {}, "message": "done"}}
    client, _ = client_of(serve, reply(json.loads(event("a", operation=asked, status=ended))["result"]["application"]))
    with client:
        operation = client.application("a", namespace="argocd", project="default").application.operation
    assert operation is not None
    assert (operation.phase, operation.message, operation.initiated_by) == ("Pending", "", "remy")


def test_several_sources_keep_each_revision(serve: Serve) -> None:
    sources = [{"repoURL": "https://git/a", "path": "a"}, {"repoURL": "https://git/b", "chart": "b"}]
    body = {
        "metadata": {"name": "a"},
        "spec": {"sources": sources, "syncPolicy": {"automated": {"enabled": False}}},
        "status": {"sync": {"status": "Synced", "revisions": ["r1", "r2"]}},
    }
    client, _ = client_of(serve, reply(body))
    with client:
        found = client.application("a", namespace="", project="").application
    assert (found.source_count, found.repo_url, found.path) == (2, "https://git/a", "a")
    assert (found.sync_revision, found.sync_revisions) == ("r1", ("r1", "r2"))
    assert not found.auto_sync


def test_the_list_asks_for_nothing_that_versions_before_3_5_would_leave_out_but_the_revision(serve: Serve) -> None:
    client, asked = client_of(serve, reply({"items": None}))
    with client:
        client.applications()
    (fields,) = parse_qs(asked[0].target.partition("?")[2])["fields"]
    wanted = {name.removeprefix("items.") for name in fields.split(",")} - {"metadata.resourceVersion"}
    assert wanted - SELECTABLE_IN_2_8 == {"status.sync.revision"}


def test_f29_an_application_is_asked_for_by_one_segment_and_its_project(serve: Serve) -> None:
    client, asked = client_of(serve, reply({"metadata": {"name": "x"}}))
    with client:
        client.application("../clusters?a=b", namespace="argo/cd", project="a&b")
    assert asked[0].target == "/api/v1/applications/..%2Fclusters%3Fa%3Db?appNamespace=argo%2Fcd&project=a%26b"


def test_f17_a_node_or_an_event_of_another_shape_costs_only_itself(serve: Serve) -> None:
    nodes = [{"kind": "Pod", "name": "a", "health": None, "parentRefs": None}, {"kind": 3}, "x"]
    client, asked = client_of(serve, reply(json.dumps({"nodes": nodes})))
    with client:
        found = client.resource_tree("a", namespace="argocd", project="default")
    assert [node.name for node in found.items] == ["a"]
    assert len(found.unreadable) == 2
    assert asked[0].target.startswith("/api/v1/applications/a/resource-tree?appNamespace=argocd")
    items = [{"reason": "New", "eventTime": "2026-11-24T12:00:00Z", "series": {"count": 7}}, {"count": 10**30}, None]
    client, _ = client_of(serve, reply(json.dumps({"items": items})))
    with client:
        events = client.events("a", namespace="argocd", project="default")
    assert [(event.reason, event.count, event.last_at) for event in events.items] == [
        ("New", 7, datetime(2026, 11, 24, 12, tzinfo=UTC))
    ]
    assert len(events.unreadable) == 2


def test_revision_metadata_is_who_when_and_why(serve: Serve) -> None:
    body = {"author": "Ada <ada@example.com>", "date": "2026-11-24T10:00:00Z", "message": "Fix it\n\nIndeed"}
    client, asked = client_of(serve, reply(body))
    with client:
        found = client.revision_metadata("a", "37645deb", namespace="argocd", project="default")
    assert found == RevisionMetadata(
        "Ada <ada@example.com>", datetime(2026, 11, 24, 10, tzinfo=UTC), "Fix it\n\nIndeed"
    )
    assert asked[0].path == "/api/v1/applications/a/revisions/37645deb/metadata"


def test_a_right_for_everything_is_asked_for_with_a_star(serve: Serve) -> None:
    client, asked = client_of(serve, reply({"value": "yes"}))
    with client:
        assert client.can_i("applications", "get")
    assert asked[0].path == "/api/v1/account/can-i/applications/get/%2A"


def test_a_route_that_a_version_lacks_is_not_installed(serve: Serve) -> None:
    client, _ = client_of(serve, reply("404 page not found", status=404, Content_Type="text/plain"))
    with client, pytest.raises(UpstreamNotInstalled):
        client.application_sets()


def test_f11_a_stream_that_answers_with_another_status_is_refused(serve: Serve) -> None:
    client, _ = client_of(serve, reply("", status=302, Location="https://sso.example/login"))
    with client, pytest.raises(UpstreamBadReply, match=r"redirects to another host, sso\.example"):
        client.stream(idle_timeout=1)


BEGUN = {
    "metadata": {"name": "a", "namespace": "argocd"},
    "operation": {"sync": {"revisions": ["abc", "def"]}, "info": [{"name": REQUEST_ID, "value": "the-id"}]},
    "status": {"operationState": {"phase": "Failed", "startedAt": "2026-11-24T12:00:00Z"}},
}


def test_the_answer_to_a_sync_tells_the_operation_that_was_begun_and_not_the_last_one(serve: Serve) -> None:
    client, _ = client_of(serve, reply(BEGUN))
    with client:
        begun = client.sync("a", namespace="argocd", project="default", order=SyncOrder()).application.operation
    assert begun is not None
    assert (begun.phase, begun.started_at, begun.revision, begun.request_id) == ("Pending", None, "abc", "the-id")


def test_all_that_a_sync_can_be_asked_is_asked(serve: Serve) -> None:
    client, asked = client_of(serve, reply(BEGUN))
    order = SyncOrder(
        prune=True,
        dry_run=True,
        force=True,
        resources=(("apps", "Deployment", "ns", "web"), ("", "Namespace", "", "ns")),
        sync_options=("CreateNamespace=true", "Replace=true"),
        infos=((REQUEST_ID, "the-id"), ("reason", "ünusual \n text")),
        retry_limit=0,
    )
    with client:
        client.sync("a b/c", namespace="team-a", project="web", order=order)
    assert asked[0].target == "/api/v1/applications/a%20b%2Fc/sync"
    assert json.loads(asked[0].body) == {
        "appNamespace": "team-a",
        "project": "web",
        "prune": True,
        "dryRun": True,
        "strategy": {"hook": {"force": True}},
        "resources": [
            {"group": "apps", "kind": "Deployment", "namespace": "ns", "name": "web"},
            {"group": "", "kind": "Namespace", "namespace": "", "name": "ns"},
        ],
        "syncOptions": {"items": ["CreateNamespace=true", "Replace=true"]},
        "infos": [{"name": REQUEST_ID, "value": "the-id"}, {"name": "reason", "value": "ünusual \n text"}],
        "retryStrategy": {"limit": 0, "backoff": {"duration": "5s", "factor": 2, "maxDuration": "3m"}},
    }


def test_no_order_retries_without_end() -> None:
    with pytest.raises(ValueError, match="without end"):
        SyncOrder(retry_limit=-1)


def test_an_accepted_sync_whose_answer_cannot_be_read_leaves_open_whether_it_began(serve: Serve) -> None:
    client, asked = client_of(serve, reply("<html>"))
    with client, pytest.raises(UpstreamBadReply) as caught:
        client.sync("a", namespace="argocd", project="default", order=SyncOrder())
    assert not caught.value.never_sent
    assert len(asked) == 1


def read_one(serve: Serve, **told: Any) -> ApplicationDetail:
    client, _ = client_of(serve, reply(json.dumps({"metadata": {"name": "a", "namespace": "argocd"}, **told})))
    with client:
        return client.application("a", namespace="argocd", project="")


def test_one_that_names_no_project_is_of_the_default_one(serve: Serve) -> None:
    assert read_one(serve, spec={"project": ""}).application.project == "default"
    assert read_one(serve).application.project == "default"


@pytest.mark.parametrize("other", ["", "https://git.example/rendered"])
def test_of_one_that_is_hydrated_the_source_is_what_is_synced(serve: Serve, other: str) -> None:
    synced = {"targetBranch": "env/prod", "path": "build", **({"repoURL": other} if other else {})}
    dry = {"repoURL": "https://git.example/dry", "path": "components/build", "targetRevision": "HEAD"}
    told = read_one(serve, spec={"sourceHydrator": {"drySource": dry, "syncSource": synced}}).application
    assert (told.repo_url, told.path) == (other or "https://git.example/dry", "build")
    assert (told.target_revision, told.source_count) == ("env/prod", 1)


@pytest.mark.parametrize(
    ("result", "revision"),
    [
        ({}, "b" * 40),
        ({"revision": "c" * 40}, "c" * 40),
        ({"revision": "", "revisions": ["d" * 40, "e" * 40]}, "d" * 40),
    ],
)
def test_an_operations_revision_is_the_commit_that_it_synced_once_that_is_told(
    serve: Serve, result: dict[str, Any], revision: str
) -> None:
    """Of an annotated tag the operation asks for the tag's own object."""
    state = {"phase": "Running", "operation": {"sync": {"revision": "b" * 40}}, "syncResult": result}
    done = read_one(serve, status={"operationState": state}).application.operation
    assert done
    assert done.revision == revision


def test_whether_a_refresh_is_under_way_is_told_by_what_it_leaves(serve: Serve) -> None:
    assert read_one(serve).refreshing == ""
    marked = {"name": "a", "namespace": "argocd", "annotations": {"argocd.argoproj.io/refresh": "hard"}}
    assert read_one(serve, metadata=marked).refreshing == "hard"
