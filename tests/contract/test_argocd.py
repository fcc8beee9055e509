"""What the portal relies on of an Argo CD (2.8 and later), reading only."""

from __future__ import annotations

import re
import threading
from datetime import UTC, datetime

import pytest

from apps.core.errors import UpstreamDenied, UpstreamError, UpstreamNotFound, UpstreamRejected
from apps.gitops.windows import WindowUnreadable, is_active
from apps.integrations.argocd import Application, ApplicationEvent, ArgoCDClient, SyncWindow
from tests.contract.calls import everything_is_readable, facts_are_told, skip_without_credentials, stranger

NOT_TOLD_YET = ""
SYNC_WORDS = {NOT_TOLD_YET, "Synced", "OutOfSync", "Unknown"}
HEALTH_WORDS = {NOT_TOLD_YET, "Healthy", "Progressing", "Degraded", "Suspended", "Missing", "Unknown"}
PHASES = {"Pending", "Running", "Terminating", "Failed", "Error", "Succeeded"}
CONNECTION_WORDS = {NOT_TOLD_YET, "Successful", "Failed", "Unknown"}
REPLAY_SECONDS = 60.0
KEEP_ALIVE_SECONDS = 20.0
NOBODYS_NAME = "no-such-application-anywhere"


@pytest.fixture
def listed(argocd: ArgoCDClient) -> tuple[Application, ...]:
    """The Applications that it lists; without any, why there is nothing to look at."""
    items = argocd.applications().items
    if not items:
        skip_empty(argocd, "applications", "*/*")
    return items


def skip_empty(client: ArgoCDClient, resource: str, subresource: str) -> None:
    """An empty list is there, or is all that our account may see."""
    if client.can_i(resource, "get", subresource):
        pytest.skip(f"{client.source} has no {resource}")
    pytest.skip(f"{client.source} lists no {resource}: our account has no right to get them all")


def test_the_list_of_applications_is_readable_to_its_last_item(argocd: ArgoCDClient) -> None:
    listing = argocd.applications()
    everything_is_readable(argocd, listing)
    facts_are_told(argocd)
    keys = [application.key for application in listing.items]
    assert len(keys) == len(set(keys)), "namespace and name are an Application's identity"
    assert all(application.namespace and application.name and application.project for application in listing.items)


def test_every_word_of_a_listed_application_is_known(argocd: ArgoCDClient) -> None:
    items = argocd.applications().items
    assert {application.sync_status for application in items} <= SYNC_WORDS
    assert {application.health_status for application in items} <= HEALTH_WORDS
    assert {application.operation.phase for application in items if application.operation} <= PHASES


def test_the_narrow_list_says_nothing_that_only_the_stream_can_say(argocd: ArgoCDClient) -> None:
    for application in argocd.applications().items:
        assert (application.is_complete, application.uid, application.conditions) == (False, "", ())


def test_the_stream_begins_by_telling_every_listed_application_in_full(
    argocd: ArgoCDClient, listed: tuple[Application, ...]
) -> None:
    events = replayed(argocd, {application.key for application in listed})
    still_there = {application.key for application in argocd.applications().items}
    lasting = [application for application in listed if application.key in still_there]
    assert [a.key for a in lasting if a.key not in events] == [], "listed and never streamed"
    for application in lasting:
        event = events[application.key]
        assert (event.type, event.application.is_complete) == ("ADDED", True)
        assert event.application.uid
        assert lasting_facts(event.application) == lasting_facts(application)
        assert event.application.sync_status in SYNC_WORDS
        assert event.application.health_status in HEALTH_WORDS


def replayed(client: ArgoCDClient, wanted: set[tuple[str, str]]) -> dict[tuple[str, str], ApplicationEvent]:
    """The first event of each Application, until all that are wanted were told or the time is over."""
    events: dict[tuple[str, str], ApplicationEvent] = {}
    with client.stream(idle_timeout=REPLAY_SECONDS) as stream:
        end = threading.Timer(REPLAY_SECONDS, stream.close)
        end.start()
        for event in stream:
            events.setdefault(event.application.key, event)
            if wanted <= events.keys():
                break
        end.cancel()
        assert stream.unreadable == [], client.source
    return events


def lasting_facts(application: Application) -> tuple[object, ...]:
    """What does not change from one call to the next."""
    return (
        application.key,
        application.project,
        application.created_at,
        application.destination_server,
        application.destination_name,
        application.destination_namespace,
        application.repo_url,
        application.path,
        application.chart,
        application.source_count,
    )


def test_a_stream_on_which_nothing_happens_shows_that_it_lives(one_argocd: ArgoCDClient) -> None:
    stream = one_argocd.http.stream(
        "api",
        "v1",
        "stream",
        "applications",
        query=[("fields", "result.type,result.application.metadata.name")],
        headers={"Accept": "text/event-stream"},
        idle_timeout=KEEP_ALIVE_SECONDS,
    )
    with stream as lines:
        assert any(line.startswith(b":") for line in lines), "its stream ended by itself"


