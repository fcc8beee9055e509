"""What came of a request, in the person's words: of Argo CD's refusals, and of operations that have ended."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

from apps.core.ages import moment_words
from apps.core.errors import (
    UpstreamDenied,
    UpstreamError,
    UpstreamNotFound,
    UpstreamRejected,
)
from apps.core.text import clean, counted
from apps.integrations.argocd import ApplicationDetail, Operation, ResourceStatus

from .evidence import starter_of
from .options import Options, Resource
from .states import State

LONGEST = 1000
NAMED = 3
ENDED: Final = frozenset({"Succeeded", "Failed", "Error"})
CANNOT_TELL: Final = "The operation succeeded, but Argo CD cannot tell whether the application is synced"
TERMINATED: Final = "Operation terminated"
DONE: Final = frozenset({"Synced", "Pruned"})
NOT_DONE: Final = {"": "Argo CD tells nothing of it", "PruneSkipped": "deleted only with prune"}
"""How a result of an operation that is not DONE is told; others are told by Argo CD's own word."""
REFUSALS: Final = (UpstreamDenied, UpstreamNotFound, UpstreamRejected)
REFUSING_STATUS: Final = re.compile(r"\((400|401|403|404|405|409|410|412|413|415|422)\)")
"""Statuses of an answer that says that nothing was done; 408, 429 and 499 may come after it was."""

TAKEN: Final = "another operation is already in progress"
WORDS: Final = (
    (TAKEN, "Another operation is running there already"),
    ("blocked by sync window", "A sync window forbids it now: cannot sync: blocked by sync window"),
    ("application is deleting", "The application is being deleted"),
    ("no operation is in progress", "No operation is running there any more"),
    ("permission denied: applications, override", "{whose} may not choose another revision"),
    ("permission denied: applications, sync", "{whose} may not sync this project"),
    ("permission denied", "{whose} may not do this"),
    ("(415)", "Argo CD did not take the form of the portal's call (a proxy in between may have changed it)"),
)
"""What a refusal holds → what it is to the person; the first that fits counts."""


def refusal_words(error: UpstreamError, *, person: str = "") -> str:
    """What Argo CD's refusal is to the person; its own words stay beside it, in the request's `answer`.

    `person` is who it was sent as, "" for the portal's own account.
    """
    told = error.message.lower()
    for part, words in WORDS:
        if part in told:
            return words.format(whose=f"At Argo CD {person}" if person else "The portal's account at Argo CD")
    if isinstance(error, UpstreamNotFound):
        return "Argo CD has no such application"
    if isinstance(error, UpstreamDenied) and person:
        return f"Argo CD does not take the sign-in of {person}: does it trust the same provider, and the portal there?"
    if isinstance(error, UpstreamDenied):
        return "Argo CD does not let the portal do this"
    return f"Argo CD refused it: {error.message}"


def taken_words(operation: Operation) -> str:
    """Of the operation that runs instead: whose it is, and since when."""
    since = f", begun at {moment_words(operation.started_at)}" if operation.started_at else ""
    return clean(f"Another operation is running there already: that of {starter_of(operation)}{since}", LONGEST)


def answer_of(error: UpstreamError, *, person: str = "") -> tuple[State, str]:
    """Where a call that failed leaves its request, and the words for it. What may have arrived is never called lost."""
    if error.never_sent:
        return State.NOT_STARTED, f"Nothing was sent: {error.message}"
    if isinstance(error, REFUSALS) and REFUSING_STATUS.search(error.message):
        return State.REFUSED, refusal_words(error, person=person)
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


