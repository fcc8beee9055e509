"""What came of a request, in the person's words: of Argo CD's refusals, and of operations that have ended."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

from apps.core.errors import (
    UpstreamDenied,
    UpstreamError,
    UpstreamNotFound,
    UpstreamRejected,
)
from apps.core.text import clean
from apps.integrations.argocd import ApplicationDetail, Operation, ResourceStatus

from .options import Options
from .states import Action, State

LONGEST = 1000
NAMED = 3
ENDED: Final = frozenset({"Succeeded", "Failed", "Error"})
TERMINATED: Final = "Operation terminated"
REFUSALS: Final = (UpstreamDenied, UpstreamNotFound, UpstreamRejected)
REFUSING_STATUS: Final = re.compile(r"\((400|401|403|404|405|409|410|412|413|415|422)\)")
"""Statuses of an answer that says that nothing was done; 408, 429 and 499 may come after it was."""

WORDS: Final = (
    ("another operation is already in progress", "Another operation is running there already"),
    ("blocked by sync window", "A sync window forbids it now: cannot sync: blocked by sync window"),
    ("application is deleting", "The application is being deleted"),
    ("no operation is in progress", "No operation is running there any more"),
    ("permission denied: applications, override", "The portal's account at Argo CD may not choose another revision"),
    ("permission denied: applications, sync", "The portal's account at Argo CD may not sync this project"),
    ("permission denied", "The portal's account at Argo CD may not do this"),
    ("(415)", "Argo CD did not take the form of the portal's call (a proxy in between may have changed it)"),
)
"""What a refusal holds → what it is to the person; the first that fits counts."""


def refusal_words(error: UpstreamError) -> str:
    """What Argo CD's refusal is to the person; its own words stay beside it, in the request's `answer`."""
    told = error.message.lower()
    for part, words in WORDS:
        if part in told:
            return words
    if isinstance(error, UpstreamNotFound):
        return "Argo CD has no such application"
    if isinstance(error, UpstreamDenied):
        return "Argo CD does not let the portal do this"
    return f"Argo CD refused it: {error.message}"


def answer_of(action: Action, error: UpstreamError) -> tuple[State, str]:
    """Where a call that failed leaves its request, and the words for it. What may have arrived is never called lost."""
    if error.never_sent:
        return State.NOT_STARTED, f"Nothing was sent: {error.message}"
    if isinstance(error, REFUSALS) and REFUSING_STATUS.search(error.message):
        return State.REFUSED, refusal_words(error)
    if action in {Action.REFRESH, Action.HARD_REFRESH}:
        return State.NOT_KNOWN, f"Not known whether Argo CD took it ({error.message}): a refresh may be asked for again"
    return State.UNKNOWN, f"Not known whether it began: {error.message}. Argo CD is asked until it is known"


def revision_words(seen: str, sent: str) -> str:
    """Says when Argo CD syncs to another revision than the person saw; "" when it does not."""
    if not seen or not sent or seen == sent:
        return ""
    return f"The revision is {short(sent)}, not {short(seen)} as it stood when it was asked for"


def short(revision: str) -> str:
    """A commit as people write it; anything else as it is."""
    is_commit = len(revision) == 40 and all(each in "0123456789abcdef" for each in revision)
    return revision[:7] if is_commit else revision


def end_of(*, action: Action, options: Options, operation: Operation, told: ApplicationDetail) -> tuple[State, str]:
    """The final state of an operation that has ended, and its words.

    STILL_OUT_OF_SYNC is what is so at this moment: Argo CD compares anew just after the end.
    """
    if operation.phase != "Succeeded":
        return end_of_failure(operation)
    if action is Action.DRY_RUN:
        return State.SUCCEEDED, _dry_run_words(told.operation_resources)
    application = told.application
    if options.resources:
        count = len(options.resources)
        return State.SUCCEEDED, f"{count} chosen resource{_s(count)} synced"
    if application.sync_status == "Synced":
        return State.SUCCEEDED, "Synced"
    if application.sync_status == "OutOfSync":
        return State.STILL_OUT_OF_SYNC, left_words(told.resources)
    return State.STILL_OUT_OF_SYNC, "The operation succeeded, but Argo CD cannot tell whether the application is synced"


def end_of_failure(operation: Operation) -> tuple[State, str]:
    """Of an operation that did not succeed."""
    message = clean(operation.message, LONGEST - 50)
    if message.startswith(TERMINATED):
        return State.TERMINATED, "The operation was terminated"
    return State.FAILED, message or f"The operation ended: {operation.phase}"


def end_seen(phase: str) -> tuple[State, str]:
    """Of an operation whose end only the stream saw, before a later one overwrote it."""
    later = "a later operation has overwritten the rest of what Argo CD told"
    if phase == "Succeeded":
        return State.SUCCEEDED, f"The operation succeeded; {later}"
    if phase in ENDED:
        return State.FAILED, f"The operation ended: {phase}; {later}"
    return State.NOT_KNOWN, f"It began, and was last seen {phase.lower() or 'begun'}; {later}"


def left_words(resources: Iterable[ResourceStatus]) -> str:
    """What is out of sync still: what only prune would delete, and the rest."""
    left = [each for each in resources if each.status == "OutOfSync"]
    prunable = [each for each in left if each.requires_pruning]
    others = [each for each in left if not each.requires_pruning]
    parts = []
    if prunable:
        count = len(prunable)
        parts.append(f"{count} resource{_s(count)} would be deleted only with prune: {_names(prunable)}")
    if others:
        parts.append(f"{len(others)} resource{_s(len(others))} out of sync still: {_names(others)}")
    return clean("; ".join(parts) or "The operation succeeded, but the application is still OutOfSync", LONGEST)


def _dry_run_words(results: Sequence[ResourceStatus]) -> str:
    count = len(results)
    deleted = sum(each.status == "Pruned" for each in results)
    skipped = sum(each.status == "PruneSkipped" for each in results)
    parts = [f"Dry run of {count} resource{_s(count)}: nothing was changed"]
    parts += [f"{deleted} would be deleted"] if deleted else []
    parts += [f"{skipped} would be deleted only with prune"] if skipped else []
    return "; ".join(parts)


def _names(resources: Sequence[ResourceStatus]) -> str:
    named = [f"{each.kind} {f'{each.namespace}/' if each.namespace else ''}{each.name}" for each in resources[:NAMED]]
    more = len(resources) - NAMED
    return ", ".join(named) + (f" and {more} more" if more > 0 else "")


def _s(count: int) -> str:
    return "" if count == 1 else "s"
