"""What an operation did with each resource, by Argo CD's words and their tones."""

from __future__ import annotations

import msgspec
import pytest

from apps.core.tones import Tone
from apps.gitops.phases import Result
from apps.integrations.argocd.values import ResourceStatus
from apps.integrations.argocd.wire import WireApplication, application_detail
from tests.integrations.recordings import Recording


def results_of(name: str) -> dict[str, Result]:
    told = Recording(f"argocd/3.6/{name}").content["response"]["json"]
    detail = application_detail(msgspec.convert(told, WireApplication))
    return {each.name: Result(each) for each in detail.operation_resources}


def test_a_hook_that_failed_is_no_resource_that_was_synced() -> None:
    result = results_of("application_terminated")["db-migration"]
    assert (result.resource.status, result.word, result.tone) == ("Synced", "Failed", Tone.CRITICAL)


def test_a_hook_that_runs_is_under_way() -> None:
    result = results_of("application_operation_running")["db-migration"]
    assert (result.word, result.tone) == ("Running", Tone.BUSY)


def test_what_a_sync_that_succeeded_applied_is_well_though_its_phase_says_running() -> None:
    results = results_of("application_sync_succeeded").values()
    assert {(each.resource.hook_phase, each.word, each.tone) for each in results} == {("Running", "Synced", Tone.WELL)}


@pytest.mark.parametrize(
    ("status", "phase", "is_hook", "word", "tone"),
    [
        ("Synced", "Failed", False, "Failed", Tone.CRITICAL),  # it was not healthy before the next wave
        ("SyncFailed", "Failed", False, "SyncFailed", Tone.CRITICAL),
        ("PruneSkipped", "Succeeded", False, "PruneSkipped", Tone.HELD),
        ("Synced", "Succeeded", True, "Succeeded", Tone.WELL),
        ("Synced", "", True, "Synced", Tone.WELL),
        ("", "Running", False, "Running", Tone.BUSY),
        ("Replaced", "", False, "Replaced", Tone.UNKNOWN),
        ("", "", False, "", Tone.UNKNOWN),
    ],
)
def test_words_and_tones(status: str, phase: str, is_hook: bool, word: str, tone: Tone) -> None:
    told = ResourceStatus("", "v1", "Job", "a", "one", status=status, hook=is_hook, hook_phase=phase)
    assert (Result(told).word, Result(told).tone) == (word, tone)
