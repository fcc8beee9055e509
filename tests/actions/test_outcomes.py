"""Argo CD's refusals in the person's words, its own beside them; and what may have arrived is never called lost."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from apps.actions.outcomes import answer_of, left_words, short
from apps.actions.states import State
from apps.core.errors import UpstreamBadReply, UpstreamError, UpstreamRejected, UpstreamThrottled, UpstreamUnavailable
from apps.integrations.argocd import ResourceStatus
from apps.integrations.http.failures import failure, kind_of_status, words_of

RECORDINGS = Path(__file__).parents[1] / "recordings" / "argocd" / "3.6"


def recorded(name: str) -> UpstreamError:
    """What the client raises for what a real Argo CD answered."""
    response: dict[str, Any] = json.loads((RECORDINGS / f"{name}.json").read_text())["response"]
    told = (response.get("json") or {}).get("message") or response.get("text", "").strip()
    status = response["status"]
    kind = kind_of_status(status, has_retry_after=False)
    return failure(kind, "argocd/production", f"{words_of(kind, status)}: {told}")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("sync_another_operation_running", "Another operation is running there already"),
        ("sync_denied_by_window", "A sync window forbids it now: cannot sync: blocked by sync window"),
        ("sync_denied_by_rbac", "The portal's account at Argo CD may not sync this project"),
        ("terminate_denied", "The portal's account at Argo CD may not do this"),
        ("sync_deleting", "The application is being deleted"),
        ("sync_not_found", "Argo CD has no such application"),
        ("terminate_nothing_running", "No operation is running there any more"),
        (
            "sync_wrong_content_type",
            "Argo CD did not take the form of the portal's call (a proxy in between may have changed it)",
        ),
    ],
)
def test_each_refusal_of_a_real_argocd_has_words_of_its_own(name: str, words: str) -> None:
    assert answer_of(recorded(name)) == (State.REFUSED, words)


def test_a_refusal_that_nobody_knows_is_told_as_it_is() -> None:
    state, words = answer_of(recorded("sync_bad_body"))
    assert state is State.REFUSED
    assert words.startswith("Argo CD refused it: refused the request (400): json: cannot unmarshal array")


@pytest.mark.parametrize(
    "error",
    [
        UpstreamUnavailable("argocd/production", "no complete answer within 10 s"),
        UpstreamUnavailable("argocd/production", "it reset the connection"),
        UpstreamUnavailable("argocd/production", "answered with an error (502)"),
        UpstreamThrottled("argocd/production", "asks us to wait (429)"),
        UpstreamRejected("argocd/production", "refused the request (499): context canceled"),
        UpstreamRejected("argocd/production", "the call could not be made"),
        UpstreamBadReply("argocd/production", "answered with a web page, not JSON (a sign-in page?)"),
    ],
)
def test_what_may_have_arrived_is_unknown(error: UpstreamError) -> None:
    assert answer_of(error)[0] is State.UNKNOWN


def test_what_was_never_sent_says_so() -> None:
    error = UpstreamUnavailable("argocd/production", "it refuses connections", never_sent=True)
    assert answer_of(error) == (State.NOT_STARTED, "Nothing was sent: it refuses connections")


def test_what_is_left_is_named_up_to_three() -> None:
    left = [ResourceStatus("", "v1", "ConfigMap", "a", f"c{number}", status="OutOfSync") for number in range(5)]
    assert (
        left_words(left) == "5 resources out of sync still: ConfigMap a/c0, ConfigMap a/c1, ConfigMap a/c2 and 2 more"
    )
    assert left_words([]) == "The operation succeeded, but the application is still OutOfSync"


def test_a_commit_is_short_and_a_tag_is_whole() -> None:
    assert short("a" * 40) == "a" * 7
    assert short("v1.2.3") == "v1.2.3"
