"""Each recorded answer of Argo CD 3.6 through the real client: values, or the error that it must become."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from apps.core.errors import (
    UpstreamDenied,
    UpstreamError,
    UpstreamNotFound,
    UpstreamNotInstalled,
    UpstreamRejected,
    UpstreamUnavailable,
)
from apps.integrations.argocd import (
    Application,
    ApplicationDetail,
    ArgoCDClient,
    ClusterConnection,
    SyncOrder,
    SyncWindow,
    UserInfo,
)
from apps.integrations.http import Endpoint
from apps.integrations.listing import Listing
from tests.integrations.conftest import Serve
from tests.integrations.recordings import Recording, names_in

FOLDER = "argocd/3.6"
REVISION_1 = "37645deb92f798a15d6d1284999395ff7a6654bd"
REVISION_2 = "f625b47893183ee411161b43001b82c20fb26091"
REQUEST_ID = ("portal.request-id", "0192f3a0-0000-7000-8000-000000000001")

Read = Callable[[ArgoCDClient, Recording], Any]


def detail(client: ArgoCDClient, recording: Recording) -> ApplicationDetail:
    project = recording.query.get("project", "")
    return client.application(recording.segments[3], namespace="", project=project)


def compared(client: ArgoCDClient, recording: Recording) -> Any:
    """Whether it was compared before, in the second of, or after the end of its last operation, by whole seconds."""
    found = detail(client, recording)
    ended = found.application.operation and found.application.operation.finished_at
    assert found.reconciled_at
    assert ended
    return (found.reconciled_at - ended).total_seconds(), found.application.sync_status


def state(client: ArgoCDClient, recording: Recording) -> tuple[str, str]:
    application = detail(client, recording).application
    return application.sync_status, application.health_status


def conditions(client: ArgoCDClient, recording: Recording) -> Any:
    application = detail(client, recording).application
    return application.sync_status, application.health_status, [c.type for c in application.conditions]


def operation(client: ArgoCDClient, recording: Recording) -> Any:
    done = detail(client, recording).application.operation
    return done and (done.phase, done.message, done.initiated_by or done.automated)


def accepted(client: ArgoCDClient, recording: Recording) -> Any:
    """The operation that an accepted sync is answered with."""
    begun = synced(client, recording).application.operation
    return begun and (begun.phase, begun.initiated_by, begun.dry_run, begun.revision, begun.infos[:1])


def synced(client: ArgoCDClient, recording: Recording) -> ApplicationDetail:
    """The recorded sync, asked for as the portal does."""
    body = recording.content["request"]["body"]
    order = SyncOrder(
        prune=body.get("prune", False),
        dry_run=body.get("dryRun", False),
        resources=tuple((r["group"], r["kind"], r["namespace"], r["name"]) for r in body.get("resources", ())),
        sync_options=tuple(body.get("syncOptions", {}).get("items", ())),
        infos=tuple((info["name"], info["value"]) for info in body.get("infos", ())),
        retry_limit=2,
    )
    return client.sync(recording.segments[3], namespace="", project=body["project"], order=order)


def refreshed(client: ArgoCDClient, recording: Recording) -> tuple[str, str]:
    is_hard = recording.query["refresh"] == "hard"
    found = client.refresh(recording.segments[3], namespace="", project=recording.query["project"], hard=is_hard)
    return found.application.sync_status, found.application.health_status


def terminated(client: ArgoCDClient, recording: Recording) -> None:
    client.terminate(recording.segments[3], namespace="", project=recording.query["project"])


def counted(listing: Listing[Application]) -> Any:
    assert not listing.unreadable
    assert not any(application.is_complete for application in listing.items)
    return Counter((a.sync_status, a.health_status) for a in listing.items)


def applications(client: ArgoCDClient, recording: Recording) -> Any:
    return counted(client.applications())


def keys(client: ArgoCDClient, recording: Recording) -> list[str]:
    """What an answer that no method reads holds."""
    return sorted(recording.repeated(client.http).decode(dict[str, Any]))


def retrying(client: ArgoCDClient, recording: Recording) -> Any:
    application = detail(client, recording).application
    done = application.operation
    return done and (done.phase, done.retry_count, done.automated, application.retry_limit, application.set_name)


def skipped(client: ArgoCDClient, recording: Recording) -> Any:
    found = detail(client, recording)
    done = found.application.operation
    return done and (done.phase, found.application.sync_status, [r.status for r in found.operation_resources])


def dry_run(client: ArgoCDClient, recording: Recording) -> Any:
    found = detail(client, recording)
    done = found.application.operation
    messages = [r.message for r in found.operation_resources]
    return done and (done.dry_run, all("(dry run)" in message for message in messages), len(found.history))


def pruning(client: ArgoCDClient, recording: Recording) -> list[str]:
    return [r.name for r in detail(client, recording).resources if r.requires_pruning]


def can_i(client: ArgoCDClient, recording: Recording) -> bool:
    resource, action, *subresource = recording.segments[4:]
    return client.can_i(resource, action, "/".join(subresource))


def windows(client: ArgoCDClient, recording: Recording) -> Any:
    found = client.window_state(recording.segments[3], namespace="", project=recording.query["project"])
    return found.can_sync, [w.kind for w in found.active], [(w.kind, w.manual_sync) for w in found.assigned]


def clusters(client: ArgoCDClient, recording: Recording) -> Any:
    return [(c.name, c.status, c.application_count) for c in client.clusters().items]


def projects(client: ArgoCDClient, recording: Recording) -> Any:
    return {p.name: p.sync_windows for p in client.projects().items}


def sets(client: ArgoCDClient, recording: Recording) -> Any:
    found = client.application_sets().items
    return len(found), {(c.type, c.status) for s in found for c in s.conditions}


def who(client: ArgoCDClient, recording: Recording) -> UserInfo:
    return client.user_info()


def happened(client: ArgoCDClient, recording: Recording) -> Any:
    listing = client.events(recording.segments[3], namespace="", project=recording.query["project"])
    assert not listing.unreadable
    assert all(event.first_at and event.last_at and event.component for event in listing.items)
    assert {event.name for event in listing.items} == {recording.segments[3]}
    return Counter((event.type, event.reason) for event in listing.items), listing.items[0].message


def tree(client: ArgoCDClient, recording: Recording) -> Any:
    listing = client.resource_tree(recording.segments[3], namespace="", project=recording.query["project"])
    assert not listing.unreadable
    by_key = {key: node for node in listing.items for key in (node.uid, node.identity)}
    return [(n.kind, n.health_status, [by_key[parent].kind for parent in n.parents]) for n in listing.items]


def events(client: ArgoCDClient, recording: Recording) -> Any:
    with client.stream(idle_timeout=5) as stream:
        found = list(stream)
        assert not stream.unreadable_count
    return Counter(e.type for e in found), [
        e.application.operation and e.application.operation.phase for e in found[-5:]
    ]


DENY = SyncWindow("deny", "* * * * *", "24h", applications=("*",), description="release freeze")
ALLOW = SyncWindow("allow", "0 3 1 1 *", "1h", time_zone="Europe/Prague", manual_sync=True, applications=("*",))
NOT_SIGNED_IN = UserInfo(logged_in=False)
KEYCLOAK = "http://keycloak.example:8080/realms/stonesoup"
SUCCEEDED = "successfully synced (all tasks run)"
PORTAL_ASKED = ("Pending", "portal", False, REVISION_1, (REQUEST_ID,))

EVENTS = {
    ("Normal", "ResourceUpdated"): 6,
    ("Normal", "OperationStarted"): 2,
    ("Normal", "OperationCompleted"): 2,
}
TREE = [
    ("ConfigMap", "", []),
    ("Endpoints", "", ["Service"]),
    ("Pod", "Progressing", ["ReplicaSet"]),
    ("Pod", "Progressing", ["ReplicaSet"]),
    ("Service", "Healthy", []),
    ("Deployment", "Progressing", []),
    ("ReplicaSet", "Progressing", ["Deployment"]),
    ("EndpointSlice", "", ["Service"]),
]
VALUES: dict[str, tuple[Read, Any]] = {
    "application_after_dry_run": (dry_run, (True, True, 0)),
    "application_after_prune_dry_run": (dry_run, (True, True, 3)),
    "application_comparison_error": (conditions, ("Unknown", "Healthy", ["ComparisonError"])),
    "application_dead_cluster": (
        conditions,
        ("Unknown", "Healthy", ["ComparisonError", "ComparisonError", "UnknownError"]),
    ),
    "application_degraded": (state, ("Synced", "Degraded")),
    "application_deleting": (lambda c, r: detail(c, r).application.is_deleting, True),
    "application_healthy": (state, ("Synced", "Healthy")),
    "application_invalid_spec": (conditions, ("Unknown", "Unknown", ["InvalidSpecError"])),
    "application_missing": (state, ("OutOfSync", "Missing")),
    "application_operation_running": (
        operation,
        ("Running", "waiting for completion of hook batch/Job/db-migration", "portal"),
    ),
    "application_partly_synced": (
        lambda c, r: {x.status for x in detail(c, r).resources},
        {"Synced", "OutOfSync"},
    ),
    "application_pruned": (
        lambda c, r: ([x.status for x in detail(c, r).operation_resources], compared(c, r)),
        (["Pruned", "Synced"], (0, "Synced")),
    ),
    "application_pruning_skipped": (skipped, ("Succeeded", "OutOfSync", ["PruneSkipped", "Synced"])),
    "application_refresh": (refreshed, ("OutOfSync", "Missing")),
    "application_refresh_hard": (refreshed, ("OutOfSync", "Missing")),
    "application_requires_pruning": (
        lambda c, r: (pruning(c, r), compared(c, r)),
        (["backup-legacy-config"], (5, "OutOfSync")),
    ),
    "application_sync_just_started": (operation, ("Running", "", "portal")),
    "application_sync_retrying": (retrying, ("Running", 4, True, -1, "jvm-build-service")),
    "application_sync_succeeded": (
        lambda c, r: (operation(c, r), REQUEST_ID in detail(c, r).application.operation.infos),  # type: ignore[union-attr]
        (("Succeeded", SUCCEEDED, "portal"), True),
    ),
    "application_synced_by_person": (operation, ("Succeeded", SUCCEEDED, "remy@example.com")),
    "application_terminated": (operation, ("Failed", "Operation terminated", "portal")),
    "application_terminating": (
        operation,
        ("Terminating", "waiting for completion of hook batch/Job/db-migration", "portal"),
    ),
    "applications": (
        applications,
        {
            ("OutOfSync", "Missing"): 14,
            ("Synced", "Healthy"): 12,
            ("Synced", "Progressing"): 10,
            ("Unknown", "Healthy"): 2,
        },
    ),
    "applications_fields": (
        applications,
        {
            ("OutOfSync", "Missing"): 14,
            ("Synced", "Healthy"): 12,
            ("Synced", "Progressing"): 10,
            ("Unknown", "Healthy"): 2,
        },
    ),
    "applications_mixed": (
        applications,
        {
            ("Synced", "Healthy"): 13,
            ("OutOfSync", "Missing"): 13,
            ("Synced", "Degraded"): 10,
            ("Unknown", "Healthy"): 2,
            ("Unknown", "Unknown"): 1,
            ("OutOfSync", "Healthy"): 1,
        },
    ),
    "applications_nothing_allowed": (applications, {}),
    "applications_repo_server_failing": (applications, {("Unknown", "Healthy"): 36}),
    "applications_selector_project": (applications, {("OutOfSync", "Missing"): 1}),
    "applicationsets": (
        sets,
        (18, {("ErrorOccurred", "False"), ("ParametersGenerated", "True"), ("ResourcesUpToDate", "True")}),
    ),
    "can_i_no": (can_i, False),
    "can_i_no_window_not_considered": (can_i, False),
    "can_i_yes": (can_i, True),
    "clusters": (
        clusters,
        [
            ("stone-prd-m01", "Successful", 14),
            ("stone-prd-rh01", "Successful", 14),
            ("stone-prd-dead", "Unknown", 0),
            ("stone-prd-host1", "Successful", 8),
            ("in-cluster", "Unknown", 0),
        ],
    ),
    "clusters_denied": (lambda c, r: c.clusters(), Listing[ClusterConnection]()),
    "events": (happened, (Counter(EVENTS), "Updated sync status:  -> Unknown")),
    "links": (keys, []),
    "person_no_groups_userinfo_access_token": (who, NOT_SIGNED_IN),
    "person_no_groups_userinfo_id_token": (who, UserInfo(True, "nobody@example.com", KEYCLOAK, ("nobody",))),
    "person_responder_sync": (lambda c, r: accepted(c, r)[:2], ("Pending", "remy@example.com")),
    "person_responder_userinfo_access_token": (who, NOT_SIGNED_IN),
    "person_responder_userinfo_id_token": (lambda c, r: c.user_info().username, "remy@example.com"),
    "person_viewer_userinfo_access_token": (who, NOT_SIGNED_IN),
    "person_viewer_userinfo_id_token": (lambda c, r: c.user_info().username, "vera@example.com"),
    "project_syncwindows": (keys, ["windows"]),
    "projects": (projects, {"default": (), "frozen": (DENY,), "windowed": (ALLOW,)}),
    "resource_actions": (keys, ["actions"]),
    "resource_tree": (tree, TREE),
    "sync_accepted": (accepted, PORTAL_ASKED),
    "sync_again_same_request_id": (accepted, ("Pending", "portal", False, REVISION_2, (REQUEST_ID,))),
    "sync_dry_run": (lambda c, r: accepted(c, r)[2], True),
    "sync_prune": (lambda c, r: accepted(c, r)[3], REVISION_2),
    "sync_prune_dry_run": (lambda c, r: accepted(c, r)[2], True),
    "sync_selected_resources": (lambda c, r: accepted(c, r)[:2], ("Pending", "portal")),
    "sync_with_hook": (lambda c, r: accepted(c, r)[:2], ("Pending", "portal")),
    "sync_without_prune": (lambda c, r: accepted(c, r)[:2], ("Pending", "portal")),
    "syncwindows_allow_inactive": (windows, (True, [], [("allow", True)])),
    "syncwindows_deny_active": (windows, (False, ["deny"], [("deny", False)])),
    "syncwindows_open": (windows, (True, [], [])),
    "terminate_accepted": (terminated, None),
    "userinfo": (who, UserInfo(True, "portal", "argocd")),
    "userinfo_no_token": (who, NOT_SIGNED_IN),
    "version": (lambda c, r: c.version(), "v3.6.0+unknown"),
    "watch_all_sse": (
        events,
        ({"ADDED": 40, "MODIFIED": 5}, ["Pending", "Running", "Running", "Succeeded", "Succeeded"]),
    ),
    "watch_full_object": (events, ({"ADDED": 1}, ["Succeeded"])),
    "watch_one_sync": (
        events,
        ({"ADDED": 1, "MODIFIED": 5}, ["Pending", "Running", "Running", "Succeeded", "Succeeded"]),
    ),
}

NO_SYNC = "permission denied: applications, sync, default/backup-stone-prd-"
NO_OVERRIDE = "permission denied: applications, override, default/"
WINDOW = "cannot sync: blocked by sync window"

REFUSALS: dict[str, tuple[type[UpstreamError], str]] = {
    "application_denied": (UpstreamDenied, "permission denied"),
    "application_not_found_with_project": (UpstreamNotFound, '"no-such-app" not found'),
    "application_not_found_without_project": (UpstreamDenied, "permission denied"),
    "application_wrong_project": (UpstreamNotFound, '"backup-stone-prd-m01" not found'),
    "applications_bad_token": (UpstreamDenied, "refused our credentials (401): invalid session"),
    "applications_no_token": (UpstreamDenied, "no session information"),
    "can_i_unknown_action": (UpstreamRejected, "does not contain frobnicate"),
    "can_i_unknown_resource": (UpstreamRejected, "does not contain nonsense"),
    "person_no_groups_sync": (UpstreamDenied, "permission denied"),
    "person_viewer_sync": (UpstreamDenied, NO_SYNC),
    "revision_metadata": (UpstreamUnavailable, "revision HEAD must be resolved"),
    "rollback_with_auto_sync": (UpstreamRejected, "rollback cannot be initiated when auto-sync is enabled"),
    "sync_another_operation_running": (UpstreamRejected, "another operation is already in progress"),
    "sync_bad_body": (UpstreamRejected, "json: cannot unmarshal array"),
    "sync_deleting": (UpstreamRejected, "application is deleting"),
    "sync_denied_by_rbac": (UpstreamDenied, NO_SYNC),
    "sync_denied_by_window": (UpstreamDenied, WINDOW),
    "sync_denied_by_window_admin": (UpstreamDenied, WINDOW),
    "sync_not_found": (UpstreamNotFound, '"no-such-app" not found'),
    "sync_revision_with_auto_sync": (UpstreamDenied, NO_OVERRIDE),
    "sync_revision_without_override_right": (UpstreamDenied, NO_OVERRIDE),
    "sync_wrong_content_type": (UpstreamRejected, "Invalid content type"),
    "terminate_denied": (UpstreamDenied, "permission denied"),
    "terminate_nothing_running": (UpstreamRejected, "No operation is in progress"),
    "terminate_without_content_type": (UpstreamRejected, "Invalid content type"),
    "unknown_route": (UpstreamNotInstalled, "Not Found"),
    "watch_no_token": (UpstreamDenied, "no session information"),
}


@pytest.mark.parametrize("name", sorted(VALUES))
def test_it_reads_what_argo_cd_told(name: str, serve: Serve) -> None:
    recording = Recording(f"{FOLDER}/{name}")
    server = serve(recording.script())
    read, expected = VALUES[name]
    with ArgoCDClient(Endpoint(source="argocd/one", url=server.url)) as client:
        assert read(client, recording) == expected
    assert {asked.path for asked in server.asked} == {recording.path}


@pytest.mark.parametrize("name", sorted(REFUSALS))
def test_it_names_each_refusal_of_argo_cd(name: str, serve: Serve) -> None:
    recording = Recording(f"{FOLDER}/{name}")
    kind, words = REFUSALS[name]
    endpoint = Endpoint(source="argocd/one", url=serve(recording.script()).url)
    with ArgoCDClient(endpoint) as client, pytest.raises(UpstreamError) as caught:
        recording.repeated(client.http)
    assert type(caught.value) is kind
    assert words in caught.value.message


AS_THE_PORTAL_ASKS = {
    "sync_another_operation_running": synced,
    "sync_deleting": synced,
    "sync_denied_by_rbac": synced,
    "sync_denied_by_window": synced,
    "sync_denied_by_window_admin": synced,
    "sync_not_found": synced,
    "terminate_denied": terminated,
    "terminate_nothing_running": terminated,
}
"""The other refusals of syncs are of what the portal never asks: another revision, a body that is not proper."""


@pytest.mark.parametrize("name", sorted(AS_THE_PORTAL_ASKS))
def test_it_names_each_refusal_of_what_changes_something(name: str, serve: Serve) -> None:
    recording = Recording(f"{FOLDER}/{name}")
    server = serve(recording.script())
    kind, words = REFUSALS[name]
    with ArgoCDClient(Endpoint(source="argocd/one", url=server.url)) as client, pytest.raises(UpstreamError) as caught:
        AS_THE_PORTAL_ASKS[name](client, recording)
    assert type(caught.value) is kind
    assert words in caught.value.message
    assert not caught.value.never_sent
    assert [asked.path for asked in server.asked] == [recording.path]


RECORDED_SYNCS = sorted(name for name in VALUES if name.startswith("sync_"))


@pytest.mark.parametrize("name", RECORDED_SYNCS)
def test_a_sync_is_asked_for_as_it_was_recorded_but_always_with_an_end_to_its_retries(name: str, serve: Serve) -> None:
    recording = Recording(f"{FOLDER}/{name}")
    server = serve(recording.script())
    with ArgoCDClient(Endpoint(source="argocd/one", url=server.url)) as client:
        synced(client, recording)
    (asked,) = server.asked
    body, recorded = json.loads(asked.body), recording.content["request"]["body"]
    assert body.pop("retryStrategy") == {"limit": 2, "backoff": {"duration": "5s", "factor": 2, "maxDuration": "3m"}}
    assert body == {"prune": False, "dryRun": False, "infos": [], **recorded}
    assert (asked.method, asked.target, asked.headers["content-type"]) == ("POST", recording.path, "application/json")


@pytest.mark.parametrize("name", ["terminate_accepted", "application_refresh", "application_refresh_hard"])
def test_what_has_no_body_is_asked_for_as_it_was_recorded(name: str, serve: Serve) -> None:
    recording = Recording(f"{FOLDER}/{name}")
    server = serve(recording.script())
    with ArgoCDClient(Endpoint(source="argocd/one", url=server.url)) as client:
        VALUES[name][0](client, recording)
    (asked,) = server.asked
    recorded = recording.content["request"]
    assert (asked.method, asked.target, asked.body) == (recorded["method"], recorded["path"], b"")
    assert asked.headers.get("content-type") == recorded["headers"].get("Content-Type")


def test_every_recording_of_argo_cd_is_read() -> None:
    assert sorted([*VALUES, *REFUSALS]) == names_in(FOLDER)


def test_the_stream_names_the_refusal_of_a_missing_token(serve: Serve) -> None:
    endpoint = Endpoint(source="argocd/one", url=serve(Recording(f"{FOLDER}/watch_no_token").script()).url)
    with ArgoCDClient(endpoint) as client, pytest.raises(UpstreamDenied, match="no session information"):
        client.stream(idle_timeout=1)


def test_the_list_asks_for_the_narrow_fields_that_its_server_can_select(serve: Serve) -> None:
    recording = Recording(f"{FOLDER}/applications_fields")
    server = serve(recording.script())
    with ArgoCDClient(Endpoint(source="argocd/one", url=server.url)) as client:
        first = client.applications().items[0]
    assert "fields=items.metadata.name%2C" in server.asked[0].target
    assert "status.resources" not in server.asked[0].target
    assert (first.auto_sync, first.self_heal, first.auto_prune, first.sync_options) == (
        True,
        True,
        False,
        ("CreateNamespace=true",),
    )
    assert first.operation is not None
    assert first.operation.phase == "Succeeded"
