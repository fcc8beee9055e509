"""Whose fault it is that Argo CD could not compare an Application: read from its own words, where they tell."""

from __future__ import annotations

import re
from enum import StrEnum


class Culprit(StrEnum):
    """What failed. OTHER may be the Application itself (a path that is gone), or anything that is not told."""

    CLUSTER = "cluster"
    GIT = "git"
    REPO_SERVER = "repo-server"
    OTHER = "other"


# Argo CD's words (util/git, controller/state.go, gitops-engine's cluster cache), and gRPC's codes.
WORDS = {
    Culprit.CLUSTER: (
        "failed to load live state",
        "failed to get cluster info",
        "failed to get cluster version",
        "error synchronizing cache state",
        "failed to get server version",
    ),
    Culprit.GIT: (
        "authentication required",
        "could not read from remote repository",
        "could not resolve host",
        "failed to fetch",
        "failed to get git client",
        "failed to initialize repository",
        "failed to list refs",
        "ls-remote",
        "repository not found",
        "ssh: handshake failed",
        "knownhosts:",
        "unable to access 'http",
    ),
    Culprit.REPO_SERVER: (
        "code = unavailable",
        "code = deadlineexceeded",
        "code = resourceexhausted",
        "code = unknown desc = permission denied",
        "context deadline exceeded",
        "error while dialing",
    ),
}
VARIABLE = re.compile(r"\b[0-9a-f]{7,64}\b|\d+")


def culprit_of(message: str) -> Culprit:
    """Who is at fault by the words of a comparison error; the cluster before Git before the repo-server."""
    told = message.lower()
    return next((culprit for culprit, words in WORDS.items() if any(word in told for word in words)), Culprit.OTHER)


def signature_of(message: str) -> str:
    """The message without its numbers and digests, so that the same complaint is known again."""
    return VARIABLE.sub("#", message)
