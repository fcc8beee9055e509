"""Whose fault a failed comparison is, by the words of a real Argo CD where they were recorded."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from apps.core.verdict.comparison import Culprit, culprit_of, signature_of

RECORDINGS = Path(__file__).parents[1] / "recordings" / "argocd" / "3.6"


def messages(name: str) -> set[str]:
    """The messages of the ComparisonError conditions in one recorded answer."""
    told = json.loads((RECORDINGS / f"{name}.json").read_text())["response"]["json"]
    conditions = [each for item in told.get("items", [told]) for each in item["status"].get("conditions") or []]
    return {each["message"] for each in conditions if each["type"] == "ComparisonError"}


@pytest.mark.parametrize(
    ("name", "culprit"),
    [
        ("applications_repo_server_failing", Culprit.REPO_SERVER),
        ("application_dead_cluster", Culprit.CLUSTER),
        ("application_comparison_error", Culprit.OTHER),
    ],
)
def test_a_real_argo_cds_words_name_the_culprit(name: str, culprit: Culprit) -> None:
    assert {culprit_of(message) for message in messages(name)} == {culprit}


@pytest.mark.parametrize(
    ("message", "culprit"),
    [
        ("failed to list refs: authentication required", Culprit.GIT),
        ("fatal: unable to access 'https://github.com/x/y.git/': Could not resolve host: github.com", Culprit.GIT),
        (
            "rpc error: code = Unavailable desc = connection error: desc = transport: Error while dialing",
            Culprit.REPO_SERVER,
        ),
        ("rpc error: code = DeadlineExceeded desc = context deadline exceeded", Culprit.REPO_SERVER),
        ("`kustomize build` failed exit status 1", Culprit.OTHER),
        ("", Culprit.OTHER),
    ],
)
def test_other_words(message: str, culprit: Culprit) -> None:
    assert culprit_of(message) == culprit


def test_the_same_complaint_is_known_again_whatever_its_numbers() -> None:
    one, other = "dial tcp 10.0.0.1:8081: try 3 of 3f2c1d0a9b", "dial tcp 10.0.7.12:8081: try 4 of 9ab01e2f77"
    assert signature_of(one) == signature_of(other)
    assert signature_of("components/build") != signature_of("components/has")
