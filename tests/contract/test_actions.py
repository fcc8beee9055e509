"""What the portal relies on where it changes something: on the simulated fleet, or on the one Application allowed.

`pytest tests/contract --fleet FILE --allow-actions APPLICATION` syncs, dry-runs, refreshes and terminates it, and
touches nothing else there.
"""

from __future__ import annotations

import threading

import pytest

from apps.core.errors import UpstreamDenied, UpstreamError, UpstreamNotFound, UpstreamRejected
from apps.integrations.argocd import Operation, ResourceStatus
from apps.sources.clients import argocd_client
from tests.contract.acting import ATTEMPTS, ENDED, Acting, chosen_by, id_of, new_order, until
from tests.contract.conftest import chosen_of
from tests.contract.fleets import KEYS, Fleets

OWN = "staging/argocd/o11y-stone-stg-m01"
NOBODYS_NAME = "no-such-application-anywhere"
STREAM_SECONDS = 90.0


@pytest.fixture
def acting(request: pytest.FixtureRequest, fleets: Fleets) -> Acting:
    """The Application on which everything is tried, with nothing running."""
    given, allowed = request.config.getoption("--fleet"), request.config.getoption("--allow-actions")
    if given and not allowed:
        pytest.skip(f"no action is tried on {given}: --allow-actions names the one Application that may be synced")
    keys = [each.key for each in chosen_of(given)] if given else KEYS["demo"]
    file = fleets.file(given.name if given else "demo")
    clients = [argocd_client(file, key) for key in keys if key.startswith("argocd/")]
    found = [(client, each) for client in clients for each in chosen_by(allowed or OWN, client)]
    if len(found) != 1:
        raise pytest.UsageError(f"--allow-actions {allowed or OWN} means {len(found)} Applications, not one")
    one = Acting(*found[0], is_simulated=given is None)
    one.idle()
    return one


def operation_of(told: object) -> Operation:
    """The operation that is there."""
    assert isinstance(told, Operation)
    return told


def test_a_sync_is_accepted_and_its_infos_come_back_to_its_end(acting: Acting) -> None:
    order = new_order()
    begun = operation_of(acting.sync(order).application.operation)
    assert (begun.phase, begun.request_id, begun.started_at) == ("Pending", id_of(order), None)
    assert begun.revision
    assert set(order.infos) <= set(begun.infos)

    ended = operation_of(acting.done(order).application.operation)
    assert set(order.infos) <= set(ended.infos)
    assert (ended.phase, ended.automated) == ("Succeeded", False), ended.message
    assert ended.initiated_by == acting.client.user_info().username
    assert ended.started_at
    assert ended.finished_at
    assert ended.revision == begun.revision


def test_the_stream_tells_the_request_id_while_it_runs_and_at_its_end(acting: Acting) -> None:
    order, phases = new_order(), list[str]()
    with acting.client.stream(idle_timeout=STREAM_SECONDS) as stream:
        end = threading.Timer(STREAM_SECONDS, stream.close)
        end.start()
        for event in stream:
            if event.application.key != acting.listed.key:
                continue
            if event.type == "ADDED" and not phases:
                acting.sync(order)
            operation = event.application.operation
            if operation is not None and operation.request_id == id_of(order):
                phases.append(operation.phase)
                if operation.phase in ENDED:
                    break
        end.cancel()
    assert phases
    assert phases[-1] == "Succeeded"


def test_the_retries_of_a_sync_have_the_end_that_was_asked_for(acting: Acting) -> None:
    order = new_order(retry_limit=2)
    acting.sync(order)
    acting.done(order)
    assert acting.document()["status"]["operationState"]["operation"]["retry"]["limit"] == 2


def test_without_options_of_its_own_a_sync_has_the_application_s(acting: Acting) -> None:
    order, own = new_order(), acting.look().application.sync_options
    acting.sync(order)
    acting.done(order)
    synced = acting.document()["status"]["operationState"]["operation"]["sync"]
    assert tuple(synced.get("syncOptions", ())) == own


def test_while_one_runs_another_is_refused_though_it_has_the_same_request_id(acting: Acting) -> None:
    for _ in range(ATTEMPTS):
        order = new_order()
        acting.sync(order)
        refusal = acting.refusal_of(order)
        acting.idle()
        if refusal is not None:
            assert isinstance(refusal, UpstreamRejected), refusal
            assert "another operation is already in progress" in refusal.message
            assert not refusal.never_sent
            return
    acting.give_up("its syncs end too quickly for another to find them running")


def test_later_the_same_request_id_is_a_second_operation(acting: Acting) -> None:
    order = new_order()
    acting.sync(order)
    first = operation_of(acting.done(order).application.operation)
    until(lambda: later_than(first, acting) or None, "a second passed there")
    acting.sync(order)

    def second() -> Operation | None:
        operation = operation_of(acting.look().application.operation)
        return operation if operation.phase in ENDED and operation.started_at != first.started_at else None

    assert until(second, "a second operation with the same request id ended").request_id == id_of(order)


def later_than(first: Operation, acting: Acting) -> bool:
    """Whether its clock shows another second by now: moments are told in whole ones."""
    acting.refresh(hard=False)
    told: str = acting.document()["status"]["reconciledAt"]
    return first.started_at is not None and told > first.started_at.strftime("%Y-%m-%dT%H:%M:%SZ")