def end_of_chosen(options: Options, told: ApplicationDetail) -> tuple[State, str]:
    """Of chosen resources: what the operation says of each. Those in sync already are no work for it where only what
    is out of sync was to be synced.

    Of what lies in no namespace the operation's results tell the Application's own (gitops-engine, getSyncTasks).
    """
    done = _statuses(told.operation_resources)
    if options.apply_out_of_sync_only:
        done = _statuses(each for each in told.resources if each.status == "Synced") | done
    left = [(each, done.get(_identity(each), "")) for each in options.resources]
    left = [(each, status) for each, status in left if status not in DONE]
    count = len(options.resources)
    if not left:
        return State.SUCCEEDED, f"{counted(count, 'chosen resource')} synced"
    named = [f"{each} ({NOT_DONE.get(status, status)})" for each, status in left]
    words = (
        f"The operation succeeded, but {len(left)} of {counted(count, 'chosen resource')} not synced: {_some(named)}"
    )
    return State.STILL_OUT_OF_SYNC, clean(words, LONGEST)


def end_of_dry_run(results: Sequence[ResourceStatus]) -> tuple[State, str]:
    """Of a dry run that succeeded: what it would have done."""
    return State.SUCCEEDED, _dry_run_words(results)


def end_of_failure(operation: Operation) -> tuple[State, str]:
    """Of an operation that did not succeed."""
    message = clean(operation.message, LONGEST - 50)
    if message.startswith(TERMINATED):
        return State.TERMINATED, "The operation was terminated"
    return State.FAILED, message or f"The operation ended: {operation.phase}"


def end_seen(phase: str, *, message: str = "", left: str = "") -> tuple[State, str]:
    """Of an operation that a later one has overwritten, as it was seen last.

    `message` is what it said then, "" where nobody knows; `left` what was out of sync still, by a comparison since.
    """
    later = "a later operation has overwritten the rest of what Argo CD told"
    if phase == "Succeeded":
        state = State.STILL_OUT_OF_SYNC if left else State.SUCCEEDED
        return state, clean(f"{left or 'The operation succeeded'}; {later}", LONGEST)
    if phase in ENDED and message.startswith(TERMINATED):
        return State.TERMINATED, f"The operation was terminated; {later}"
    if phase in ENDED:
        why = f" ({message})" if message else ""
        return State.FAILED, clean(f"The operation ended: {phase}{why}; {later}", LONGEST)
    return State.NOT_KNOWN, f"It began, and was last seen {phase.lower() or 'begun'}; {later}"


def left_words(resources: Iterable[ResourceStatus]) -> str:
    """What is out of sync still: what only prune would delete, and the rest."""
    left = [each for each in resources if each.status == "OutOfSync"]
    prunable = [each for each in left if each.requires_pruning]
    others = [each for each in left if not each.requires_pruning]
    parts = []
    if prunable:
        count = len(prunable)
        parts.append(f"{counted(count, 'resource')} would be deleted only with prune: {_names(prunable)}")
    if others:
        parts.append(f"{counted(len(others), 'resource')} out of sync still: {_names(others)}")
    return clean("; ".join(parts) or "The operation succeeded, but the application is still OutOfSync", LONGEST)


def _dry_run_words(results: Sequence[ResourceStatus]) -> str:
    count = len(results)
    deleted = sum(each.status == "Pruned" for each in results)
    skipped = sum(each.status == "PruneSkipped" for each in results)
    parts = [f"Dry run of {counted(count, 'resource')}: nothing was changed"]
    parts += [f"{deleted} would be deleted"] if deleted else []
    parts += [f"{skipped} would be deleted only with prune"] if skipped else []
    return "; ".join(parts)


def _names(resources: Sequence[ResourceStatus]) -> str:
    return _some([f"{each.kind} {f'{each.namespace}/' if each.namespace else ''}{each.name}" for each in resources])


def _some(named: Sequence[str]) -> str:
    more = len(named) - NAMED
    return ", ".join(named[:NAMED]) + (f" and {more} more" if more > 0 else "")


def _statuses(resources: Iterable[ResourceStatus]) -> dict[tuple[str, str, str, str], str]:
    """By identity, and by identity without the namespace."""
    return {
        identity: each.status
        for each in resources
        for identity in (_identity(each), (each.group, each.kind, "", each.name))
    }


def _identity(thing: Resource | ResourceStatus) -> tuple[str, str, str, str]:
    return (thing.group, thing.kind, thing.namespace, thing.name)
