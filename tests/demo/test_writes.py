"""What is written is real: a sync runs and takes time, a silence mutes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests

from apps.demo.fleet import RunningFleet
from tests.demo.conftest import Caller

PRODUCTION = "argocd/production"
BY_HAND = "tekton-ci-stone-prd-m01"
CALM = "gitops-stone-prd-rh01"
HOOKED = "pipeline-service-stone-prd-m01"
LOOPING = "jvm-build-service-stone-prd-rh01"
NAMESPACE = "appstudio-workload-monitoring"
NOTHING_RUNS = "Unable to terminate operation. No operation is in progress"
INFOS = [{"name": "portal.request-id", "value": "0192-1"}, {"name": "reason", "value": "a test"}]


@pytest.fixture
def sync(ask: Caller) -> Any:
    """Asks for a sync of an Application in the production instance."""

    def post(name: str, *, account: str = "portal", **body: Any) -> requests.Response:
        body.setdefault("project", "default")
        return ask.post(PRODUCTION, f"/api/v1/applications/{name}/sync", body, account=account)

    return post


@pytest.fixture
def read(ask: Caller) -> Any:
    """Reads an Application of the production instance."""
    return lambda name: ask.get(PRODUCTION, f"/api/v1/applications/{name}").json()


def test_a_sync_is_accepted_runs_and_succeeds(fleet: RunningFleet, sync: Any, read: Any) -> None:
    accepted = sync(BY_HAND, infos=INFOS).json()
    assert accepted["operation"]["info"] == INFOS
    assert accepted["operation"]["initiatedBy"] == {"username": "portal"}
    assert "operationState" not in accepted["status"]

    fleet.advance(1)
    running = read(BY_HAND)
    assert running["status"]["operationState"]["phase"] == "Running"
    assert running["operation"]["sync"]["revision"] == accepted["status"]["sync"]["revision"]

    fleet.advance(20)
    done = read(BY_HAND)
    assert "operation" not in done
    assert done["status"]["operationState"]["phase"] == "Succeeded"
    assert done["status"]["operationState"]["operation"]["info"] == INFOS
    assert done["status"]["sync"]["status"] == "Synced"
    assert done["status"]["history"][-1]["initiatedBy"] == {"username": "portal"}
    assert len(done["status"]["history"]) == 2


def test_an_operation_compares_nothing_itself_and_the_comparison_follows_its_end(
    fleet: RunningFleet, sync: Any, read: Any
) -> None:
    """As recorded: `status.sync` is from before until then, and `reconciledAt` tells."""
    before = read(BY_HAND)["status"]["reconciledAt"]
    assert sync(BY_HAND).json()["status"]["reconciledAt"] == before
    fleet.advance(1)
    assert read(BY_HAND)["status"]["reconciledAt"] == before
    fleet.advance(20)
    done = read(BY_HAND)["status"]
    assert done["reconciledAt"] >= done["operationState"]["finishedAt"] > before


def test_a_second_sync_is_refused_while_one_runs(fleet: RunningFleet, sync: Any) -> None:
    assert sync(BY_HAND).status_code == 200
    assert sync(BY_HAND).json()["message"] == "another operation is already in progress"
    fleet.advance(30)
    assert sync(BY_HAND).status_code == 200


def test_a_dry_run_changes_nothing(fleet: RunningFleet, sync: Any, read: Any) -> None:
    sync(BY_HAND, dryRun=True)
    fleet.advance(5)
    after = read(BY_HAND)
    assert after["status"]["sync"]["status"] == "OutOfSync"
    assert len(after["status"]["history"]) == 1
    results = after["status"]["operationState"]["syncResult"]["resources"]
    assert results
    assert all(each["message"].endswith("(dry run)") for each in results)


def test_without_prune_a_sync_succeeds_and_the_application_stays_out_of_sync(
    fleet: RunningFleet, sync: Any, read: Any
) -> None:
    name = "monitoring-workload-logging-stone-prd-host1"
    legacy = [each for each in read(name)["status"]["resources"] if each.get("requiresPruning")]
    assert [each["name"] for each in legacy] == ["monitoring-workload-logging-legacy-config"]

    sync(name)
    fleet.advance(10)
    skipped = read(name)["status"]
    assert skipped["operationState"]["phase"] == "Succeeded"
    assert "PruneSkipped" in {each["status"] for each in skipped["operationState"]["syncResult"]["resources"]}
    assert skipped["sync"]["status"] == "OutOfSync"

    sync(name, prune=True)
    fleet.advance(10)
    pruned = read(name)["status"]
    assert "Pruned" in {each["status"] for each in pruned["operationState"]["syncResult"]["resources"]}
    assert pruned["sync"]["status"] == "Synced"
    assert not [each for each in pruned["resources"] if each.get("requiresPruning")]


def test_a_prune_of_selected_resources_leaves_the_others(fleet: RunningFleet, sync: Any, read: Any) -> None:
    name = "monitoring-workload-logging-stone-prd-host1"
    service = {"group": "", "kind": "Service", "name": "monitoring-workload-logging", "namespace": NAMESPACE}
    sync(name, prune=True, resources=[service])
    fleet.advance(10)
    status = read(name)["status"]
    assert [each["name"] for each in status["resources"] if each.get("requiresPruning")]
    assert status["sync"]["status"] == "OutOfSync"


def test_a_dry_run_of_a_prune_says_what_would_be_pruned_and_prunes_nothing(
    fleet: RunningFleet, sync: Any, read: Any
) -> None:
    name = "monitoring-workload-logging-stone-prd-host1"
    sync(name, prune=True, dryRun=True)
    fleet.advance(10)
    status = read(name)["status"]
    results = {each["status"]: each["message"] for each in status["operationState"]["syncResult"]["resources"]}
    assert results["Pruned"] == "pruned (dry run)"
    assert [each["name"] for each in status["resources"] if each.get("requiresPruning")]


def test_only_what_is_out_of_sync_is_applied_when_that_is_asked(fleet: RunningFleet, sync: Any, read: Any) -> None:
    drifted = [each["name"] for each in read(BY_HAND)["status"]["resources"] if each["status"] == "OutOfSync"]
    sync(BY_HAND, syncOptions={"items": ["CreateNamespace=true", "ApplyOutOfSyncOnly=true"]})
    fleet.advance(10)
    status = read(BY_HAND)["status"]
    assert [each["name"] for each in status["operationState"]["syncResult"]["resources"]] == drifted
    assert status["sync"]["status"] == "Synced"


def test_a_strategy_comes_back(sync: Any) -> None:
    strategy = {"hook": {"force": True}}
    assert sync(BY_HAND, strategy=strategy).json()["operation"]["sync"]["syncStrategy"] == strategy


def test_selected_resources_leave_the_rest_out_of_sync(fleet: RunningFleet, sync: Any, read: Any) -> None:
    sync(BY_HAND, resources=[{"group": "", "kind": "ConfigMap", "name": "tekton-ci-config", "namespace": "tekton-ci"}])
    fleet.advance(10)
    status = read(BY_HAND)["status"]
    assert [each["kind"] for each in status["operationState"]["syncResult"]["resources"]] == ["ConfigMap"]
    assert status["sync"]["status"] == "OutOfSync"


def test_a_failing_sync_follows_the_retry_strategy_of_the_request(fleet: RunningFleet, sync: Any, read: Any) -> None:
    fleet.call(lambda: setattr(fleet.world.application("production", CALM), "failure", "no such kind"))
    sync(CALM, retryStrategy={"limit": 2, "backoff": {"duration": "10s", "factor": 2, "maxDuration": "3m"}})

    fleet.advance(6)
    state = read(CALM)["status"]["operationState"]
    assert (state["phase"], state["retryCount"]) == ("Running", 1)
    assert "Retrying attempt #1" in state["message"]

    fleet.advance(60)
    state = read(CALM)["status"]["operationState"]
    assert (state["phase"], state["retryCount"]) == ("Failed", 2)
    assert state["message"] == "no such kind (retried 2 times)."


def test_without_a_strategy_the_application_s_own_retries_for_ever(fleet: RunningFleet, sync: Any, read: Any) -> None:
    fleet.call(lambda: setattr(fleet.world.application("production", CALM), "failure", "no such kind"))
    sync(CALM)
    fleet.advance(3_600)
    state = read(CALM)["status"]["operationState"]
    assert state["phase"] == "Running"
    assert state["retryCount"] > 15


def test_an_operation_that_waits_for_its_hook_can_be_terminated(
    fleet: RunningFleet, sync: Any, read: Any, ask: Caller
) -> None:
    sync(HOOKED)
    fleet.advance(2)
    assert read(HOOKED)["status"]["operationState"]["message"].startswith("waiting for completion of hook")

    path = f"/api/v1/applications/{HOOKED}/operation?project=default"
    assert ask.delete(PRODUCTION, path).json() == {}
    assert read(HOOKED)["status"]["operationState"]["phase"] == "Terminating"
    fleet.advance(60)
    state = read(HOOKED)["status"]["operationState"]
    assert (state["phase"], state["message"]) == ("Failed", "Operation terminated")
    assert ask.delete(PRODUCTION, path).status_code == 400


def test_an_operation_that_was_only_accepted_cannot_be_terminated_yet(
    fleet: RunningFleet, sync: Any, ask: Caller
) -> None:
    path = f"/api/v1/applications/{BY_HAND}/operation?project=default"
    sync(BY_HAND)
    refused = ask.delete(PRODUCTION, path)
    assert (refused.status_code, refused.json()["message"]) == (400, NOTHING_RUNS)
    fleet.advance(1)
    assert ask.delete(PRODUCTION, path).status_code == 200


def test_a_sync_that_is_retried_for_ever_ends_when_it_is_terminated_and_the_next_commit_goes_in(
    fleet: RunningFleet, sync: Any, read: Any, ask: Caller
) -> None:
    fleet.advance(3_600)
    assert read(LOOPING)["status"]["operationState"]["retryCount"] > 15
    assert sync(LOOPING).json()["message"] == "another operation is already in progress"

    assert ask.delete(PRODUCTION, f"/api/v1/applications/{LOOPING}/operation?project=default").status_code == 200
    fleet.advance(10)
    state = read(LOOPING)["status"]["operationState"]
    assert (state["phase"], state["message"]) == ("Failed", "Operation terminated")

    begun = sync(LOOPING, retryStrategy={"limit": 1}).json()["operation"]
    assert begun["sync"]["revision"] != state["operation"]["sync"]["revision"]
    fleet.advance(20)
    status = read(LOOPING)["status"]
    assert (status["operationState"]["phase"], status["sync"]["status"]) == ("Succeeded", "Synced")


def test_an_application_is_found_whose_sync_fails(fleet: RunningFleet, sync: Any, read: Any) -> None:
    sync("integration-stone-prd-m01", retryStrategy={"limit": 0}, infos=INFOS)
    fleet.advance(10)
    state = read("integration-stone-prd-m01")["status"]["operationState"]
    assert (state["phase"], state["operation"]["info"]) == ("Failed", INFOS)


def test_in_one_project_without_windows_the_portal_may_not_sync(sync: Any, ask: Caller) -> None:
    name = "sprayproxy-stone-prd-host1"
    windows = ask.get(PRODUCTION, f"/api/v1/applications/{name}/syncwindows?project=restricted").json()
    assert windows == {"canSync": True}
    denied = sync(name, project="restricted")
    assert denied.status_code == 403
    assert denied.json()["message"].startswith(f"permission denied: applications, sync, restricted/{name}, sub: portal")
    may = ask.get(PRODUCTION, f"/api/v1/account/can-i/applications/sync/restricted/{name}").json()
    assert may == {"value": "no"}
    path = f"/api/v1/applications/{name}/operation?project=restricted"
    assert ask.delete(PRODUCTION, path).json()["message"] == "permission denied"


def test_a_window_is_checked_before_the_right(sync: Any) -> None:
    frozen = sync("spi-vault-stone-prd-m01", project="frozen", account="viewonly")
    assert (frozen.status_code, frozen.json()["message"]) == (403, "cannot sync: blocked by sync window")
    denied = sync(BY_HAND, account="viewonly")
    assert denied.json()["message"].startswith("permission denied: applications, sync, default/tekton-ci")


def test_a_revision_of_one_s_own_needs_the_override_right(sync: Any) -> None:
    assert "override" in sync(CALM, revision="HEAD~1").json()["message"]
    assert sync(CALM, revision="HEAD~1", account="admin").status_code == 400


@pytest.mark.parametrize("kind", ["normal", "hard"])
def test_a_refresh_compares_again(kind: str, ask: Caller) -> None:
    path = f"/api/v1/applications/{CALM}"
    before = ask.get(PRODUCTION, path).json()["metadata"]
    after = ask.get(PRODUCTION, f"{path}?refresh={kind}&project=default").json()["metadata"]
    assert after["annotations"]["argocd.argoproj.io/hydrate"] == kind
    assert int(after["resourceVersion"]) > int(before["resourceVersion"])


# --- silences ---------------------------------------------------------------------------------------------------


def _silence(name: str, value: str, *, hours: float = 2, is_regex: bool = False) -> dict[str, Any]:
    now = datetime.now(UTC)
    return {
        "matchers": [{"name": name, "value": value, "isRegex": is_regex, "isEqual": True}],
        "startsAt": now.isoformat(),
        "endsAt": (now + timedelta(hours=hours)).isoformat(),
        "createdBy": "a test",
        "comment": "a test",
    }


def _muted(ask: Caller, member: int) -> set[str]:
    alerts = ask.get(f"alertmanager/appsre/{member}", "/api/v2/alerts").json()
    return {each["labels"]["alertname"] for each in alerts if each["status"]["silencedBy"]}


def test_a_silence_mutes_here_at_once_and_at_the_peer_a_moment_later(fleet: RunningFleet, ask: Caller) -> None:
    created = ask.post("alertmanager/appsre/0", "/api/v2/silences", _silence("alertname", "ArgoCD.*", is_regex=True))
    assert "ArgoCDSyncAlert" in _muted(ask, 0)
    fleet.advance(1)
    assert "ArgoCDSyncAlert" in _muted(ask, 1)

    silence_id = created.json()["silenceID"]
    assert ask.delete("alertmanager/appsre/1", f"/api/v2/silence/{silence_id}").status_code == 200
    fleet.advance(1)
    assert "ArgoCDSyncAlert" not in _muted(ask, 0)


def test_a_silence_is_changed_in_place_or_replaced(ask: Caller) -> None:
    path = "/api/v2/silences"
    first = ask.post("alertmanager/appsre/0", path, _silence("alertname", "A")).json()["silenceID"]
    longer = ask.post("alertmanager/appsre/0", path, {**_silence("alertname", "A", hours=5), "id": first})
    assert longer.json()["silenceID"] == first

    other = ask.post("alertmanager/appsre/0", path, {**_silence("alertname", "B"), "id": first}).json()["silenceID"]
    assert other != first
    states = {each["id"]: each["status"]["state"] for each in ask.get("alertmanager/appsre/0", path).json()}
    assert (states[first], states[other]) == ("expired", "active")


def test_the_gateway_adds_the_tenant_s_matcher(ask: Caller) -> None:
    base = "/api/metrics/v1/rhtap/am/api/v2"
    created = ask.post("observatorium/rhobs", f"{base}/silences", _silence("alertname", "BackupNotRunning"))
    silence = ask.get("observatorium/rhobs", f"{base}/silence/{created.json()['silenceID']}").json()
    assert [each["name"] for each in silence["matchers"]] == ["tenant_id", "alertname"]
    alerts = ask.get("observatorium/rhobs", f"{base}/alerts").json()
    states = {each["labels"]["alertname"]: each["status"]["state"] for each in alerts}
    assert states["BackupNotRunning"] == "suppressed"
    assert states["BuildServiceDown"] == "active"


def test_a_critical_alert_inhibits_the_warnings_beside_it(ask: Caller) -> None:
    alerts = ask.get("observatorium/rhobs", "/api/metrics/v1/rhtap/am/api/v2/alerts").json()
    by_name = {each["labels"]["alertname"]: each for each in alerts}
    critical = by_name["EtcdDatabaseQuotaLowSpaceCritical"]["fingerprint"]
    assert by_name["EtcdDatabaseQuotaLowSpaceWarning"]["status"]["inhibitedBy"] == [critical]
