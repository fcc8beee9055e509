"""What Argo CD says in one long line, said in a sentence; the line itself is for those who want it in full."""

from __future__ import annotations

import re
from dataclasses import dataclass

from apps.core.verdict.application import NOT_COMPARED

SHORT_ENOUGH = 140
BETWEEN_REASONS = " · "
CAUSES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), words)
    for pattern, words in (
        (r"app path does not exist", "its path does not exist in Git at this revision"),
        (r"unable to resolve .{1,200} to a commit|couldn't find remote ref|revision .{1,200} not found",
         "its revision does not exist in Git"),
        (r"authentication required|could not read username|permission denied \(publickey\)|403 forbidden",
         "the repository refused Argo CD's credentials"),
        (r"repository not found|repository .{1,200} does not exist", "the repository was not found"),
        (r"x509|certificate", "a TLS certificate was not accepted"),
        (r"code = Unavailable|connection refused|no such host|connection reset|transport: ",
         "a server that it needs could not be reached"),
        (r"code = DeadlineExceeded|context deadline exceeded|i/o timeout", "it took too long, and was given up"),
        (r"code = ResourceExhausted|exceeded quota|too many requests", "a limit was exceeded"),
        (r"could not find the requested resource|no matches for kind|failed to discover server resources",
         "the cluster does not know a kind of resource that it has (a CRD that is missing)"),
        (r"admission webhook .{0,300}denied|denied the request", "an admission webhook of the cluster refused it"),
        (r"field is immutable", "a field that cannot be changed was changed"),
        (r"is forbidden|cannot (?:create|patch|update|get|list) resource", "the cluster does not allow it to Argo CD"),
        (r"namespace is being terminated|because it is being terminated", "its namespace is being deleted"),
        (r"namespaces .{1,100} not found", "its namespace does not exist"),
        (r"failed to load live state|failed to get cluster info|error getting cluster",
         "the state of its cluster could not be read"),
        (r"kustomize build|helm template|failed to generate manifest|manifest generation error",
         "its manifests could not be made from Git"),
    )
)  # fmt: skip


@dataclass(frozen=True)
class Sentence:
    """`text` is to be read; `full` is all that was said, where that is more, else ""."""

    text: str
    full: str = ""


def sentence_of(reason: str) -> Sentence:
    """A verdict's reason as a sentence: the portal's words, and in plain words what the upstream said."""
    parts = [_plainly(part) for part in reason.split(BETWEEN_REASONS)]
    text = BETWEEN_REASONS.join(dict.fromkeys(parts))
    return Sentence(text, "" if text == reason else reason)


def message_sentence(message: str) -> Sentence:
    """The same for a message alone, as a condition has it."""
    line = " ".join(message.split())
    if len(line) <= SHORT_ENOUGH:
        return Sentence(message)
    text = cause_of(line) or _gist(line)
    return Sentence(text[:1].upper() + text[1:], message)


def cause_of(message: str) -> str:
    """What a message comes to, in plain words; "" where it is of no kind that the portal knows."""
    return next((words for pattern, words in CAUSES if pattern.search(message)), "")


def _plainly(part: str) -> str:
    if len(part) <= SHORT_ENOUGH and "rpc error" not in part:
        return part
    told = part.removeprefix(NOT_COMPARED)
    head, _, rest = (NOT_COMPARED, "", told.lstrip(": ")) if told != part else part.partition(": ")
    return f"{head}: {cause_of(rest) or _gist(rest)}" if rest else part


def _gist(message: str) -> str:
    """The innermost of nested errors, cut where it is still too long."""
    inner = message.rpartition("desc = ")[2] or message
    return inner if len(inner) <= SHORT_ENOUGH else f"{inner[:SHORT_ENOUGH].rsplit(' ', 1)[0]} …"