def test_an_application_asked_for_by_name_is_told_as_it_is_listed(
    argocd: ArgoCDClient, listed: tuple[Application, ...]
) -> None:
    one_of_each_state = {(application.sync_status, application.health_status): application for application in listed}
    for application in one_of_each_state.values():
        told = argocd.application(application.name, namespace=application.namespace, project=application.project)
        assert told.application.is_complete
        assert told.application.uid
        assert lasting_facts(told.application) == lasting_facts(application)
        assert all(resource.kind and resource.name for resource in told.resources)
        assert all(entry.deployed_at for entry in told.history)


def test_an_application_that_is_missing_from_a_project_that_we_may_see_is_not_found(
    argocd: ArgoCDClient, listed: tuple[Application, ...]
) -> None:
    known = listed[0]
    try:
        argocd.application(NOBODYS_NAME, namespace=known.namespace, project=known.project)
    except UpstreamNotFound:
        return
    except UpstreamDenied:
        assert not argocd.can_i("applications", "get", f"{known.project}/{NOBODYS_NAME}")
        pytest.skip(f"{argocd.source}: our account has no right to get every Application of {known.project}")
    pytest.fail(f"{argocd.source} told an Application that nobody has made")


def test_the_windows_of_an_application_are_told(argocd: ArgoCDClient, listed: tuple[Application, ...]) -> None:
    known = listed[0]
    state = argocd.window_state(known.name, namespace=known.namespace, project=known.project)
    assert len(state.active) <= len(state.assigned)
    assert {window.kind for window in state.assigned} <= {"allow", "deny"}


def test_its_clusters_are_readable_and_their_connection_is_in_known_words(argocd: ArgoCDClient) -> None:
    listing = argocd.clusters()
    everything_is_readable(argocd, listing)
    if not listing.items:
        skip_empty(argocd, "clusters", "*")
    assert all(cluster.server for cluster in listing.items)
    assert {cluster.status for cluster in listing.items} <= CONNECTION_WORDS


def test_its_projects_are_readable(argocd: ArgoCDClient) -> None:
    listing = argocd.projects()
    everything_is_readable(argocd, listing)
    if not listing.items:
        skip_empty(argocd, "projects", "*")
    names = [project.name for project in listing.items]
    assert len(names) == len(set(names))


def test_its_application_sets_are_readable(argocd: ArgoCDClient) -> None:
    listing = argocd.application_sets()
    everything_is_readable(argocd, listing)
    keys = [(each.namespace, each.name) for each in listing.items]
    assert len(keys) == len(set(keys))
    statuses = {condition.status for each in listing.items for condition in each.conditions}
    assert statuses <= {"True", "False", "Unknown"}


def test_every_sync_window_of_its_projects_can_be_computed(argocd: ArgoCDClient) -> None:
    windows = [window for project in argocd.projects().items for window in project.sync_windows]
    assert {window.kind for window in windows} <= {"allow", "deny"}
    assert [problem for window in windows if (problem := unreadable_window(window))] == []


def unreadable_window(window: SyncWindow) -> str:
    """Why the portal cannot tell when the window is open, or ""."""
    try:
        is_active(window, datetime.now(UTC))
    except WindowUnreadable as problem:
        return str(problem)
    return ""


def test_it_tells_its_version_to_anybody(argocd: ArgoCDClient) -> None:
    with ArgoCDClient(stranger(argocd, token="")) as anybody:
        version = anybody.version()
    assert re.match(r"v\d+\.\d+", version), version
    assert argocd.version() == version


def test_it_knows_our_token(argocd: ArgoCDClient) -> None:
    skip_without_credentials(argocd)
    user = argocd.user_info()
    assert user.logged_in, f"{argocd.source} does not take our token"
    assert user.username


def test_it_says_that_we_may_get_what_it_lists(argocd: ArgoCDClient, listed: tuple[Application, ...]) -> None:
    known = listed[0]
    anywhere = argocd.can_i("applications", "get", "*/*")
    here = argocd.can_i("applications", "get", f"{known.project}/{known.name}")
    in_its_namespace = argocd.can_i("applications", "get", f"{known.project}/{known.namespace}/{known.name}")
    assert anywhere or here or in_its_namespace


def test_it_refuses_to_say_whether_we_may_do_what_it_does_not_know(argocd: ArgoCDClient) -> None:
    with pytest.raises(UpstreamRejected, match="frobnicate"):
        argocd.can_i("applications", "frobnicate", "*/*")


def test_a_wrong_token_is_denied_by_list_and_stream_alike(argocd: ArgoCDClient) -> None:
    skip_if_anybody_may_read(argocd)
    with ArgoCDClient(stranger(argocd)) as nobody:
        with pytest.raises(UpstreamDenied):
            nobody.applications()
        with pytest.raises(UpstreamDenied), nobody.stream(idle_timeout=KEEP_ALIVE_SECONDS) as stream:
            next(iter(stream))


def skip_if_anybody_may_read(client: ArgoCDClient) -> None:
    """An Argo CD with anonymous access takes any token for none."""
    with ArgoCDClient(stranger(client, token="")) as anybody:
        try:
            anybody.applications()
        except UpstreamError:
            return
    pytest.skip(f"{client.source} lets anybody read")
