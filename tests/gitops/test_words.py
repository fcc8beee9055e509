"""Argo CD's long lines in a sentence."""

from __future__ import annotations

import pytest

from apps.gitops.words import SHORT_ENOUGH, message_sentence, sentence_of

PATH = (
    "Failed to load target state: failed to generate manifest for source 1 of 1: rpc error: code = Unknown desc = "
    "components/build/production: app path does not exist"
)
DIALLED = (
    "Failed to load target state: failed to generate manifest for source 1 of 1: rpc error: code = Unavailable desc = "
    'connection error: desc = "transport: Error while dialing: dial tcp 10.0.0.1:8081: connect: connection refused"'
)


@pytest.mark.parametrize(
    ("reason", "text"),
    [
        (
            f"Not known: comparison failed: {PATH}",
            "Not known: comparison failed: its path does not exist in Git at this revision",
        ),
        (
            f"Not known: comparison failed: {DIALLED}",
            "Not known: comparison failed: a server that it needs could not be reached",
        ),
        (
            f"sync failed: {'x ' * 90} admission webhook denied the request · OutOfSync although auto-sync is on",
            "sync failed: an admission webhook of the cluster refused it · OutOfSync although auto-sync is on",
        ),
        (
            "Not known: comparison failed: rpc error: code = Unknown desc = the moon is in the wrong phase",
            "Not known: comparison failed: the moon is in the wrong phase",
        ),
    ],
)
def test_a_long_line_becomes_a_sentence_and_is_kept_in_full(reason: str, text: str) -> None:
    sentence = sentence_of(reason)
    assert sentence.text == text
    assert sentence.full == reason


@pytest.mark.parametrize(
    "reason", ["Synced and Healthy", "Degraded: 2 Deployments exceed their progress deadline", "", ":"]
)
def test_what_is_short_stays_as_it_is(reason: str) -> None:
    assert sentence_of(reason).text == reason
    assert sentence_of(reason).full == ""


def test_what_no_words_are_known_for_is_cut_at_a_word() -> None:
    reason = f"Degraded: {'something '}{'odd ' * 100}"
    sentence = sentence_of(reason)
    assert sentence.text.endswith(" …")
    assert len(sentence.text) < SHORT_ENOUGH + len("Degraded:  …") + 1
    assert sentence.full == reason


def test_a_conditions_message_is_a_sentence_of_its_own() -> None:
    assert message_sentence(PATH).text == "Its path does not exist in Git at this revision"
    assert message_sentence(PATH).full == PATH
    assert message_sentence("one object failed to apply").text == "one object failed to apply"


def test_f27_a_huge_line_takes_no_time() -> None:
    for text in ("(" * 100_000, "rpc error desc = " * 10_000, "revision " * 20_000, "namespaces a" * 20_000):
        assert len(message_sentence(text).text) <= SHORT_ENOUGH + 2