def test_a_dry_run_says_what_would_be_done_and_does_nothing(acting: Acting) -> None:
    before = acting.look()
    order = new_order(dry_run=True)
    assert operation_of(acting.sync(order).application.operation).dry_run
    after = acting.done(order)
    ended = operation_of(after.application.operation)
    assert (ended.phase, ended.dry_run) == ("Succeeded", True), ended.message
    assert after.operation_resources
    assert all("(dry run)" in resource.message for resource in after.operation_resources)
    assert after.history == before.history


def test_of_chosen_resources_only_those_are_synced(acting: Acting) -> None:
    told = acting.look()
    chosen = min(
        (each for each in told.resources if not each.hook and not each.requires_pruning),
        key=lambda each: (each.kind != "ConfigMap", identity(each)),
    )
    order = new_order(resources=(identity(chosen),), sync_options=told.application.sync_options)
    acting.sync(order)
    after = acting.done(order)
    ended = operation_of(after.application.operation)
    assert ended.phase == "Succeeded", ended.message
    assert [identity(each) for each in after.operation_resources] == [identity(chosen)]


def identity(resource: ResourceStatus) -> tuple[str, str, str, str]:
    """As an order names it."""
    return (resource.group, resource.kind, resource.namespace, resource.name)


def test_a_sync_that_runs_is_terminated_and_says_so(acting: Acting) -> None:
    for _ in range(ATTEMPTS):
        order = new_order()
        acting.sync(order)
        until(lambda: operation_of(acting.look().application.operation).phase != "Pending" or None, "it began")
        refusal = acting.refusal_to_terminate()
        ended = operation_of(acting.done(order).application.operation)
        if refusal is None:
            assert (ended.phase, ended.message) == ("Failed", "Operation terminated")
            return
        assert "No operation is in progress" in refusal.message
    acting.give_up("its syncs end too quickly to be terminated")


def test_where_nothing_runs_there_is_nothing_to_terminate(acting: Acting) -> None:
    with pytest.raises(UpstreamRejected, match="No operation is in progress"):
        acting.terminate()


@pytest.mark.parametrize("hard", [False, True], ids=["normal", "hard"])
def test_a_refresh_compares_again_and_keeps_everything_else(hard: bool, acting: Acting) -> None:
    before = acting.look()
    compared_at = acting.document()["status"]["reconciledAt"]

    def compared_since() -> bool | None:
        told = acting.refresh(hard=hard)
        assert told.application.uid == before.application.uid
        return acting.document()["status"]["reconciledAt"] > compared_at or None

    assert until(compared_since, "it was compared again")
    after = acting.look()
    assert (after.application.operation, after.history) == (before.application.operation, before.history)


def test_what_is_not_there_is_neither_synced_nor_terminated_nor_refreshed(acting: Acting) -> None:
    client = acting.client
    kinds: tuple[type[UpstreamError], ...] = (
        (UpstreamNotFound,) if acting.is_simulated else (UpstreamNotFound, UpstreamDenied)
    )
    with pytest.raises(kinds):
        client.sync(NOBODYS_NAME, order=new_order(), **acting.place)
    with pytest.raises(kinds):
        client.terminate(NOBODYS_NAME, **acting.place)
    with pytest.raises(kinds):
        client.refresh(NOBODYS_NAME, hard=False, **acting.place)


REFUSED = {
    "window": ("argocd/production", "spi-vault-stone-prd-m01", "frozen", UpstreamDenied, "blocked by sync window"),
    "right": ("argocd/production", "sprayproxy-stone-prd-host1", "restricted", UpstreamDenied, "applications, sync, "),
    "deleting": ("argocd/staging", "spi-stone-stg-m01", "default", UpstreamRejected, "application is deleting"),
}


@pytest.mark.parametrize("reason", REFUSED)
def test_a_sync_is_refused_by(reason: str, request: pytest.FixtureRequest, fleets: Fleets) -> None:
    given = request.config.getoption("--fleet")
    if given:
        pytest.skip(f"a closed window, a missing right and a deletion are not tried on {given}, which would touch more")
    key, name, project, kind, words = REFUSED[reason]
    client = argocd_client(fleets.file("demo"), key)
    before = client.application(name, namespace="argocd", project=project).application
    with pytest.raises(UpstreamError) as caught:
        client.sync(name, namespace="argocd", project=project, order=new_order())
    assert type(caught.value) is kind
    assert words in caught.value.message
    assert client.application(name, namespace="argocd", project=project).application.operation == before.operation


def test_without_the_right_to_sync_nothing_is_terminated(request: pytest.FixtureRequest, fleets: Fleets) -> None:
    given = request.config.getoption("--fleet")
    if given:
        pytest.skip(f"a closed window, a missing right and a deletion are not tried on {given}, which would touch more")
    key, name, project, kind, _ = REFUSED["right"]
    client = argocd_client(fleets.file("demo"), key)
    assert not client.can_i("applications", "sync", f"{project}/{name}")
    with pytest.raises(kind, match="permission denied"):
        client.terminate(name, namespace="argocd", project=project)
